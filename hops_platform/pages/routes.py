"""The pages that people see outside Lab: shells made here, filled in the browser by calls of the REST API.

A page holds nothing that its reader may not know: the reader's own name, whether they administrate, and their
CSRF token.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from hops_contract.problems import Problem
from hops_contract.realms import provider_path, ticket_path
from hops_contract.slugs import is_slug
from hops_platform.audit.actions import Action
from hops_platform.engines.places import is_dataset_name
from hops_platform.engines.realms import ProofKind
from hops_platform.http import PartsOf, parts_of
from hops_platform.parts import Parts
from hops_platform.security.browser import BrowserUser, Public, browser_user_if_any, current_browser_user
from hops_platform.security.passwords import MIN_PASSWORD_LENGTH
from hops_platform.security.permissions import Permission
from hops_platform.security.scopes import SCOPE_WORDS, SITE_SCOPES
from hops_platform.settings import Settings
from hops_platform.sharing.standing import is_shared_name

_HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ACTIONS = [action.value for action in Action]
_STATIC = StaticFiles(directory=_HERE / "static")
_STATIC_AGE_S = 300  # after an upgrade pages are whole again within minutes; the ETag makes asking again cheap
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "Cache-Control": "no-store",  # a page carries its reader's CSRF token
    "Content-Security-Policy": _POLICY,
    # A script of Lab, on the same origin, may open a page's window: it can't reach into it.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}

# Anyone may ask for a page; who is not logged in is led to the log-in.
router = APIRouter(include_in_schema=False, dependencies=[Depends(Public(Permission.BROWSER_LOGIN))])
Reader = Annotated[BrowserUser, Depends(current_browser_user)]
ReaderIfAny = Annotated[BrowserUser | None, Depends(browser_user_if_any)]


@router.get("/")
def show_home(reader: Reader, parts: PartsOf) -> Response:
    """My projects."""
    return _page("home", reader, parts)


@router.get("/projects/{project}")
def show_project(project: str, reader: Reader, parts: PartsOf) -> Response:
    """One project; whether the reader may see it, the calls that fill the page decide."""
    return _page_of_project("project", project, reader, parts)


@router.get("/projects/{project}/datasets/{dataset}")
def show_dataset(project: str, dataset: str, reader: Reader, parts: PartsOf) -> Response:
    """One dataset with its files; whether the reader may see it, the calls that fill the page decide."""
    if not is_slug(project) or not (is_dataset_name(dataset) or is_shared_name(dataset)):
        return _page("absent", reader, parts, status=404)
    page = _page("dataset", reader, parts, project=project, dataset=dataset)
    # Pictures in previews: bytes that the platform has written anew, which a script of this page was given.
    page.headers["Content-Security-Policy"] = _POLICY.replace("img-src 'self'", "img-src 'self' blob:")
    return page


@router.get("/projects/{project}/datasets/{dataset}/sharing")
def show_sharing(project: str, dataset: str, reader: Reader, parts: PartsOf) -> Response:
    """Who has one dataset of the project; a window for Lab, as the two that follow."""
    if not is_slug(project) or not is_dataset_name(dataset):
        return _page("absent", reader, parts, status=404)
    return _page("sharing", reader, parts, project=project, dataset=dataset)


@router.get("/projects/{project}/received")
def show_received(project: str, reader: Reader, parts: PartsOf) -> Response:
    """What other projects share with this one, or offer it."""
    return _page_of_project("received", project, reader, parts)


@router.get("/projects/{project}/published")
def show_published(project: str, reader: Reader, parts: PartsOf) -> Response:
    """Published datasets, to be added to the project."""
    return _page_of_project("published", project, reader, parts)


@router.get("/projects/{project}/trash")
def show_trash(project: str, reader: Reader, parts: PartsOf) -> Response:
    """What was deleted in one project; whether the reader may see it, the calls that fill the page decide."""
    return _page_of_project("trash", project, reader, parts)


@router.get("/projects/{project}/audit")
def show_project_audit(project: str, reader: Reader, parts: PartsOf) -> Response:
    """Who did what in one project; whether the reader may know, the calls that fill the page decide."""
    return _page_of_project("audit", project, reader, parts, actions=_ACTIONS)


@router.get("/audit")
def show_audit(reader: Reader, parts: PartsOf) -> Response:
    """Who did what at this site; absent for everybody but administrators and auditors."""
    if not (reader.caller.person.admin or reader.caller.person.auditor):
        return _page("absent", reader, parts, status=404)
    return _page("audit", reader, parts, project="", actions=_ACTIONS)


@router.get("/sessions")
def show_sessions(reader: Reader, parts: PartsOf) -> Response:
    """Spark sessions that the reader may look after."""
    return _page("sessions", reader, parts)


@router.get("/account")
def show_account(reader: Reader, parts: PartsOf) -> Response:
    """The reader's account."""
    return _page("account", reader, parts)


@router.get("/security")
def show_security(reader: Reader, parts: PartsOf) -> Response:
    """The reader's second factor and API keys."""
    return _page("security", reader, parts)


@router.get("/admin")
def show_admin(reader: Reader, parts: PartsOf) -> Response:
    """Users, projects and deliveries; absent for everybody but administrators."""
    if not reader.caller.person.admin:
        return _page("absent", reader, parts, status=404)
    return _page("admin", reader, parts)


@router.get("/forgot-password")
def show_forgot_password(parts: PartsOf) -> Response:
    """For whoever can't log in any more."""
    return _public_page("forgot-password", parts)


