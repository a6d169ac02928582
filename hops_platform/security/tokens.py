"""Signing of the platform's tokens, and the key set by which other services verify them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_contract.tokens import ALGORITHM, AUDIENCE, ISSUER, InvalidTokenError, principal_from_claims, verified_claims

SIGNING_KEY = "signing-key.pem"
HUB_CREDENTIAL = "hub-credential"
REMEMBERED = 1000
"""Good tokens that are not verified again; each is asked about twice a request."""


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token and when it ends."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a token proves, when its chain of renewals began, and when it ends."""

    principal: Principal
    chain: datetime
    expires: datetime
    key: str | None = None
    """The row of the API key for which it was given, if it was."""


class Signer:
    """Signs with one Ed25519 key, and verifies what it signed.

    Args:
        key: The private key.
        lifetime: How long a token is good for.
        chain: How long it can be renewed.
    """

    def __init__(self, key: Ed25519PrivateKey, *, lifetime: timedelta, chain: timedelta) -> None:
        self._key = key
        self._lifetime = lifetime
        self._chain = chain
        self._public = key.public_key()
        self._public_jwk = _public_jwk(key)
        # What a good one proves never changes, but for its end, which is not looked at here. One that is not good is
        # never remembered, so that who makes them up makes nobody's be forgotten.
        self._verify_even_expired = lru_cache(REMEMBERED)(partial(self._verify, even_expired=True))

    def key_set(self) -> dict[str, Any]:
        """The JSON Web Key Set to publish."""
        return {"keys": [self._public_jwk]}

    def key_for(self, token: str) -> Any:
        """See :class:`hops_contract.tokens.KeySource`."""
        try:
            named = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError as error:
            raise InvalidTokenError("The token is not valid.") from error
        if named != self._public_jwk["kid"]:
            raise InvalidTokenError("The token names no key of this platform.")
        return self._public

    def sign_user(self, user: str, *, admin: bool, chain: datetime | None = None) -> SignedToken:
        """A token of kind ``user``."""
        claims: dict[str, Any] = {"admin": True} if admin else {}
        return self._sign(PrincipalKind.USER, user, chain, claims)

    def sign_project_user(
        self,
        user: str,
        *,
        project: str,
        role: ProjectRole,
        chain: datetime | None = None,
        key: str | None = None,
        until: datetime | None = None,
    ) -> SignedToken:
        """A token of kind ``project_user``.

        Args:
            user: The person.
            project: The project.
            role: The person's role in it.
            chain: When the chain of renewals began; now when ``None``.
            key: The row of the API key for which it is given.
            until: It ends then, if it would not before.
        """
        claims = {"project": project, "role": role.value} | ({"key": key} if key is not None else {})
        return self._sign(PrincipalKind.PROJECT_USER, user, chain, claims, until=until)

    def sign_service(self, name: str) -> SignedToken:
        """A token of kind ``service``: the platform's own calls."""
        return self._sign(PrincipalKind.SERVICE, name, None, {})

    def verify(self, token: str, *, even_expired: bool = False) -> VerifiedToken:
        """What ``token`` proves; see :func:`hops_contract.tokens.verified_claims`.

        Raises:
            InvalidTokenError: It proves nothing.
        """
        return self._verify_even_expired(token) if even_expired else self._verify(token, even_expired=False)

    def _verify(self, token: str, *, even_expired: bool) -> VerifiedToken:
        claims = verified_claims(token, self, even_expired=even_expired)
        return VerifiedToken(
            principal_from_claims(claims),
            chain=datetime.fromtimestamp(float(claims.get("chain", claims["iat"])), UTC),
            expires=datetime.fromtimestamp(float(claims["exp"]), UTC),
            key=claims.get("key"),
        )

    def chain_ended(self, chain: datetime) -> bool:
        """Whether a chain of renewals that began then has come to its end."""
        return datetime.now(UTC) >= chain + self._chain

    def _sign(
        self,
        kind: PrincipalKind,
        subject: str,
        chain: datetime | None,
        claims: dict[str, Any],
        *,
        until: datetime | None = None,
    ) -> SignedToken:
        issued = datetime.now(UTC)
        began = chain or issued
        expires = min(issued + self._lifetime, began + self._chain, until or datetime.max.replace(tzinfo=UTC))
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": int(issued.timestamp()),
            "nbf": int(issued.timestamp()),
            "exp": int(expires.timestamp()),
            "jti": secrets.token_urlsafe(12),
            "kind": kind.value,
            "chain": began.timestamp(),
            **claims,
        }
        token = jwt.encode(payload, self._key, algorithm=ALGORITHM, headers={"kid": self._public_jwk["kid"]})
        return SignedToken(token, datetime.fromtimestamp(payload["exp"], UTC))


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """The key in ``path``.

    Raises:
        RuntimeError: It is missing, others can read it, or it is of another kind.
    """
    key = serialization.load_pem_private_key(read_secret(path).encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise RuntimeError("The signing key is not an Ed25519 key; move it away and run `init` again.")  # noqa: TRY004
    return key


def ensure_signing_key(path: Path) -> None:
    """Makes a signing key in ``path`` unless there is one."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    ensure_secret(path, pem.decode())


def ensure_secret(path: Path, value: str) -> None:
    """Writes ``value`` into a new file that only its owner can read; leaves an existing one as it is."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    if path.exists():
        return
    # Whole or not at all: written beside, then linked, so two that start at once agree on one.
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, path)
        except FileExistsError:
            return
    finally:
        beside.unlink(missing_ok=True)


def read_secret(path: Path) -> str:
    """The text of one of the platform's own secrets.

    Raises:
        RuntimeError: It is missing, or others can read it.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except FileNotFoundError:
        raise RuntimeError(f"The secret {path.name} is missing; run `python -m hops_platform init` first.") from None
    if mode & 0o077:
        raise RuntimeError(f"Others can read the secret {path.name}; give it mode 0600 (chmod 600).")
    return text.strip()


def _public_jwk(key: Ed25519PrivateKey) -> dict[str, Any]:
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    public = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    # RFC 7638: the key's id is the hash of its required members in lexicographic order.
    thumbprint = hashlib.sha256(json.dumps(public, separators=(",", ":"), sort_keys=True).encode()).digest()
    return {**public, "kid": _base64url(thumbprint), "use": "sig", "alg": ALGORITHM}


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
