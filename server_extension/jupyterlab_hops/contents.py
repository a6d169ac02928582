"""What Lab's file browser may do to a project's files, on the machine's disk and on the site's storage.

Laws:

1. The first level of a project is its datasets; nothing there is made, written, renamed or deleted by way of Lab.
2. A refusal names a path as the file browser shows it, never where it lies on the host, and says what to do.
3. Only an empty folder is deleted on the machine's disk; what is deleted on the storage is in the trash.

These laws keep a slip of the hand from hurting all members. They are no wall: terminals and kernels do what the file
system allows.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyter_server.services.contents.manager import copy_pat
from tornado import web

from jupyterlab_hops.access import SETTING
from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.project import ProjectServer
from jupyterlab_hops.stored_contents import NO_CHECKPOINT, StoredContents, bare_model, told
from jupyterlab_hops.stored_files import PARTS_OF_SHARED, SHARED, StoredPlace, parse_place

DATASETS_STAY = (
    "The first level of a project is its datasets. They were set up with the project and can't be created, renamed or "
    "deleted here, nor can anything be put beside them. Open a dataset, for example Jupyter, and work in there."
)
READ_HERE = (
    "The project is over its quota of storage, so that its datasets are only read and nothing was changed. Keep open "
    "what you have open. Files are deleted on the datasets' pages now, which the project's page leads to, as it does "
    "to the trash; once a Data Owner has emptied that, save again. If that is refused after a minute still, start the "
    "server again."
)
NOT_SAVED = (
    "The project is over its quota of storage, and this notebook could not be saved past it. {why} What you wrote is "
    "in this tab still: keep it open, and save again."
)
NO_CHECKPOINT_WHEN_FULL = (
    "The project is over its quota of storage, so that no checkpoint of the notebook was made. The notebook itself can "
    "be saved."
)
SHARED_READ_HERE = (
    "This dataset of another project is only read here, and nothing was changed: it is shared for reading, or that "
    "project is over its quota of storage."
)


def drop_empty_displays(notebook: object) -> None:
    """Takes displays without any content out of ``notebook``, in place.

    A line that a cell showed while it ran can be emptied by its kernel, but not taken away: Jupyter's protocol has no
    message for one of several outputs.
    """
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    for cell in cells if isinstance(cells, list) else ():
        outputs = cell.get("outputs") if isinstance(cell, dict) else None
        if isinstance(outputs, list):
            outputs[:] = [one for one in outputs if not _is_empty_display(one)]


def _is_empty_display(output: object) -> bool:
    return isinstance(output, dict) and output.get("output_type") == "display_data" and output.get("data") == {}


class ProjectContents(AsyncLargeFileManager):
    """Jupyter's files, with a project's folder as their root, and its datasets on the storage beside them."""

    send_notebook: Callable[[str, bytes], Awaitable[None]] | None = None
    """Saves a notebook, by its path here, where this server only reads the project's datasets."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._sent: set[str] = set()

    async def get(
        self,
        path: str,
        content: bool = True,  # noqa: FBT001, FBT002
        type: str | None = None,  # noqa: A002
        format: str | None = None,  # noqa: A002
        require_hash: bool = False,  # noqa: FBT001, FBT002
    ) -> dict[str, Any]:
        """The model of a file or folder."""
        stored, place = self._stored(), self._place(path)
        if stored is not None and place is not None:
            model = await stored.get(place, content=content, kind=type, wanted=format, version=require_hash)
            self.emit(data={"action": "get", "path": place.path})
            return model
        level = _level(path)
        # The root is always there.
        if stored is not None and level is not None and (content or level):
            model = await self._first_levels(stored, level)
            return model if content else model | {"content": None, "format": None}
        return await self._get_here(path, content, type, format, require_hash)

    async def _get_here(self, path: str, *args: Any, **keywords: Any) -> dict[str, Any]:
        with self._host_paths_left_out():
            model: dict[str, Any] = await super().get(path, *args, **keywords)
        if model["type"] != "directory" and self._at_first_level(path):
            # Lab shows it as read-only, and makes no checkpoint of it.
            model["writable"] = False
        elif not model["writable"] and self._is_saved_past_mount(path) and self._is_on_read_only_mount(path):
            model["writable"] = True
        return model

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        """Writes a file or makes a folder, below a dataset; a notebook without displays that hold nothing."""
        stored, place = self._stored(), self._place(path)
        if place is None:
            self._refuse_first_level(path)
        if model.get("type") == "notebook":
            drop_empty_displays(model.get("content"))
        if stored is not None and place is not None:
            kept = await stored.save(_below_dataset(place), model)
            self.emit(data={"action": "save", "path": place.path})
            return kept
        with self._in_words(path):
            try:
                saved: dict[str, Any] = await super().save(model, path)
            except (OSError, web.HTTPError) as error:
                # A first checkpoint is made of a notebook that has none. Without it, it is saved all the same.
                if path.strip("/") not in self._sent or not self._is_only_read(error, path):
                    raise
                saved = await self.get(path, content=False)
            finally:
                self._sent.discard(path.strip("/"))
        return saved

    async def _save_notebook(self, os_path: str, nb: Any, capture_validation_error: Any = None) -> None:
        path = os_path.removeprefix(self.root_dir).strip("/")
        try:
            await super()._save_notebook(os_path, nb, capture_validation_error=capture_validation_error)
        except (OSError, web.HTTPError) as error:
            send = self.send_notebook
            if send is None or not self._is_saved_past_mount(path) or not self._is_only_read(error, path):
                raise
        else:
            return
        content = nbformat.writes(  # type: ignore[no-untyped-call]
            nb, version=nbformat.NO_CONVERT, capture_validation_error=capture_validation_error
        )
        try:
            await send(path, str(content).encode())
        except ProblemError as refused:
            raise told(refused, NOT_SAVED) from refused
        self._sent.add(path)

    async def copy(self, from_path: str, to_path: str | None = None) -> dict[str, Any]:
        """Copies a file or folder to below a dataset."""
        target = from_path.strip("/").rpartition("/")[0] if to_path is None else to_path.strip("/")
        if self._place(from_path) is not None or self._place(target) is not None:
            return await self._copy_by_platform(from_path.strip("/"), target)
        # Into a folder that is there, or under the name given.
        self._refuse_first_level(f"{target}/copy" if await self.dir_exists(target) else target)
        with self._in_words(target):
            copied: dict[str, Any] = await super().copy(from_path, target)
        return copied

    async def rename_file(self, old_path: str, new_path: str) -> None:
        """Renames or moves a file or folder, from and to below a dataset."""
        stored = self._stored()
        if stored is not None and (self._place(old_path) is not None or self._place(new_path) is not None):
            await stored.move(*(_below_dataset(parse_place(path)) for path in (old_path, new_path)))
            return
        self._refuse_first_level(old_path)
        self._refuse_first_level(new_path)
        self._refuse_absent(old_path)
        with self._in_words(old_path, new_path):
            await super().rename_file(old_path, new_path)

    async def delete_file(self, path: str) -> None:
        """Deletes a file or an empty folder below a dataset; on the storage, to the trash, whatever is in it."""
        stored, place = self._stored(), self._place(path)
        if stored is not None and place is not None:
            await stored.trash(_below_dataset(place))
            return
        self._refuse_first_level(path)
        self._refuse_absent(path)
        self._refuse_full(path)
        with self._in_words(path):
            await super().delete_file(path)

    async def create_checkpoint(self, path: str) -> dict[str, Any]:
        """Keeps a file as it is now; of one on the storage nothing is kept, and Lab is not told to be in doubt."""
        if self._place(path) is not None:
            return {"id": "none", "last_modified": datetime.now(UTC)}
        self._refuse_first_level(path)
        with self._in_words(path):
            try:
                checkpoint: dict[str, Any] = await super().create_checkpoint(path)
            except (OSError, web.HTTPError) as error:
                if self._is_saved_past_mount(path) and self._is_only_read(error, path):
                    raise web.HTTPError(403, NO_CHECKPOINT_WHEN_FULL) from error
                raise
        return checkpoint

    async def restore_checkpoint(self, checkpoint_id: str, path: str) -> None:
        """Makes a file what it was."""
        if self._place(path) is not None:
            raise web.HTTPError(409, NO_CHECKPOINT)
        self._refuse_first_level(path)
        with self._in_words(path):
            await super().restore_checkpoint(checkpoint_id, path)

    async def list_checkpoints(self, path: str) -> list[dict[str, Any]]:
        """Which are kept of a file; none of one on the storage."""
        if self._place(path) is not None:
            return []
        checkpoints: list[dict[str, Any]] = await super().list_checkpoints(path)
        return checkpoints

    async def delete_checkpoint(self, checkpoint_id: str, path: str) -> None:
        """Keeps one no longer."""
        if self._place(path) is None:
            await super().delete_checkpoint(checkpoint_id, path)

    async def delete(self, path: str) -> None:
        """Deletes a file or a folder, with its checkpoints."""
        place = self._place(path)
        if place is None:
            await super().delete(path)
            return
        await self.delete_file(path)
        self.emit(data={"action": "delete", "path": place.path})

    async def rename(self, old_path: str, new_path: str) -> None:
        """Renames or moves a file or a folder, with its checkpoints."""
        if self._place(old_path) is None and self._place(new_path) is None:
            await super().rename(old_path, new_path)
            return
        await self.rename_file(old_path, new_path)
        self.emit(data={"action": "rename", "path": new_path.strip("/"), "source_path": old_path.strip("/")})

    def exists(self, path: str) -> bool | Awaitable[bool]:
        """Whether something is there; at once for what lies on the machine's disk."""
        place = self._place(path)
        here: bool = super().exists(path) if place is None else False
        return here if place is None else self._is_stored(place, None)

    async def dir_exists(self, path: str) -> bool:
        """Whether a folder is there."""
        place, stored = self._place(path), self._stored()
        if place is not None:
            return await self._is_stored(place, True)
        here: bool = await super().dir_exists(path)
        level = _level(path)
        if here or stored is None or level is None:
            return here
        return await stored.first_levels(level, None) is not None

    async def file_exists(self, path: str) -> bool:
        """Whether a file is there."""
        place = self._place(path)
        if place is not None:
            return await self._is_stored(place, False)
        here: bool = await super().file_exists(path)
        return here

    async def is_hidden(self, path: str) -> bool:
        """Whether a path is not shown."""
        place = self._place(path)
        if place is not None:
            return any(part.startswith(".") for part in place.inner.split("/"))
        hidden: bool = await super().is_hidden(path)
        return hidden

    async def get_kernel_path(self, path: str, model: dict[str, Any] | None = None) -> str:
        """The folder in which the kernel of a notebook starts; the storage is no folder here."""
        server = self._server()
        if server is not None and self._place(path) is not None:
            return server.start_folder
        folder: str = await super().get_kernel_path(path, model)
        return folder

    def _server(self) -> ProjectServer | None:
        application = getattr(self.parent, "web_app", None)
        server = None if application is None else application.settings.get(SETTING)
        return server if isinstance(server, ProjectServer) else None

    def _stored(self) -> StoredContents | None:
        server = self._server()
        return None if server is None or server.stored is None else StoredContents(server.stored, self)

    def _place(self, path: str) -> StoredPlace | None:
        """What ``path`` names on the storage, if it does."""
        server = self._server()
        return None if server is None or server.stored is None else server.stored.place_of(path)

    async def _is_stored(self, place: StoredPlace, folder: bool | None) -> bool:  # noqa: FBT001 - what it is to be
        stored = self._stored()
        found = None if stored is None else await stored.is_folder(place)
        return found is not None and folder in {None, found}

    async def _first_levels(self, stored: StoredContents, level: str) -> dict[str, Any]:
        """The model of a folder above datasets, in which some of them lie here and some on the storage."""
        place = Path(self._get_os_path(level))
        names = await asyncio.to_thread(_folders_in, place)
        here = [f"{level}/{name}".lstrip("/") for name in names or ()]
        # What else code has put there is no dataset.
        models = [await self._get_here(path, content=False) for path in here if stored.is_here(path)]
        shown = await stored.first_levels(level, None if names is None else models)
        if shown is None:
            raise web.HTTPError(404, f"{level} is not there. Refresh the file browser.")
        model = bare_model(level, "directory") if names is None else await self._get_here(level, content=False)
        return model | {"content": shown, "format": "json"}

    async def _copy_by_platform(self, source: str, target: str) -> dict[str, Any]:
        """Copies where the storage has a part in it: the control plane copies from there and to there."""
        stored = self._stored()
        if stored is None:
            raise web.HTTPError(404, f"{source} is not there.")
        if await self.dir_exists(target):
            name = copy_pat.sub(".", source.rpartition("/")[2])
            target = f"{target}/{await self.increment_filename(name, target, insert='-Copy')}"
        await stored.copy(*(_below_dataset(parse_place(path)) for path in (source, target)))
        self.emit(data={"action": "copy", "path": target, "source_path": source})
        return await self.get(target, content=False)

    def _at_first_level(self, path: str) -> bool:
        """Whether ``path`` is the root or right below it, also by way of links and ``..``."""
        root = os.path.realpath(self.root_dir)
        folder, name = os.path.split(self._get_os_path(path.strip("/")).rstrip("/"))
        here = os.path.realpath(folder)
        return here == root or name in {os.curdir, os.pardir} or f"{here}/{name}" == root

    def _is_saved_past_mount(self, path: str) -> bool:
        """Whether the control plane saves it where this server only reads the project's datasets."""
        return self.send_notebook is not None and path.endswith(".ipynb") and not _is_shared(path)

    def _is_only_read(self, error: BaseException, path: str) -> bool:
        """Whether ``error`` comes of a mount that is only read."""
        numbers = set(_numbers(error))
        # Jupyter asks whether it may write a file before it tries to, and then refuses without the system's reason.
        return errno.EROFS in numbers or (errno.EACCES in numbers and self._is_on_read_only_mount(path))

    def _is_on_read_only_mount(self, path: str) -> bool:
        place = Path(self._get_os_path(path.strip("/")))
        try:
            return bool(os.statvfs(place if place.exists() else place.parent).f_flag & os.ST_RDONLY)
        except OSError:
            return False

    def _refuse_first_level(self, path: str) -> None:
        if self._at_first_level(path):
            raise web.HTTPError(403, DATASETS_STAY)

    def _refuse_absent(self, path: str) -> None:
        if not os.path.lexists(self._get_os_path(path.strip("/"))):
            raise web.HTTPError(
                404, f"{path.strip('/')} is not there. Somebody may have moved or deleted it: refresh the file browser."
            )

    def _refuse_full(self, path: str) -> None:
        folder = Path(self._get_os_path(path.strip("/")))
        if folder.is_symlink() or not folder.is_dir():
            return
        # Checkpoints alone are no content; Jupyter deletes them with the folder.
        held = {entry.name for entry in folder.iterdir()} - {getattr(self.checkpoints, "checkpoint_dir", None)}
        if held and all(name.startswith(".") for name in held):
            raise web.HTTPError(
                409,
                f"{path.strip('/')} holds hidden files ({', '.join(sorted(held)[:3])}), and only an empty folder can "
                "be deleted here. Remove them in a terminal, then delete the folder.",
            )
        if held:
            raise web.HTTPError(
                409,
                f"{path.strip('/')} is not empty, and only an empty folder can be deleted here. "
                "Delete what is in it first, then the folder.",
            )

    @contextmanager
    def _in_words(self, *paths: str) -> Iterator[None]:
        """Refusals in words: where the file system is only read, and without the host's paths.

        Args:
            paths: What is changed, as the file browser names it.
        """
        try:
            with self._host_paths_left_out():
                yield
        except (OSError, web.HTTPError) as error:
            if not any(self._is_only_read(error, path) for path in paths) or (
                isinstance(error, web.HTTPError) and error.get_message() == NO_CHECKPOINT_WHEN_FULL
            ):
                raise
            raise web.HTTPError(403, SHARED_READ_HERE if any(map(_is_shared, paths)) else READ_HERE) from error

    @contextmanager
    def _host_paths_left_out(self) -> Iterator[None]:
        try:
            yield
        except web.HTTPError as error:
            shown = message = error.get_message() or ""
            for root in (self.root_dir.rstrip("/"), os.path.realpath(self.root_dir)):
                shown = shown.replace(f"{root}/", "").replace(root, "the project")
            if shown == message:
                raise
            raise web.HTTPError(error.status_code, shown, reason=error.reason) from error


def _is_shared(path: str) -> bool:
    return path.strip("/").partition("/")[0] == SHARED


def _level(path: str) -> str | None:
    """``path`` where it is a folder above datasets: the root, ``Shared``, or a project in it."""
    parts = [part for part in path.split("/") if part]
    is_above = not parts or (parts[0] == SHARED and len(parts) < PARTS_OF_SHARED)
    return "/".join(parts) if is_above and not {".", ".."} & set(parts) else None


def _folders_in(place: Path) -> list[str] | None:
    """The names of the folders in a folder that are not hidden; ``None``: there is no such folder."""
    try:
        with os.scandir(place) as entries:
            return sorted(one.name for one in entries if one.is_dir() and not one.name.startswith("."))
    except OSError:
        return None


def _below_dataset(place: StoredPlace | None) -> StoredPlace:
    """``place``, if it lies in a dataset and is none.

    Raises:
        HTTPError: It is.
    """
    if place is None or not place.inner:
        raise web.HTTPError(403, DATASETS_STAY)
    return place


def _numbers(error: BaseException | None) -> Iterator[int | None]:
    """What the system said, of an error and of those that it comes of."""
    while error is not None:
        if isinstance(error, OSError):
            yield error.errno
        error = error.__cause__ or error.__context__