@router.get("/reset-password")
def show_reset_password(parts: PartsOf) -> Response:
    """A new password, for whoever has a link; what is in it comes to the page's script alone."""
    return _public_page("reset-password", parts)


@router.get("/confirm-address")
def show_confirm_address(parts: PartsOf) -> Response:
    """The proof of a mail address, for whoever has a link."""
    return _public_page("confirm-address", parts)


@router.get("/register")
def show_register(parts: PartsOf) -> Response:
    """An account, for whoever wants one or has a link."""
    return _public_page("register", parts)


@router.get("/invitation")
def show_invitation(reader: ReaderIfAny, parts: PartsOf) -> Response:
    """An invitation, for whoever has a link: who is logged in accepts it."""
    if reader is None:
        return _public_page("invitation", parts)
    return _page("invitation", reader, parts)


@router.get("/static/{path:path}")
async def send_static(path: Annotated[str, PathParameter(max_length=200)], request: Request) -> Response:
    """Scripts, styles and pictures; nothing in them is secret, and the Hub's log-in page uses them too."""
    try:
        response = await _STATIC.get_response(path, request.scope)
    except HTTPException as error:
        raise HTTPException(404) from error
    response.headers["Cache-Control"] = f"public, max-age={_STATIC_AGE_S}"
    return response


def show_problem(request: Request, problem: Problem) -> Response:
    """A problem for a person whose browser asked for a page, logged in or not."""
    settings = parts_of(request).settings
    html = _TEMPLATES.get_template("problem.html").render(
        page="problem",
        base=settings.prefix,
        hub=f"{settings.hub_base_url}hub/",
        user="",
        admin=False,
        auditor=False,
        csrf="",
        problem=problem,
    )
    return HTMLResponse(html, status_code=problem.status, headers=_PAGE_HEADERS)


def _public_page(name: str, parts: Parts) -> Response:
    settings = parts.settings
    html = _TEMPLATES.get_template(f"{name}.html").render(
        page=name,
        base=settings.prefix,
        hub=f"{settings.hub_base_url}hub/",
        user="",
        admin=False,
        auditor=False,
        csrf="",
        shortest_password=MIN_PASSWORD_LENGTH,
        mail=parts.engines.mailer.sends,
        registration=settings.registration.value,
    )
    return HTMLResponse(html, headers=_PAGE_HEADERS)


def _page_of_project(name: str, project: str, reader: BrowserUser, parts: PartsOf, **more: str | list[str]) -> Response:
    """A page of a project; absent where no project can be called so."""
    if not is_slug(project):
        return _page("absent", reader, parts, status=404)
    return _page(name, reader, parts, status=200, project=project, **more)


def _page(name: str, reader: BrowserUser, parts: PartsOf, *, status: int = 200, **more: str | list[str]) -> Response:
    person, settings = reader.caller.person, parts.settings
    if person.must_change_password and name != "account":
        # Every call that would fill another page is refused until then.
        return RedirectResponse(f"{settings.prefix}account", status_code=303, headers={"Cache-Control": "no-store"})
    if reader.caller.lacks_second_factor and name not in ("account", "security"):
        return RedirectResponse(f"{settings.prefix}security", status_code=303, headers={"Cache-Control": "no-store"})
    html = _TEMPLATES.get_template(f"{name}.html").render(
        page=name,
        base=settings.prefix,
        hub=f"{settings.hub_base_url}hub/",
        user=person.name,
        realm=_realm_of(reader, parts, name),
        admin=person.admin,
        auditor=person.auditor,
        must_change_password=person.must_change_password,
        csrf=reader.csrf_token,
        shortest_password=MIN_PASSWORD_LENGTH,
        kept_days=settings.deleted_projects_days,
        network_rule=settings.sandbox_network.value,
        kafka="yes" if settings.brokers else "",
        lacks_second_factor=reader.caller.lacks_second_factor,
        scopes=_scopes_for(admin=person.admin),
        **more,
    )
    return HTMLResponse(html, status_code=status, headers=_PAGE_HEADERS)


def _realm_of(reader: BrowserUser, parts: PartsOf, page: str) -> dict[str, str] | None:
    """What pages say of the realm that keeps the password; ``None`` where the platform keeps it."""
    if reader.realm is None:
        return None
    site = parts.engines.realms.get(reader.realm)
    # It may stand no more in the site's file; the user's password is not here for all that.
    known = (site.title, site.password_url, site.engine.proof) if site is not None else (reader.realm, "", None)
    title, url, proof = known
    return {
        "name": reader.realm,
        "title": title,
        "url": url,
        "password": "yes" if proof is ProofKind.PASSWORD else "",
        "again": _log_in_again(reader.realm, proof, parts.settings, page),
    }


def _log_in_again(realm: str, proof: ProofKind | None, settings: Settings, page: str) -> str:
    """Where a browser proves anew, to a realm without passwords, who looks at ``page``; empty where it has one."""
    back = quote(f"{settings.prefix}{page}")
    if proof is ProofKind.TICKET:
        return f"{settings.hub_base_url}hub/{ticket_path(realm)}?next={back}"
    if proof is ProofKind.ID_TOKEN:
        return f"{settings.hub_base_url}hub/{provider_path(realm)}?prompt=login&next={back}"
    return ""


def _scopes_for(*, admin: bool) -> list[tuple[str, str]]:
    return [(scope.value, words) for scope, words in SCOPE_WORDS.items() if admin or scope not in SITE_SCOPES]
