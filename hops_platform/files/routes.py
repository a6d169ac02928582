from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from email.utils import format_datetime
from functools import partial
from typing import Annotated, Any
from urllib.parse import parse_qs, quote
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from hops_platform.audit.actions import Action
from hops_platform.audit.requests import Known, records, records_apart
from hops_platform.datasets.service import Use, place_in
from hops_platform.engines.files import OpenedFile
from hops_platform.engines.leave import Leave
from hops_platform.engines.places import MAX_PATH_BYTES
from hops_platform.errors import ForbiddenError, RangeNotSatisfiableError
from hops_platform.files import service
from hops_platform.files.copying import CopyCall, copy_with
from hops_platform.files.leave import NamedPlace, check_still
from hops_platform.files.moving import Moved, move_with
from hops_platform.files.on_storage import check_on_storage
from hops_platform.files.opening import read_opened
from hops_platform.files.ranges import ByteRange, asked_range
from hops_platform.files.schemas import (
    CopiesAnswer,
    CopyAnswer,
    Deletion,
    Emptying,
    EntryAnswer,
    Move,
    NewFolder,
    Restoration,
    RestoredAnswer,
    TicketAnswer,
    TicketRequest,
    TrashItemAnswer,
)
from hops_platform.files.tickets import LIFETIME_S, AskedFile
from hops_platform.http import (
    After,
    DatabaseSession,
    DatasetName,
    FilePath,
    Limit,
    PartsOf,
    StepAside,
    in_one_step,
    problem_response,
)
from hops_platform.long_answers import CutShortError, LongAnswer
from hops_platform.paging import DEFAULT_LIMIT, Page
from hops_platform.parts import Parts
from hops_platform.security.authentication import Caller, ProjectAccess, authorize_in_project
from hops_platform.security.browser import caller_of_form
from hops_platform.security.guard import Public, RequiresInProject
from hops_platform.security.permissions import Permission
from hops_platform.security.within import check_from_within
from hops_platform.transfers import COPIES_OF_PROJECT, Transfers

router = APIRouter(tags=["files"])
# A form of the pages is sent here by a browser; whoever it is, the ticket and the permission decide.
downloads = APIRouter(include_in_schema=False, dependencies=[Depends(Public(Permission.BROWSER_LOGIN))])
FolderPath = Annotated[
    str,
    Query(
        max_length=MAX_PATH_BYTES, description="Relative to the dataset; empty for its top folder.", examples=["2026"]
    ),
]
TrashId = Annotated[UUID, Path(examples=["01969b1e-6f00-7000-8000-000000000000"])]
RangeHeader = Annotated[
    str | None, Header(alias="Range", max_length=100, description="One range of bytes, such as bytes=0-1023.")
]
IfRange = Annotated[
    str | None, Header(alias="If-Range", max_length=200, description="The ETag that the part must belong to.")
]
_PIECE = 1024 * 1024
_FILE_ANSWER: dict[str, Any] = {
    "description": "The bytes, always as an attachment.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary", "example": "day,rain"}}},
}


def asked_copy(  # noqa: PLR0917 - the request, and parts
    dataset: DatasetName, request: Move, session: DatabaseSession, parts: PartsOf, step_aside: StepAside, known: Known
) -> CopyCall:
    """What a call that makes something of something else asks for."""
    return CopyCall(dataset=dataset, request=request, session=session, parts=parts, step_aside=step_aside, known=known)


AskedCopy = Annotated[CopyCall, Depends(asked_copy)]


@router.get("/projects/{project}/datasets/{dataset}/files")
@in_one_step
def list_files(  # noqa: PLR0917 - each is a word of the address, or a part
    dataset: DatasetName,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_BROWSE))],
    session: DatabaseSession,
    parts: PartsOf,
    path: FolderPath = "",
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[EntryAnswer]:
    """What lies in a folder, by name."""
    place = place_in(session, access, dataset, path, use=Use.READ)
    return service.list_folder(parts.engines.files, place, limit=limit, after=after)


@router.get("/projects/{project}/datasets/{dataset}/entry")
def read_entry(
    dataset: DatasetName,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_BROWSE))],
    session: DatabaseSession,
    parts: PartsOf,
    path: FolderPath = "",
) -> EntryAnswer:
    """What one file or folder is."""
    return service.show_entry(parts.engines.files.stat(place_in(session, access, dataset, path, use=Use.READ)))


