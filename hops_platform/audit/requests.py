"""How a route declares what it does for the audit: ``dependencies=[records(Action.…, "user")]``.

What is declared is written with the route's own transaction when the route has done it. A route that commits by itself
calls :meth:`~hops_platform.audit.circumstances.Circumstances.record_now` before. A refusal is written by the
handler of errors (:func:`note_problem`), which finds the same declaration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session

from hops_contract.origins import came_by_proxy, source_address
from hops_contract.slugs import is_slug
from hops_platform.activity.service import note
from hops_platform.audit.actions import Action, ActorKind, Outcome
from hops_platform.audit.circumstances import Circumstances, circumstances_of
from hops_platform.audit.events import Event
from hops_platform.audit.trail import record
from hops_platform.errors import (
    BusyError,
    DatabaseBusyError,
    ForbiddenError,
    LockedOutError,
    NotFoundError,
    NotVisibleError,
    PasswordChangeNeededError,
    PlatformError,
    SecondFactorNeededError,
    SecondFactorSetUpNeededError,
    StorageFullError,
    TooOftenError,
    UnauthenticatedError,
    WrongCodeError,
    WrongCredentialsError,
)
from hops_platform.http import DatabaseSession, parts_of
from hops_platform.idempotency import is_repeated
from hops_platform.security.bearers import is_hubs
from hops_platform.security.client_certificates import presented_certificate
from hops_platform.security.rates import client_of

NOT_RECORDED: Mapping[str, str] = MappingProxyType(
    {
        "give_download_ticket": "gives no byte; the download by it is recorded",
        "open_invitation": "changes nothing, and is no GET so that no log has the link; its acceptance is recorded",
        "remember_server_options": "a person's own choices in a form; a server's start is recorded",
        "renew_token": "gives no right that was not there; the log-in that began it is recorded",
        "write_upload": "a part of a file; the beginning and the end of an upload are recorded",
    }
)
"""The routes that change something and are not recorded, and why."""
_REFUSALS = (
    ForbiddenError,
    LockedOutError,
    NotVisibleError,
    PasswordChangeNeededError,
    SecondFactorNeededError,
    SecondFactorSetUpNeededError,
    TooOftenError,
    UnauthenticatedError,
    WrongCodeError,
    WrongCredentialsError,
)
# With these nothing can be written.
_HELPLESS = (BusyError, DatabaseBusyError, StorageFullError)
_LEAST_FAILURE = 500
CALLER = "(caller)"
"""Stands for the name of who calls: of their server, their certificate."""


class Records:
    """Declares what a route does, and writes it when it is done.

    Args:
        action: What. A route that does one of several says so in its circumstances.
        things: The words of the address that name what it is done to, joined by ``/``; :data:`CALLER` for what belongs
            to the caller. Of a word that is an id the name is found out by the route, and stands in its place.
        project: The word of the address that names the project, where that is not ``project``.
    """

    def __init__(self, action: Action, *things: str, project: str = "project") -> None:
        self.action = action
        self.things = things
        self._project = project

    def __call__(self, request: Request, session: DatabaseSession) -> Iterator[Circumstances]:
        """The request's circumstances, to which the route can add; in the route's own transaction."""
        known = self.begin(request)
        yield known
        if not is_repeated(session):
            known.record_now(session)

    def begin(self, request: Request) -> Circumstances:
        """Notes what the address says."""
        known = circumstances_of(request.scope)
        known.action = self.action
        known.write = partial(_write, request)
        words = {name: str(value) for name, value in request.path_params.items()}
        known.thing = known.thing or "/".join(words[name] for name in self.things if name in words)
        known.by_caller = CALLER in self.things
        _note_project(known, words.get(self._project, ""))
        return known


class RecordsApart(Records):
    """Writes in a transaction of its own: for routes that read, or that have transactions of their own.

    It is written before a byte of the answer is sent; where it can't be, the answer is that problem.
    """

    def __call__(self, request: Request) -> Iterator[Circumstances]:  # type: ignore[override]
        """The request's circumstances, to which the route can add."""
        known = self.begin(request)
        yield known
        if not known.recorded:
            with parts_of(request).database.session() as session:
                known.record_now(session)


def records(action: Action, *things: str, project: str = "project") -> Any:
    """Declares what a route does in its own transaction; see :class:`Records`."""
    return Depends(Records(action, *things, project=project), scope="function")


