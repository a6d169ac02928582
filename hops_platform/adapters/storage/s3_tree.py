"""Files of projects in a bucket of S3: keys ``<prefix>/Projects/<project>/<dataset>/…``.

A bucket has no folders and no renames. So:

- A folder is an empty object whose key ends with ``/``; where others wrote without it, a folder is what has something
  in it.
- To move something is to copy all of it and then to remove it. What is moved, and what is made in several steps, is
  hidden meanwhile: first the target, until all is there, then the source. What is being done is written down below
  ``.hops/moves`` first; what a process left half done is hidden by its successor, which undoes it or brings it to its
  end (:meth:`S3Tree.sweep`).
- So nobody who comes through the platform sees half of anything, as long as one control plane uses the bucket. Whoever
  has a key of their own sees the objects come and go one by one.
- The order of a folder is that of keys: a folder comes where its name with ``/`` behind it would.
"""

from __future__ import annotations

import io
import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from hops_platform.adapters.storage.range_reader import RangeReader
from hops_platform.adapters.storage.s3_bucket import MOST_KEY_BYTES, Bucket, Found
from hops_platform.adapters.storage.trees import (
    MUCH_ENTRIES,
    OWN,
    PIECE,
    Draft,
    Node,
    Path,
    absent,
    find,
    folder_at,
    into_itself,
    no_file,
    own,
    taken,
)
from hops_platform.engines.files import EntryKind
from hops_platform.errors import ConflictError, InvalidRequestError, NotFoundError, PlatformError

_LAST = "\U0010ffff"
"""Behind every key of a folder."""
_REMOVED_AT_ONCE = 1000
_MUCH_BYTES = 256 * 2**20
"""What is more than that is not copied in a moment."""
_WAY_OUT_BYTES = 128
"""So much longer can a key become on its way to the trash, and with its project out of the way: whoever filled a key
to its end would have made what nobody deletes."""
_MOVES = own("moves")


@dataclass(frozen=True, slots=True)
class _Move:
    """What is being moved or made.

    Attributes:
        id: Its name where it is written down.
        source: From where; ``None`` for what is made.
        target: Where to.
        copied: Whether all is at the target, so that the source is on its way out.
    """

    id: str
    source: Path | None
    target: Path
    copied: bool = False

    @property
    def hidden(self) -> Path | None:
        """What nobody sees."""
        return self.source if self.copied else self.target


