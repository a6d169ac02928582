"""Files of datasets that lie on the site's storage and on no disk here: the control plane reads and writes them.

Laws:

1. The control plane decides who may do what; nothing here is a right.
2. Where all datasets lie on the machine's disk there is none of this, and nothing is asked.
3. Everything has a bound: entries of a folder, bytes of a file, time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from jupyterlab_hops.lists import PAGE, read_all
from jupyterlab_hops.platform_client import PlatformClient
from jupyterlab_hops.problems import ProblemError

SHARED = "Shared"
"""The folder in which other projects' datasets are seen, at ``Shared/<project>/<dataset>``."""
PARTS_OF_SHARED = 3
"""Of that path."""
MARK = ":"
"""Stands for ``/`` in the name of a shared dataset where that is a part of an address."""
MOST_ENTRIES = 1000
"""Of a folder that is shown."""
MOST_BYTES = 10 * 2**20
"""Of a file that is opened or saved, as at the control plane; a contract test compares the two."""
FRESH_S = 2.0
"""For so long a list of datasets is taken for that of now."""
PATIENCE_S = 120.0
"""For what takes its time on a storage: moves, copies, the trash, whole files."""
ABSENT = 404
_DATASET = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class StoredPlace:
    """Something in a dataset.

    Attributes:
        dataset: ``raw``, or ``Shared/tides/levels``: where the file browser shows it.
        inner: Path below it; empty for the dataset itself.
    """

    dataset: str
    inner: str

    @property
    def path(self) -> str:
        """Where the file browser shows it."""
        return f"{self.dataset}/{self.inner}".rstrip("/")

    @property
    def name(self) -> str:
        """Its name in its folder."""
        return self.path.rpartition("/")[2]

    @property
    def address(self) -> str:
        """The dataset's name at the control plane."""
        return self.dataset.replace("/", MARK)

    def child(self, name: str) -> StoredPlace:
        """What has that name in this folder."""
        return StoredPlace(self.dataset, f"{self.inner}/{name}".lstrip("/"))


def parse_place(path: str) -> StoredPlace | None:
    """What ``path`` names in some dataset, wherever that lies; ``None`` where it can lie in none."""
    parts = [part for part in path.split("/") if part]
    if not parts or {".", ".."} & set(parts) or "\0" in path or "\\" in path:
        return None
    depth = PARTS_OF_SHARED if parts[0] == SHARED else 1
    if len(parts) < depth or not all(_DATASET.match(part) for part in parts[:depth]):
        return None
    return StoredPlace("/".join(parts[:depth]), "/".join(parts[depth:]))


