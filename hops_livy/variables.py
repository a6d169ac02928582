"""Settings as variables of the environment: read in one way, refused in one way.

Laws:

1. A variable that is empty or holds nothing but spaces is one that is not set.
2. What can't be used is refused with the variable's name and what it must be.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from hops_contract.keeping import Address, read_addresses
from hops_contract.sandbox import read_paths
from hops_contract.streams import read_brokers

Kind = TypeVar("Kind", bound=StrEnum)
Parsed = TypeVar("Parsed")


class SettingsError(Exception):
    """A setting can't be used; the message says which and what to do."""


class Variables:
    """Reads variables of the environment.

    Args:
        source: Their values by their names.
        prefix: What all of them that are meant begin with; callers leave it out.
        because: Of what follows that some are needed, for instance ``HOPS_SPARK_MASTER=yarn``.
    """

    def __init__(self, source: Mapping[str, str], *, prefix: str = "", because: str = "The platform") -> None:
        self._source = source
        self._prefix = prefix
        self._because = because

    def full(self, name: str) -> str:
        """The whole name of a variable."""
        return f"{self._prefix}{name}"

    def given(self) -> list[str]:
        """The whole names of those with the prefix that are set, in the order of the alphabet."""
        return sorted(name for name, value in self._source.items() if name.startswith(self._prefix) and value.strip())

    def text(self, name: str) -> str | None:
        """Its value, if it is set."""
        return self._source.get(self.full(name), "").strip() or None

    def needed(self, name: str, why: str) -> str:
        """Its value.

        Raises:
            SettingsError: It is not set.
        """
        text = self.text(name)
        if text is None:
            raise SettingsError(f"{self._because} needs {self.full(name)}: {why}.")
        return text

    def names(self, name: str) -> tuple[str, ...]:
        """What stands between its commas."""
        return tuple(part.strip() for part in (self.text(name) or "").split(",") if part.strip())

    def number(self, name: str) -> int | None:
        """A whole number, 0 or more, if it is set.

        Raises:
            SettingsError: It is none.
        """
        text = self.text(name)
        if text is not None and not text.isdecimal():
            raise SettingsError(f"{self.full(name)} is {text!r}; it must be a whole number, 0 or more.")
        return None if text is None else int(text)

    def positive(self, name: str) -> int | None:
        """A whole number, 1 or more, if it is set.

        Raises:
            SettingsError: It is none.
        """
        number = self.number(name)
        if number == 0:
            raise SettingsError(f"{self.full(name)} is 0; it must be 1 or more.")
        return number

    def choice(self, name: str, kinds: type[Kind], default: Kind) -> Kind:
        """One of ``kinds``.

        Raises:
            SettingsError: It is none of them.
        """
        text = self.text(name) or default.value
        try:
            return kinds(text)
        except ValueError:
            raise SettingsError(f"{self.full(name)} is {text!r}; it must be one of {', '.join(kinds)}.") from None

    def path(self, name: str) -> Path | None:
        """A path of this machine, if it is set."""
        text = self.text(name)
        return None if text is None else Path(text)

    def absolute(self, name: str) -> Path | None:
        """A path that begins with a slash, if it is set; other machines may be meant.

        Raises:
            SettingsError: It does not.
        """
        text = self.text(name)
        if text is not None and not text.startswith("/"):
            raise SettingsError(f"{self.full(name)} is {text!r}; it must be an absolute path.")
        return None if text is None else Path(text)

    def places(self, name: str) -> tuple[Path, ...]:
        """The paths between its commas.

        Raises:
            SettingsError: One of them does not begin with a slash.
        """
        return self._parsed(name, read_paths)

    def addresses(self, name: str) -> tuple[Address, ...]:
        """The addresses between its commas.

        Raises:
            SettingsError: One of them is none.
        """
        return self._parsed(name, read_addresses)

    def brokers(self, name: str) -> tuple[str, ...]:
        """The brokers between its commas, ``host:port`` each.

        Raises:
            SettingsError: One of them is none.
        """
        return self._parsed(name, read_brokers)

    def _parsed(self, name: str, parse: Callable[[str], Parsed]) -> Parsed:
        try:
            return parse(self.text(name) or "")
        except ValueError as error:
            raise SettingsError(f"{self.full(name)}: {error}.") from error

    def file(self, name: str, what: str) -> Path:
        """A file with ``what``, which can be read; its whole path, in which links stay: they may lead elsewhere later.

        Raises:
            SettingsError: It is not set, or there is no such file.
        """
        path = Path(self.needed(name, f"it is a file with {what}"))
        if not os.access(path, os.R_OK) or not path.is_file():
            raise SettingsError(f"{self.full(name)}: the file with {what} can't be read.")
        return path.absolute()


def address_parts(text: str, schemes: Collection[str]) -> SplitResult | None:
    """The parts of an address with a host and one of ``schemes``; ``None`` if it is none."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None
