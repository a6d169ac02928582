"""Who makes a request, told before anything is asked of the database; and how many of theirs are worked on at once.

Every request takes one of the 40 threads for each of its steps and holds a connection of the database in between. Let
in without bounds, a hundred of them take all connections and wait with all threads for one more: nothing moves until
the pool's time-out. So fewer are let in than there are connections, and with those that wait for the session service
(:data:`hops_platform.sessions.places.AT_ONCE`, which hold a thread and no connection) no more than there are threads.
"""

from __future__ import annotations

import hmac

from hops_contract.bodies import Scope
from hops_contract.crowds import Shares, Who
from hops_contract.tokens import MAX_TOKEN_LENGTH, InvalidTokenError
from hops_platform.security.browser import SESSION_COOKIE
from hops_platform.security.tokens import Signer

SHARES = Shares(at_once=18, of_one=6, trusted=6, in_line=200)
"""The trusted ones are the Hub's: a server's start waits for the Hub, which asks here whether it may start."""
PATIENCE_S = 10.0


class Callers:
    """Tells callers apart: people by tokens, browsers by cookies, strangers by their address and what they ask for.

    Behind a proxy all strangers have one address. What they may ask for is little: a flood of log-ins holds up log-ins.

    Args:
        signer: Verifies tokens.
        hub_credential: The Hub's own secret.
    """

    def __init__(self, signer: Signer, hub_credential: str) -> None:
        self._signer = signer
        self._hub_credential = hub_credential.encode()

    def __call__(self, scope: Scope) -> Who:
        """Who makes the request of ``scope``."""
        headers = dict(scope["headers"])
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer":
            found = self._by_token(token.strip())
        else:
            found = _by_cookie(headers.get(b"cookie", b""))
        client = scope.get("client") or ("",)
        return found or Who(f"stranger {client[0]} {scope['path']}")

    def _by_token(self, token: bytes) -> Who | None:
        if hmac.compare_digest(token, self._hub_credential):
            return Who("hub", trusted=True)
        if len(token) > MAX_TOKEN_LENGTH:
            return None
        # Verified, since whoever may make up tokens would have a share for each.
        try:
            return Who(f"person {self._signer.verify(token.decode(), even_expired=True).principal.user}")
        except (InvalidTokenError, UnicodeDecodeError):
            return None


def _by_cookie(header: bytes) -> Who | None:
    # Whose it is only the Hub can tell; asking it is what a place is needed for.
    for cookie in header.split(b";"):
        name, _, value = cookie.strip().partition(b"=")
        if name == SESSION_COOKIE.encode() and value:
            return Who(f"browser {value.decode('latin-1')}")
    return None
