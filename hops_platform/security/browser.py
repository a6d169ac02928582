"""Browsers: logged in by the Hub through OAuth, known by a cookie of this service.

The cookie holds the OAuth token that the Hub gave for this service; the Hub is asked whether it still stands by it, so
a log-out there acts here. The CSRF token is derived from the cookie: who can't read the cookie can't know it, and
pages carry it to their own scripts.

Notebooks and TensorBoards show what any member of a project wrote, on the same origin as these pages. A script in them
is sent the cookie's authority by the browser, so reading calls need the token too, and a page, which holds it, is given
to a browser that opens it and never to a script that fetches it. Nor is a window that a script opens open to that
script, where the browser heeds the pages' opener policy: on HTTPS, and on this machine. A site whose users don't trust
one another's notebooks needs an origin of its own for each of them all the same (JupyterHub's subdomain_host).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import RedirectResponse, Response
from starlette.requests import HTTPConnection

from hops_contract.realms import mark_of_session
from hops_platform.audit.actions import Action, ActorKind
from hops_platform.audit.circumstances import circumstances_of
from hops_platform.audit.requests import CALLER, Known, records_apart
from hops_platform.errors import ForbiddenError, MalformedRequestError, UnauthenticatedError
from hops_platform.http import DatabaseSession, PartsOf, parts_of
from hops_platform.parts import Parts
from hops_platform.realms.models import account_of
from hops_platform.security.authentication import Caller, authenticate_browser, held_to_second_factor
from hops_platform.security.permissions import Permission
from hops_platform.security.policy import ROLE_PERMISSIONS, Role

SESSION_COOKIE = "hops-session"
STATE_COOKIE = "hops-oauth-state"
HUB_SESSION_COOKIE = "jupyterhub-session-id"
CSRF_HEADER = "X-Hops-CSRF"
_STATE_LIFETIME_S = 600
_SESSION_LIFETIME_S = 14 * 24 * 3600


def session_cookie(request: HTTPConnection) -> str | None:
    """The session cookie of a request, read alike by all who decide something by it; of several it is one."""
    return request.cookies.get(SESSION_COOKIE) or None


class LoginNeededError(Exception):
    """A page was asked for by a browser that is not logged in; answered with a redirect to the log-in."""


class Public:
    """Declares a route that anyone may call; its permission must be one of everybody's.

    Args:
        permission: The permission.
    """

    def __init__(self, permission: Permission) -> None:
        if permission not in ROLE_PERMISSIONS[Role.ANYONE]:
            raise ValueError(f"{permission.value} is not everybody's")
        self.permission = permission

    async def __call__(self) -> None:
        """Nothing to check; which takes no thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserUser:
    """Who looks at a page.

    Attributes:
        caller: The user.
        csrf_token: What the page's scripts must send as ``X-Hops-CSRF`` with each call.
        realm: Who keeps the user's password, if not this platform.
    """

    caller: Caller
    csrf_token: str
    realm: str | None = None


def current_browser_user(request: Request, session: DatabaseSession, parts: PartsOf) -> BrowserUser:
    """The user whose browser asks for a page.

    Raises:
        ForbiddenError: It is a script or a frame that asks, not the person.
        LoginNeededError: Nobody is logged in.
    """
    _check_window(request)
    try:
        caller = _caller_of_cookie(request, session, parts)
    except UnauthenticatedError as error:
        raise LoginNeededError from error
    if caller is None:
        raise LoginNeededError
    caller = held_to_second_factor(session, caller, required=parts.settings.second_factor_required)
    account = account_of(session, caller.person)
    return BrowserUser(
        caller=caller,
        csrf_token=csrf_token(session_cookie(request) or ""),
        realm=account.realm if account is not None else None,
    )


def browser_user_if_any(request: Request, session: DatabaseSession, parts: PartsOf) -> BrowserUser | None:
    """The user whose browser asks for a page that is for everybody; ``None`` if nobody is logged in.

    Raises:
        ForbiddenError: It is a script or a frame that asks, not the person.
    """
    try:
        return current_browser_user(request, session, parts)
    except LoginNeededError:
        return None


def caller_of_form(request: Request, session: DatabaseSession, parts: PartsOf) -> Caller:
    """The user whose browser sends a form of one of these pages.

    A form can't carry the page's token as a header: the route has to ask for something in its body that only a page
    with the token can know.

    Raises:
        ForbiddenError: It is a script or a frame that sends it, or a page of another site.
        UnauthenticatedError: Nobody is logged in.
    """
    _check_window(request)
    _check_origin(request)
    caller = _caller_of_cookie(request, session, parts)
    if caller is None:
        raise UnauthenticatedError("The browser is no longer logged in.", remedy="Log in again.")
    circumstances_of(request.scope).called_by(caller.principal)
    return held_to_second_factor(session, caller, required=parts.settings.second_factor_required)