@router.post(
    "/projects/{project}/datasets/{dataset}/folders",
    status_code=201,
    dependencies=[records(Action.FOLDER_CREATE, "dataset")],
)
def make_folder(  # noqa: PLR0917 - the request, and parts
    dataset: DatasetName,
    request: NewFolder,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_EDIT))],
    session: DatabaseSession,
    parts: PartsOf,
    known: Known,
) -> EntryAnswer:
    """Makes a folder in one that is there."""
    known.thing = f"{dataset}/{request.path}"
    place = place_in(session, access, dataset, request.path, use=Use.WRITE)
    return service.show_entry(parts.engines.files.make_folder(place))


@router.post("/projects/{project}/datasets/{dataset}/files:move", dependencies=[records(Action.FILE_MOVE, "dataset")])
async def move_file(  # noqa: PLR0917 - the request, and parts
    dataset: DatasetName,
    request: Move,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_EDIT))],
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
    known: Known,
) -> EntryAnswer:
    """Moves or renames a file or a folder within the project; nothing is replaced."""
    known.thing = f"{dataset}/{request.path}"
    known.details["to"] = f"{request.to_dataset or dataset}/{request.to}"
    names = (
        NamedPlace(request.to_dataset or dataset, request.to, Use.WRITE),
        NamedPlace(dataset, request.path, Use.WRITE),
    )
    target, source = [await run_in_threadpool(named.within, session, access) for named in names]
    service.check_move(source, target, within=access.project)
    moved = Moved(
        what=source, project=source.project, into=target.dataset, permission=Permission.FILES_EDIT, places=names
    )
    work = partial(parts.engines.files.move, source, target)
    return service.show_entry(await move_with(work, moved, access, parts, step_aside))


@router.get("/projects/{project}/copies")
async def read_copies(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_BROWSE))], parts: PartsOf
) -> CopiesAnswer:
    """How many copies and slow moves of the project are under way and wait, and how many before the caller's."""
    line = parts.transfers.copies.line(access.caller.person.name, access.project.name)
    return CopiesAnswer(
        under_way=line.under_way,
        at_once=COPIES_OF_PROJECT,
        waiting=line.waiting,
        own_waiting=line.own_waiting,
        before=line.before,
    )


@router.post("/projects/{project}/datasets/{dataset}/files:copy", dependencies=[records(Action.FILE_COPY, "dataset")])
async def copy_file(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_EDIT))], call: AskedCopy
) -> CopyAnswer:
    """Copies a file or a folder within the project; nothing is replaced, and it appears when it is whole."""
    return await copy_with(call.parts.engines.files.copy, call, access, permission=Permission.FILES_EDIT)


@router.post("/projects/{project}/datasets/{dataset}/files:pack", dependencies=[records(Action.FILE_PACK, "dataset")])
async def pack_file(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_PACK))], call: AskedCopy
) -> CopyAnswer:
    """Packs a file or a folder as a zip archive within the project; nothing is replaced."""
    return await copy_with(call.parts.engines.archives.pack, call, access, permission=Permission.FILES_PACK)


@router.post(
    "/projects/{project}/datasets/{dataset}/files:unpack", dependencies=[records(Action.FILE_UNPACK, "dataset")]
)
async def unpack_file(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_UNPACK))], call: AskedCopy
) -> CopyAnswer:
    """Unpacks a zip archive into a new folder within the project, which appears when it is whole."""
    return await copy_with(call.parts.engines.archives.unpack, call, access, permission=Permission.FILES_UNPACK)


@router.post("/projects/{project}/datasets/{dataset}/files:trash", dependencies=[records(Action.FILE_TRASH, "dataset")])
async def trash_file(  # noqa: PLR0917 - the request, and parts
    dataset: DatasetName,
    request: Deletion,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_EDIT))],
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
    known: Known,
) -> TrashItemAnswer:
    """Moves a file or a folder to the trash of the project that owns the dataset."""
    known.thing = f"{dataset}/{request.path}"
    named = NamedPlace(dataset, request.path, Use.WRITE)
    place = await run_in_threadpool(named.within, session, access)
    moved = Moved(what=place, project=place.project, permission=Permission.FILES_EDIT, places=(named,))
    work = partial(parts.engines.files.trash, place, by=access.caller.person.name)
    return service.show_trash_item(await move_with(work, moved, access, parts, step_aside))


