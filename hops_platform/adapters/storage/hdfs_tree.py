"""Files of projects on HDFS: ``/Projects/<project>/<dataset>/…``, and the platform's own below ``/Projects/.hops``.

A rename is one step of the NameNode, and what is at its target is never replaced by it unless that is asked for. So
whatever is made, is made out of sight and renamed. Rights: see :mod:`hops_platform.adapters.storage.hdfs_rights`.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from hops_platform.adapters.storage.hdfs_rights import HdfsRights
from hops_platform.adapters.storage.range_reader import RangeReader
from hops_platform.adapters.storage.trees import (
    MUCH_ENTRIES,
    OWN,
    PIECE,
    Draft,
    Node,
    Path,
    absent,
    all_nodes,
    find,
    folder_at,
    into_itself,
    no_file,
    own,
    taken,
)
from hops_platform.adapters.storage.webhdfs import WebHdfs
from hops_platform.engines.files import EntryKind
from hops_platform.errors import ConflictError, EngineRefusedError, InvalidRequestError, NotFoundError, PlatformError

_KINDS = {"FILE": EntryKind.FILE, "DIRECTORY": EntryKind.FOLDER, "SYMLINK": EntryKind.LINK}
# Inside a dataset everything is open to whoever may enter the dataset: that is what its own folder is closed for.
_FOLDER_MODE, _FILE_MODE, _OWN_MODE, _PASSAGE_MODE = "777", "666", "700", "711"
_DATASET_DEPTH = 2


class HdfsTree:
    """See :class:`~hops_platform.adapters.storage.trees.Tree`.

    Args:
        hdfs: Its HTTP interface.
    """

    name = "HDFS"

    def __init__(self, hdfs: WebHdfs) -> None:
        self._hdfs = hdfs
        self.rights = HdfsRights(hdfs)

    def stat(self, path: Path) -> Node:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        return _node(path[-1], self._hdfs.ask("GET", "GETFILESTATUS", path)["FileStatus"])

    def page(self, path: Path, *, after: str | None) -> tuple[Sequence[Node], str | None]:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        start = {} if after is None else {"startAfter": after}
        listing = self._hdfs.ask("GET", "LISTSTATUS_BATCH", path, **start)["DirectoryListing"]
        found = listing["partialListing"]["FileStatuses"]["FileStatus"]
        if any(not one["pathSuffix"] for one in found):
            raise absent(path)  # a file
        nodes = [_node(one["pathSuffix"], one) for one in found]
        return nodes, nodes[-1].name if nodes and listing["remainingEntries"] else None

    def mark_of(self, node: Node) -> str:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        return node.name

    def open_file(self, path: Path, node: Node) -> BinaryIO:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        if node.kind is not EntryKind.FILE:
            raise no_file(node.name)
        reader = RangeReader(node.size, lambda start: self._hdfs.receive(path, offset=start))
        return io.BufferedReader(reader, PIECE)

    def make_folder(self, path: Path) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        for depth in range(min(len(path), _DATASET_DEPTH) + 1):
            above = path[:depth]
            if path[:1] == (OWN,) and above:
                break
            self._make(above, _OWN_MODE if depth == _DATASET_DEPTH else _PASSAGE_MODE)
        if path[:1] == (OWN,):
            self._make(path[:1], _OWN_MODE)
        if len(path) > _DATASET_DEPTH or path[:1] == (OWN,):
            self._make(path, _FOLDER_MODE)

    def _make(self, path: Path, mode: str) -> None:
        self._hdfs.ask("PUT", "MKDIRS", path, permission=mode, unmaskedpermission=mode)

    @contextmanager
    def draft(self, target: Path, *, replaces: bool = False) -> Iterator[Draft]:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        folder_at(self, target[:-1])
        found = find(self, target)
        if found is not None and not (replaces and found.kind is EntryKind.FILE):
            raise taken(target)
        holder = own("drafts", secrets.token_hex(16))
        self.make_folder(holder)
        try:
            known = self.rights.hand_on(target[:-1], holder)
            path = (*holder, "item")

            def appear() -> None:
                self._rename(path, target, replaces=replaces)
                self.rights.come_since(self, target, target[:_DATASET_DEPTH], known=known)

            yield _HdfsDraft(path, appear)
        finally:
            # What is left is swept.
            with suppress(PlatformError):
                self.remove(holder)

    def put(
        self, path: Path, pieces: Iterable[bytes], *, size: int | None = None, ready: Callable[[], None] | None = None
    ) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        del size
        self._hdfs.send("CREATE", path, pieces, overwrite="false", permission=_FILE_MODE, unmaskedpermission=_FILE_MODE)
        if ready is not None:
            ready()

    def copy_file(self, source: Path, node: Node, target: Path, *, look: Callable[[int], None]) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`; HDFS copies nothing by itself."""

        def pieces() -> Iterator[bytes]:
            with self.open_file(source, node) as file:
                while piece := file.read(PIECE):
                    look(len(piece))
                    yield piece

        self.put(target, pieces())

    def rename(self, source: Path, target: Path) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        if into_itself(source, target):
            raise InvalidRequestError("A folder can't be put into itself.", remedy="Choose another folder.")
        self.stat(source)
        if len(target) == _DATASET_DEPTH and target[0] != OWN:
            # One that comes back: who might enter it then may not any more.
            self.rights.close(source)
        self._rename(source, target, replaces=False)

    def _rename(self, source: Path, target: Path, *, replaces: bool) -> None:
        """Renames in one step.

        Without options HDFS would move into a folder that has the target's name, and tell of it as a success.
        """
        options = "OVERWRITE" if replaces else "NONE"
        try:
            self._hdfs.ask("PUT", "RENAME", source, destination=self._hdfs.absolute(target), renameoptions=options)
        except (ConflictError, EngineRefusedError) as error:
            # Of a file where a folder is, or the other way round, HDFS says no more than that something failed.
            if find(self, target) is not None and find(self, source) is not None:
                raise taken(target) from error
            raise

    def moves_slowly(self, path: Path, *, adopted: bool) -> bool:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`: one step, but for who is named on all of it."""
        if not adopted:
            return False
        try:
            told = self._hdfs.ask("GET", "GETCONTENTSUMMARY", path)["ContentSummary"]
        except NotFoundError:
            return False
        return int(told["fileCount"]) + int(told["directoryCount"]) > MUCH_ENTRIES

    def remove(self, path: Path) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        with suppress(NotFoundError):
            self._hdfs.ask("DELETE", "DELETE", path, recursive="true")

    def size_of(self, path: Path) -> int:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        try:
            told = self._hdfs.ask("GET", "GETCONTENTSUMMARY", path)
        except NotFoundError:
            return 0
        return int(told["ContentSummary"]["length"])

    def close(self) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        self._hdfs.close()

    def welcome(self, path: Path, dataset: Path) -> frozenset[str]:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        # Nobody reaches what is the platform's own.
        return self.rights.welcome(self, path, dataset, lies_in=None if path[:1] == (OWN,) else path[:_DATASET_DEPTH])

    def adopt(self, path: Path, dataset: Path, *, known: frozenset[str] = frozenset()) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        self.rights.adopt(self, path, dataset, known=known)

    def sweep(self, *, before: datetime) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        drafts = own("drafts")
        with suppress(NotFoundError):
            for node in all_nodes(self, drafts):
                if node.modified < before:
                    self.remove((*drafts, node.name))


@dataclass(frozen=True)
class _HdfsDraft:
    """See :class:`~hops_platform.adapters.storage.trees.Draft`."""

    path: Path
    appear: Callable[[], None]


def _node(name: str, status: dict[str, Any]) -> Node:
    modified, size = int(status["modificationTime"]), int(status["length"])
    return Node(
        name=name,
        kind=_KINDS.get(status["type"], EntryKind.OTHER),
        size=size,
        modified=datetime.fromtimestamp(modified / 1000, UTC),
        version=f"{int(status['fileId']):x}-{modified:x}-{size:x}",
        owner=str(status.get("owner", "")),
    )
