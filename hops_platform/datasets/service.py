"""Datasets of projects: rows here, folders by the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Integer, Select, bindparam, func, select
from sqlalchemy.orm import Session

from hops_contract.layout import STANDARD_DATASETS
from hops_contract.principal import PrincipalKind
from hops_contract.shares import SHARED
from hops_platform.database import new_id
from hops_platform.datasets.models import Dataset
from hops_platform.datasets.schemas import (
    DatasetAnswer,
    DatasetDetail,
    DatasetEdit,
    DatasetInList,
    NewDataset,
    SharedAnswer,
)
from hops_platform.engines.files import ProjectFiles, TrashItem
from hops_platform.engines.places import Place, is_dataset_name, parse_place
from hops_platform.errors import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError
from hops_platform.outbox import Task, enqueue, still_to_do
from hops_platform.paging import GatheredList, decode_cursor, encode_cursor
from hops_platform.projects.models import Project
from hops_platform.projects.service import CREATE_FOLDERS
from hops_platform.security.authentication import Caller, ProjectAccess, archived
from hops_platform.security.permissions import Permission
from hops_platform.sharing.models import Share, ShareMode
from hops_platform.sharing.standing import end_shares_of, find_standing, is_shared_name, standing_in
from hops_platform.versions import edit_version

# The channel and the entity are those of the project's folders, so that all happens in the order in which it was asked.
TRASH_DATASET = Task("storage", "dataset.trash")
RESTORE_DATASET = Task("storage", "dataset.restore")
MOST_DATASETS = 500
README = "README.md"
MOST_OF_README = 64 * 1024
# What other projects' datasets are seen as.
_RESERVED = frozenset({SHARED.lower()})


class Use(StrEnum):
    """What a call does with a place; in a dataset of one's own project all of it is a matter of one's permissions."""

    READ = "read"
    WRITE = "write"
    SAVE = "save"
    """Write one file, whose bytes come with the call; code may, where it is on the storage and is let write at all."""
    TAKE_OUT = "take out"
    """Download, or copy into another dataset."""


def datasets_of(project: Project) -> Select[Dataset]:
    """The query of a project's datasets."""
    return select(Dataset).where(Dataset.project_id == project.id)


def find_dataset(session: Session, project: Project, name: str) -> Dataset:
    """The dataset of that name.

    Raises:
        NotFoundError: There is none.
    """
    found = session.scalar(datasets_of(project).where(Dataset.name == name)) if is_dataset_name(name) else None
    if found is None:
        raise NotFoundError(
            f"The project has no dataset {name[:64]!r}.", remedy="GET datasets lists those that it has."
        )
    return found


def place_in(session: Session, access: ProjectAccess, dataset: str, path: str, *, use: Use) -> Place:
    """The place that a call names. Ends the transaction: nobody waits for the database while files are worked on.

    Args:
        session: The database.
        access: Who calls, in which project.
        dataset: The name of a dataset of the project, or that of one that is shared with it: ``Shared:weather:raw``.
        path: Where in it.
        use: What for.

    Raises:
        ForbiddenError: The dataset is another project's, which does not allow this.
        ProjectArchivedError: It is to be written to, and that project is archived.
        InvalidRequestError: The path can't be one.
        NotFoundError: There is no such dataset.
    """
    if is_shared_name(dataset):
        share = find_standing(session, access.project, dataset)
        _check_use(share, use, access.caller)
        place = parse_place(share.owner.name, share.dataset.name, path)
    else:
        place = parse_place(access.project.name, find_dataset(session, access.project, dataset).name, path)
    session.commit()
    return place


def may_take_out(session: Session, access: ProjectAccess, dataset: str) -> bool:
    """Whether files may leave a dataset of this name, if the caller's role allows it at all.

    Raises:
        NotFoundError: There is no such dataset.
    """
    return not is_shared_name(dataset) or find_standing(session, access.project, dataset).download


def _check_use(share: Share, use: Use, caller: Caller) -> None:
    by_code = {Use.READ, Use.SAVE}
    if use not in by_code and caller.principal.kind is not PrincipalKind.USER:
        # Else a token that somebody finds in a notebook carried one project's files into another.
        raise ForbiddenError(
            "By REST, code reads another project's dataset and does nothing else with it.",
            remedy=f"Work with the files where they are: at {SHARED}/{share.path} in notebooks and sessions, or on the "
            "dataset's page.",
        )
    if use is not Use.READ and caller.key is not None and Permission.SHARES_OFFER not in caller.key.permissions:
        raise ForbiddenError(
            "With this API key, another project's datasets are read and nothing else.",
            remedy="Make a key with the scope datasets:share.",
        )
    writes = use in {Use.WRITE, Use.SAVE}
    if writes and share.owner.archived_at is not None:
        raise archived(share.owner)
    if writes and share.mode is not ShareMode.WRITE:
        raise ForbiddenError(
            f"{share.path} is shared with this project for reading only.",
            remedy=f"Ask a Data Owner of {share.owner.name!r} to share it for writing.",
        )
    if use is Use.TAKE_OUT and not share.download:
        raise ForbiddenError(
            f"{share.owner.name!r} does not allow that {share.path} is downloaded or copied out here.",
            remedy=f"Ask a Data Owner of {share.owner.name!r}, or work with it where it is.",
        )


