"""What Lab's file browser shows of datasets on the site's storage, in Jupyter's words.

Laws:

1. A refusal is a sentence: the control plane's own, with what helps.
2. Nothing is kept on the machine's disk: no checkpoint, no copy.
3. What is deleted is in the project's trash.
"""

from __future__ import annotations

import binascii
import mimetypes
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import nbformat
from jupyter_server.services.contents.manager import ContentsManager
from tornado import web

from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.stored_files import MOST_BYTES, MOST_ENTRIES, SHARED, StoredFiles, StoredPlace

MORE = "… more is here, see the dataset's page"
"""Name of an entry that stands for those that are not shown: Jupyter knows no other way of saying so."""
TOO_MANY = (
    f"The first {MOST_ENTRIES:,} entries of this folder are shown here. Open the dataset's page, which shows all of "
    "them, page by page."
)
TOO_LARGE = (
    f"Lab opens and saves files of at most {MOST_BYTES // 2**20} MiB where datasets lie on the site's storage. Bring "
    "larger ones in on the dataset's page; clear the outputs of a large notebook."
)
NO_CHECKPOINT = "Of files on the site's storage no checkpoints are kept. What was deleted is in the project's trash."
_NOTEBOOKS: Any = nbformat
"""It says nothing of types."""
NOT_OPENED = "Links, pipes and the like are not opened on the site's storage."
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Where no time is known. Without any, Lab shows that of what stood in the same row before."""
_NEVER_SHOWN = 401
_FORBIDDEN = 403


def told(error: ProblemError, sentence: str = "{why}") -> web.HTTPError:
    """A problem as Jupyter tells it.

    Args:
        error: The problem.
        sentence: What is said of it, with ``{why}`` for the control plane's own words.
    """
    # Lab takes 401 for an end of its own log-in.
    status = _FORBIDDEN if error.status == _NEVER_SHOWN else error.status
    why = " ".join(str(error.body[one]) for one in ("detail", "remedy") if error.body[one])
    return web.HTTPError(status, sentence.format(why=why))


@contextmanager
def in_jupyters_words() -> Iterator[None]:
    """Problems of the control plane's as errors that Lab shows."""
    try:
        yield
    except ProblemError as error:
        raise told(error) from error
    except (LookupError, TypeError, ValueError) as error:
        raise web.HTTPError(502, "The control plane answered without what is needed. Restart your server.") from error


def bare_model(path: str, kind: str, *, modified: datetime = EPOCH, writable: bool = True) -> dict[str, Any]:
    """Jupyter's model of something, without its content."""
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "type": kind,
        "last_modified": modified,
        "created": modified,
        "content": None,
        "format": None,
        "mimetype": None,
        "size": None,
        "writable": writable,
        "hash": None,
        "hash_algorithm": None,
    }


def model_of(place: StoredPlace, entry: Mapping[str, Any], *, writable: bool) -> dict[str, Any]:
    """The model of an entry of the control plane's.

    Raises:
        LookupError, TypeError, ValueError: It is none.
    """
    is_folder = entry["kind"] == "folder"
    kind = "directory" if is_folder else "notebook" if place.path.endswith(".ipynb") else "file"
    modified = datetime.fromisoformat(entry["modified"])
    model = bare_model(place.path, kind, modified=modified, writable=writable)
    if kind == "file":
        model["mimetype"] = mimetypes.guess_type(place.name)[0]
    return model | {"size": entry["size"]}


def version_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """What stands for a file's hash: another text when it was written. To compute one, all of it would be fetched."""
    return {"hash": f"{entry['size']}-{entry['modified']}", "hash_algorithm": "size-and-time"}


def shown_content(content: bytes, wanted: str | None) -> tuple[str, str]:
    """The content of a file that is no notebook, and its format.

    Args:
        content: Its bytes.
        wanted: ``text``, ``base64``, or ``None`` for what fits.

    Raises:
        HTTPError: It is no text.
    """
    if wanted != "base64":
        try:
            return content.decode(), "text"
        except UnicodeDecodeError as error:
            if wanted == "text":
                raise web.HTTPError(
                    400, "This file holds no text (UTF-8). Open it as another kind.", reason="bad format"
                ) from error
    return b64encode(content).decode("ascii"), "base64"


