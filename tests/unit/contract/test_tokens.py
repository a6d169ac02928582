from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hops_contract.principal import PrincipalKind, ProjectRole
from hops_contract.tokens import (
    ALGORITHM,
    AUDIENCE,
    ISSUER,
    ExpiredTokenError,
    InvalidTokenError,
    PublishedKeys,
    verify_token,
)

KEY = Ed25519PrivateKey.generate()


class OneKey:
    def key_for(self, token: str) -> Any:  # noqa: ARG002
        return KEY.public_key()


def signed(key: Any = KEY, algorithm: str = ALGORITHM, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ada",
        "iat": now,
        "exp": now + 60,
        "jti": "1",
        "kind": "project_user",
        "project": "weather",
        "role": "data_scientist",
    }
    claims.update(changes)
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, algorithm=algorithm)


def test_a_good_token_proves_its_project_user() -> None:
    principal = verify_token(signed(), OneKey())
    assert (principal.kind, principal.role) == (PrincipalKind.PROJECT_USER, ProjectRole.DATA_SCIENTIST)
    assert principal.project_user == "weather__ada"


def test_an_expired_token_says_that_it_has_expired() -> None:
    with pytest.raises(ExpiredTokenError, match="expired"):
        verify_token(signed(exp=int(time.time()) - 60), OneKey())


def test_an_expired_token_is_told_to_whoever_asks_for_it_and_nothing_else_is_let_pass() -> None:
    past = int(time.time()) - 3600
    assert verify_token(signed(exp=past), OneKey(), even_expired=True).project_user == "weather__ada"
    for changes in ({"aud": "elsewhere"}, {"iss": "elsewhere"}, {"nbf": int(time.time()) + 60}, {"exp": None}):
        with pytest.raises(InvalidTokenError):
            verify_token(signed(**{"exp": past, **changes}), OneKey(), even_expired=True)
    with pytest.raises(InvalidTokenError):
        verify_token(signed(key=Ed25519PrivateKey.generate(), exp=past), OneKey(), even_expired=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "elsewhere"},
        {"aud": "elsewhere"},
        {"kind": "root"},
        {"role": "emperor"},
        {"project": None, "role": None},
        {"kind": "user"},
        {"jti": None},
        {"exp": None},
        {"sub": None},
    ],
)
def test_a_token_with_wrong_claims_proves_nothing(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidTokenError):
        verify_token(signed(**changes), OneKey())


def test_a_token_signed_by_another_key_proves_nothing() -> None:
    with pytest.raises(InvalidTokenError):
        verify_token(signed(key=Ed25519PrivateKey.generate()), OneKey())


def test_an_unsigned_token_and_one_of_another_algorithm_prove_nothing() -> None:
    for token in (signed(key=None, algorithm="none"), signed(key="a" * 64, algorithm="HS256")):
        with pytest.raises(InvalidTokenError):
            verify_token(token, OneKey())


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 5000])
def test_what_is_no_token_proves_nothing(token: str) -> None:
    with pytest.raises(InvalidTokenError):
        verify_token(token, OneKey())


def test_a_project_user_is_never_an_administrator() -> None:
    assert verify_token(signed(admin=True), OneKey()).admin is False


def test_a_key_that_is_published_no_more_is_forgotten_with_the_set_that_held_it(monkeypatch) -> None:
    now, published = [0.0], ["old", "new"]

    def fetch(client):
        key = jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        keys = [{**key, "kid": name} for name in published]
        client.jwk_set_cache.put({"keys": keys})
        return {"keys": keys}

    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("jwt.jwk_set_cache.time", clock)
    monkeypatch.setattr("jwt.api_jwk.time", clock)
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", fetch)
    keys, token = PublishedKeys("http://127.0.0.1:9/"), jwt.encode({}, KEY, ALGORITHM, headers={"kid": "old"})
    assert keys.key_for(token) == KEY.public_key()
    published.remove("old")
    now[0] += 3601
    with pytest.raises(InvalidTokenError, match="names no key"):
        keys.key_for(token)
