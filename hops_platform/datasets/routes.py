from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from hops_contract.principal import PrincipalKind
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import Known, records
from hops_platform.datasets import service
from hops_platform.datasets.schemas import (
    DatasetAnswer,
    DatasetDeletion,
    DatasetDetail,
    DatasetEdit,
    DatasetInList,
    NewDataset,
)
from hops_platform.http import (
    After,
    DatabaseSession,
    DatasetName,
    IdempotencyKeyHeader,
    IfMatch,
    Limit,
    PartsOf,
    check_entity_tag,
    entity_tag,
    in_one_step,
)
from hops_platform.idempotency import create_once
from hops_platform.paging import DEFAULT_LIMIT, Page
from hops_platform.security.authentication import ProjectAccess
from hops_platform.security.guard import RequiresInProject
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["datasets"])


@router.get("/projects/{project}/datasets", response_model=Page[DatasetAnswer])
@in_one_step
def list_datasets(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.DATASETS_LIST))],
    session: DatabaseSession,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[DatasetInList]:
    """The project's datasets by name, then those that others share with it."""
    items, following = service.page_of_datasets(session, access.project, limit=limit, after=after)
    return Page(items=items, next=following)


@router.post(
    "/projects/{project}/datasets",
    status_code=201,
    response_model=DatasetAnswer,
    dependencies=[records(Action.DATASET_CREATE)],
)
def create_dataset(
    request: NewDataset,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.DATASETS_CREATE))],
    session: DatabaseSession,
    known: Known,
    key: IdempotencyKeyHeader = None,
) -> dict[str, Any]:
    """Creates a dataset. Its folder is made at once, but after this answer."""
    known.thing = request.name
    return create_once(
        session,
        user_id=access.caller.person.id,
        key=key,
        route=f"POST projects/{access.project.id}/datasets",
        request=request,
        create=lambda: service.create_dataset(session, access.project, request),
    )


@router.get("/projects/{project}/datasets/{dataset}")
def read_dataset(
    dataset: DatasetName,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.DATASET_READ))],
    session: DatabaseSession,
    parts: PartsOf,
    response: Response,
) -> DatasetDetail:
    """One dataset, with the text of its README.md; its ETag is what an edit needs.

    Users' code, which has the files at hand, gets no text: it could give any file that name, and fetch it elsewhere.
    """
    shown = service.find_any_dataset(session, access.project, dataset)
    place = service.place_in(session, access, dataset, "", use=service.Use.READ)
    response.headers["ETag"] = entity_tag(shown.version)
    readme = access.caller.principal.kind is PrincipalKind.USER
    return service.show_with_readme(shown, parts.engines.files, place, readme=readme)


@router.patch("/projects/{project}/datasets/{dataset}", dependencies=[records(Action.DATASET_EDIT, "dataset")])
def edit_dataset(
    *,
    dataset: DatasetName,
    request: DatasetEdit,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.DATASET_EDIT))],
    session: DatabaseSession,
    response: Response,
    if_match: IfMatch = None,
) -> DatasetAnswer:
    """Changes the description."""
    found = service.find_dataset(session, access.project, dataset)
    check_entity_tag(if_match, found.version)
    service.edit_dataset(session, found, request, version=found.version)
    response.headers["ETag"] = entity_tag(found.version)
    return service.show_dataset(found)


@router.delete(
    "/projects/{project}/datasets/{dataset}",
    status_code=204,
    dependencies=[records(Action.DATASET_DELETE, "dataset")],
)
def delete_dataset(
    dataset: DatasetName,
    request: DatasetDeletion,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.DATASET_DELETE))],
    session: DatabaseSession,
    known: Known,
) -> None:
    """Deletes a dataset; its files are moved to the project's trash, and no other project has it any more."""
    found = service.find_dataset(session, access.project, dataset)
    by = access.caller.person.name
    had = service.delete_dataset(session, access.project, found, repeated_name=request.name, by=by)
    for project in had:
        known.also_in(project.name, project.id)
