"""The header ``Range`` of RFC 9110: which bytes of a file are asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hops_platform.errors import RangeNotSatisfiableError

_ONE_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})\Z")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes ``first`` to ``last``, both included; none where ``last`` is before ``first``.

    Attributes:
        first: The first.
        last: The last.
        part: Whether it was asked for, so that the answer is 206.
    """

    first: int
    last: int
    part: bool

    @property
    def length(self) -> int:
        """How many bytes these are."""
        return self.last - self.first + 1


def asked_range(header: str | None, *, size: int) -> ByteRange:
    """The bytes that are asked for: one range, or all. A header that is no single range of bytes is passed over.

    Raises:
        RangeNotSatisfiableError: The file has no such bytes.
    """
    everything = ByteRange(0, size - 1, part=False)
    found = _ONE_RANGE.match(header.strip()) if header else None
    if found is None or not any(found.groups()):
        return everything
    first, last = found.groups()
    if not first:
        asked = ByteRange(max(0, size - int(last)), size - 1, part=True)
    elif last and int(last) < int(first):
        return everything
    else:
        asked = ByteRange(int(first), min(int(last), size - 1) if last else size - 1, part=True)
    if asked.length <= 0:
        raise RangeNotSatisfiableError(f"The file has {size} bytes; none of those were asked for.")
    return asked
