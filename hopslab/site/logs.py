"""Reads the logs of the platform's services."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from hops_contract.layout import Home
from hops_contract.slugs import is_slug
from hopslab.errors import SiteError

TAIL_BYTES = 256 * 1024
POLL_S = 0.3


def known_logs(home: Home) -> list[str]:
    """Names of the logs that there are."""
    return sorted(file.stem for file in home.logs.glob("*.log"))


def log_file(home: Home, name: str) -> Path:
    """The log of the service ``name``.

    Raises:
        SiteError: There is none.
    """
    if is_slug(name) and home.log(name).is_file():
        return home.log(name)
    known = known_logs(home)
    remedy = f"There are: {', '.join(known)}." if known else "Nothing was started here yet; type `make up`."
    raise SiteError(f"There is no log {name!r}.", remedy)


def last_lines(file: Path, count: int) -> str:
    """The last ``count`` lines of ``file``; empty when it is not there."""
    try:
        with file.open("rb") as source:
            source.seek(max(0, source.seek(0, 2) - TAIL_BYTES))
            text = source.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-count:])


def follow(files: list[Path], *, until: Callable[[], bool]) -> Iterator[tuple[str, str]]:
    """Lines written to any of ``files`` from now on, each with its log's name, until ``until()`` is true."""
    positions = {file: file.stat().st_size if file.exists() else 0 for file in files}
    rest = dict.fromkeys(files, "")
    while True:
        over = until()
        for file in files:
            text, positions[file] = _read_from(file, positions[file])
            *lines, rest[file] = (rest[file] + text).split("\n")
            yield from ((file.stem, line) for line in lines)
        if over:
            return
        time.sleep(POLL_S)


def _read_from(file: Path, position: int) -> tuple[str, int]:
    try:
        with file.open("rb") as source:
            size = source.seek(0, 2)
            source.seek(position if position <= size else 0)
            content = source.read(TAIL_BYTES)
            return content.decode("utf-8", "replace"), source.tell()
    except OSError:
        return "", 0
