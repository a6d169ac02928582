"""Who calls, by the token that the control plane signed."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from starlette.requests import Request

from hops_contract.origins import FORWARDED_BY, FORWARDED_FOR, Network, came_by_proxy, source_address
from hops_contract.principal import Principal, PrincipalKind
from hops_contract.tokens import LEEWAY_S, InvalidTokenError, KeysAwayError, KeySource, verify_token
from hops_livy.errors import ForbiddenError, NotAuthenticatedError, UnavailableError

CONTROL_PLANE = "hops"
"""Name of the control plane's service principal."""
_RENEWED = "A token is renewed by itself; if this stays so, start the notebook server again from the project's page."
_REMEMBERED_S = 60.0
_REMEMBERED = 1000


class Tokens:
    """Verifies tokens; one that was good is believed for a minute, as a notebook's cells come with the same one.

    Args:
        keys: Finds the keys of tokens.
    """

    def __init__(self, keys: KeySource) -> None:
        self._keys = keys
        # By a digest: nothing here is worth stealing.
        self._good: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()

    async def principal(self, token: str) -> Principal:
        """The principal that ``token`` proves.

        Raises:
            InvalidTokenError: It proves nothing.
            KeysAwayError: What it proves can't be told now.
        """
        digest = hashlib.sha256(token.encode()).digest()
        verified, principal = self._good.get(digest, (0.0, None))
        if principal is not None and time.monotonic() - verified < _REMEMBERED_S and not _expired(principal):
            return principal
        # Keys are fetched over HTTP when an unknown one is named.
        principal = await asyncio.to_thread(verify_token, token, self._keys)
        self._good[digest] = time.monotonic(), principal
        self._good.move_to_end(digest)
        if len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)
        return principal


def _expired(principal: Principal) -> bool:
    return principal.expires is None or datetime.now(UTC) >= principal.expires + timedelta(seconds=LEEWAY_S)


def bearer_token(request: Request) -> str:
    """The token of the request.

    Raises:
        NotAuthenticatedError: There is none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticatedError("This address needs a token.", remedy="Send it as 'Authorization: Bearer …'.")
    return token.strip()


async def principal_of(request: Request, tokens: Tokens) -> Principal:
    """The caller.

    Raises:
        NotAuthenticatedError: The token proves nothing.
        UnavailableError: What it proves can't be told now.
    """
    token = bearer_token(request)
    try:
        return await tokens.principal(token)
    except KeysAwayError as error:
        raise UnavailableError(
            "The control plane does not answer, so nobody's token can be checked.", remedy="Try again in a moment."
        ) from error
    except InvalidTokenError as error:
        raise NotAuthenticatedError(str(error), remedy=_RENEWED) from error


async def project_user_of(request: Request, tokens: Tokens) -> Principal:
    """The caller, who must be a project-user.

    Raises:
        ForbiddenError: It is something else.
        NotAuthenticatedError: The token proves nothing.
    """
    principal = await principal_of(request, tokens)
    if principal.kind is not PrincipalKind.PROJECT_USER:
        raise ForbiddenError("Sessions belong to a member of a project; this token is bound to no project.")
    return principal


async def control_plane_of(request: Request, tokens: Tokens) -> Principal:
    """The caller, who must be the control plane.

    Raises:
        ForbiddenError: It is someone else.
        NotAuthenticatedError: The token proves nothing.
    """
    principal = await principal_of(request, tokens)
    if not _is_control_plane(principal):
        raise ForbiddenError("Only the control plane may do this.")
    return principal


async def source_of(request: Request, tokens: Tokens, trusted: Sequence[Network]) -> str:
    """The network address that a request comes from; see :mod:`hops_contract.origins`.

    What the control plane hands on for somebody says where they are: believed by a token of its own beside theirs.

    Args:
        request: The request.
        tokens: Verifies that token.
        trusted: The proxies whose word is taken.
    """
    if await _forwarded_by_control_plane(request, tokens):
        return source_address(request.headers.get(FORWARDED_FOR, ""), "", trusted=())
    peer = request.client.host if request.client is not None else ""
    forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
    return source_address(peer, forwarded, trusted=trusted, is_believed=came_by_proxy(request.scope))


async def _forwarded_by_control_plane(request: Request, tokens: Tokens) -> bool:
    shown = request.headers.get(FORWARDED_BY)
    if not shown:
        return False
    try:
        principal = await tokens.principal(shown)
    except (InvalidTokenError, KeysAwayError):
        return False
    return _is_control_plane(principal)


def _is_control_plane(principal: Principal) -> bool:
    return principal.kind is PrincipalKind.SERVICE and principal.user == CONTROL_PLANE
