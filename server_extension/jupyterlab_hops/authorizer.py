"""Who may do what on the notebook server: the table of ``rights``, asked at each request.

Laws:

1. Only a Data Owner is handed a file, or brings one in that is no program; everything else is every member's.
2. The control plane is asked only where the answer makes a difference, so that work goes on while it is away.
3. A refusal says who can help.

It binds those who use the server by its routes. Code in kernels and terminals reads the project's files as it likes;
what that means stands in ``docs/what-data-scientists-can-not-do.md``.
"""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from jupyterlab_hops.access import SETTING
from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.programs import (
    MOST_NOTEBOOK_BYTES,
    MOST_PROGRAM_BYTES,
    PROGRAM_ENDINGS,
    is_program,
    is_readable,
    is_shown_by_name,
)
from jupyterlab_hops.project import ProjectServer
from jupyterlab_hops.rights import Right, right_of
from jupyterlab_hops.stored_contents import in_jupyters_words
from jupyterlab_hops.stored_files import ABSENT, SHARED, StoredFiles, StoredPlace
from jupyterlab_hops.token_renewal import REFUSALS

LOGOS = frozenset({"logo-32x32.png", "logo-64x64.png", "logo-svg.svg"})
MOST_LOGO_BYTES = 64 * 1024
_MIB = 2**20
_PROGRAMS = (
    f"{', '.join(sorted(PROGRAM_ENDINGS))} of at most {MOST_PROGRAM_BYTES // _MIB} MiB, notebooks of at most "
    f"{MOST_NOTEBOOK_BYTES // _MIB} MiB"
)
NO_DOWNLOAD = "Data Scientists take no files out of a project by the notebook server."
NO_DATA_SHOWN = f"Data Scientists open programs, notebooks and logs in Lab ({_PROGRAMS}). Read data in a notebook."
NO_DATA_SAVED = f"Data Scientists save and upload programs and notebooks ({_PROGRAMS}), no data."
NO_RENAMING = "Data Scientists give data no name of a program or a log."
NO_SUCH_ROUTE = "This part of the notebook server is for Data Owners."
NO_SHARED = (
    "This lies in a dataset of another project, which decides who takes files out of it and brings them in. Open its "
    "page from the project's page: what is allowed here can be done there. Read it in a notebook."
)
NOT_KNOWN = (
    "Whether you are a Data Owner can't be found out now: the control plane does not answer. It is restarted by itself "
    "within seconds; try again."
)


def remedy(project: str | None) -> str:
    """What helps one who was refused."""
    of_project = f" of {project}" if project else ""
    return f"Ask a Data Owner{of_project} to do it, or to make you one; then restart your server."


def carries_data(method: str, path: str, body: object) -> str | None:
    """Why a call that changes ``path`` brings in data, or gives data a program's name; ``None`` when it does not.

    Args:
        method: ``PUT``, ``PATCH`` or ``POST``, of ``api/contents``.
        path: The file.
        body: What the request's JSON says.
    """
    if not isinstance(body, Mapping):
        return None
    if method == "PATCH":
        new = body.get("path")
        return NO_RENAMING if isinstance(new, str) and is_shown_by_name(new) and not is_shown_by_name(path) else None
    if method == "POST":
        # The path is a folder, or the copy's whole name.
        old = body.get("copy_from")
        return NO_RENAMING if isinstance(old, str) and is_shown_by_name(path) and not is_shown_by_name(old) else None
    if body.get("type") == "directory":
        return None
    # Lab sends in pieces what is far larger than any program.
    return None if "chunk" not in body and is_program(path, size_of(body.get("content"))) else NO_DATA_SAVED


def size_of(content: object) -> int:
    """About how many bytes ``content`` has as a file: a text, in base64 or not, or a notebook."""
    if content is None:
        return 0
    return len((content if isinstance(content, str) else json.dumps(content)).encode("utf-8", "replace"))


async def reason_to_refuse(handler: web.RequestHandler) -> str | None:
    """Why ``handler`` does not serve this request to all members; ``None`` when it does."""
    kind = getattr(handler, "guarded", type(handler))
    right = right_of(kind)
    if right is Right.ALL_MEMBERS:
        return None
    if right is Right.BY_FILE and isinstance(handler, JupyterHandler):
        return await _reason_by_file(handler)
    if right is Right.LOGOS and isinstance(handler, JupyterHandler):
        return None if await _is_logo(handler) else NO_DOWNLOAD
    return NO_DOWNLOAD if right is Right.DATA_OWNERS else NO_SUCH_ROUTE


async def check(handler: web.RequestHandler) -> None:
    """Refuses what the person behind this server may not do.

    Raises:
        tornado.web.HTTPError: 403, or 503 while nobody can tell.
    """
    reason = await reason_to_refuse(handler)
    if reason is None:
        return
    server = handler.settings.get(SETTING)
    own_role = server.own_role if isinstance(server, ProjectServer) else None
    try:
        owner = own_role is not None and await own_role.is_owner()
    except ProblemError as error:
        if error.status not in REFUSALS:
            raise web.HTTPError(503, NOT_KNOWN) from error
        owner = False  # no longer let in at all
    if not owner:
        raise web.HTTPError(403, f"{reason} {remedy(own_role.project if own_role is not None else None)}")
    if await asyncio.to_thread(_is_shared, handler):
        raise web.HTTPError(403, NO_SHARED)


