from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from hops_platform.audit.actions import Action
from hops_platform.audit.circumstances import Circumstances
from hops_platform.audit.requests import Known, records
from hops_platform.datasets.service import Use
from hops_platform.engines.files import Entry, NewUpload, UploadWriter
from hops_platform.engines.leave import Leave
from hops_platform.errors import BodyTooSlowError, NotFoundError, PlatformError, TooLargeError
from hops_platform.files.leave import NamedPlace
from hops_platform.files.opening import MOST_OPENED_BYTES
from hops_platform.files.schemas import EntryAnswer
from hops_platform.files.service import show_entry
from hops_platform.http import DatabaseSession, DatasetName, FilePath, IdempotencyKeyHeader, PartsOf, StepAside
from hops_platform.idempotency import create_once, is_repeated
from hops_platform.quotas.service import give_storage_back
from hops_platform.security.authentication import ProjectAccess
from hops_platform.security.guard import RequiresInProject
from hops_platform.security.permissions import Permission
from hops_platform.security.within import check_from_within
from hops_platform.transfers import Transfers
from hops_platform.uploads import service
from hops_platform.uploads.schemas import MOST_BYTES, NewUploadRequest, Received, UploadAnswer

router = APIRouter(tags=["uploads"])
Uploads = Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_UPLOAD))]
UploadId = Annotated[UUID, Path(examples=["01969b1e-6f00-7000-8000-000000000000"])]
Offset = Annotated[
    int, Query(ge=0, le=MOST_BYTES, description="Where these bytes begin: what 'received' says.", examples=[0])
]
PATIENCE_S = 30.0
"""How long nothing may come."""
LONGEST_S = 900.0
"""How long one call may last; what has come by then is kept, and another call goes on."""
LONGEST_SAVE_S = 60.0
"""How long the bytes of a small file may take, which come from this machine."""
_ON_WITH_UPLOAD = "Ask how far the upload is, and go on there."
_PIECE = 1024 * 1024
_BYTES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary", "example": "day,rain"}}
        },
    }
}


@router.post(
    "/projects/{project}/datasets/{dataset}/uploads",
    status_code=201,
    response_model=UploadAnswer,
    dependencies=[records(Action.UPLOAD_BEGIN, "dataset")],
)
def begin_upload(  # noqa: PLR0917 - the request, and parts
    dataset: DatasetName,
    request: NewUploadRequest,
    access: Uploads,
    session: DatabaseSession,
    parts: PartsOf,
    known: Known,
    key: IdempotencyKeyHeader = None,
) -> dict[str, Any]:
    """Announces a file; folders that lead to it are made when it is whole. Left alone for a day, it is given up."""
    known.thing, known.details["size"] = f"{dataset}/{request.path}", request.size
    if request.sha256 is not None:
        known.details["sha256"] = request.sha256
    created = create_once(
        session,
        user_id=access.caller.person.id,
        key=key,
        route=f"POST projects/{access.project.id}/datasets/{dataset}/uploads",
        request=request,
        create=lambda: service.announce(session, access, dataset, request),
    )
    known.details["upload"] = str(created["id"])
    session.commit()  # nobody waits for the database while the disk is looked at
    uploads, upload = parts.engines.uploads, UUID(created["id"])
    if is_repeated(session) and not service.count_again(parts.database, uploads, access, request, upload):
        return created  # it was begun: who gives it up at this moment gets nothing that is not counted
    try:
        service.begin_upload(uploads, access, dataset, request, upload)
    except PlatformError:
        with parts.database.session() as giving_back:
            give_storage_back(giving_back, access.project, request.size)
        raise
    return created


@router.get("/projects/{project}/uploads/{upload}")
def read_upload(upload: UploadId, access: Uploads, session: DatabaseSession, parts: PartsOf) -> UploadAnswer:
    """How far an upload of the caller's is."""
    session.commit()
    return service.show_upload(parts.engines.uploads.find(access.project.name, access.caller.person.id, upload))


@router.put("/projects/{project}/uploads/{upload}/content", openapi_extra=_BYTES)
async def write_upload(  # noqa: PLR0917 - the request, and parts
    upload: UploadId,
    offset: Offset,
    request: Request,
    access: Uploads,
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
) -> Received:
    """Adds bytes to an upload. What has come is kept when the connection breaks."""
    await run_in_threadpool(session.commit)  # nobody waits for the database while bytes come
    person = access.caller.person
    with parts.transfers.places.take(person.name):
        step_aside()
        uploads = parts.engines.uploads
        writer = await parts.transfers.run(uploads.write, access.project.name, person.id, upload, offset=offset)
        with writer:
            await _write_all(request, writer, parts.transfers)
            return Received(received=writer.received)


@router.post("/projects/{project}/uploads/{upload}:finish", dependencies=[records(Action.UPLOAD_FINISH, "upload")])
async def finish_upload(  # noqa: PLR0917 - the request, and parts
    upload: UploadId,
    access: Uploads,
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
    known: Known,
) -> EntryAnswer:
    """Checks what came, and puts the whole file in its place in one step. Repeated, it answers the same for a day."""
    uploads, person = parts.engines.uploads, access.caller.person
    found = await run_in_threadpool(service.find_announced, session, uploads, access, upload)
    if isinstance(found, Entry):
        known.recorded = True  # when it happened
        return show_entry(found)
    _name(known, found, upload)
    await run_in_threadpool(service.check_before_finish, session, access, found)
    leave = Leave(partial(service.check_still_comes_in, parts.database, access, found))
    finish = partial(uploads.finish, access.project.name, person.id, upload, leave=leave)
    with parts.transfers.places.take(person.name):
        step_aside()
        return show_entry(await parts.transfers.finishes.run(person.name, leave, finish))