@router.get(
    "/projects/{project}/datasets/{dataset}/content",
    response_class=Response,
    responses={200: _FILE_ANSWER, 206: _FILE_ANSWER},
    dependencies=[records_apart(Action.FILE_DOWNLOAD, "dataset")],
)
def download_file(  # noqa: PLR0917 - each is a word of the request, or a part
    dataset: DatasetName,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_DOWNLOAD))],
    session: DatabaseSession,
    parts: PartsOf,
    path: FilePath,
    known: Known,
    asked: RangeHeader = None,
    if_range: IfRange = None,
) -> Response:
    """The bytes of a file, or a part of them."""
    known.thing = f"{dataset}/{path}"
    if asked is not None:
        known.details["range"] = asked
    place = place_in(session, access, dataset, path, use=Use.TAKE_OUT)
    opened = parts.engines.files.open_file(place)
    try:
        wanted = asked_range(asked if if_range in {None, f'"{opened.version}"'} else None, size=opened.size)
    except RangeNotSatisfiableError as error:
        opened.file.close()
        refusal = problem_response(error)
        refusal.headers["Content-Range"] = f"bytes */{opened.size}"
        known.recorded = True  # nothing was sent
        return refusal
    return _download(opened, wanted, AskedFile(access.project.name, dataset, path), access, parts)


@router.get(
    "/projects/{project}/datasets/{dataset}/content:open", response_class=Response, responses={200: _FILE_ANSWER}
)
async def open_file(  # noqa: PLR0917 - each is a word of the request, or a part
    request: Request,
    dataset: DatasetName,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_OPEN))],
    session: DatabaseSession,
    parts: PartsOf,
    path: FilePath,
    step_aside: StepAside,
) -> Response:
    """The bytes of a small file on the site's storage, for the notebook server that shows it in Lab.

    Only a notebook server on the platform's own machine is answered.
    """
    check_from_within(request.scope)
    place = await run_in_threadpool(NamedPlace(dataset, path, Use.READ).within, session, access)
    check_on_storage(place, parts.settings.storage_address.on_machine)
    with parts.transfers.places.take(access.caller.person.name):
        step_aside()
        content, version = await parts.transfers.run(read_opened, parts.engines.files, access, place)
    return Response(content, media_type="application/octet-stream", headers={"ETag": f'"{version}"'})


@router.post("/projects/{project}/datasets/{dataset}/content:ticket", status_code=201)
def give_download_ticket(
    dataset: DatasetName,
    request: TicketRequest,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_DOWNLOAD))],
    session: DatabaseSession,
    parts: PartsOf,
) -> TicketAnswer:
    """A ticket for one download of a file by the caller's browser; a program uses 'content' instead."""
    person = access.caller.person.id
    place = place_in(session, access, dataset, request.path, use=Use.TAKE_OUT)
    parts.engines.files.open_file(place).file.close()  # what can't be downloaded is told now, in the page
    # Under the name by which it was asked for: what may be done with a shared one is looked at again.
    asked = AskedFile(access.project.name, dataset, request.path)
    return TicketAnswer(ticket=parts.tickets.give(person, asked), lifetime_s=LIFETIME_S)


async def sent_ticket(request: Request) -> str:
    """The ticket in a form; empty without one."""
    try:
        fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=4)
    except ValueError:
        return ""
    return fields.get("ticket", [""])[0]


@downloads.post("/downloads", response_class=Response, dependencies=[records_apart(Action.FILE_DOWNLOAD)])
def download_by_ticket(
    ticket: Annotated[str, Depends(sent_ticket)],
    caller: Annotated[Caller, Depends(caller_of_form)],
    session: DatabaseSession,
    parts: PartsOf,
    known: Known,
) -> Response:
    """The bytes of the file that a ticket is for."""
    named = parts.tickets.take(caller.person.id, ticket)
    if named is None:
        raise ForbiddenError(
            "This download has begun already, or was asked for more than a minute ago.",
            remedy="Go back, and click on Download again.",
        )
    access = authorize_in_project(session, caller, named.project, Permission.FILES_DOWNLOAD)
    known.within(access.project.name, access.project.id)
    known.thing = str(named)
    place = place_in(session, access, named.dataset, named.path, use=Use.TAKE_OUT)
    opened = parts.engines.files.open_file(place)
    everything = asked_range(None, size=opened.size)
    return _download(opened, everything, named, access, parts)


