"""Remembers from which inputs something was made, so that it is made again only when they change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def digest_of(files: Iterable[Path], *, below: Path) -> str:
    """One hash over the names (relative to ``below``) and contents of ``files``."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(below).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def files_below(folder: Path, *, skip: frozenset[str] = frozenset()) -> list[Path]:
    """All files below ``folder``, but nothing in folders named in ``skip``."""
    found: list[Path] = []
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if entry.name in skip:
            continue
        if entry.is_dir():
            found += files_below(entry, skip=skip)
        elif entry.is_file():
            found.append(entry)
    return found


class Stamp:
    """A small file that holds the hash of the inputs of what lies beside it.

    Args:
        file: Where the hash is kept.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def matches(self, digest: str) -> bool:
        """Whether the last success had this hash."""
        try:
            return self.file.read_text(encoding="utf-8").strip() == digest
        except OSError:
            return False

    def write(self, digest: str) -> None:
        """Remember a success."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(digest + "\n", encoding="utf-8")
