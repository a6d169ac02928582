from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from hops_platform.datasets import service
from hops_platform.datasets.models import Dataset
from hops_platform.datasets.schemas import DatasetAnswer
from hops_platform.http import After, DatabaseSession, Limit
from hops_platform.paging import DEFAULT_LIMIT, Page, fetch_page
from hops_platform.security.authentication import ProjectAccess
from hops_platform.security.guard import RequiresInProject
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["datasets"])


@router.get("/projects/{project}/datasets")
def list_datasets(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.DATASETS_LIST))],
    session: DatabaseSession,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[DatasetAnswer]:
    """The project's datasets by name."""
    rows, following = fetch_page(
        session, service.datasets_of(access.project), key=Dataset.name, limit=limit, after=after
    )
    return Page(items=[service.show_dataset(row[0]) for row in rows], next=following)