def find_any_dataset(session: Session, project: Project, name: str) -> DatasetAnswer:
    """A dataset of the project, or one that is shared with it, on the wire.

    Raises:
        NotFoundError: There is none.
    """
    if is_shared_name(name):
        return show_shared(find_standing(session, project, name))
    return show_dataset(find_dataset(session, project, name))


def page_of_datasets(
    session: Session, project: Project, *, limit: int, after: str | None
) -> tuple[list[DatasetInList], str | None]:
    """A page of the project's datasets by name, which those follow that are shared with it."""
    own: list[DatasetInList] = []
    # No dataset of a project has a slash in its name, so that the position tells which list it is in.
    position = None if after is None else decode_cursor(after)
    if position is None or not position.startswith(f"{SHARED}/"):
        rows, following = _DATASETS.fetch(session, limit=limit, after=after, project_id=project.id)
        own = [_dataset_in_list(row) for row in rows]
        if following is not None:
            return own, following
        position = f"{SHARED}/"
    left = limit - len(own)
    values = {"project": project.id, "behind": position.removeprefix(f"{SHARED}/"), "most": left + 1}
    shares = session.scalars(_SHARES, values).all()
    shown = [*own, *(_shared_in_list(share) for share in shares[:left])]
    if len(shares) <= left:
        return shown, None
    return shown, encode_cursor(f"{SHARED}/{shares[left - 1].path if left else ''}")


_DATASETS = GatheredList(
    select(Dataset.name, Dataset.description, Dataset.created_at, Dataset.version).where(
        Dataset.project_id == bindparam("project_id")
    ),
    key=Dataset.name,
)

# Made once: that takes longer than SQLite needs to answer it.
_SHARES = (
    standing_in(bindparam("project"))
    .where(Share.path > bindparam("behind"))
    .order_by(Share.path)
    .limit(bindparam("most", type_=Integer))
)


def _dataset_in_list(row: Sequence[Any]) -> DatasetInList:
    name, description, created_at, version = row
    return {
        "name": name,
        "description": description,
        "standard": name in STANDARD_DATASETS,
        "created_at": created_at,
        "version": version,
        "shared": None,
    }


def _shared_in_list(share: Share) -> DatasetInList:
    return cast("DatasetInList", show_shared(share).model_dump(mode="json"))


def create_dataset(session: Session, project: Project, request: NewDataset) -> DatasetAnswer:
    """Creates a dataset; its folder follows.

    Raises:
        ConflictError: The name is taken, in whatever letters; the files of a deleted dataset of this name are still
            where they were; or the project has as many datasets as one may have.
    """
    dataset = _add(session, project, name=request.name, description=request.description)
    payload = {"project": project.name, "datasets": [dataset.name]}
    enqueue(session, CREATE_FOLDERS, entity=project.name, project=project.name, payload=payload)
    return show_dataset(dataset)


def edit_dataset(session: Session, dataset: Dataset, edit: DatasetEdit, *, version: int) -> None:
    """Changes the description of the version that the caller read.

    Raises:
        PreconditionFailedError: Somebody else changed it in between.
    """
    edit_version(session, dataset, version=version, **edit.model_dump(exclude_none=True))


def delete_dataset(
    session: Session, project: Project, dataset: Dataset, *, repeated_name: str, by: str
) -> Sequence[Project]:
    """Deletes a dataset; its folder goes to the trash, and other projects no longer have it.

    Returns:
        Those that had it.

    Raises:
        ConflictError: Every project has it.
        InvalidRequestError: The repeated name is another.
    """
    if dataset.name in STANDARD_DATASETS:
        raise ConflictError(f"Every project has {dataset.name}; it can't be deleted.", remedy="Delete what is in it.")
    if repeated_name != dataset.name:
        raise InvalidRequestError(f"To delete this dataset, say its name: {dataset.name}.")
    payload = {
        "project": project.name,
        "dataset": dataset.name,
        "item": str(new_id()),
        "description": dataset.description,
        "by": by,
    }
    enqueue(session, TRASH_DATASET, entity=project.name, project=project.name, payload=payload)
    had = end_shares_of(session, dataset)
    session.delete(dataset)
    session.flush()
    return had


