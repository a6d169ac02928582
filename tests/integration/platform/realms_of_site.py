"""A control plane with realms in memory."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from hops_platform.audit.models import AuditEvent
from hops_platform.engines.realms import ProofKind, SiteRealm
from hops_platform.security.browser import HUB_SESSION_COOKIE
from hops_platform.testing.realm_fakes import MemoryRealm
from hops_platform.users.models import User

KIND = "urn:hopslab:problem:"
PASSWORD = "correct horse battery"


class Site:
    """A control plane with a realm of passwords, one of tickets and one of ID tokens."""

    def __init__(self, hops: Any) -> None:
        self.hops = hops
        self.staff, self.tickets = MemoryRealm(), MemoryRealm(ProofKind.TICKET, can_be_asked=False)
        self.web = MemoryRealm(ProofKind.ID_TOKEN, can_be_asked=False)
        self.realms = {
            "staff": SiteRealm(name="staff", title="Staff", engine=self.staff, password_url="https://id.example.org"),
            "tickets": SiteRealm(name="tickets", title="Tickets", engine=self.tickets),
            "web": SiteRealm(name="web", title="Web", engine=self.web),
        }
        engines = hops.platform.parts.engines
        object.__setattr__(engines, "realms", self.realms)

    def needs_approval(self, name: str = "staff") -> None:
        self.realms[name] = replace(self.realms[name], approval=True)

    def log_in(self, name: str, password: str | None = None, *, realm: str = "staff", **more: Any) -> Any:
        body = {"username": name, "password": password or f"heron teapot {name}", "realm": realm, **more}
        return self.hops.anonymous().post("tokens", json=body)

    def by_ticket(self, name: str, **more: Any) -> Any:
        ticket = base64.b64encode(f"heron teapot {name}".encode()).decode()
        client = self.hops.hub() if more else self.hops.anonymous()
        return client.post("tokens", json={"realm": "tickets", "ticket": ticket, **more})

    def by_id_token(self, name: str, *, client: Any = None, **more: Any) -> Any:
        body = {"realm": "web", "id_token": f"heron teapot {name}", "nonce": "n" * 32, **more}
        return (client or self.hops.hub()).post("tokens", json=body)

    def browser(self, name: str, session: str) -> Any:
        """A browser with a session at the Hub."""
        client = self.hops.browser(name)
        client.headers["Cookie"] += f"; {HUB_SESSION_COOKIE}={session}"
        return client

    def client(self, answer: Any) -> Any:
        assert answer.status_code == 200, answer.text
        return self.hops.with_token(answer.json()["token"])

    def user(self, name: str) -> User | None:
        with self.hops.platform.parts.database.session(writes=False) as session:
            return session.scalar(select(User).where(User.name == name))

    def events(self, action: str) -> list[AuditEvent]:
        self.hops.platform.parts.refusals.flush(all_of_them=True)
        with self.hops.platform.parts.database.session(writes=False) as session:
            return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action)))
