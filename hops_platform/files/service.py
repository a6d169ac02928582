"""Files of datasets and the trash: what is asked of the storage, and in which words it is told."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from hops_platform.database import Database
from hops_platform.datasets.service import check_nothing_is_restored, find_dataset, restore_dataset
from hops_platform.engines.files import Copied, Entry, ProjectFiles, TrashItem
from hops_platform.engines.places import Place, parse_place
from hops_platform.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    MalformedRequestError,
    NotFoundError,
)
from hops_platform.files.schemas import (
    CopyAnswer,
    EntryAnswer,
    Restoration,
    RestoredAnswer,
    TrashItemAnswer,
)
from hops_platform.outbox import Task, enqueue
from hops_platform.paging import Page, decode_cursor, encode_cursor
from hops_platform.projects.models import Project
from hops_platform.quotas.service import COUNT_STORAGE
from hops_platform.security.authentication import ProjectAccess, authorize_in_project
from hops_platform.security.permissions import Permission

SWEEP_TRASH = Task("trash", "trash.sweep")
"""A channel of its own: millions of files are removed while other folders are made."""


def list_folder(files: ProjectFiles, place: Place, *, limit: int, after: str | None) -> Page[EntryAnswer]:
    """A page of a folder."""
    listing = files.list_folder(place, limit=limit, after=None if after is None else decode_cursor(after))
    following = None if listing.next is None else encode_cursor(listing.next)
    return Page(items=[show_entry(entry) for entry in listing.entries], next=following)


def check_move(source: Place, target: Place, *, within: Project) -> None:
    """Checks that a move stays within one dataset, or goes between those of ``within``.

    Raises:
        ForbiddenError: It would leave a dataset of another project, or come into one.
    """
    # Two datasets that the same project shares need not allow the same: what is written to one may be downloaded.
    same_dataset = (source.project, source.dataset) == (target.project, target.dataset)
    if not same_dataset and {source.project, target.project} != {within.name}:
        raise ForbiddenError(
            "Nothing is moved from one project's dataset into another's, nor between shared ones.",
            remedy="Copy it, then delete it.",
        )


def list_trash(files: ProjectFiles, project: str, *, limit: int, after: str | None) -> Page[TrashItemAnswer]:
    """A page of the trash, the latest first.

    Raises:
        MalformedRequestError: ``after`` is no position.
    """
    try:
        before = None if after is None else UUID(decode_cursor(after))
    except ValueError as error:
        raise MalformedRequestError("The value of 'after' is not a position in this list.") from error
    items = files.list_trash(project, limit=limit + 1, before=before)
    following = encode_cursor(str(items[limit - 1].id)) if len(items) > limit else None
    return Page(items=[show_trash_item(item) for item in items[:limit]], next=following)


def place_to_restore(
    session: Session, files: ProjectFiles, access: ProjectAccess, item: UUID, request: Restoration
) -> Place | RestoredAnswer:
    """Where something goes that is moved out of the trash, and ends the transaction; a whole dataset follows later.

    Raises:
        ConflictError: Something is there, or the dataset is gone.
        ForbiddenError: A whole dataset is for a Data Owner to restore.
        NotFoundError: It is not in the trash.
    """
    session.commit()  # nobody waits for the database while the disk is looked at
    found = files.find_in_trash(access.project.name, item)
    if not found.path:
        return _restore_dataset(session, access, found, request)
    target = _target(session, access.project, found, request)
    session.commit()
    return target


def check_emptying(session: Session, project: Project, *, repeated_name: str) -> None:
    """Checks that all that is in the trash may be given up; ends the transaction.

    Raises:
        ConflictError: A dataset is being restored from it.
        InvalidRequestError: The repeated name is another project's.
    """
    if repeated_name != project.name:
        raise InvalidRequestError(f"To empty this trash for good, say the project's name: {project.name}.")
    check_nothing_is_restored(session, project)
    session.commit()


def empty_trash(database: Database, files: ProjectFiles, project: Project) -> None:
    """Gives up what is in the trash; it can be a while ago that this was asked for.

    Raises:
        ConflictError: A dataset is being restored from it meanwhile.
    """
    with database.session(writes=False) as session:
        check_nothing_is_restored(session, project)
    files.empty_trash(project.name)


def follow_emptying(session: Session, project: Project) -> None:
    """Lets what was in the trash be removed, and counted no more."""
    # The space is given back after this answer; it can take long.
    enqueue(session, SWEEP_TRASH, entity="trash", payload={})
    enqueue(session, COUNT_STORAGE, entity=project.name, project=project.name, payload={"project_id": str(project.id)})


def show_entry(entry: Entry) -> EntryAnswer:
    """An entry on the wire."""
    return EntryAnswer(name=entry.name, kind=entry.kind, size=entry.size, modified=entry.modified)


def show_copied(copied: Copied) -> CopyAnswer:
    """What was copied, on the wire."""
    return CopyAnswer(entries=copied.entries, size=copied.size, left_out=copied.left_out)


def show_trash_item(item: TrashItem) -> TrashItemAnswer:
    """Something in the trash, on the wire."""
    return TrashItemAnswer(
        id=item.id,
        dataset=item.dataset,
        path=item.path,
        kind=item.kind,
        deleted_by=item.deleted_by,
        deleted_at=item.deleted_at,
    )


def _restore_dataset(session: Session, access: ProjectAccess, item: TrashItem, request: Restoration) -> RestoredAnswer:
    if request.to:
        raise InvalidRequestError("A dataset is no folder of another.", remedy="Leave out 'to'.")
    try:
        authorize_in_project(session, access.caller, access.project.name, Permission.DATASETS_CREATE)
    except ForbiddenError as error:
        raise ForbiddenError("This is a whole dataset.", remedy="Ask a Data Owner to restore it.") from error
    restored = restore_dataset(session, access.project, item, name=request.to_dataset or item.dataset)
    return RestoredAnswer(dataset=restored.name, path="")


def _target(session: Session, project: Project, item: TrashItem, request: Restoration) -> Place:
    name = request.to_dataset or item.dataset
    try:
        dataset = find_dataset(session, project, name)
    except NotFoundError as error:
        raise ConflictError(
            f"There is no dataset {name!r} (any more).", remedy="Restore it first, or say another with 'to_dataset'."
        ) from error
    return parse_place(project.name, dataset.name, request.to or item.path)
