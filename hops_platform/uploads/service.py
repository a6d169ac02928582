"""Uploads: who may send what. The bytes themselves are the storage's matter."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from hops_contract.principal import ProjectRole
from hops_platform.database import Database, new_id, now
from hops_platform.datasets.service import Use, find_dataset, place_in
from hops_platform.engines.files import Entry, EntryKind, NewUpload, ProjectFiles, ProjectUploads, Upload
from hops_platform.engines.leave import Leave
from hops_platform.engines.places import Place, parse_place
from hops_platform.errors import ConflictError, ForbiddenError, NotFoundError, PlatformError, QuotaExceededError
from hops_platform.files.leave import NamedPlace, check_still
from hops_platform.files.on_storage import check_on_storage
from hops_platform.files.programs import MOST_PROGRAM_BYTES, PROGRAM_ENDINGS, is_notebook, is_program
from hops_platform.projects.models import Project
from hops_platform.quotas.service import give_storage_back, is_full, no_storage_elsewhere, take_storage
from hops_platform.security.authentication import ProjectAccess, authorize_in_project
from hops_platform.security.leave import no_longer
from hops_platform.security.permissions import Permission
from hops_platform.sharing.standing import find_standing, is_shared_name
from hops_platform.uploads.schemas import NewUploadRequest, UploadAnswer


def announce(session: Session, access: ProjectAccess, dataset: str, request: NewUploadRequest) -> UploadAnswer:
    """Checks that a file may come in, and gives it a key; :func:`begin_upload` follows.

    Raises:
        ForbiddenError: It is data, which a Data Owner brings in, or the dataset is another project's.
        NotFoundError: There is no such dataset.
        QuotaExceededError: The project has less room for it than it needs.
    """
    if is_shared_name(dataset):
        raise ForbiddenError(
            "Nothing is uploaded into a dataset of another project.",
            remedy="Upload it into one of this project, then copy it.",
        )
    found = find_dataset(session, access.project, dataset)
    wanted = _wanted(access, found.name, request)
    check_right(session, access, request.path, request.size)
    take_storage(session, access.project, request.size)
    return show_upload(Upload(id=new_id(), wanted=wanted, received=0, created_at=now()))


def begin_upload(
    uploads: ProjectUploads, access: ProjectAccess, dataset: str, request: NewUploadRequest, upload: UUID
) -> None:
    """Makes room for what was announced; can be repeated.

    Raises:
        StorageFullError: There is less room than it needs.
        TooManyError: The caller has as many uploads under way as one may have.
    """
    person = access.caller.person
    if uploads.find_finished(access.project.name, person.id, upload) is None:
        uploads.begin(person.id, _wanted(access, dataset, request), upload=upload)


def count_again(
    database: Database, uploads: ProjectUploads, access: ProjectAccess, request: NewUploadRequest, upload: UUID
) -> bool:
    """Counts a file whose announcement is repeated, and of which nothing is there; whether it did.

    It was given up meanwhile, or could not be begun: what it took was given back, and it is begun anew.

    Raises:
        QuotaExceededError: The project has less room for it than it needs.
    """
    project, owner = access.project, access.caller.person.id
    if uploads.find_finished(project.name, owner, upload) is not None:
        return False
    try:
        uploads.find(project.name, owner, upload)
    except NotFoundError:
        with database.session() as session:
            take_storage(session, project, request.size)
        return True
    return False


def cancel_upload(session: Session, uploads: ProjectUploads, access: ProjectAccess, upload: UUID) -> None:
    """Gives up an upload of the caller's; does nothing if there is none.

    Raises:
        ConflictError: It is being put in its place at this moment.
    """
    project, owner = access.project, access.caller.person.id
    session.commit()  # nobody waits for the database while the disk is looked at
    size = uploads.cancel(project.name, owner, upload)
    # What a killed process had put in its place already stays counted.
    if size and uploads.find_finished(project.name, owner, upload) is None:
        give_storage_back(session, project, size)


def find_announced(session: Session, uploads: ProjectUploads, access: ProjectAccess, upload: UUID) -> Entry | NewUpload:
    """What the caller announced; or what was answered, where it was finished before. Ends the transaction.

    Raises:
        NotFoundError: There is no such upload.
    """
    session.commit()  # nobody waits for the database while the disk is looked at
    project, person = access.project.name, access.caller.person
    if (finished := uploads.find_finished(project, person.id, upload)) is not None:
        return finished
    return uploads.find(project, person.id, upload).wanted


def check_before_finish(session: Session, access: ProjectAccess, wanted: NewUpload) -> None:
    """Checks that the file may come in now, whatever was so when it was announced; ends the transaction.

    Raises:
        ForbiddenError: It may not.
        NotFoundError: The dataset is gone.
    """
    find_dataset(session, access.project, wanted.target.dataset)
    check_right(session, access, wanted.target.path, wanted.size)
    session.commit()


def check_still_comes_in(database: Database, access: ProjectAccess, wanted: NewUpload) -> None:
    """Checks that the file may still come in, looked up anew.

    Raises:
        ForbiddenError: It may not any more.
        NotFoundError: The dataset is gone.
    """
    target = wanted.target
    check_still(database, access, Permission.FILES_UPLOAD, NamedPlace(target.dataset, target.path, Use.WRITE))
    if not is_program(target.path, wanted.size):
        check_still(database, access, Permission.FILES_UPLOAD_DATA)


@dataclass(frozen=True, slots=True)
class AskedToSave:
    """A file that Lab is to save.

    Attributes:
        dataset: As the project names it.
        path: Relative to the dataset.
        size: Bytes.
        on_machine: The datasets on the machine's disk, where the others lie on the site's storage; ``None``: all.
    """

    dataset: str
    path: str
    size: int
    on_machine: Collection[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveTarget:
    """Where a file goes that Lab saves.

    Attributes:
        owner: The project whose dataset it goes into.
        is_own: Whether that is the one in which it is saved.
        place: Where it goes.
        past_mount: Whether it is a notebook of a full project, where the notebook server only reads.
    """

    owner: Project
    is_own: bool
    place: Place
    past_mount: bool


def where_to_save(session: Session, access: ProjectAccess, asked: AskedToSave) -> SaveTarget:
    """Where a file goes that Lab saves; ends the transaction.

    Raises:
        ConflictError: The notebook server has it at hand, and may write it.
        ForbiddenError: It is data, which a Data Owner saves in their own project's datasets alone; or the dataset is
            another project's, which does not allow it.
        NotFoundError: There is no such dataset.
    """
    owner = access.project
    if is_shared_name(asked.dataset):
        owner = find_standing(session, access.project, asked.dataset).owner
    is_own = owner.id == access.project.id
    past_mount = is_own and is_notebook(asked.path, asked.size) and is_full(session, owner)
    place = place_in(session, access, asked.dataset, asked.path, use=Use.SAVE)
    if not past_mount:
        check_on_storage(place, asked.on_machine)
    if not is_program(place.path, asked.size) and not (is_own and access.member.role is ProjectRole.DATA_OWNER):
        raise ForbiddenError(
            f"Only programs and notebooks are saved here by Lab: {', '.join(sorted(PROGRAM_ENDINGS))} of at most "
            f"{MOST_PROGRAM_BYTES // 2**20} MiB.",
            remedy="Ask a Data Owner to bring data in, on the dataset's page.",
        )
    return SaveTarget(owner=owner, is_own=is_own, place=place, past_mount=past_mount)


def check_still_saves(database: Database, access: ProjectAccess, named: NamedPlace, size: int) -> None:
    """Checks that the caller may still save a file, looked up anew.

    Raises:
        ForbiddenError: They may not any more.
        NotFoundError: The dataset is gone.
    """
    check_still(database, access, Permission.FILES_SAVE, named)
    if is_program(named.path, size):
        return
    with database.session(writes=False) as session:
        now_access = authorize_in_project(session, access.caller, access.project.name, Permission.FILES_SAVE)
        if now_access.member.role is not ProjectRole.DATA_OWNER:
            raise no_longer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """A file that Lab saves.

    Attributes:
        person: Who saves it.
        target: Where it goes.
        content: All of it.
    """

    person: UUID
    target: SaveTarget
    content: bytes


def save_file(
    database: Database, files: ProjectFiles, uploads: ProjectUploads, saving: Saving, *, leave: Leave
) -> Entry:
    """Puts a whole file in its place, where it replaces what is there; the folder that it goes to is there already.

    Raises:
        ConflictError: There is something else than a file.
        NotFoundError: There is no such folder (any more).
        QuotaExceededError: The project has less room for it than it needs.
    """
    target, place, size = saving.target, saving.target.place, len(saving.content)
    files.stat(place.parent)  # folders are made on purpose: what was moved away is not made anew by a save
    more = max(0, size - _size_of(files, place))
    try:
        with database.session() as session:
            take_storage(session, target.owner, more, notebook=target.past_mount)
    except QuotaExceededError as error:
        if target.is_own:
            raise
        raise no_storage_elsewhere(target.owner.name) from error
    wanted = NewUpload(target=place, size=size, sha256=None, replace=True)
    upload: Upload | None = None
    try:
        upload = uploads.begin(saving.person, wanted)
        with uploads.write(place.project, saving.person, upload.id, offset=0) as writer:
            writer.write(saving.content)
        return uploads.finish(place.project, saving.person, upload.id, leave=leave)
    except PlatformError:
        if upload is not None:
            uploads.cancel(place.project, saving.person, upload.id)
        with database.session() as session:
            give_storage_back(session, target.owner, more)
        raise


def _size_of(files: ProjectFiles, place: Place) -> int:
    try:
        found = files.stat(place)
    except NotFoundError:
        return 0
    if found.kind is not EntryKind.FILE:
        raise ConflictError(f"{place.path} is there, and is no file.", remedy="Save under another name.")
    return found.size or 0


def check_right(session: Session, access: ProjectAccess, path: str, size: int) -> None:
    """Checks that the caller may bring in such a file.

    Raises:
        ForbiddenError: It is data, and the caller no Data Owner.
    """
    if is_program(path, size):
        return
    try:
        authorize_in_project(session, access.caller, access.project.name, Permission.FILES_UPLOAD_DATA)
    except ForbiddenError as error:
        raise ForbiddenError(
            "A Data Scientist brings in programs and notebooks, no data: "
            f"{', '.join(sorted(PROGRAM_ENDINGS))} of at most {MOST_PROGRAM_BYTES // 2**20} MiB.",
            remedy="Ask a Data Owner to bring it in.",
        ) from error


def _wanted(access: ProjectAccess, dataset: str, request: NewUploadRequest) -> NewUpload:
    target = parse_place(access.project.name, dataset, request.path)
    return NewUpload(target=target, size=request.size, sha256=request.sha256, replace=request.replace)


def show_upload(upload: Upload) -> UploadAnswer:
    """An upload on the wire."""
    return UploadAnswer(
        id=upload.id,
        dataset=upload.wanted.target.dataset,
        path=upload.wanted.target.path,
        size=upload.wanted.size,
        received=upload.received,
        created_at=upload.created_at,
    )
