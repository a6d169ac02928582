from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from hops_platform.audit.actions import Action
from hops_platform.audit.circumstances import Circumstances
from hops_platform.audit.requests import Known, records
from hops_platform.datasets.service import Use, place_in
from hops_platform.engines.files import Copied
from hops_platform.files.schemas import CopyAnswer, Move
from hops_platform.files.service import MOST_COPIED_BYTES, MOST_COPIED_ENTRIES, show_copied
from hops_platform.http import DatabaseSession, DatasetName, PartsOf, StepAside
from hops_platform.parts import Parts
from hops_platform.security.authentication import ProjectAccess
from hops_platform.security.guard import RequiresInProject
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["files"])


@router.post("/projects/{project}/datasets/{dataset}/files:pack", dependencies=[records(Action.FILE_PACK, "dataset")])
async def pack_file(  # noqa: PLR0917 - the request, and parts
    dataset: DatasetName,
    request: Move,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_PACK))],
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
    known: Known,
) -> CopyAnswer:
    """Packs a file or a folder as a zip archive within the project; nothing is replaced."""
    return await _work(parts.engines.archives.pack, dataset, request, access, session, parts, step_aside, known)


@router.post(
    "/projects/{project}/datasets/{dataset}/files:unpack", dependencies=[records(Action.FILE_UNPACK, "dataset")]
)
async def unpack_file(  # noqa: PLR0917 - the request, and parts
    dataset: DatasetName,
    request: Move,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_UNPACK))],
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
    known: Known,
) -> CopyAnswer:
    """Unpacks a zip archive into a new folder within the project, which appears when it is whole."""
    return await _work(parts.engines.archives.unpack, dataset, request, access, session, parts, step_aside, known)


async def _work(  # noqa: PLR0917 - what the two routes are given
    work: Callable[..., Copied],
    dataset: str,
    request: Move,
    access: ProjectAccess,
    session: Session,
    parts: Parts,
    step_aside: Callable[[], None],
    known: Circumstances,
) -> CopyAnswer:
    known.thing = f"{dataset}/{request.path}"
    known.details["to"] = f"{request.to_dataset or dataset}/{request.to}"
    to = request.to_dataset or dataset
    use = Use.TAKE_OUT if to != dataset else Use.READ
    target = await run_in_threadpool(place_in, session, access, to, request.to, use=Use.WRITE)
    source = await run_in_threadpool(place_in, session, access, dataset, request.path, use=use)
    person = access.caller.person.name
    with parts.transfers.places.take(person):
        step_aside()
        bounds = {"most_entries": MOST_COPIED_ENTRIES, "most_bytes": MOST_COPIED_BYTES}
        return show_copied(await parts.transfers.copies.run(person, work, source, target, **bounds))