def _check_window(request: Request) -> None:
    # Browsers set this header and let no script change it; on plain HTTP only loopback addresses have it.
    if request.headers.get("Sec-Fetch-Dest", "document") != "document":
        raise ForbiddenError("A page is shown in a window of its own; scripts use the REST API.")


def caller_by_cookie(request: Request, session: DatabaseSession, parts: Parts) -> Caller | None:
    """The caller of this service's cookie; ``None`` without one.

    Raises:
        ForbiddenError: A call without the page's token, or from elsewhere.
        UnauthenticatedError: The cookie proves nothing (any more).
    """
    if cookie := session_cookie(request):
        _check_forgery(request, cookie)
    return _caller_of_cookie(request, session, parts)


def _caller_of_cookie(request: Request, session: DatabaseSession, parts: Parts) -> Caller | None:
    cookie = session_cookie(request)
    if cookie is None:
        return None
    hub_session = request.cookies.get(HUB_SESSION_COOKIE, "")
    name = parts.engines.logins.user_of(cookie, hub_session=hub_session)
    if name is None:
        raise UnauthenticatedError("The browser is no longer logged in.", remedy="Log in again.")
    return authenticate_browser(session, name, mark=mark_of_session(hub_session))


def csrf_token(cookie: str) -> str:
    """The CSRF token that belongs to a session cookie."""
    return hmac.new(cookie.encode(), b"hops-csrf", hashlib.sha256).hexdigest()


def _check_forgery(request: Request, cookie: str) -> None:
    sent = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(sent.encode(), csrf_token(cookie).encode()):
        raise ForbiddenError(
            f"A call from a browser needs the page's token ({CSRF_HEADER}).", remedy="Load the page again."
        )
    _check_origin(request)


def _check_origin(request: Request) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host", ""):
        raise ForbiddenError("The call comes from a page of another site.")


router = APIRouter(include_in_schema=False, dependencies=[Depends(Public(Permission.BROWSER_LOGIN))])


@router.get("/login")
def log_in(parts: PartsOf, next_path: Annotated[str, Query(alias="next", max_length=1000)] = "") -> Response:
    """Sends the browser to the Hub."""
    state = secrets.token_urlsafe(16)
    address, verifier = parts.engines.logins.begin(state)
    response = RedirectResponse(address, status_code=302)
    response.set_cookie(
        STATE_COOKIE,
        f"{state}.{verifier}.{quote(local_path(next_path, prefix=parts.settings.prefix), safe='/')}",
        max_age=_STATE_LIFETIME_S,
        path=parts.settings.prefix,
        secure=parts.settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )
    return response


@router.get("/oauth_callback", dependencies=[records_apart(Action.LOGIN_BROWSER, CALLER)])
def finish_log_in(
    request: Request,
    parts: PartsOf,
    known: Known,
    code: Annotated[str, Query(max_length=1000)] = "",
    state: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Takes the browser back from the Hub."""
    expected, _, rest = request.cookies.get(STATE_COOKIE, "").partition(".")
    verifier, _, next_path = rest.partition(".")
    if not (code and expected and hmac.compare_digest(state.encode(), expected.encode())):
        raise MalformedRequestError(
            "This log-in was not begun by this browser, or took too long.", remedy="Log in again."
        )
    settings = parts.settings
    token = parts.engines.logins.finish(code, verifier=verifier)
    known.actor = parts.engines.logins.user_of(token, hub_session=request.cookies.get(HUB_SESSION_COOKIE, "")) or ""
    known.actor_kind = ActorKind.USER if known.actor else ActorKind.ANYONE
    response = RedirectResponse(local_path(unquote(next_path), prefix=settings.prefix), status_code=302)
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=_SESSION_LIFETIME_S,
        path=settings.prefix,
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )
    response.delete_cookie(STATE_COOKIE, path=settings.prefix)
    return response


@router.get("/logout")
def log_out(parts: PartsOf) -> Response:
    """Forgets the browser here, and sends it to the Hub's log-out."""
    response = RedirectResponse(f"{parts.settings.hub_base_url}hub/logout", status_code=302)
    response.delete_cookie(SESSION_COOKIE, path=parts.settings.prefix)
    return response


def local_path(text: str, *, prefix: str) -> str:
    """``text`` if it is a path of this service, else the service's first page: no redirect leads elsewhere."""
    harmless = all(" " < character < "\x7f" and character not in "\\;," for character in text)
    if text.startswith(prefix) and not text.startswith("//") and ".." not in unquote(text) and harmless:
        return text
    return prefix


def install_login_redirect(app: FastAPI) -> None:
    """Sends browsers without a log-in to the log-in."""
    app.add_exception_handler(LoginNeededError, _redirect_to_login)


def _redirect_to_login(request: Request, _error: Exception) -> Response:
    prefix = parts_of(request).settings.prefix
    return RedirectResponse(f"{prefix}login?next={quote(request.url.path)}", status_code=302)
