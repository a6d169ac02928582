"""The tokens that the control plane signs, and how every other service verifies them.

A token is a JWT signed with EdDSA (Ed25519, RFC 8037). Claims, beside the registered ``iss sub aud iat nbf exp jti``:

========  =====================================================================================================
kind      ``user``, ``project_user`` or ``service`` (:class:`~hops_contract.principal.PrincipalKind`)
project   the project's name; only for ``project_user``
role      ``data_owner`` or ``data_scientist``; only for ``project_user``
admin     ``true`` for an administrator; only for ``user``
key       the row of the API key for which the token was given; only then, and only the control plane asks for it
chain     when the first token of a chain of renewals was signed (seconds since the epoch)
========  =====================================================================================================
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol

import jwt

from hops_contract.principal import Principal, PrincipalKind, ProjectRole

ALGORITHM = "EdDSA"
ISSUER = "hopslab"
AUDIENCE = "hopslab"
LEEWAY_S = 10
MAX_TOKEN_LENGTH = 4096


class InvalidTokenError(Exception):
    """The token proves nothing; the message says why without repeating it."""


class ExpiredTokenError(InvalidTokenError):
    """The token was good once."""


class KeysAwayError(InvalidTokenError):
    """Whether the token is good can't be told now: the keys can't be read."""


class KeySource(Protocol):
    """Finds the public key that a token names."""

    def key_for(self, token: str) -> Any:
        """The key to verify ``token`` with.

        Raises:
            InvalidTokenError: The token names no known key.
            KeysAwayError: The keys can't be read now.
        """
        ...


class PublishedKeys:
    """The key set that the control plane publishes, fetched when first needed and when an unknown key id appears.

    Args:
        url: Address of the JSON Web Key Set.
    """

    def __init__(self, url: str) -> None:
        # Single keys are not remembered beside the set: those have no end, and one that was withdrawn would stay good.
        self._client = jwt.PyJWKClient(url, cache_keys=False, lifespan=3600, timeout=5)

    def key_for(self, token: str) -> Any:
        """See :class:`KeySource`."""
        try:
            return self._client.get_signing_key_from_jwt(token).key
        except jwt.PyJWKClientConnectionError as error:
            raise KeysAwayError("The published keys can't be read now; try again in a moment.") from error
        except jwt.PyJWTError as error:
            raise InvalidTokenError("The token names no key of this platform.") from error


def verify_token(token: str, keys: KeySource, *, even_expired: bool = False) -> Principal:
    """The principal that ``token`` proves; see :func:`verified_claims`."""
    return principal_from_claims(verified_claims(token, keys, even_expired=even_expired))


def verified_claims(token: str, keys: KeySource, *, even_expired: bool = False) -> dict[str, Any]:
    """The claims of ``token``, for :func:`principal_from_claims`.

    Args:
        token: The token.
        keys: Finds the key that it names.
        even_expired: Whether one that has expired is told too: for the control plane, which renews some of them. All
            else is checked; the caller has to look at its end.

    Raises:
        ExpiredTokenError: It has expired.
        KeysAwayError: The keys can't be read now.
        InvalidTokenError: It is malformed, forged, not for this platform, or its key is unknown.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidTokenError("The token is too long.")
    try:
        return jwt.decode(
            token,
            keys.key_for(token),
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=LEEWAY_S,
            options={
                "require": ["iss", "sub", "aud", "iat", "exp", "jti", "kind"],
                "verify_exp": not even_expired,
            },
        )
    except jwt.ExpiredSignatureError as error:
        raise ExpiredTokenError("The token has expired.") from error
    except jwt.PyJWTError as error:
        raise InvalidTokenError("The token is not valid.") from error


def principal_from_claims(claims: dict[str, Any]) -> Principal:
    """The principal of verified ``claims``.

    Raises:
        InvalidTokenError: The claims contradict one another.
    """
    try:
        kind = PrincipalKind(claims["kind"])
        role = ProjectRole(claims["role"]) if "role" in claims else None
    except ValueError as error:
        raise InvalidTokenError("The token's claims are of no known kind.") from error
    project = claims.get("project")
    if (kind is PrincipalKind.PROJECT_USER) != (project is not None and role is not None):
        raise InvalidTokenError("The token's claims contradict one another.")
    return Principal(
        kind=kind,
        user=str(claims["sub"]),
        project=project,
        role=role,
        admin=kind is PrincipalKind.USER and claims.get("admin") is True,
        token_id=str(claims["jti"]),
        expires=datetime.fromtimestamp(claims["exp"], UTC),
    )
