"""Who makes a request, told before anything is asked of the database; and how many of theirs are worked on at once.

Every request takes one of the 40 threads for each of its steps and holds a connection of the database in between. Let
in without bounds, a hundred of them take all connections and wait with all threads for one more: nothing moves until
the pool's time-out. So fewer are let in than there are connections, and with those that wait for the session service
(:data:`hops_platform.sessions.calls.AT_ONCE`, which hold a thread and no connection) no more than there are threads.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

from starlette.requests import HTTPConnection

from hops_contract.bodies import Scope
from hops_contract.crowds import Shares, Who
from hops_contract.slugs import split_project_user
from hops_contract.tokens import InvalidTokenError
from hops_platform.api_keys.proofs import is_key
from hops_platform.security.bearers import shown_token
from hops_platform.security.browser import session_cookie
from hops_platform.security.client_certificates import RefusedCertificates, common_name, presented_certificate
from hops_platform.security.tokens import Signer

SHARES = Shares(at_once=18, of_one=6, of_unproven=2, trusted=6, in_line=200, in_lines=1000)
"""The trusted ones are the Hub's: a server's start waits for the Hub, which asks here whether it may start."""
PATIENCE_S = 10.0

_HUB = Who("hub", trusted=True)
_HUB_LOG_INS = Who("hub log-ins")
_STRANGERS = Who("strangers", proven=False)


class Callers:
    """Tells callers apart by what is proven: people by tokens, by keys and cookies that were good lately.

    All others are strangers. What they send can be made up, addresses too (behind a proxy they all have one), so
    nothing of it makes a caller of its own. They have a share for each of the few things that are asked for without
    a proof, so that a flood of log-ins holds up log-ins, and one for everything else together.

    Log-ins through the Hub are not held up by strangers', and, since anybody may cause them, hold up no start of a
    server, for which the Hub asks as well.

    Args:
        signer: Verifies tokens.
        hub_credential: The Hub's own secret.
        prefix: Of all paths of this service; ends with ``/``.
        person_of: The person whose cookie it was when the Hub was last asked. It must answer at once.
        person_of_key: The person whose API key it was when it was last used. It must answer at once.
        refused: The certificates (DER) that were refused before, and are nobody's: whoever has a revoked one takes no
            more of its person's places than the request by which that is seen.
    """

    def __init__(
        self,
        signer: Signer,
        hub_credential: str,
        *,
        prefix: str,
        person_of: Callable[[str], str | None],
        person_of_key: Callable[[str], str | None],
        refused: RefusedCertificates,
    ) -> None:
        self._signer = signer
        self._hub_credential = hub_credential.encode()
        self._person_of = person_of
        self._person_of_key = person_of_key
        self._refused = refused
        self._log_ins = ("POST", f"{prefix}api/v1/tokens")
        self._of_strangers = {
            route: Who(f"strangers {route[1].removeprefix(prefix)}", proven=False)
            for route in (self._log_ins, ("GET", f"{prefix}login"), ("GET", f"{prefix}oauth_callback"))
        }
        self._without_place = frozenset({("GET", f"{prefix}api/v1/health"), ("GET", f"{prefix}.well-known/jwks.json")})

    def __call__(self, scope: Scope) -> Who | None:
        """Who makes the request of ``scope``; ``None`` for those that any number of may come at once."""
        route = (scope["method"], scope["path"])
        if route in self._without_place:
            return None
        request = HTTPConnection(scope)
        token = shown_token(request.headers.get("Authorization"))
        certificate = presented_certificate(scope) if token is None else None
        if certificate is not None:
            found = None if certificate in self._refused else _by_certificate(certificate)
        else:
            found = self._by_cookie(request) if token is None else self._by_token(token, route)
        return found or self._of_strangers.get(route, _STRANGERS)

    def _by_token(self, token: str, route: tuple[str, str]) -> Who | None:
        if hmac.compare_digest(token.encode(), self._hub_credential):
            return _HUB_LOG_INS if route == self._log_ins else _HUB
        if is_key(token):
            owner = self._person_of_key(token)
            return None if owner is None else _person(owner)
        # Verified, since whoever may make up tokens would have a share for each.
        try:
            return _person(self._signer.verify(token, even_expired=True).principal.user)
        except InvalidTokenError:
            return None

    def _by_cookie(self, request: HTTPConnection) -> Who | None:
        cookie = session_cookie(request)
        name = self._person_of(cookie) if cookie else None
        return None if name is None else _person(name)


def _by_certificate(certificate: bytes) -> Who | None:
    # TLS has held it against the authority, which gives names of this form to members alone.
    try:
        return _person(split_project_user(common_name(certificate))[1])
    except ValueError:
        return None


def _person(name: str) -> Who:
    return Who(f"person {name}")
