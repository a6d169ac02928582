"""Tokens that have expired: a project-user's is renewed, for a laptop that was closed, and is good for nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from sqlalchemy import select

from hops_contract.principal import PrincipalKind
from hops_contract.tokens import ALGORITHM, AUDIENCE, ISSUER
from hops_platform.projects.models import Membership
from hops_platform.security.authentication import LOG_IN, RENEWABLE_AFTER_END, START_AGAIN
from hops_platform.users.models import User

from .conftest import ON_SQLITE, PASSWORD

pytestmark = ON_SQLITE

RENEW = "./tokens:renew"
PREFIX = "/services/hops/api/v1/"
NEVER_ASKED_FOR_A_TOKEN = {
    "addresses:confirm", "certificate-authorities", "certificate-revocations", "health", "invitations:open",
    "invitations:register", "password-resets", "password-resets:finish", "registrations", "registrations:finish",
    "tokens",
}  # fmt: skip
DAY_S = 24 * 3600
BEFORE_ALL_TOKENS = timedelta(days=40)


@pytest.fixture
def weather(hops: Any) -> Any:
    """A project of ada's with bob as a member; nobody's password was changed since these tokens were signed."""
    ada = hops.user("ada")
    hops.create_user("bob")
    hops.ready_project(ada)
    assert ada.post("projects/weather/members", json={"user": "bob", "role": "data_scientist"}).status_code == 201
    with hops.platform.parts.database.session() as session:
        for user in session.scalars(select(User)):
            user.tokens_valid_from -= BEFORE_ALL_TOKENS
        for membership in session.scalars(select(Membership).where(Membership.tokens_valid_from.is_not(None))):
            membership.tokens_valid_from -= BEFORE_ALL_TOKENS
    return hops


@pytest.fixture
def expired(weather: Any) -> Callable[..., str]:
    """Signs bob's token as it is so many seconds after its end."""
    signer = weather.platform.parts.signer

    def sign(since_s: float, **changes: Any) -> str:
        end = int(time.time() - since_s)
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": "bob", "iat": end - 900, "nbf": end - 900, "exp": end, "jti": "1",
            "kind": "project_user", "project": "weather", "role": "data_scientist", "chain": end - 900, **changes,
        }  # fmt: skip
        good = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(good, signer._key, ALGORITHM, headers={"kid": signer.key_set()["keys"][0]["kid"]})

    return sign


@pytest.fixture
def closed_laptop(expired: Callable[..., str]) -> str:
    """A token that expired two days ago."""
    return expired(2 * DAY_S)


@pytest.mark.parametrize("since_s", [60, 2 * DAY_S, RENEWABLE_AFTER_END.total_seconds() - 60])
def test_a_project_users_token_that_expired_lately_is_renewed_in_its_chain(
    weather: Any, expired: Callable[..., str], since_s: float
) -> None:
    old = expired(since_s)
    answer = weather.with_token(old).post(RENEW)
    assert answer.status_code == 200, answer.text
    new = answer.json()["token"]
    assert weather.with_token(new).get("projects/weather").status_code == 200
    before, after = (jwt.decode(token, options={"verify_signature": False}) for token in (old, new))
    assert after["chain"] == before["chain"]
    assert after["exp"] > time.time()


def test_an_expired_token_is_refused_at_every_other_route(weather: Any, closed_laptop: str) -> None:
    client = weather.with_token(closed_laptop)
    asked = 0
    for path, operations in weather.platform.app.openapi()["paths"].items():
        route = path.removeprefix(PREFIX)
        for method in operations:
            if not path.startswith(PREFIX) or route in NEVER_ASKED_FOR_A_TOKEN | {"tokens:renew"}:
                continue
            answer = client.request(method.upper(), f"http://hops.test{path.replace('{project}', 'weather')}")
            assert (answer.status_code, answer.json()["detail"]) == (401, "The token has expired."), (method, path)
            assert START_AGAIN in answer.json()["remedy"]
            asked += 1
    assert asked > 25


def test_beyond_a_weekend_an_expired_token_is_refused_with_what_to_do(
    weather: Any, expired: Callable[..., str]
) -> None:
    answer = weather.with_token(expired(RENEWABLE_AFTER_END.total_seconds() + 60)).post(RENEW)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "The token expired more than 72 hours ago."
    assert answer.json()["remedy"] == START_AGAIN


def test_the_expired_token_of_one_who_is_no_longer_a_member_is_refused(weather: Any, closed_laptop: str) -> None:
    ada = weather.with_token(weather.platform.parts.signer.sign_user("ada", admin=False).token)
    assert ada.delete("projects/weather/members/bob").status_code == 204
    answer = weather.with_token(closed_laptop).post(RENEW)
    assert (answer.status_code, answer.json()["detail"]) == (401, "You are no longer a member of this project.")


def test_the_expired_token_of_a_deactivated_user_is_refused(weather: Any, closed_laptop: str) -> None:
    admin = weather.user("grace", admin=True)
    assert admin.patch("users/bob", json={"active": False}).status_code == 200
    answer = weather.with_token(closed_laptop).post(RENEW)
    assert (answer.status_code, answer.json()["detail"]) == (401, "This user can't log in (any more).")


def test_an_expired_token_of_before_a_change_of_the_password_is_refused(weather: Any, closed_laptop: str) -> None:
    bob = weather.with_token(weather.platform.parts.signer.sign_user("bob", admin=False).token)
    change = {"old_password": PASSWORD, "new_password": PASSWORD + "!"}
    assert bob.put("me/password", json=change).status_code == 200
    answer = weather.with_token(closed_laptop).post(RENEW)
    assert (answer.status_code, answer.json()["detail"]) == (401, "Your password was changed.")


def test_an_expired_token_whose_chain_has_ended_is_refused(weather: Any, expired: Callable[..., str]) -> None:
    answer = weather.with_token(expired(2 * DAY_S, chain=time.time() - 31 * DAY_S)).post(RENEW)
    assert (answer.status_code, answer.json()["detail"]) == (401, "This log-in has been renewed long enough.")
    assert answer.json()["remedy"] == START_AGAIN


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": PrincipalKind.USER.value, "project": None, "role": None},
        {"kind": PrincipalKind.SERVICE.value, "sub": "hops", "project": None, "role": None},
    ],
)
def test_expired_tokens_of_other_kinds_are_refused(
    weather: Any, expired: Callable[..., str], changes: dict[str, Any]
) -> None:
    answer = weather.with_token(expired(60, **changes)).post(RENEW)
    assert answer.status_code == 401
    assert (answer.json()["detail"], answer.json()["remedy"]) == ("The token has expired.", LOG_IN)


@pytest.mark.parametrize("changes", [{"aud": "elsewhere"}, {"iss": "elsewhere"}, {"jti": None}, {"nbf": 2**33}])
def test_an_expired_token_is_checked_in_everything_else(
    weather: Any, expired: Callable[..., str], changes: dict[str, Any]
) -> None:
    answer = weather.with_token(expired(60, **changes)).post(RENEW)
    assert (answer.status_code, answer.json()["detail"]) == (401, "The token is not valid.")


def test_an_expired_token_with_a_foreign_signature_is_refused(weather: Any, closed_laptop: str) -> None:
    header, payload, signature = closed_laptop.split(".")
    answer = weather.with_token(f"{header}.{payload}.{signature[::-1]}").post(RENEW)
    assert (answer.status_code, answer.json()["detail"]) == (401, "The token is not valid.")
