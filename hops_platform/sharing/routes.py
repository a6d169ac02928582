from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.audit.actions import Action
from hops_platform.audit.circumstances import Circumstances
from hops_platform.audit.requests import Known, records
from hops_platform.datasets.service import find_dataset
from hops_platform.engines.sandboxes import Ending
from hops_platform.http import (
    After,
    DatabaseSession,
    DatasetName,
    IdempotencyKeyHeader,
    IfMatch,
    Limit,
    check_entity_tag,
    entity_tag,
    in_one_step,
)
from hops_platform.idempotency import create_once
from hops_platform.paging import DEFAULT_LIMIT, Page, fetch_page
from hops_platform.projects.models import Project
from hops_platform.security.authentication import Caller, ProjectAccess
from hops_platform.security.guard import Requires, RequiresInProject
from hops_platform.security.permissions import Permission
from hops_platform.sharing import offering, publishing, receiving
from hops_platform.sharing.models import Publication, Share
from hops_platform.sharing.schemas import (
    NewShare,
    PublishedDataset,
    ReceivedShare,
    ShareAnswer,
    ShareEdit,
    Target,
    Wish,
    Withdrawal,
)
from hops_platform.sharing.service import end, show_received, show_share, show_shares

router = APIRouter(tags=["sharing"])
TargetName = Annotated[str, Path(max_length=MAX_SLUG_LENGTH, examples=["tides"])]
OwnerName = Annotated[
    str, Path(max_length=MAX_SLUG_LENGTH, description="The project that owns the dataset.", examples=["weather"])
]
Search = Annotated[
    str,
    Query(
        max_length=200,
        pattern=r"^[^\x00]*$",
        description="Part of a name or a title; of a published dataset also of its description.",
        examples=["coast"],
    ),
]
Decides = Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SHARES_DECIDE))]


@router.get("/projects/{project}/datasets/{dataset}/shares")
@in_one_step
def list_shares_of_dataset(
    dataset: DatasetName,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SHARES_READ))],
    session: DatabaseSession,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[ShareAnswer]:
    """Who has a dataset of this project, or may come to have it, by the projects' names."""
    query = offering.shares_of(find_dataset(session, access.project, dataset))
    rows, following = fetch_page(session, query, key=Project.name, limit=limit, after=after)
    return Page(items=show_shares(session, [row[1] for row in rows]), next=following)


@router.post(
    "/projects/{project}/datasets/{dataset}/shares",
    status_code=201,
    response_model=ShareAnswer,
    dependencies=[records(Action.SHARE_OFFER, "dataset")],
)
def offer_dataset(  # noqa: PLR0917 - the request, and parts
    dataset: DatasetName,
    request: NewShare,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SHARES_OFFER))],
    session: DatabaseSession,
    known: Known,
    key: IdempotencyKeyHeader = None,
) -> dict[str, Any]:
    """Offers a dataset to another project, whose Data Owner has to accept; shared at once if that asked for it."""
    _say_how(known, to=request.project, mode=request.mode.value, download=request.download)

    def create() -> ShareAnswer:
        answer = offering.offer(session, access, dataset, request)
        share = offering.find_share(session, access.project, dataset, request.project)
        known.thing = share.path
        known.also_in(share.project.name, share.project_id)
        return answer

    return create_once(
        session,
        user_id=access.caller.person.id,
        key=key,
        route=f"POST projects/{access.project.id}/datasets/{dataset}/shares",
        request=request,
        create=create,
    )


@router.patch(
    "/projects/{project}/datasets/{dataset}/shares/{target}",
    dependencies=[records(Action.SHARE_EDIT, "dataset")],
)
def edit_share(
    *,
    dataset: DatasetName,
    target: TargetName,
    request: ShareEdit,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SHARES_EDIT))],
    session: DatabaseSession,
    known: Known,
    response: Response,
    if_match: IfMatch = None,
) -> ShareAnswer:
    """Changes what the other project may do with it; less than before takes effect at once, more at a next start."""
    share = offering.find_share(session, access.project, dataset, target)
    check_entity_tag(if_match, share.version)
    offering.edit_share(session, share, request, version=share.version)
    _in_both(known, share, access.project)
    response.headers["ETag"] = entity_tag(share.version)
    return show_share(session, share)


@router.delete(
    "/projects/{project}/datasets/{dataset}/shares/{target}",
    status_code=204,
    dependencies=[records(Action.SHARE_REVOKE, "dataset")],
)
def revoke_share(
    dataset: DatasetName,
    target: TargetName,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SHARES_REVOKE))],
    session: DatabaseSession,
    known: Known,
) -> None:
    """Ends a share, takes an offer back, or refuses a wish; running servers and sessions lose it within seconds."""
    share = offering.find_share(session, access.project, dataset, target)
    _in_both(known, share, access.project)
    end(session, share, Ending.REVOKED)


@router.get("/projects/{project}/share-targets")
def find_share_targets(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SHARES_SEARCH))],
    session: DatabaseSession,
    search: Search = "",
) -> list[Target]:
    """The first projects with which a dataset can be shared and that are called so: listed ones, and the caller's."""
    return offering.targets(session, access, search)