class StoredFiles:
    """What of a project lies on the storage.

    Args:
        control_plane: Who reads and writes it.
        path: The project there.
        on_machine: The datasets that lie on the machine's disk.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        control_plane: PlatformClient,
        path: str,
        on_machine: Collection[str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._control_plane = control_plane
        self._path = path
        self._on_machine = frozenset(on_machine)
        self._clock = clock
        self._listed: dict[str, bool] = {}
        self._listed_at: float | None = None

    def place_of(self, path: str) -> StoredPlace | None:
        """What ``path`` names on the storage; ``None`` where it names something on the machine's disk, or nothing."""
        place = parse_place(path)
        return None if place is None or place.dataset.rpartition("/")[2] in self._on_machine else place

    def is_on_machine(self, name: str) -> bool:
        """Whether a dataset of the project lies on the machine's disk."""
        return name in self._on_machine

    async def datasets(self) -> Mapping[str, bool]:
        """The datasets on the storage by name, and whether they are only read here.

        Raises:
            ProblemError: The control plane does not tell.
        """
        if self._listed_at is None or self._clock() - self._listed_at > FRESH_S:
            asked_at = self._clock()
            found = await read_all(
                self._control_plane,
                f"{self._path}/datasets",
                lambda one: {"name": str(one["name"]), "read": (one.get("shared") or {}).get("mode") == "read"},
            )
            self._listed = {one["name"]: one["read"] for one in found if self.place_of(one["name"]) is not None}
            self._listed_at = asked_at
        return self._listed

    def last_known(self) -> Mapping[str, bool]:
        """The same as it was told last."""
        return self._listed

    async def entry(self, place: StoredPlace) -> dict[str, Any]:
        """What lies at ``place``: ``name``, ``kind``, ``size``, ``modified``.

        Raises:
            ProblemError: Nothing does, or the control plane does not tell.
        """
        return await self._control_plane.read(self._url(place, "entry"), dict)

    async def is_folder(self, place: StoredPlace) -> bool | None:
        """Whether a folder lies at ``place``; ``None``: nothing does.

        Raises:
            ProblemError: The control plane does not tell.
        """
        try:
            return bool((await self.entry(place))["kind"] == "folder")
        except ProblemError as error:
            if error.status == ABSENT:
                return None
            raise

    async def folder(self, place: StoredPlace) -> tuple[list[dict[str, Any]], bool]:
        """What lies in a folder, by name, :data:`MOST_ENTRIES` of it at most; and whether there is more.

        Raises:
            ProblemError: There is none, or the control plane does not tell.
        """
        entries: list[dict[str, Any]] = []
        after: str | None = None
        while len(entries) < MOST_ENTRIES:
            page, after = await self._control_plane.read(
                self._url(place, "files", limit=PAGE, **({} if after is None else {"after": after})),
                lambda answer: ([dict(one) for one in answer["items"]], answer.get("next")),
            )
            entries += page
            if after is None:
                return entries, False
        return entries[:MOST_ENTRIES], True

    async def open(self, place: StoredPlace) -> bytes:
        """The bytes of a small file.

        Raises:
            ProblemError: It may not be opened, is too large, or is not there.
        """
        return await self._control_plane.fetch_bytes(
            self._url(place, "content:open"), most_bytes=MOST_BYTES, patience_s=PATIENCE_S
        )

    async def save(self, place: StoredPlace, content: bytes) -> dict[str, Any]:
        """Saves a small file, and tells what lies there now.

        Raises:
            ProblemError: It may not be saved.
        """
        return await save_file(self._control_plane, self._path, place, content)

    async def make_folder(self, place: StoredPlace) -> None:
        """Makes a folder.

        Raises:
            ProblemError: It can't be made.
        """
        await self._do(place, "folders", {"path": place.inner})

    async def move(self, source: StoredPlace, target: StoredPlace) -> None:
        """Moves or renames; nothing is replaced.

        Raises:
            ProblemError: It can't be moved.
        """
        await self._do(source, "files:move", _way(source, target))

    async def copy(self, source: StoredPlace, target: StoredPlace) -> None:
        """Copies; nothing is replaced.

        Raises:
            ProblemError: It can't be copied.
        """
        await self._do(source, "files:copy", _way(source, target))

    async def trash(self, place: StoredPlace) -> None:
        """Moves something to the project's trash.

        Raises:
            ProblemError: It can't be moved there.
        """
        await self._do(place, "files:trash", {"path": place.inner})

    async def _do(self, place: StoredPlace, what: str, body: Mapping[str, str]) -> None:
        await self._control_plane.request("POST", _address(self._path, place, what), dict(body), patience_s=PATIENCE_S)

    def _url(self, place: StoredPlace, what: str, **query: Any) -> str:
        return _file_address(self._path, place, what, **query)


async def save_file(control_plane: PlatformClient, project: str, place: StoredPlace, content: bytes) -> dict[str, Any]:
    """Lets the control plane put a small file in its place, and tells what lies there now.

    Args:
        control_plane: Who does it.
        project: The project's path there.
        place: Where it goes.
        content: All of it.

    Raises:
        ProblemError: It may not be saved.
    """
    address = _file_address(project, place, "content:save")
    return dict(await control_plane.request("POST", address, raw=content, patience_s=PATIENCE_S))


def _address(project: str, place: StoredPlace, what: str) -> str:
    return f"{project}/datasets/{quote(place.address, safe='')}/{what}"


def _file_address(project: str, place: StoredPlace, what: str, **query: Any) -> str:
    return f"{_address(project, place, what)}?{urlencode({'path': place.inner, **query}, quote_via=quote)}"


def _way(source: StoredPlace, target: StoredPlace) -> dict[str, str]:
    way = {"path": source.inner, "to": target.inner}
    return way if source.dataset == target.dataset else way | {"to_dataset": target.address}
