"""As much of a bucket of S3 as a tree needs, in memory: what a killed process leaves there is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from hops_platform.adapters.storage.s3_bucket import Found
from hops_platform.errors import InvalidRequestError, NotFoundError


class BucketInMemory:
    """A bucket; its keys are as long as those of S3."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def look(self, key: str) -> Found:
        if key not in self.objects:
            raise NotFoundError("absent")
        return Found(key=key, size=len(self.objects[key]))

    def page(self, prefix: str, *, after: str | None, apart: bool, most: int = 1000) -> tuple[Sequence[Found], bool]:
        keys = [key for key in sorted(self.objects) if key.startswith(prefix) and (after is None or key > after)]
        found = {key: self.look(key) for key in keys}
        if not apart:
            # What lies in a folder is told as the folder.
            cut = [prefix + "".join(key.removeprefix(prefix).partition("/")[:2]) for key in keys]
            found = {key: found.get(key, Found(key=key)) for key in cut}
        return list(found.values())[:most], len(found) > most

    def all_below(self, prefix: str) -> Iterator[Found]:
        yield from self.page(prefix, after=None, apart=True, most=10_000)[0]

    def put(self, key: str, data: bytes, *, replaces: bool = True) -> None:
        assert replaces or key not in self.objects
        if len(key.encode()) > 1024:
            raise InvalidRequestError("KeyTooLongError")
        self.objects[key] = data

    def put_pieces(
        self, key: str, pieces: Iterable[bytes], *, size: int | None, replaces: bool, ready: Callable[[], None] | None
    ) -> None:
        del size, ready
        self.put(key, b"".join(pieces), replaces=replaces)

    def copy(self, source: Found, key: str) -> None:
        self.put(key, self.objects[source.key])

    def remove(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)

    @contextmanager
    def receive(self, key: str, *, offset: int, tag: str) -> Iterator[Iterator[bytes]]:
        del tag
        yield iter([self.objects[key][offset:]])

    def abort_old(self, prefix: str, *, before: datetime) -> None:
        """Nothing is in parts."""
