"""Uploads: who may send what. The bytes themselves are the storage's matter."""

from __future__ import annotations

import posixpath
from uuid import UUID

from sqlalchemy.orm import Session

from hops_platform.database import Database, new_id, now
from hops_platform.datasets.service import Use, find_dataset
from hops_platform.engines.files import Entry, NewUpload, ProjectUploads, Upload
from hops_platform.engines.places import parse_place
from hops_platform.errors import ForbiddenError, NotFoundError
from hops_platform.files.leave import NamedPlace, check_still
from hops_platform.quotas.service import give_storage_back, is_full, take_storage
from hops_platform.security.authentication import ProjectAccess, authorize_in_project
from hops_platform.security.permissions import Permission
from hops_platform.sharing.standing import is_shared_name
from hops_platform.uploads.schemas import NewUploadRequest, UploadAnswer

PROGRAM_ENDINGS = frozenset(
    (".py", ".ipynb", ".jar", ".scala", ".sql", ".sh", ".md", ".txt", ".yaml", ".yml", ".toml", ".cfg", ".json")
)
MOST_PROGRAM_BYTES = 10 * 2**20


def is_program(path: str, size: int) -> bool:
    """Whether a file counts as a program or a notebook, by its name and its size: nobody can tell by what it holds."""
    return posixpath.splitext(path.lower())[1] in PROGRAM_ENDINGS and size <= MOST_PROGRAM_BYTES


def is_notebook(path: str, size: int) -> bool:
    """Whether a file counts as a notebook, by its name and its size."""
    return path.lower().endswith(".ipynb") and size <= MOST_PROGRAM_BYTES


def least_right(path: str, size: int) -> Permission:
    """What it takes to bring in what was announced: a notebook may have been, while the project was full."""
    return Permission.FILES_SAVE_NOTEBOOK if is_notebook(path, size) else Permission.FILES_UPLOAD


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
    # Where code writes by itself it has no other way in.
    if not (is_notebook(request.path, request.size) and is_full(session, access.project)):
        authorize_in_project(session, access.caller, access.project.name, Permission.FILES_UPLOAD)
    check_right(session, access, request.path, request.size)
    take_storage(session, access.project, request.size, notebook=is_notebook(request.path, request.size))
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
            take_storage(session, project, request.size, notebook=is_notebook(request.path, request.size))
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
    check_still(
        database, access, least_right(target.path, wanted.size), NamedPlace(target.dataset, target.path, Use.WRITE)
    )
    if not is_program(target.path, wanted.size):
        check_still(database, access, Permission.FILES_UPLOAD_DATA)


def check_right(session: Session, access: ProjectAccess, path: str, size: int) -> None:
    """Checks that the caller may bring in such a file.

    Raises:
        ForbiddenError: It is data, and the caller no Data Owner; or no notebook, and the caller is code.
    """
    if is_program(path, size):
        authorize_in_project(session, access.caller, access.project.name, least_right(path, size))
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
