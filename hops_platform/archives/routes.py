from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from hops_platform.audit.actions import Action
from hops_platform.audit.requests import Known, records
from hops_platform.files.copying import CopyCall, copy_with
from hops_platform.files.schemas import CopyAnswer, Move
from hops_platform.http import DatabaseSession, DatasetName, PartsOf, StepAside
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
    call = CopyCall(
        dataset=dataset,
        request=request,
        permission=Permission.FILES_PACK,
        access=access,
        session=session,
        parts=parts,
        step_aside=step_aside,
        known=known,
    )
    return await copy_with(parts.engines.archives.pack, call)


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
    call = CopyCall(
        dataset=dataset,
        request=request,
        permission=Permission.FILES_UNPACK,
        access=access,
        session=session,
        parts=parts,
        step_aside=step_aside,
        known=known,
    )
    return await copy_with(parts.engines.archives.unpack, call)