def restore_dataset(session: Session, project: Project, item: TrashItem, *, name: str) -> DatasetAnswer:
    """Makes a deleted dataset one again; its folder follows.

    Raises:
        ConflictError: See :func:`create_dataset`; or it is being restored already.
    """
    dataset = _add(session, project, name=name, description=item.description)
    # After the project's row was locked: of two that restore the same, one is first.
    if any(one["item"] == str(item.id) for one in still_to_do(session, RESTORE_DATASET, project=project.name)):
        raise ConflictError("This is being restored already.", remedy="Read the list of datasets again in a moment.")
    payload = {"project": project.name, "dataset": dataset.name, "item": str(item.id)}
    enqueue(session, RESTORE_DATASET, entity=project.name, project=project.name, payload=payload)
    return show_dataset(dataset)


def trash_folder(files: ProjectFiles, *, project: str, dataset: str, item: str, description: str, by: str) -> None:
    """Moves the folder of a deleted dataset to the trash."""
    files.trash_dataset(Place(project, dataset), item=UUID(item), description=description, by=by)


def restore_folder(files: ProjectFiles, *, project: str, dataset: str, item: str) -> None:
    """Moves the folder of a restored dataset out of the trash."""
    files.restore_dataset(Place(project, dataset), item=UUID(item))


def check_nothing_is_restored(session: Session, project: Project) -> None:
    """Checks that no dataset of the project is on its way out of the trash.

    Raises:
        ConflictError: One is.
    """
    if still_to_do(session, RESTORE_DATASET, project=project.name):
        raise ConflictError("A dataset is being restored from this trash.", remedy="Try again in a moment.")


def show_dataset(dataset: Dataset) -> DatasetAnswer:
    """A dataset on the wire."""
    return DatasetAnswer(
        name=dataset.name,
        description=dataset.description,
        standard=dataset.name in STANDARD_DATASETS,
        created_at=dataset.created_at,
        version=dataset.version,
    )


def show_shared(share: Share) -> DatasetAnswer:
    """A dataset of another project on the wire."""
    shown = show_dataset(share.dataset)
    shared = SharedAnswer(
        project=share.owner.name, dataset=share.dataset.name, mode=share.mode_now, download=share.download
    )
    return shown.model_copy(update={"name": f"{SHARED}/{share.path}", "standard": False, "shared": shared})


def show_with_readme(dataset: DatasetAnswer, files: ProjectFiles, place: Place, *, readme: bool) -> DatasetDetail:
    """A dataset with its README.md, if that may be shown, as much of it as is."""
    text = _read_readme(files, place) if readme else None
    shown = (
        None
        if text is None
        else text[:MOST_OF_README].decode(errors="replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
    )
    cut = text is not None and len(text) > MOST_OF_README
    return DatasetDetail(**dataset.model_dump(), readme=shown, readme_cut=cut)


def _read_readme(files: ProjectFiles, place: Place) -> bytes | None:
    try:
        opened = files.open_file(Place(place.project, place.dataset, (README,)))
    except (NotFoundError, ConflictError, InvalidRequestError):
        # Without one, and where what has the name is no file that can be read, the dataset is shown all the same.
        return None
    with opened.file as file:
        return file.read(MOST_OF_README + 1)


def _add(session: Session, project: Project, *, name: str, description: str) -> Dataset:
    if not is_dataset_name(name):
        raise InvalidRequestError(
            "This can't be the name of a dataset.", remedy="Use letters, digits, '_', '-' and '.'."
        )
    # Of requests at the same moment one after the other counts.
    session.scalar(select(Project.id).where(Project.id == project.id).with_for_update())
    same = datasets_of(project).where(func.lower(Dataset.name) == name.lower())
    if name.lower() in _RESERVED or session.scalar(same) is not None:
        raise ConflictError(f"The name {name!r} is taken.", remedy="Choose another name.")
    # Its folder stands there still: what came into it now would go to the trash with it.
    leaving = still_to_do(session, TRASH_DATASET, project=project.name)
    if any(one["dataset"].lower() == name.lower() for one in leaving):
        raise ConflictError(
            f"The files of a deleted dataset {name!r} are still being moved to the trash.",
            remedy="Try again in a moment; if this stays so, an administrator sees why in the list of deliveries.",
        )
    count = session.scalar(select(func.count()).select_from(Dataset).where(Dataset.project_id == project.id))
    if (count or 0) >= MOST_DATASETS:
        raise ConflictError(
            f"The project has {count} datasets; {MOST_DATASETS} are the most.",
            remedy="Use folders in one dataset, or delete datasets that are no longer needed.",
        )
    dataset = Dataset(project_id=project.id, name=name, description=description)
    session.add(dataset)
    session.flush()
    return dataset
