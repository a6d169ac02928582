"""Who calls, by the token that the control plane signed."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from hops_contract.principal import Principal, PrincipalKind
from hops_contract.tokens import InvalidTokenError, KeysAwayError, KeySource, verify_token
from hops_livy.errors import ForbiddenError, NotAuthenticatedError, UnavailableError

CONTROL_PLANE = "hops"
"""Name of the control plane's service principal."""
_RENEWED = "A token is renewed by itself; if this stays so, start the notebook server again from the project's page."


def bearer_token(request: Request) -> str:
    """The token of the request.

    Raises:
        NotAuthenticatedError: There is none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticatedError("This address needs a token.", remedy="Send it as 'Authorization: Bearer …'.")
    return token.strip()


async def principal_of(request: Request, keys: KeySource) -> Principal:
    """The caller.

    Raises:
        NotAuthenticatedError: The token proves nothing.
        UnavailableError: What it proves can't be told now.
    """
    token = bearer_token(request)
    try:
        # Keys are fetched over HTTP when an unknown one is named.
        return await asyncio.to_thread(verify_token, token, keys)
    except KeysAwayError as error:
        raise UnavailableError(
            "The control plane does not answer, so nobody's token can be checked.", remedy="Try again in a moment."
        ) from error
    except InvalidTokenError as error:
        raise NotAuthenticatedError(str(error), remedy=_RENEWED) from error


async def project_user_of(request: Request, keys: KeySource) -> Principal:
    """The caller, who must be a project-user.

    Raises:
        ForbiddenError: It is something else.
        NotAuthenticatedError: The token proves nothing.
    """
    principal = await principal_of(request, keys)
    if principal.kind is not PrincipalKind.PROJECT_USER:
        raise ForbiddenError("Sessions belong to a member of a project; this token is bound to no project.")
    return principal


async def control_plane_of(request: Request, keys: KeySource) -> Principal:
    """The caller, who must be the control plane.

    Raises:
        ForbiddenError: It is someone else.
        NotAuthenticatedError: The token proves nothing.
    """
    principal = await principal_of(request, keys)
    if principal.kind is not PrincipalKind.SERVICE or principal.user != CONTROL_PLANE:
        raise ForbiddenError("Only the control plane may do this.")
    return principal
