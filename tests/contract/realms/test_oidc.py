"""ID tokens of a scripted provider: the contract, and the attacks. The whole flow: tests/integration/realms."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from hops_contract.realms import OidcRealmSettings
from hops_platform.adapters.realms.oidc import OidcRealm
from hops_platform.engines.realms import GivenIdToken, Proof
from hops_platform.errors import EngineRefusedError, EngineUnavailableError, ForbiddenError, WrongCredentialsError
from hops_platform.testing.contracts.realms import RealmContract

ISSUER, CLIENT, NONCE = "https://id.example.org", "hopslab", "n" * 32
_KEYS = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("one", "other")}


class Provider:
    """A provider and its people."""

    tells_more, can_go = True, False

    def __init__(self) -> None:
        self.subjects: dict[str, str] = {}
        self.told: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        self.published = ["one"]
        self.asked, self.is_away = 0, False

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.is_away:
            raise httpx.ConnectError("away", request=request)
        if request.url.path.startswith("/.well-known/"):
            return httpx.Response(200, json=self.told)
        keys = [
            {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(_KEYS[name].public_key())), "kid": name, "alg": "RS256"}
            for name in self.published
        ]
        return httpx.Response(200, json={"keys": keys})

    def add(self, name: str) -> None:
        self.subjects[name] = f"subject-of-{name}-{len(self.subjects)}"

    def remove(self, name: str) -> None:
        self.subjects.pop(name, None)

    def disable(self, name: str) -> None:
        raise AssertionError(name)

    def claims(self, name: str) -> dict[str, Any]:
        title = "Ada Lovelace" if name == "ada" else name.title()
        now = int(time.time())
        return {
            "iss": ISSUER, "aud": CLIENT, "sub": self.subjects[name], "iat": now, "exp": now + 300,
            "preferred_username": name, "name": title, "email": f"{name}@example.org", "email_verified": True,
            "nonce": NONCE,
        }  # fmt: skip

    def sign(self, claims: dict[str, Any], *, key: str = "one", kid: str | None = None) -> Proof:
        token = jwt.encode(claims, _KEYS[key], algorithm="RS256", headers={"kid": kid or key})
        return GivenIdToken(token=token, nonce=NONCE)

    def proof(self, name: str) -> Proof:
        return self.sign(self.claims(name))

    def bad_proof(self, name: str) -> Proof:
        return GivenIdToken(token=f"heron.{name}.violin", nonce=NONCE)

    def away(self) -> AbstractContextManager[None]:
        return nullcontext()


@pytest.fixture
def people() -> Provider:
    return Provider()


@pytest.fixture
def realm(people: Provider, tmp_path: Path) -> Callable[..., OidcRealm]:
    def make(**changed: Any) -> OidcRealm:
        given = {
            "kind": "oidc", "name": "web", "issuer": ISSUER, "client_id": CLIENT,
            "client_secret_file": tmp_path / "secret",
        }  # fmt: skip
        settings = OidcRealmSettings.model_validate(given | changed)
        return OidcRealm(settings, transport=httpx.MockTransport(people.answer))

    return make


class TestOidc(RealmContract):
    @pytest.fixture
    def engine(self, realm: Callable[..., OidcRealm]) -> OidcRealm:
        return realm()


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another-site"},
        {"aud": [CLIENT, "another-site"]},
        {"aud": [CLIENT, "another-site"], "azp": "another-site"},
        {"azp": "another-site"},
        {"aud": None},
        {"iss": "https://id.example.com"},
        {"iss": f"{ISSUER}/"},
        {"exp": 1},
        {"exp": None},
        {"nbf": 2**40},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"nonce": None},
        {"nonce": ""},
        {"nonce": "m" * 32},
        {"nonce": [NONCE]},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_site_or_not_of_this_time_is_refused(
    realm: Callable[..., OidcRealm], people: Provider, changed: dict[str, Any]
) -> None:
    people.add("ada")
    claims = {name: value for name, value in (people.claims("ada") | changed).items() if value is not None}
    with pytest.raises(WrongCredentialsError):
        realm().authenticate(people.sign(claims))
    assert realm().authenticate(people.sign(people.claims("ada") | {"aud": [CLIENT, "api"], "azp": CLIENT}))


@pytest.mark.parametrize(("told", "counts"), [(0, 1), (-250, 1), (None, 0), (-600, 0), (600, 0), ("now", 0), (True, 0)])
def test_only_a_provider_that_says_when_it_asked_has_asked_just_now(
    realm: Callable[..., OidcRealm], people: Provider, told: Any, counts: int
) -> None:
    people.add("ada")
    moment = int(time.time()) + told if type(told) is int else told
    claims = people.claims("ada") | ({} if told is None else {"auth_time": moment})
    assert realm().authenticate(people.sign(claims)).asked_just_now == bool(counts)


def test_a_token_that_somebody_else_signed_is_refused(realm: Callable[..., OidcRealm], people: Provider) -> None:
    people.add("ada")
    claims = people.claims("ada")
    public = (
        _KEYS["one"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "one"}).encode()).rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(header + b"." + body, public)
    with_public_key = b".".join([header, body, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()
    none = jwt.encode(claims, None, algorithm="none", headers={"kid": "one"})
    good = people.proof("ada")
    assert isinstance(good, GivenIdToken)
    changed = good.token.rpartition(".")[0] + ".AAAA"
    for token in (with_public_key, none, changed):
        with pytest.raises(WrongCredentialsError):
            realm().authenticate(GivenIdToken(token=token, nonce=NONCE))
    for proof in (people.sign(claims, key="other", kid="one"), people.sign(claims, key="other")):
        with pytest.raises(WrongCredentialsError):
            realm().authenticate(proof)


def test_a_new_key_is_fetched_and_made_up_ones_ask_nobody_each_time(
    realm: Callable[..., OidcRealm], people: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.add("ada")
    engine = realm()
    engine.authenticate(people.proof("ada"))
    asked = people.asked
    for _ in range(20):
        with pytest.raises(WrongCredentialsError):
            engine.authenticate(people.sign(people.claims("ada"), key="other"))
    assert people.asked == asked
    people.published.append("other")
    moment = time.monotonic() + 60
    monkeypatch.setattr("hops_platform.adapters.realms.oidc.time.monotonic", lambda: moment)
    assert engine.authenticate(people.sign(people.claims("ada"), key="other"))


def test_an_address_that_is_not_proven_is_not_told(realm: Callable[..., OidcRealm], people: Provider) -> None:
    people.add("ada")
    for verified in (False, None, "true"):
        claims = people.claims("ada") | {"email_verified": verified}
        assert realm().authenticate(people.sign(claims)).identity.email == ""


def test_groups_let_in_and_make_administrators(realm: Callable[..., OidcRealm], people: Provider) -> None:
    people.add("ada")
    engine = realm(required_groups=["notebooks"], administrators=["chiefs"])
    told = people.claims("ada") | {"groups": ["notebooks", "chiefs", 7]}
    assert engine.authenticate(people.sign(told)).identity.admin is True
    assert engine.authenticate(people.sign(told | {"groups": ["notebooks"]})).identity.admin is False
    for groups in ([], "notebooks", None, ["chiefs"]):
        with pytest.raises(ForbiddenError):
            engine.authenticate(people.sign(told | {"groups": groups}))


@pytest.mark.parametrize("group", ["Chiefs", "chiefs ", "CHIEFS", "chief\u017f"])
def test_a_group_whose_name_looks_like_the_administrators_makes_none(
    realm: Callable[..., OidcRealm], people: Provider, group: str
) -> None:
    people.add("eve")
    engine = realm(required_groups=["notebooks"], administrators=["chiefs"])
    told = people.claims("eve") | {"groups": ["notebooks", group]}
    assert engine.authenticate(people.sign(told)).identity.admin is False
    with pytest.raises(ForbiddenError):
        engine.authenticate(people.sign(told | {"groups": ["Notebooks"]}))


def test_a_provider_that_is_away_or_another_one_is_told(
    realm: Callable[..., OidcRealm], people: Provider, tmp_path: Path
) -> None:
    people.add("ada")
    people.is_away = True
    with pytest.raises(EngineUnavailableError):
        realm().authenticate(people.proof("ada"))
    people.is_away = False
    for told in (
        {"issuer": "https://evil.example.org"},
        {"jwks_uri": "http://id.example.org/keys"},
        {"jwks_uri": None},
    ):
        original, people.told = people.told, people.told | told
        with pytest.raises(EngineRefusedError):
            realm().check()
        people.told = original
    realm().check()
    with pytest.raises(EngineRefusedError, match="authority"):
        realm(ca_file=tmp_path / "absent.pem").check()
