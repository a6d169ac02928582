"""What is being moved or made in a bucket of S3, which has no renames.

Laws:

1. It is written down below ``.hops/moves`` before anything is done, and until nothing of it is left to do.
2. What is half done is hidden: first the target, until all is there, then the source.
3. No two touch the same path, or one that leads to it.
4. What a process left half done, and what could not be brought to its end, is swept (:meth:`Moves.take_left`).
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from hops_platform.adapters.storage.s3_bucket import Bucket, Found
from hops_platform.adapters.storage.trees import Path, taken
from hops_platform.errors import ConflictError, PlatformError


@dataclass(frozen=True, slots=True)
class Move:
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


class Moves:
    """Those of one bucket; safe to use from several threads.

    Args:
        bucket: The bucket.
        folder: Where they are written down: the beginning of their keys.
        is_there: Whether there is anything at a path.
    """

    def __init__(self, bucket: Bucket, *, folder: str, is_there: Callable[[Path], bool]) -> None:
        self._bucket = bucket
        self._folder = folder
        self._is_there = is_there
        self._lock = threading.Lock()
        self._moves: dict[str, Move] | None = None
        self._left: set[str] = set()
        self._replaced: Counter[Path] = Counter()

    def known(self) -> dict[str, Move]:
        """What is under way, with what another process left."""
        with self._lock:
            if self._moves is None:
                self._moves = {move.id: move for move in self._read_all()}
                self._left = set(self._moves)
            return dict(self._moves)

    def hidden(self) -> frozenset[Path]:
        """What nobody sees."""
        return frozenset(move.hidden for move in self.known().values() if move.hidden is not None)

    def is_hidden(self, path: Path) -> bool:
        """Whether nobody sees ``path``, or what leads to it."""
        return any(path[: len(hidden)] == hidden for hidden in self.hidden())

    def check_stays(self, path: Path) -> None:
        """Checks that ``path`` is in nothing that is on its way out: it would be removed with that.

        Raises:
            ConflictError: It is.
        """
        leaving = [move.source for move in self.known().values() if move.copied and move.source is not None]
        if any(path[: len(one)] == one for one in leaving):
            raise _at_work()

    def begin(self, source: Path | None, target: Path) -> Move:
        """Takes the names of a move.

        Raises:
            ConflictError: Another is at them, or there is something at the target.
        """
        self.known()
        move = Move(secrets.token_hex(16), source, target)
        wanted = [path for path in (source, target) if path is not None]
        with self._lock:
            self._check_free(wanted, [*self._busy(), *self._replaced])
            if self._moves is not None:
                self._moves[move.id] = move
        try:
            # Only now: whoever had the name before may have let it go a moment ago. And before it is written down:
            # a successor takes what it finds at the target of a move for the half of it.
            is_taken = self._is_there(target)
        except BaseException:
            self._forget(move)
            raise
        if is_taken:
            self._forget(move)
            raise taken(target)
        try:
            self.note(move)
        except BaseException:
            # It may be written down all the same. Until it is not, nobody else may have the names.
            self.settle(move, self.end)
            raise
        return move

    def copied(self, move: Move) -> Move:
        """All of ``move`` is at its target."""
        moved = replace(move, copied=True)
        self.note(moved)
        return moved

    def note(self, move: Move) -> None:
        """Writes it down as it is."""
        text = json.dumps({"source": move.source, "target": move.target, "copied": move.copied})
        self._bucket.put(self._key(move), text.encode())
        with self._lock:
            if self._moves is not None:
                self._moves[move.id] = move

    def written(self, move: Move) -> Move:
        """As it is written down.

        Raises:
            NotFoundError: It is not.
        """
        return self._read(self._bucket.look(self._key(move)))

    def end(self, move: Move) -> None:
        """Nothing of it is left to do."""
        self._bucket.remove([self._key(move)])
        self._forget(move)

    def settle(self, move: Move, step: Callable[[Move], None]) -> None:
        """Undoes a move, or brings it to its end; what can't be done now stays hidden, and is swept."""
        try:
            step(move)
        except PlatformError:
            with self._lock:
                self._left.add(move.id)

    def take_left(self) -> list[Move]:
        """What is to be swept now."""
        known = self.known()
        with self._lock:
            left, self._left = self._left, set()
        return [known[one] for one in sorted(left) if one in known]

    @contextmanager
    def replacing(self, target: Path) -> Iterator[None]:
        """Lets nothing be moved meanwhile that a file is replaced in: what was copied would be the old one.

        Raises:
            ConflictError: It is being moved.
        """
        self.known()
        with self._lock:
            self._check_free([target], self._busy())
            self._replaced[target] += 1
        try:
            yield
        finally:
            with self._lock:
                self._replaced[target] -= 1
                if not self._replaced[target]:
                    del self._replaced[target]

    def _key(self, move: Move) -> str:
        return f"{self._folder}{move.id}"

    def _read_all(self) -> Iterator[Move]:
        for found in self._bucket.all_below(self._folder):
            if found.size:
                yield self._read(found)

    def _read(self, found: Found) -> Move:
        with self._bucket.receive(found.key, offset=0, tag=found.tag) as pieces:
            told = json.loads(b"".join(pieces))
        source = None if told["source"] is None else tuple(told["source"])
        return Move(found.key.rpartition("/")[2], source, tuple(told["target"]), told["copied"])

    def _forget(self, move: Move) -> None:
        with self._lock:
            if self._moves is not None:
                self._moves.pop(move.id, None)

    def _busy(self) -> list[Path]:
        moves = self._moves if self._moves is not None else {}
        return [path for one in moves.values() for path in (one.source, one.target) if path is not None]

    @staticmethod
    def _check_free(wanted: Iterable[Path], busy: Iterable[Path]) -> None:
        if any(_overlap(one, other) for one in wanted for other in busy):
            raise _at_work()


def _at_work() -> ConflictError:
    return ConflictError("This is being moved or made at this moment.", remedy="Try again when that has ended.")


def _overlap(one: Path, other: Path) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