@router.post(
    "/projects/{project}/datasets/{dataset}/publication",
    status_code=201,
    dependencies=[records(Action.DATASET_PUBLISH, "dataset")],
)
def publish_dataset(
    dataset: DatasetName,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.DATASETS_PUBLISH))],
    session: DatabaseSession,
) -> PublishedDataset:
    """Lets everybody who is logged in find a dataset, and add it to their own project for reading."""
    return publishing.publish(session, access.project, dataset)


@router.delete(
    "/projects/{project}/datasets/{dataset}/publication",
    status_code=204,
    dependencies=[records(Action.DATASET_WITHDRAW, "dataset")],
)
def withdraw_dataset(
    dataset: DatasetName,
    request: Withdrawal,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.DATASETS_WITHDRAW))],
    session: DatabaseSession,
    known: Known,
) -> None:
    """Lets nobody find a dataset any more; those who have added it by themselves stay or go, as the body says."""
    known.details["users"] = request.users.value
    for project in publishing.withdraw(session, access.project, dataset, request.users):
        known.also_in(project.name, project.id)


@router.get("/projects/{project}/shares")
@in_one_step
def list_received_shares(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SHARES_LIST))],
    session: DatabaseSession,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[ReceivedShare]:
    """What other projects share with this one, offer it, or are asked for, by project and dataset."""
    rows, following = fetch_page(session, receiving.received(access.project), key=Share.path, limit=limit, after=after)
    return Page(items=[show_received(row[0]) for row in rows], next=following)


@router.post(
    "/projects/{project}/shares",
    status_code=201,
    response_model=ReceivedShare,
    dependencies=[records(Action.SHARE_ASK)],
)
def ask_for_dataset(
    request: Wish,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SHARES_ASK))],
    session: DatabaseSession,
    known: Known,
    key: IdempotencyKeyHeader = None,
) -> dict[str, Any]:
    """Adds a published dataset for reading, at once; for writing, a Data Owner of it is asked."""
    known.thing = f"{request.project}/{request.dataset}"
    known.details["mode"] = request.mode.value

    def create() -> ReceivedShare:
        answer = receiving.ask(session, access, request)
        _in_both(
            known, receiving.find_received(session, access.project, answer.project, answer.dataset), access.project
        )
        return answer

    return create_once(
        session,
        user_id=access.caller.person.id,
        key=key,
        route=f"POST projects/{access.project.id}/shares",
        request=request,
        create=create,
    )


@router.post(
    "/projects/{project}/shares/{owner}/{dataset}:accept",
    dependencies=[records(Action.SHARE_ACCEPT, "owner", "dataset")],
)
def accept_share(
    owner: OwnerName, dataset: DatasetName, access: Decides, session: DatabaseSession, known: Known
) -> ReceivedShare:
    """Accepts a dataset that is offered; servers and sessions that start from now on show it."""
    share = receiving.find_received(session, access.project, owner, dataset)
    _in_both(known, share, access.project)
    return show_received(receiving.accept(session, share))


@router.post(
    "/projects/{project}/shares/{owner}/{dataset}:decline",
    status_code=204,
    dependencies=[records(Action.SHARE_DECLINE, "owner", "dataset")],
)
def decline_share(
    owner: OwnerName, dataset: DatasetName, access: Decides, session: DatabaseSession, known: Known
) -> None:
    """Declines a dataset that is offered; the project that offers it sees that."""
    share = receiving.find_received(session, access.project, owner, dataset)
    _in_both(known, share, access.project)
    receiving.decline(session, share)


@router.delete(
    "/projects/{project}/shares/{owner}/{dataset}",
    status_code=204,
    dependencies=[records(Action.SHARE_LEAVE, "owner", "dataset")],
)
def leave_share(
    owner: OwnerName,
    dataset: DatasetName,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.SHARES_LEAVE))],
    session: DatabaseSession,
    known: Known,
) -> None:
    """Gives a dataset back, or takes a wish back; running servers and sessions lose it within seconds."""
    share = receiving.find_received(session, access.project, owner, dataset)
    _in_both(known, share, access.project)
    end(session, share, Ending.GIVEN_BACK)


@router.get("/published-datasets")
@in_one_step
def list_published_datasets(
    caller: Annotated[Caller, Depends(Requires(Permission.DATASETS_DISCOVER))],
    session: DatabaseSession,
    search: Search = "",
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[PublishedDataset]:
    """The datasets that everybody here may find, by project and name."""
    rows, following = fetch_page(session, publishing.published(search), key=Publication.path, limit=limit, after=after)
    mine = publishing.project_ids_of(session, caller.person)
    return Page(items=publishing.show_published(session, [row[0] for row in rows], mine), next=following)


def _in_both(known: Circumstances, share: Share, project: Project) -> None:
    """What happens to a share stands in the audit of both projects."""
    known.thing = share.path
    _say_how(known, to=share.project.name, mode=share.mode.value, download=share.download)
    other = share.owner if share.project_id == project.id else share.project
    known.also_in(other.name, other.id)


def _say_how(known: Circumstances, *, to: str, mode: str, download: bool) -> None:
    known.details |= {"to": to, "mode": mode, "download": download}
