"""OpenID Connect: somebody is whom an ID token names that the provider signed for this site.

The Hub goes through the browser's side of a log-in (authorization code flow) and gets the token from the provider; here
it is verified (OpenID Connect Core 1.0, 3.1.3.7): signature, issuer, audience, time.
"""

from __future__ import annotations

import hmac
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import jwt
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from hops_contract.realms import MAX_USERNAME_LENGTH, OidcRealmSettings, check_web_address
from hops_platform.adapters.realms.groups import as_they_stand, check_admitted, flag_of
from hops_platform.engines.realms import MAX_SUBJECT_LENGTH, GivenIdToken, Proof, ProofKind, Proven, RealmIdentity
from hops_platform.errors import EngineRefusedError, EngineUnavailableError, WrongCredentialsError

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Those with a public key. By one with a shared secret everybody who knows it could sign."""
_KEYS_KEPT_S = 600.0
_AGAIN_S = 30.0
"""Whoever makes tokens up names keys that are not there: the provider is not asked for each."""
_LEEWAY_S = 60
_JUST_NOW_S = 300
"""So long ago somebody may have typed their password at the provider, to be taken for one who was asked just now."""
_TIMEOUT_S = 5.0
_MOST_BYTES = 512 * 1024
_MOST_GROUPS = 5000


class OidcRealm:
    """One provider.

    Args:
        settings: What the site's file of realms says of it.
        transport: Only for tests.
    """

    def __init__(self, settings: OidcRealmSettings, *, transport: httpx.BaseTransport | None = None) -> None:
        self._settings = settings
        self._transport = transport
        self._lock = threading.Lock()
        self._keys: PyJWKSet | None = None
        self._asked_at = -_KEYS_KEPT_S

    @property
    def proof(self) -> ProofKind:
        """See :class:`~hops_platform.engines.realms.Realm`."""
        return ProofKind.ID_TOKEN

    def authenticate(self, proof: Proof) -> Proven:
        """See :class:`~hops_platform.engines.realms.Realm`."""
        if not isinstance(proof, GivenIdToken):
            raise self._wrong()
        try:
            claims = self._verified(proof)
        except PyJWTError as error:
            raise self._wrong() from error
        groups = _texts_in(claims, self._settings.groups_claim)
        check_admitted(self._settings, groups, by=as_they_stand)
        return Proven(identity=self._identity(claims, groups), asked_just_now=_asked_just_now(claims))

    def standing(self, subjects: Sequence[str]) -> Mapping[str, bool] | None:  # noqa: ARG002
        """See :class:`~hops_platform.engines.realms.Realm`. A provider answers nobody who asks about others."""
        return None

    def check(self) -> None:
        """Looks whether the provider answers, and is who it is said to be.

        Raises:
            EngineRefusedError: It is another one, or says what can't be used.
            EngineUnavailableError: It does not answer.
        """
        self._fetch_keys()

    def _verified(self, proof: GivenIdToken) -> dict[str, Any]:
        settings = self._settings
        claims: dict[str, Any] = jwt.decode(
            proof.token,
            self._key_of(proof.token),
            algorithms=list(ALGORITHMS),
            issuer=settings.issuer,
            audience=settings.client_id,
            leeway=_LEEWAY_S,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
        # Of several audiences one is the party that it was given to; the others are whom that party may show it to.
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != settings.client_id:
            raise jwt.InvalidAudienceError("It was given to another party.")
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= MAX_SUBJECT_LENGTH:
            raise jwt.InvalidTokenError("It names nobody.")
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), proof.nonce.encode()):
            raise jwt.InvalidTokenError("It was given for another log-in.")
        return claims

    def _key_of(self, token: str) -> PyJWK:
        identifier = jwt.get_unverified_header(token).get("kid")
        for fresh in (False, True):
            keys = [key for key in self._known_keys(fresh=fresh) if key.public_key_use in (None, "sig")]
            found = [key for key in keys if identifier is None or key.key_id == identifier]
            if len(found) == 1:
                return found[0]
        raise jwt.InvalidKeyError("It was signed with none of the provider's keys.")

    def _known_keys(self, *, fresh: bool) -> list[PyJWK]:
        with self._lock:
            age = time.monotonic() - self._asked_at
            if self._keys is None or age > _KEYS_KEPT_S or (fresh and age > _AGAIN_S):
                self._keys = self._fetch_keys()
                self._asked_at = time.monotonic()
            return list(self._keys.keys)

    def _fetch_keys(self) -> PyJWKSet:
        issuer = self._settings.issuer
        try:
            told = self._get(issuer.rstrip("/") + "/.well-known/openid-configuration")
            _check_issuer(told, issuer)
            return PyJWKSet.from_dict(self._get(check_web_address(str(told.get("jwks_uri")))))
        except httpx.HTTPError as error:
            raise EngineUnavailableError(
                f"{self._settings.shown} does not answer, or does not prove who it is.",
                remedy="Try again in a minute. If this lasts, tell an administrator, for whom `hopslab doctor` says "
                "more.",
            ) from error
        except OSError as error:
            raise EngineRefusedError(
                f"{self._settings.shown} can't be asked: the file with its authority can't be used.",
                remedy="An administrator corrects ca_file in the file of realms.",
            ) from error
        except (ValueError, PyJWTError, AttributeError) as error:
            raise EngineRefusedError(
                f"{self._settings.shown} is not the issuer {issuer}, or has no keys that can be used.",
                remedy="An administrator corrects issuer in the file of realms.",
            ) from error

    def _get(self, url: str) -> dict[str, Any]:
        authorities = ssl.create_default_context(cafile=self._settings.ca_file)
        with (
            httpx.Client(timeout=_TIMEOUT_S, verify=authorities, transport=self._transport) as client,
            client.stream("GET", url) as response,
        ):
            response.raise_for_status()
            body = b""
            for part in response.iter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    raise ValueError("a longer answer than any provider gives")
        told = httpx.Response(200, content=body).json()
        if not isinstance(told, dict):
            raise ValueError("no object")  # noqa: TRY004 - it is what a provider says
        return told

    def _identity(self, claims: Mapping[str, Any], groups: Sequence[str]) -> RealmIdentity:
        return RealmIdentity(
            subject=str(claims["sub"]),
            username=_text_in(claims, self._settings.username_claim)[:MAX_USERNAME_LENGTH],
            email=_text_in(claims, "email") if claims.get("email_verified") is True else "",
            title=_text_in(claims, "name"),
            admin=flag_of(groups, self._settings.administrators, by=as_they_stand),
            auditor=flag_of(groups, self._settings.auditors, by=as_they_stand),
        )

    def _wrong(self) -> WrongCredentialsError:
        return WrongCredentialsError(
            f"{self._settings.shown} has not said who you are in a way that counts here.", remedy="Log in again."
        )


def _asked_just_now(claims: Mapping[str, Any]) -> bool:
    """Whether the provider says when it asked for a password, and that is not long ago.

    Only a log-in that demands it (``max_age``) makes every provider say so; see OpenID Connect Core 1.0, 2.
    """
    moment = claims.get("auth_time")
    if not isinstance(moment, int | float) or isinstance(moment, bool):
        return False
    return -_LEEWAY_S <= time.time() - moment <= _JUST_NOW_S


def _check_issuer(told: Mapping[str, Any], issuer: str) -> None:
    if told.get("issuer") != issuer:
        raise ValueError("another issuer")


def _text_in(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return "".join(c for c in value if c.isprintable()).strip() if isinstance(value, str) else ""


def _texts_in(claims: Mapping[str, Any], name: str) -> list[str]:
    value = claims.get(name)
    return [one for one in value[:_MOST_GROUPS] if isinstance(one, str)] if isinstance(value, list) else []