class S3Tree:
    """See :class:`~hops_platform.adapters.storage.trees.Tree`.

    Args:
        bucket: The bucket.
        root: The folders that all keys begin with.
    """

    name = "S3"

    def __init__(self, bucket: Bucket, *, root: Path) -> None:
        self._bucket = bucket
        self._root = root
        self._lock = threading.Lock()
        self._moves: dict[str, _Move] | None = None
        self._left: set[str] = set()
        self._replaced: Counter[Path] = Counter()

    def stat(self, path: Path) -> Node:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        self._check_shown(path)
        try:
            return _file(path[-1], self._bucket.look(self._key(path)))
        except NotFoundError:
            pass
        found, _ = self._bucket.page(self._folder(path), after=None, apart=True, most=1)
        if not found:
            raise absent(path)
        return _folder(path[-1], found[0].modified)

    def page(self, path: Path, *, after: str | None) -> tuple[Sequence[Node], str | None]:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        self._check_shown(path)
        folder = self._folder(path)
        start = None if after is None else f"{folder}{after}{_LAST if after.endswith('/') else ''}"
        found, more = self._bucket.page(folder, after=start, apart=False)
        if not found and after is None:
            raise absent(path)
        hidden = self._hidden()
        nodes = []
        for one in found:
            name = one.key.removeprefix(folder)
            if name.strip("/") and (*path, name.removesuffix("/")) not in hidden:
                nodes.append(_folder(name[:-1], one.modified) if name.endswith("/") else _file(name, one))
        return nodes, found[-1].key.removeprefix(folder) if more and found else None

    def mark_of(self, node: Node) -> str:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        return f"{node.name}/" if node.kind is EntryKind.FOLDER else node.name

    def open_file(self, path: Path, node: Node) -> BinaryIO:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        if node.kind is not EntryKind.FILE:
            raise no_file(node.name)
        key = self._key(path)
        reader = RangeReader(node.size, lambda start: self._bucket.receive(key, offset=start, tag=node.version))
        return io.BufferedReader(reader, PIECE)

    def make_folder(self, path: Path) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        self._check_room(self._folder(path), path)
        leaving = [move.source for move in self._known().values() if move.copied and move.source is not None]
        if any(path[: len(one)] == one for one in leaving):
            # It would be removed with what was there.
            raise _at_work()
        for depth in range(1, len(path) + 1):
            self._mark(path[:depth])

    @contextmanager
    def draft(self, target: Path, *, replaces: bool = False) -> Iterator[Draft]:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`.

        What replaces a file is one object, which takes its place in one step; all else is made at its target, hidden.
        """
        folder_at(self, target[:-1])
        with self._replacing(target) if replaces else nullcontext():
            found = find(self, target)
            if found is not None and not (replaces and found.kind is EntryKind.FILE):
                raise taken(target)
            if found is not None:
                yield _Draft(target, lambda: None)
                return
        move = _Move(secrets.token_hex(16), None, target)
        self._begin(move)
        try:
            yield _Draft(target, lambda: self._end(move))
        finally:
            if move.id in self._known():
                self._settle(move, self._undo)

    def put(
        self, path: Path, pieces: Iterable[bytes], *, size: int | None = None, ready: Callable[[], None] | None = None
    ) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        self._check_room(self._key(path), path)
        replaces = not self._is_hidden(path)
        try:
            self._bucket.put_pieces(self._key(path), pieces, size=size, replaces=replaces, ready=ready)
        except ConflictError as error:
            raise taken(path) from error

    def copy_file(self, source: Path, node: Node, target: Path, *, look: Callable[[int], None]) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`; the service copies by itself."""
        self._check_room(self._key(target), target)
        look(node.size)
        found = Found(key=self._key(source), size=node.size, modified=node.modified, tag=node.version)
        self._bucket.copy(found, self._key(target))

    def rename(self, source: Path, target: Path) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        if into_itself(source, target):
            raise InvalidRequestError("A folder can't be put into itself.", remedy="Choose another folder.")
        self.stat(source)
        move = _Move(secrets.token_hex(16), source, target)
        self._begin(move)
        try:
            self._copy_all(source, target)
            moved = _Move(move.id, source, target, copied=True)
            self._note(moved)
        except BaseException:
            self._settle(move, self._undo)
            raise
        # From here on it is moved, whatever comes.
        self._settle(moved, self._finish)

    def moves_slowly(self, path: Path, *, adopted: bool) -> bool:  # noqa: ARG002 - it is copied in any case
        """See :class:`~hops_platform.adapters.storage.trees.Tree`: object by object."""
        found = list(islice(self._objects(path), MUCH_ENTRIES + 1))
        return len(found) > MUCH_ENTRIES or sum(one.size for one in found) > _MUCH_BYTES

    def remove(self, path: Path) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        keys: list[str] = []
        for found in self._objects(path):
            keys.append(found.key)
            if len(keys) == _REMOVED_AT_ONCE:
                self._bucket.remove(keys)
                keys.clear()
        self._bucket.remove(keys)

    def size_of(self, path: Path) -> int:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        return sum(found.size for found in self._objects(path))

    def close(self) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        self._bucket.close()

    def welcome(self, path: Path, dataset: Path) -> frozenset[str]:  # noqa: ARG002
        """See :class:`~hops_platform.adapters.storage.trees.Tree`; a bucket knows no project-users."""
        return frozenset()

    def adopt(self, path: Path, dataset: Path, *, known: frozenset[str] = frozenset()) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`; a bucket knows no project-users."""

    def sweep(self, *, before: datetime) -> None:
        """See :class:`~hops_platform.adapters.storage.trees.Tree`."""
        known = self._known()
        with self._lock:
            left, self._left = self._left, set()
        for move in [known[one] for one in sorted(left) if one in known]:
            self._settle(move, self._finish if move.copied else self._undo)
        self._bucket.abort_old("/".join((*self._root, "")), before=before)

    def _key(self, path: Path) -> str:
        key = "/".join((*self._root, *path))
        if len(key.encode()) >= MOST_KEY_BYTES:
            raise _too_long(MOST_KEY_BYTES)
        return key

    @staticmethod
    def _check_room(key: str, path: Path) -> None:
        """Checks that what is written at ``path``, or below it, can be moved out of the way later."""
        most = MOST_KEY_BYTES - (0 if path[:1] == (OWN,) else _WAY_OUT_BYTES)
        if len(key.encode()) > most:
            raise _too_long(most)

    def _folder(self, path: Path) -> str:
        return f"{self._key(path)}/"

    def _mark(self, path: Path) -> None:
        try:
            self._bucket.look(self._folder(path))
        except NotFoundError:
            self._bucket.put(self._folder(path), b"")

    def _objects(self, path: Path) -> Iterator[Found]:
        with suppress(NotFoundError):
            yield self._bucket.look(self._key(path))
        yield from self._bucket.all_below(self._folder(path))

    def _copy_all(self, source: Path, target: Path) -> None:
        copied = 0
        for found in self._objects(source):
            key = self._key(target) + found.key.removeprefix(self._key(source))
            self._check_room(key, target)
            self._copy(found, key)
            copied += 1
        if not copied:
            raise absent(source)

    def _copy(self, found: Found, key: str) -> None:
        if found.key.endswith("/"):
            # A folder; services that keep real ones copy none.
            self._bucket.put(key, b"")
        else:
            self._bucket.copy(found, key)

    def _is_there(self, path: Path) -> bool:
        return next(self._objects(path), None) is not None

    def _known(self) -> dict[str, _Move]:
        """What is under way, with what another process left."""
        with self._lock:
            if self._moves is None:
                self._moves = {move.id: move for move in self._read_notes()}
                self._left = set(self._moves)
            return dict(self._moves)

    def _read_notes(self) -> Iterator[_Move]:
        for found in self._bucket.all_below(self._folder(_MOVES)):
            if found.size:
                yield self._read_note(found)

    def _read_note(self, found: Found) -> _Move:
        with self._bucket.receive(found.key, offset=0, tag=found.tag) as pieces:
            told = json.loads(b"".join(pieces))
        source = None if told["source"] is None else tuple(told["source"])
        return _Move(found.key.rpartition("/")[2], source, tuple(told["target"]), told["copied"])

    def _hidden(self) -> frozenset[Path]:
        return frozenset(move.hidden for move in self._known().values() if move.hidden is not None)

    def _is_hidden(self, path: Path) -> bool:
        return any(path[: len(hidden)] == hidden for hidden in self._hidden())

    def _check_shown(self, path: Path) -> None:
        if self._is_hidden(path):
            raise absent(path)

    @contextmanager
    def _replacing(self, target: Path) -> Iterator[None]:
        """Lets nothing be moved meanwhile that a file is replaced in: what was copied would be the old one.

        Raises:
            ConflictError: It is being moved.
        """
        self._known()
        with self._lock:
            self._check_free([target], self._at_work())
            self._replaced[target] += 1
        try:
            yield
        finally:
            with self._lock:
                self._replaced[target] -= 1
                if not self._replaced[target]:
                    del self._replaced[target]

    def _at_work(self) -> list[Path]:
        moves = self._moves if self._moves is not None else {}
        return [path for one in moves.values() for path in (one.source, one.target) if path is not None]

    @staticmethod
    def _check_free(wanted: Iterable[Path], busy: Iterable[Path]) -> None:
        if any(_overlap(one, other) for one in wanted for other in busy):
            raise _at_work()

    def _begin(self, move: _Move) -> None:
        """Takes the names of a move.

        Raises:
            ConflictError: Another is at them.
        """
        self._known()
        wanted = [path for path in (move.source, move.target) if path is not None]
        with self._lock:
            self._check_free(wanted, [*self._at_work(), *self._replaced])
            if self._moves is not None:
                self._moves[move.id] = move
        try:
            # Only now: whoever had the name before may have let it go a moment ago. And before it is written down:
            # a successor takes what it finds at the target of a move for the half of it.
            is_taken = self._is_there(move.target)
        except BaseException:
            self._forget(move)
            raise
        if is_taken:
            self._forget(move)
            raise taken(move.target)
        try:
            self._note(move)
        except BaseException:
            # It may be written down all the same. Until it is not, nobody else may have the names.
            self._settle(move, self._end)
            raise

    def _note(self, move: _Move) -> None:
        text = json.dumps({"source": move.source, "target": move.target, "copied": move.copied})
        self._bucket.put(self._key((*_MOVES, move.id)), text.encode())
        with self._lock:
            if self._moves is not None:
                self._moves[move.id] = move

    def _end(self, move: _Move) -> None:
        self._bucket.remove([self._key((*_MOVES, move.id))])
        self._forget(move)

    def _forget(self, move: _Move) -> None:
        with self._lock:
            if self._moves is not None:
                self._moves.pop(move.id, None)

    def _finish(self, move: _Move) -> None:
        if move.source is not None:
            # A folder does not go with the last thing that was in it.
            if len(move.source) > 1:
                self._mark(move.source[:-1])
            self.remove(move.source)
        self._end(move)

    def _undo(self, move: _Move) -> None:
        with suppress(NotFoundError):
            note = self._bucket.look(self._key((*_MOVES, move.id)))
            if self._read_note(note).copied:
                # Only that answer was lost. A successor would remove the source, too.
                self._note(move)
        self.remove(move.target)
        self._end(move)

    def _settle(self, move: _Move, step: Callable[[_Move], None]) -> None:
        """Undoes a move, or brings it to its end; what can't be done now stays hidden, and is swept."""
        try:
            step(move)
        except PlatformError:
            with self._lock:
                self._left.add(move.id)


@dataclass(frozen=True)
class _Draft:
    """See :class:`~hops_platform.adapters.storage.trees.Draft`."""

    path: Path
    appear: Callable[[], None]


def _at_work() -> ConflictError:
    return ConflictError("This is being moved or made at this moment.", remedy="Try again when that has ended.")


def _too_long(most: int) -> InvalidRequestError:
    return InvalidRequestError(
        f"The path is too long for the site's storage: {most} bytes are the most, with what leads to the dataset.",
        remedy="Choose shorter names, or fewer folders in one another.",
    )


def _overlap(one: Path, other: Path) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _file(name: str, found: Found) -> Node:
    return Node(name=name, kind=EntryKind.FILE, size=found.size, modified=found.modified, version=found.tag)


def _folder(name: str, modified: datetime) -> Node:
    return Node(name=name, kind=EntryKind.FOLDER, size=0, modified=modified, version="")
