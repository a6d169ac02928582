from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from hops_contract.principal import ProjectRole
from hops_platform.datasets.service import Use, may_take_out, place_in
from hops_platform.http import DatabaseSession, DatasetName, FilePath, PartsOf
from hops_platform.previews import service
from hops_platform.previews.schemas import PreviewAnswer
from hops_platform.security.authentication import ProjectAccess
from hops_platform.security.guard import RequiresInProject
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["files"])


@router.get("/projects/{project}/datasets/{dataset}/preview")
def preview_file(
    dataset: DatasetName,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_PREVIEW))],
    session: DatabaseSession,
    parts: PartsOf,
    path: FilePath,
) -> PreviewAnswer:
    """The beginning of a file for people's eyes: some rows of a table, a smaller picture, a notebook's text."""
    person = access.caller.person.name
    owner = access.member.role is ProjectRole.DATA_OWNER
    bounds = service.WIDE if owner and may_take_out(session, access, dataset) else service.NARROW
    place = place_in(session, access, dataset, path, use=Use.READ)
    with parts.preview_places.take(person):
        return service.preview(parts.engines.files, parts.engines.previews, place, bounds=bounds)