def written_content(model: Mapping[str, Any]) -> bytes:
    """The bytes of a file that is no notebook, as Lab sends it.

    Raises:
        HTTPError: It is none.
    """
    content = model["content"]
    try:
        return b64decode(content) if model.get("format") == "base64" else content.encode()
    except (AttributeError, TypeError, ValueError, binascii.Error) as error:
        raise web.HTTPError(400, "This is no content of a file.") from error


class StoredContents:
    """Jupyter's calls, for what lies on the storage.

    Args:
        files: What lies there.
        manager: Jupyter's own, which knows which notebooks are trusted.
    """

    def __init__(self, files: StoredFiles, manager: ContentsManager) -> None:
        self._files = files
        self._manager = manager

    def is_here(self, path: str) -> bool:
        """Whether a folder above datasets, or a dataset, lies on the machine's disk."""
        if path == SHARED or path.startswith(f"{SHARED}/"):
            return self._files.place_of(path) is None
        return self._files.is_on_machine(path)

    async def first_levels(self, level: str, shown: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        """The models in a folder above datasets.

        Args:
            level: The root, ``Shared``, or a project in it.
            shown: What of it lies on the machine's disk; ``None``: there is no such folder.

        Returns:
            All of them; ``None``: there is no such folder.
        """
        names = await self._folders_at(level)
        if level and shown is None and not names:
            return None
        there = {one["name"] for one in shown or []}
        added = [bare_model(f"{level}/{name}".lstrip("/"), "directory") for name in sorted(names - there)]
        return [*(shown or []), *added]

    async def get(
        self, place: StoredPlace, *, content: bool, kind: str | None, wanted: str | None, version: bool
    ) -> dict[str, Any]:
        """The model of a file or folder.

        Args:
            place: Which.
            content: Whether with its content.
            kind: ``directory``, ``file`` or ``notebook``; ``None``: what it is.
            wanted: The format of a file's content.
            version: Whether with what stands for its hash.

        Raises:
            HTTPError: It is not there, is something else, or may not be shown.
        """
        if place.name == MORE:
            raise web.HTTPError(409, TOO_MANY)
        with in_jupyters_words():
            entry = await self._files.entry(place)
            model = model_of(place, entry, writable=await self._is_writable(place))
            if model["type"] == "directory":
                return await self._folder(place, model, content=content, kind=kind)
            if kind == "directory":
                raise web.HTTPError(400, f"{place.path} is no folder.", reason="bad type")
            model["type"] = kind or model["type"]
            if version:
                model |= version_of(entry)
            if content:
                await self._fill(place, entry, model, wanted)
        return model

    async def save(self, place: StoredPlace, model: dict[str, Any]) -> dict[str, Any]:
        """Saves a file or makes a folder, and tells its model without content.

        Raises:
            HTTPError: It may not, or can't.
        """
        if model.get("chunk") is not None:
            raise web.HTTPError(413, TOO_LARGE)
        kind = model.get("type")
        if kind not in {"directory", "file", "notebook"} or (kind != "directory" and model.get("content") is None):
            raise web.HTTPError(400, "A file is saved with its kind and its content.")
        self._manager.run_pre_save_hooks(model=model, path=place.path)
        problem: dict[str, Any] = {}
        with in_jupyters_words():
            if kind == "directory":
                if await self._files.is_folder(place) is not True:
                    await self._files.make_folder(place)
                return model_of(place, await self._files.entry(place), writable=True)
            content = self._notebook(place, model, problem) if kind == "notebook" else written_content(model)
            if len(content) > MOST_BYTES:
                raise web.HTTPError(413, TOO_LARGE)
            entry = await self._files.save(place, content)
            saved = model_of(place, entry, writable=True) | {"type": kind}
        if kind == "notebook":
            self._manager.validate_notebook_model(model, validation_error=problem)
            if model.get("message"):
                saved["message"] = model["message"]
        return saved

    async def is_folder(self, place: StoredPlace) -> bool | None:
        """Whether it is a folder; ``None``: nothing is there.

        Raises:
            HTTPError: The control plane does not tell.
        """
        with in_jupyters_words():
            return await self._files.is_folder(place)

    async def move(self, source: StoredPlace, target: StoredPlace) -> None:
        """Moves or renames.

        Raises:
            HTTPError: It may not, or can't.
        """
        with in_jupyters_words():
            await self._files.move(source, target)

    async def copy(self, source: StoredPlace, target: StoredPlace) -> None:
        """Copies, also from the machine's disk and to it.

        Raises:
            HTTPError: It may not, or can't.
        """
        with in_jupyters_words():
            await self._files.copy(source, target)

    async def trash(self, place: StoredPlace) -> None:
        """Deletes to the trash.

        Raises:
            HTTPError: It may not, or can't.
        """
        with in_jupyters_words():
            await self._files.trash(place)

    async def _folders_at(self, level: str) -> set[str]:
        try:
            known = await self._files.datasets()
        except ProblemError as error:
            # What is on this machine's disk can be worked with all the same.
            self._manager.log.warning("Datasets on the site's storage can't be listed: %s", error)
            known = self._files.last_known()
        above = f"{level}/" if level else ""
        below = [name.removeprefix(above) for name in known if name.startswith(above)]
        return {name.partition("/")[0] for name in below}

    async def _is_writable(self, place: StoredPlace) -> bool:
        """What is shown beforehand; the control plane decides."""
        if not place.dataset.startswith(f"{SHARED}/"):
            return True
        return not (await self._files.datasets()).get(place.dataset, True)

    async def _folder(
        self, place: StoredPlace, model: dict[str, Any], *, content: bool, kind: str | None
    ) -> dict[str, Any]:
        if kind not in {None, "directory"}:
            raise web.HTTPError(400, f"{place.path} is a folder.", reason="bad type")
        if not content:
            return model
        entries, more = await self._files.folder(place)
        models = [
            model_of(place.child(entry["name"]), entry, writable=model["writable"])
            for entry in entries
            if not entry["name"].startswith(".")
        ]
        if more:
            models.append(bare_model(place.child(MORE).path, "file", writable=False))
        return model | {"content": models, "format": "json"}

    async def _fill(
        self, place: StoredPlace, entry: Mapping[str, Any], model: dict[str, Any], wanted: str | None
    ) -> None:
        if entry["kind"] != "file":
            raise web.HTTPError(409, NOT_OPENED)
        if entry["size"] > MOST_BYTES:
            raise web.HTTPError(
                413,
                f"{place.name} has {entry['size'] / 2**20:.1f} MiB. Lab opens files of at most {MOST_BYTES // 2**20} "
                "MiB where datasets lie on the site's storage. Open the dataset's page: it shows the file's "
                "beginning, and Data Owners download it there.",
            )
        content = await self._files.open(place)
        if model["type"] == "notebook":
            self._fill_notebook(place, content, model)
            return
        model["content"], model["format"] = shown_content(content, wanted)
        if model["mimetype"] is None:
            model["mimetype"] = "text/plain" if model["format"] == "text" else "application/octet-stream"

    def _fill_notebook(self, place: StoredPlace, content: bytes, model: dict[str, Any]) -> None:
        problem: dict[str, Any] = {}
        try:
            notebook = _NOTEBOOKS.reads(content.decode(), as_version=4, capture_validation_error=problem)
        except Exception as error:  # nbformat says in many ways that something is none
            raise web.HTTPError(
                400, f"{place.name} is no notebook that can be read. Open it as a text.", reason="bad notebook"
            ) from error
        self._manager.mark_trusted_cells(notebook, place.path)
        model["content"], model["format"] = notebook, "json"
        self._manager.validate_notebook_model(model, validation_error=problem)

    def _notebook(self, place: StoredPlace, model: Mapping[str, Any], problem: dict[str, Any]) -> bytes:
        try:
            notebook = _NOTEBOOKS.from_dict(model["content"])
            self._manager.check_and_sign(notebook, place.path)
            written = _NOTEBOOKS.writes(notebook, version=nbformat.NO_CONVERT, capture_validation_error=problem)
            return str(written).encode()
        except Exception as error:
            raise web.HTTPError(400, "This is no notebook.") from error