class ProjectAuthorizer(Authorizer):
    """Jupyter's question, answered by the table."""

    async def is_authorized(
        self,
        handler: JupyterHandler,
        user: object,  # noqa: ARG002 - a server is one person's: who else comes in is refused before
        action: str,  # noqa: ARG002 - the table knows more of a route than this word
        resource: str,  # noqa: ARG002
    ) -> bool:
        """Whether the request may go on; a refusal tells why."""
        await check(handler)
        return True


async def _reason_by_file(handler: JupyterHandler) -> str | None:
    path = str(handler.path_kwargs.get("path") or "").strip("/")
    method = handler.request.method or ""
    stored = _stored(handler, path)
    place = Path(handler.contents_manager._get_os_path(path))  # noqa: SLF001 - Jupyter's own handlers call it, too
    if method == "GET":
        if handler.get_query_argument("content", "1") == "0":
            return None
        size = await asyncio.to_thread(_size, place) if stored is None else await _stored_size(*stored)
        # Base64 is how the bytes of any file come, and what shows programs asks for text.
        as_bytes = handler.get_query_argument("format", None) == "base64"
        return None if size is None or (is_readable(path, size) and not as_bytes) else NO_DATA_SHOWN
    if method in {"PUT", "PATCH", "POST"}:
        body = handler.get_json_body()
        if method != "PUT" and isinstance(body, Mapping) and await asyncio.to_thread(_is_shared, handler):
            leaves = body.get("copy_from") or not await asyncio.to_thread(_within_one_dataset, handler)
            return NO_SHARED if leaves else None
        reason = carries_data(method, path, body)
        # Folders have the names that people like.
        if reason != NO_RENAMING:
            return reason
        return None if await (asyncio.to_thread(place.is_dir) if stored is None else _is_folder(*stored)) else reason
    return None


def _stored(handler: web.RequestHandler, path: str) -> tuple[StoredFiles, StoredPlace] | None:
    """What ``path`` names on the site's storage; ``None`` where it names something on the machine's disk."""
    server = handler.settings.get(SETTING)
    files = server.stored if isinstance(server, ProjectServer) else None
    place = None if files is None else files.place_of(path)
    return None if files is None or place is None else (files, place)


async def _stored_size(files: StoredFiles, place: StoredPlace) -> int | None:
    """As :func:`_size`, of something on the storage.

    Raises:
        tornado.web.HTTPError: Nobody can tell.
    """
    with in_jupyters_words():
        try:
            entry = await files.entry(place)
        except ProblemError as error:
            if error.status == ABSENT:
                return None
            raise
        return None if entry["kind"] == "folder" else int(entry["size"] or 0)


async def _is_folder(files: StoredFiles, place: StoredPlace) -> bool:
    """Whether a folder lies at a place on the storage.

    Raises:
        tornado.web.HTTPError: Nobody can tell.
    """
    with in_jupyters_words():
        return await files.is_folder(place) is True


def _is_shared(handler: web.RequestHandler) -> bool:
    """Whether the request names a file of another project's dataset, whatever links lead to it."""
    shared, places = _named_places(handler)
    return any(place.is_relative_to(shared) for place in places)


def _within_one_dataset(handler: web.RequestHandler) -> bool:
    """Whether all that the request names lies in one shared dataset."""
    shared, places = _named_places(handler)
    return len({place.relative_to(shared).parts[:2] if place.is_relative_to(shared) else () for place in places}) == 1


def _named_places(handler: web.RequestHandler) -> tuple[Path, list[Path]]:
    """Where other projects' datasets lie, and the files that the request names; links are followed."""
    manager = handler.settings.get("contents_manager")
    root = Path(getattr(manager, "root_dir", "") or os.sep).resolve()
    body = handler.get_json_body() if isinstance(handler, JupyterHandler) and handler.request.body else None
    words: list[object] = [*handler.path_args, *handler.path_kwargs.values()]
    if isinstance(body, Mapping):
        words += [body.get("copy_from"), body.get("path")]
    named = [word for word in words if isinstance(word, str)]
    return root / SHARED, [Path(os.path.realpath(root / word.strip("/"))) for word in named if "\0" not in word]


def _size(place: Path) -> int | None:
    """Bytes of the file at ``place``; ``None`` for a folder, and where nothing is that the route would hand over."""
    try:
        found = place.stat()
    except OSError:
        return None
    return None if stat.S_ISDIR(found.st_mode) else found.st_size


async def _is_logo(handler: JupyterHandler) -> bool:
    name, path = handler.path_kwargs.get("kernel_name"), handler.path_kwargs.get("path")
    if path not in LOGOS:
        return False
    get: Callable[[Any], Awaitable[Any] | Any] = handler.kernel_spec_manager.get_kernel_spec
    try:
        spec = await ensure_async(get(name))
    except KeyError:
        return True  # there is none, which the route says better
    size = await asyncio.to_thread(_size, Path(os.fspath(spec.resource_dir)) / path)
    return size is None or size <= MOST_LOGO_BYTES
