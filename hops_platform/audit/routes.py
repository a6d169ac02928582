from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.concurrency import iterate_in_threadpool
from fastapi.responses import Response
from pydantic import AwareDatetime

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.audit import service
from hops_platform.audit.actions import Action, Outcome
from hops_platform.audit.events import MAX_NAME, MAX_THING
from hops_platform.audit.requests import Known, records_apart
from hops_platform.audit.schemas import AuditEventAnswer, AuditVerification, ExportForm
from hops_platform.audit.service import Filters, Verifying
from hops_platform.engines.leave import Leave
from hops_platform.http import After, DatabaseSession, Limit, PartsOf, StepAside, in_one_step
from hops_platform.long_answers import LongAnswer
from hops_platform.paging import DEFAULT_LIMIT, Page
from hops_platform.parts import Parts
from hops_platform.projects.models import Project
from hops_platform.security.authentication import Caller, ProjectAccess
from hops_platform.security.guard import Requires, RequiresInProject
from hops_platform.security.leave import check_right
from hops_platform.security.permissions import Permission
from hops_platform.transfers import Transfers

router = APIRouter(tags=["audit"])
MEDIA_TYPES = {ExportForm.JSON_LINES: "application/x-ndjson", ExportForm.CSV: "text/csv; charset=utf-8"}
_NO_NUL = r"^[^\x00]*$"
_verifying = Verifying()
_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "All rows, the oldest first, as an attachment.",
        "content": {
            "application/x-ndjson": {"schema": {"type": "string"}, "example": '{"number":1,"actor":"ada"}'},
            "text/csv": {"schema": {"type": "string"}, "example": "number,moment,actor"},
        },
    }
}
Form = Annotated[ExportForm, Query(alias="as", description="JSON lines or CSV.", examples=["csv"])]


def asked_filters(  # noqa: PLR0917 - each is a word of the address
    actor: Annotated[
        str | None, Query(max_length=MAX_NAME, pattern=_NO_NUL, description="By whom.", examples=["ada"])
    ] = None,
    action: Annotated[Action | None, Query(description="What was done.", examples=["member.add"])] = None,
    outcome: Annotated[Outcome | None, Query(description="What came of it.", examples=["refused"])] = None,
    thing: Annotated[
        str | None, Query(max_length=MAX_THING, pattern=_NO_NUL, description="To what.", examples=["bob"])
    ] = None,
    since: Annotated[
        AwareDatetime | None,
        Query(alias="from", description="From this moment on.", examples=["2026-05-04T00:00:00Z"]),
    ] = None,
    until: Annotated[
        AwareDatetime | None, Query(alias="to", description="Before this moment.", examples=["2026-05-05T00:00:00Z"])
    ] = None,
) -> Filters:
    """The filters of a request."""
    return Filters(actor=actor, action=action, outcome=outcome, thing=thing, since=since, until=until)


def asked_filters_of_site(
    filters: Annotated[Filters, Depends(asked_filters)],
    project: Annotated[
        str | None,
        Query(max_length=MAX_SLUG_LENGTH, pattern=_NO_NUL, description="In which project.", examples=["weather"]),
    ] = None,
) -> Filters:
    """The filters of a request about the whole site."""
    return filters.in_project(project)


AskedFilters = Annotated[Filters, Depends(asked_filters)]
AskedFiltersOfSite = Annotated[Filters, Depends(asked_filters_of_site)]


