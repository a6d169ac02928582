"""What the header ``Authorization`` shows: read alike by all who decide something by it."""

from __future__ import annotations

import hmac

from hops_contract.tokens import MAX_TOKEN_LENGTH
from hops_platform.api_keys.proofs import KEY_LENGTH, is_key


def shown_token(authorization: str | None) -> str | None:
    """The token or API key in the header.

    A key comes as ``Bearer``, as everywhere, or as ``ApiKey``, which clients of the original platform send.
    Empty where the header holds neither; ``None`` without the header, and only then a cookie counts.
    """
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if is_key(token):
        return token if scheme.lower() in ("bearer", "apikey") and len(token) == KEY_LENGTH else ""
    return token if scheme.lower() == "bearer" and len(token) <= MAX_TOKEN_LENGTH else ""


def is_hubs(authorization: str | None, hub_credential: str) -> bool:
    """Whether the header shows the Hub's own secret."""
    return hmac.compare_digest((shown_token(authorization) or "").encode(), hub_credential.encode())
