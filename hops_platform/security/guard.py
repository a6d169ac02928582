"""How a route declares its permission: ``access: Annotated[Caller, Depends(Requires(Permission.…))]``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Annotated

from fastapi import Depends, Path, Request

from hops_platform.api_keys.proofs import is_key
from hops_platform.audit.circumstances import circumstances_of
from hops_platform.audit.requests import source_of
from hops_platform.errors import ForbiddenError, UnauthenticatedError
from hops_platform.http import DatabaseSession, PartsOf
from hops_platform.parts import Parts
from hops_platform.security.authentication import (
    LOG_IN,
    Caller,
    ProjectAccess,
    authenticate_bearer,
    authenticate_holder,
    authenticate_key,
    authorize,
    authorize_in_project,
    held_to_second_factor,
)
from hops_platform.security.bearers import shown_token
from hops_platform.security.browser import Public, caller_by_cookie
from hops_platform.security.client_certificates import presented_certificate
from hops_platform.security.permissions import Permission
from hops_platform.security.rates import client_of, guesses_counted


def current_caller(request: Request, session: DatabaseSession, parts: PartsOf) -> Caller:
    """Who calls, by bearer token or by this service's cookie.

    Raises:
        UnauthenticatedError: Nobody that is known.
    """
    return _held(_caller(request, session, parts, renews=False), session, parts)


def renewing_caller(request: Request, session: DatabaseSession, parts: PartsOf) -> Caller:
    """Who wants the token renewed with which the call is made.

    Raises:
        UnauthenticatedError: Nobody that is known.
    """
    return _held(_caller(request, session, parts, renews=True), session, parts)


def _held(caller: Caller, session: DatabaseSession, parts: Parts) -> Caller:
    return held_to_second_factor(session, caller, required=parts.settings.second_factor_required)


def _caller(request: Request, session: DatabaseSession, parts: Parts, *, renews: bool) -> Caller:
    caller = _proven(request, session, parts, renews=renews)
    known = circumstances_of(request.scope)
    known.called_by(caller.principal)
    if caller.key is not None:
        known.details["api_key"] = caller.key.name
    return caller


def _proven(request: Request, session: DatabaseSession, parts: Parts, *, renews: bool) -> Caller:
    token = shown_token(request.headers.get("Authorization"))
    if token is None and (certificate := presented_certificate(request.scope)) is not None:
        _check_no_browser(request)
        try:
            return authenticate_holder(parts.holder_of(session, certificate))
        except UnauthenticatedError:
            parts.refused_certificates.note(certificate)
            raise
    if token is None:
        caller = caller_by_cookie(request, session, parts)
        if caller is None:
            raise UnauthenticatedError("Nobody is logged in.", remedy=LOG_IN)
        return caller
    if not token:
        raise UnauthenticatedError("The Authorization header is not of the form 'Bearer …'.", remedy=LOG_IN)
    if is_key(token):
        return authenticate_key(session, token, in_use=parts.keys_in_use)
    return authenticate_bearer(session, token, signer=parts.signer, hub_credential=parts.hub_credential, renews=renews)


def _check_no_browser(request: Request) -> None:
    # A browser that holds a certificate shows it for whatever page makes it call.
    if any(request.headers.get(name) for name in ("Origin", "Sec-Fetch-Site", "Cookie")):
        raise ForbiddenError(
            "A certificate is for programs, and this call comes from a browser.",
            remedy="Use the pages behind the site's own address.",
        )


def guesses_of(
    request: Request, session: DatabaseSession, parts: PartsOf
) -> Callable[[], AbstractContextManager[None]]:
    """Lets the route try a link, counted against where the request comes from; see :func:`guesses_counted`."""
    return partial(guesses_counted, session, parts.database, client_of(source_of(request)))


GuessesCounted = Annotated[Callable[[], AbstractContextManager[None]], Depends(guesses_of)]
CurrentCaller = Annotated[Caller, Depends(current_caller)]


class Requires:
    """Declares the permission of a route that belongs to no project.

    Args:
        permission: The permission.
    """

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, caller: CurrentCaller) -> Caller:
        """The caller, who has the permission."""
        authorize(caller, self.permission)
        return caller


class RequiresRenewable(Requires):
    """Declares the permission of the one route that takes tokens which have expired, to renew them."""

    async def __call__(self, caller: Annotated[Caller, Depends(renewing_caller)]) -> Caller:
        """The caller, who has the permission."""
        return await super().__call__(caller)


ProjectName = Annotated[str, Path(examples=["weather"])]


class RequiresInProject:
    """Declares the permission of a route below ``projects/{project}``.

    Args:
        permission: The permission.
    """

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    def __call__(
        self, project: ProjectName, request: Request, session: DatabaseSession, parts: PartsOf
    ) -> ProjectAccess:
        """The caller and the project, in which it has the permission."""
        # Not by a dependency, which would be one more step of a thread.
        caller = current_caller(request, session, parts)
        access = authorize_in_project(session, caller, project, self.permission)
        circumstances_of(request.scope).within(access.project.name, access.project.id)
        return access


__all__ = [
    "CurrentCaller",
    "GuessesCounted",
    "Public",
    "Requires",
    "RequiresInProject",
    "RequiresRenewable",
    "current_caller",
]