@router.get("/audit-events", dependencies=[records_apart(Action.AUDIT_READ)])
@in_one_step
def list_audit_events(
    _caller: Annotated[Caller, Depends(Requires(Permission.AUDIT_OVERSEE))],
    filters: AskedFiltersOfSite,
    session: DatabaseSession,
    known: Known,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[AuditEventAnswer]:
    """The audit of the whole site, the newest first, for administrators and auditors."""
    known.details.update(filters.details())
    return service.list_events(session, filters, project_id=None, limit=limit, after=after)


@router.get(
    "/audit-events:export",
    response_class=Response,
    responses=_EXPORTED,
    dependencies=[records_apart(Action.AUDIT_EXPORT)],
)
def export_audit_events(  # noqa: PLR0917 - the request, and parts
    caller: Annotated[Caller, Depends(Requires(Permission.AUDIT_OVERSEE_EXPORT))],
    filters: AskedFiltersOfSite,
    parts: PartsOf,
    step_aside: StepAside,
    known: Known,
    form: Form = ExportForm.JSON_LINES,
) -> Response:
    """The audit of the whole site as a file, for administrators and auditors."""
    known.details.update(filters.details())
    pieces = service.export(parts.database, filters, project_id=None, form=form)
    step_aside()
    return _export(pieces, form, caller=caller, permission=Permission.AUDIT_OVERSEE_EXPORT, parts=parts)


@router.get("/audit-events:verify", dependencies=[records_apart(Action.AUDIT_VERIFY)])
def verify_audit_events(
    _caller: Annotated[Caller, Depends(Requires(Permission.AUDIT_VERIFY))],
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
) -> AuditVerification:
    """Whether all rows are there and as they were written; names the first that is not."""
    session.commit()  # it takes long, and needs only what it reads itself
    step_aside()
    return _verifying.run(parts.database, parts.trail)


@router.get("/projects/{project}/audit-events", dependencies=[records_apart(Action.AUDIT_READ, "project")])
@in_one_step
def list_project_audit_events(  # noqa: PLR0917 - the request, and parts
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.AUDIT_READ))],
    filters: AskedFilters,
    session: DatabaseSession,
    known: Known,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[AuditEventAnswer]:
    """The audit of a project, the newest first, for its Data Owners."""
    known.details.update(filters.details())
    return service.list_events(session, filters, project_id=access.project.id, limit=limit, after=after)


@router.get(
    "/projects/{project}/audit-events:export",
    response_class=Response,
    responses=_EXPORTED,
    dependencies=[records_apart(Action.AUDIT_EXPORT, "project")],
)
def export_project_audit_events(  # noqa: PLR0917 - the request, and parts
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.AUDIT_EXPORT))],
    filters: AskedFilters,
    parts: PartsOf,
    step_aside: StepAside,
    known: Known,
    form: Form = ExportForm.JSON_LINES,
) -> Response:
    """The audit of a project as a file, for its Data Owners."""
    known.details.update(filters.details())
    project = access.project
    pieces = service.export(parts.database, filters, project_id=project.id, form=form)
    step_aside()
    return _export(pieces, form, caller=access.caller, permission=Permission.AUDIT_EXPORT, project=project, parts=parts)


def _export(
    pieces: Iterator[bytes],
    form: ExportForm,
    *,
    caller: Caller,
    permission: Permission,
    project: Project | None = None,
    parts: Parts,
) -> Export:
    return Export(
        pieces,
        form,
        name="audit" if project is None else f"audit-{project.name}",
        transfers=parts.transfers,
        person=caller.person.name,
        leave=Leave(partial(check_right, parts.database, caller, permission, project)),
    )


class Export(LongAnswer):
    """Rows as an attachment, sent as they are read.

    Args:
        pieces: The rows; some at a time.
        form: How they are written.
        name: What the file is called, without its ending.
        transfers: Bounds how many are sent at once.
        person: Who exports.
        leave: Looked at from time to time; where it ends, the answer does.
    """

    def __init__(
        self,
        pieces: Iterator[bytes],
        form: ExportForm,
        *,
        name: str,
        transfers: Transfers,
        person: str,
        leave: Leave,
    ) -> None:
        super().__init__(
            _one_by_one(pieces),
            headers={"Content-Disposition": f'attachment; filename="{name}.{form.value}"'},
            media_type=MEDIA_TYPES[form],
            transfers=transfers,
            person=person,
            leave=leave,
        )


async def _one_by_one(pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    async for piece in iterate_in_threadpool(pieces):
        yield piece