def records_apart(action: Action, *things: str, project: str = "project") -> Any:
    """Declares what a route does without a transaction that writes; see :class:`RecordsApart`."""
    return Depends(RecordsApart(action, *things, project=project), scope="function")


def _note_project(known: Circumstances, named: str) -> None:
    if known.project is None and is_slug(named):
        known.project = named


def _write(request: Request, session: Session) -> None:
    known = circumstances_of(request.scope)
    if known.action is not None:
        done = event_of(request, known.action)
        record(session, done)
        note(session, done)
        for name, key in known.others:
            # Its Data Owners learn what was done and by whom, not where people of another project work.
            there = replace(done, project=name, project_id=key, source="", request_id="")
            record(session, there)
            note(session, there, by=done.project)
        known.recorded = True


def known_of(request: Request) -> Circumstances:
    """The circumstances of ``request``, for a route to add to."""
    return circumstances_of(request.scope)


Known = Annotated[Circumstances, Depends(known_of)]


def event_of(request: Request, action: Action, outcome: Outcome = Outcome.DONE, reason: str = "") -> Event:
    """What is known of ``request`` as an event."""
    known = circumstances_of(request.scope)
    return Event(
        action=action,
        outcome=outcome,
        actor=known.actor,
        actor_kind=known.actor_kind,
        project=known.project,
        project_id=known.project_id,
        thing=known.thing or (known.actor if known.by_caller else ""),
        source=source_of(request),
        request_id=known.request_id,
        reason=reason,
        details=known.details,
    )


def source_of(request: Request) -> str:
    """The network address that a request comes from; see :mod:`hops_contract.origins`."""
    peer = request.client.host if request.client is not None else ""
    # Who shows a certificate is connected to this service itself; there is no proxy whose word could be taken.
    direct = presented_certificate(request.scope) is not None
    forwarded = "" if direct else ",".join(request.headers.getlist("X-Forwarded-For"))
    parts = parts_of(request)
    # The Hub passes on what the proxy said to it.
    is_believed = came_by_proxy(request.scope) or is_hubs(request.headers.get("Authorization"), parts.hub_credential)
    return source_address(peer, forwarded, trusted=parts.settings.trusted_networks, is_believed=is_believed)


def _client(request: Request) -> str:
    return client_of(source_of(request))


Client = Annotated[str, Depends(_client)]
"""By whom strangers are bounded: where a request comes from."""


def note_problem(request: Request, error: PlatformError) -> None:
    """Records what was refused to whom, and what failed; in a transaction of its own, and bounded."""
    route = request.scope.get("route")
    declared = declared_by(route) if isinstance(route, APIRoute) else None
    outcome = _outcome(error, declared)
    if outcome is None:
        return
    if declared is not None:
        known = declared.begin(request) if circumstances_of(request.scope).action is None else known_of(request)
        refused = event_of(request, known.action or declared.action, outcome, error.detail)
    else:
        known = known_of(request)
        known.thing = known.thing or _permission(route)
        _note_project(known, str(request.path_params.get("project", "")))
        refused = event_of(request, Action.ACCESS_READ, outcome, error.detail)
    parts_of(request).refusals.add(refused, payer=_payer(refused))


def declared_by(route: APIRoute) -> Records | None:
    """What ``route`` declares."""
    return next((call for call in _calls(route.dependant) if isinstance(call, Records)), None)


def _calls(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from _calls(inner)


def _permission(route: Any) -> str:
    """The permission that a route asks for, as the name of what it shows."""
    if not isinstance(route, APIRoute):
        return ""
    return next((call.permission.value for call in _calls(route.dependant) if hasattr(call, "permission")), "")


def _outcome(error: PlatformError, declared: Records | None) -> Outcome | None:
    if isinstance(error, _REFUSALS):
        return Outcome.REFUSED
    if declared is None or isinstance(error, _HELPLESS):
        return None
    if isinstance(error, NotFoundError):
        # Who may not see a thing is told that it is absent, by the session service too.
        return Outcome.REFUSED
    return Outcome.FAILED if error.status >= _LEAST_FAILURE else None


def _payer(refused: Event) -> str:
    if refused.actor_kind is not ActorKind.ANYONE:
        return f"{refused.actor_kind.value} {refused.actor}"
    return "log-ins" if refused.action.subject == "login" else "strangers"