def _download(opened: OpenedFile, wanted: ByteRange, file: AskedFile, access: ProjectAccess, parts: Parts) -> Download:
    named = NamedPlace(file.dataset, file.path, Use.TAKE_OUT)
    look = partial(check_still, parts.database, access, Permission.FILES_DOWNLOAD, named)
    return Download(
        opened,
        wanted,
        name=file.path.rpartition("/")[2],
        transfers=parts.transfers,
        person=access.caller.person.name,
        leave=Leave(look, looked=True),
    )


@router.get("/projects/{project}/trash")
@in_one_step
def list_trash(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.TRASH_READ))],
    session: DatabaseSession,
    parts: PartsOf,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[TrashItemAnswer]:
    """What was deleted in the project, the latest first."""
    session.commit()
    return service.list_trash(parts.engines.files, access.project.name, limit=limit, after=after)


@router.post("/projects/{project}/trash/{item}:restore", dependencies=[records(Action.FILE_RESTORE, "item")])
async def restore_file(  # noqa: PLR0917 - the request, and parts
    item: TrashId,
    request: Restoration,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.TRASH_RESTORE))],
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
    known: Known,
) -> RestoredAnswer:
    """Moves something out of the trash; a whole dataset follows after this answer."""
    files, project = parts.engines.files, access.project.name
    target = await run_in_threadpool(service.place_to_restore, session, files, access, item, request)
    known.thing = f"{target.dataset}/{target.path}".rstrip("/")
    if isinstance(target, RestoredAnswer):
        return target
    named = NamedPlace(target.dataset, target.path, Use.WRITE)
    moved = Moved(what=item, project=project, into=target.dataset, permission=Permission.TRASH_RESTORE, places=(named,))
    await move_with(partial(files.restore, project, item, target=target), moved, access, parts, step_aside)
    return RestoredAnswer(dataset=target.dataset, path=target.path)


@router.post("/projects/{project}/trash:empty", status_code=204, dependencies=[records(Action.TRASH_EMPTY, "project")])
async def empty_trash(
    request: Emptying,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.TRASH_EMPTY))],
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
) -> None:
    """Removes what is in the trash for good."""
    project = access.project
    await run_in_threadpool(service.check_emptying, session, project, repeated_name=request.project)
    moved = Moved(what=None, project=project.name, permission=Permission.TRASH_EMPTY)
    work = partial(service.empty_trash, parts.database, parts.engines.files, project)
    await move_with(work, moved, access, parts, step_aside)
    await run_in_threadpool(service.follow_emptying, session, project)


class Download(LongAnswer):
    """The bytes of a file as an attachment: no browser shows them, whatever they hold.

    Args:
        opened: The file, which is closed at the end.
        wanted: Which of its bytes.
        name: What the file is called where it goes.
        transfers: Where the reading is done.
        person: Who downloads.
        leave: Looked at from time to time.
    """

    def __init__(
        self, opened: OpenedFile, wanted: ByteRange, *, name: str, transfers: Transfers, person: str, leave: Leave
    ) -> None:
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Length": str(wanted.length),
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Accept-Ranges": "bytes",
            "ETag": f'"{opened.version}"',
            "Last-Modified": format_datetime(opened.modified, usegmt=True),
        }
        if wanted.part:
            headers["Content-Range"] = f"bytes {wanted.first}-{wanted.last}/{opened.size}"
        super().__init__(
            self._read(),
            status_code=206 if wanted.part else 200,
            headers=headers,
            media_type="application/octet-stream",
            transfers=transfers,
            person=person,
            leave=leave,
        )
        self._opened = opened
        self._wanted = wanted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the bytes."""
        with self._opened.file:
            await super().__call__(scope, receive, send)

    async def _read(self) -> AsyncGenerator[bytes, None]:
        """Reads one piece while the one before it is sent."""
        file, left = self._opened.file, self._wanted.length
        file.seek(self._wanted.first)
        reading = asyncio.ensure_future(self._transfers.run(file.read, min(_PIECE, left)))
        try:
            while piece := await reading:
                left -= len(piece)
                reading = asyncio.ensure_future(self._transfers.run(file.read, min(_PIECE, left)))
                yield piece
        finally:
            # The file is closed when nobody reads it any more.
            await reading
        if left:
            raise CutShortError  # it was cut meanwhile, and has fewer bytes than were announced