@router.delete(
    "/projects/{project}/uploads/{upload}", status_code=204, dependencies=[records(Action.UPLOAD_CANCEL, "upload")]
)
def cancel_upload(upload: UploadId, access: Uploads, session: DatabaseSession, parts: PartsOf, known: Known) -> None:
    """Gives up an upload of the caller's."""
    uploads = parts.engines.uploads
    try:
        found = service.find_announced(session, uploads, access, upload)
    except NotFoundError:
        found = None
    service.cancel_upload(session, uploads, access, upload)
    if isinstance(found, NewUpload):
        _name(known, found, upload)
    else:
        known.recorded = True  # there was nothing to give up


def _name(known: Circumstances, wanted: NewUpload, upload: UUID) -> None:
    """An upload is known by the file that it becomes."""
    known.thing = f"{wanted.target.dataset}/{wanted.target.path}"
    known.details.update({"size": wanted.size, "upload": str(upload)})
    if wanted.sha256 is not None:
        known.details["sha256"] = wanted.sha256


@router.post(
    "/projects/{project}/datasets/{dataset}/content:save",
    openapi_extra=_BYTES,
    dependencies=[records(Action.FILE_SAVE, "dataset")],
)
async def save_file(  # noqa: PLR0917 - the request, and parts
    request: Request,
    dataset: DatasetName,
    path: FilePath,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.FILES_SAVE))],
    session: DatabaseSession,
    parts: PartsOf,
    step_aside: StepAside,
    known: Known,
) -> EntryAnswer:
    """Saves a small file for a notebook server that can't do so itself, and replaces what is there.

    That is a file on the site's storage, and a notebook of a project that is over its quota of storage. Only a notebook
    server on the platform's own machine is answered.
    """
    known.thing = f"{dataset}/{path}"
    check_from_within(request.scope)
    await run_in_threadpool(session.commit)  # nobody waits for the database while bytes come
    with parts.transfers.places.take(access.caller.person.name):
        step_aside()
        content = await _read_small(request)
        known.details["size"] = len(content)
        asked = service.AskedToSave(dataset, path, len(content), parts.settings.storage_address.on_machine)
        target = await run_in_threadpool(service.where_to_save, session, access, asked)
        files, uploads, person = parts.engines.files, parts.engines.uploads, access.caller.person
        named = NamedPlace(dataset, path, Use.SAVE)
        leave = Leave(partial(service.check_still_saves, parts.database, access, named, len(content)))
        saving = service.Saving(person=person.id, target=target, content=content)
        save = partial(service.save_file, parts.database, files, uploads, saving, leave=leave)
        return show_entry(await parts.transfers.finishes.run(person.name, leave, save))


async def _read_small(request: Request) -> bytes:
    """The body of a file that Lab saves.

    Raises:
        BodyTooSlowError: See :func:`_in_time`.
        TooLargeError: It has more bytes than Lab opens.
    """
    content = bytearray()
    async for piece in _in_time(request, longest_s=LONGEST_SAVE_S, remedy="Save again."):
        content += piece
        if len(content) > MOST_OPENED_BYTES:
            raise TooLargeError(
                f"Files on the site's storage, and notebooks of a project that is over its quota, are saved up to "
                f"{MOST_OPENED_BYTES // 2**20} MiB.",
                remedy="Clear the outputs of a large notebook; bring data in on the dataset's page.",
            )
    return bytes(content)


async def _write_all(request: Request, writer: UploadWriter, transfers: Transfers) -> None:
    """Writes one piece while the next one comes; there are never more than two in memory."""
    pieces, taken, missing = bytearray(), 0, writer.missing
    writing: asyncio.Future[None] | None = None
    try:
        async for piece in _in_time(request):
            pieces += piece
            taken += len(piece)
            if taken > missing:
                # Who sends more than was announced is told so now.
                break
            if len(pieces) >= _PIECE:
                if writing is not None:
                    await writing
                writing = asyncio.ensure_future(transfers.run(writer.write, pieces))
                pieces = bytearray()
    finally:
        # Also what came before the connection broke; and nobody writes once the writer is closed.
        if writing is not None:
            await writing
        await transfers.run(writer.write, pieces)


async def _in_time(
    request: Request, *, longest_s: float = LONGEST_S, remedy: str = _ON_WITH_UPLOAD
) -> AsyncIterator[bytes]:
    """The pieces of the body.

    Args:
        request: Whose.
        longest_s: Seconds for all of it.
        remedy: What helps whose body took too long.

    Raises:
        BodyTooSlowError: Nothing came for a while, it took too long in all, or the connection broke.
    """
    stream = request.stream()
    end = asyncio.get_running_loop().time() + longest_s
    while True:
        left = min(PATIENCE_S, end - asyncio.get_running_loop().time())
        try:
            async with asyncio.timeout(left):
                piece = await anext(stream)
        except StopAsyncIteration:
            return
        except ClientDisconnect as error:
            # Nobody reads the answer; it keeps a broken connection from being told as a fault of ours.
            raise BodyTooSlowError("The connection broke.", remedy=remedy) from error
        except TimeoutError as error:
            raise BodyTooSlowError(
                f"Nothing came for {PATIENCE_S:g} seconds, or the call lasted {longest_s:g} seconds.", remedy=remedy
            ) from error
        yield piece
