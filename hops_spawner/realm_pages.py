"""The Hub's addresses for log-in by Kerberos and by OpenID Connect, beside its form for passwords.

Laws:

1. What a browser sends in a form is never a proof of these kinds: a ticket is read from its header, and an ID token is
   fetched from the provider.
2. A log-in that fails ends on the log-in page, with the reason and with all other ways in.
3. No address that comes with a log-in leads away from this site.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jupyterhub.handlers.login import LoginHandler
from tornado.web import HTTPError

from hops_contract.realms import MAX_TICKET_LENGTH, KerberosRealmSettings, OidcRealmSettings, RealmSettings, ticket_path
from hops_spawner.realm_proofs import LoginRefusedError, RealmProof

_TICKET = re.compile(r"negotiate +([A-Za-z0-9+/]+={0,2})", re.IGNORECASE)
_NTLM = "TlRMTVNT"
"""What NTLM's messages begin with, in base64."""
NO_TICKET = "Your browser shows no ticket for this site. Log in another way, or get one (kinit) and try again."
NO_NTLM = "Your browser answered with NTLM, which is not taken here. Log in another way."


def handlers_of(realms: Mapping[str, RealmSettings], site_url: str) -> list[tuple[Any, ...]]:
    """The Hub's further addresses, below its own.

    Args:
        realms: The site's realms by name.
        site_url: The Hub's address as browsers see it; ends with ``/hub/``.
    """
    found: list[tuple[Any, ...]] = []
    for name, realm in realms.items():
        if isinstance(realm, KerberosRealmSettings):
            found.append((f"/{ticket_path(name)}", NegotiateHandler, {"realm": name}))
        elif isinstance(realm, OidcRealmSettings):
            # Only where it is used: it takes a while to import.
            from hops_spawner.oidc import handlers_of_provider  # noqa: PLC0415

            found += handlers_of_provider(realm, site_url)
    return found


class LogInPage(LoginHandler):
    """What shows the log-in page with a reason."""

    async def refuse(self, refused: LoginRefusedError) -> None:
        """Ends the request with the log-in page, as a form that was refused does."""
        self.set_status(refused.status_code)
        shown = await self._render(login_error=refused.jupyterhub_message, username="", exception=refused)
        self.finish(shown)

    async def post(self) -> None:
        """Nothing is sent here.

        Raises:
            HTTPError: Always.
        """
        raise HTTPError(405)


class NegotiateHandler(LogInPage):
    """Log-in by a ticket that the browser shows (RFC 4559)."""

    def initialize(self, realm: str) -> None:
        """Takes the realm of this address."""
        self._realm = realm

    async def get(self) -> None:
        """Asks the browser for a ticket, or logs in by the one it shows."""
        header = self.request.headers.get("Authorization", "")
        shown = _TICKET.fullmatch(header.strip()) if len(header) <= MAX_TICKET_LENGTH else None
        if shown is None:
            self.set_header("WWW-Authenticate", "Negotiate")
            await self.refuse(LoginRefusedError(401, NO_TICKET))
            return
        if shown[1].startswith(_NTLM):
            await self.refuse(LoginRefusedError(403, NO_NTLM))
            return
        proof = RealmProof(self._realm, ticket=shown[1])
        try:
            user = await self.login_user({"proof": proof})
        except LoginRefusedError as refused:
            await self.refuse(refused)
            return
        if proof.answer:
            self.set_header("WWW-Authenticate", f"Negotiate {proof.answer}")
        self._jupyterhub_user = user
        self.redirect(self.get_next_url(user))
