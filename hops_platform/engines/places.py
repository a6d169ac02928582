"""Where something lies in a project: a dataset, and a path in it. What names a place is checked here and nowhere else.

Laws, each with a test in ``tests/unit/platform/test_file_places.py``:

1. A path is relative to its dataset, its parts are separated by single ``/``; the empty path is the dataset's folder.
2. No part is empty, ``.`` or ``..``, and none holds a backslash, a control character (NUL and line ends among them), a
   sign that turns the direction of writing, or what is no Unicode.
3. A part has at most 255 bytes, a path at most 1,024 bytes and 64 parts.
4. Names that begin with ``.hops`` are the platform's own: they are neither shown nor taken.
5. A place that breaks a law can't be made, so no adapter is ever handed one.

What lies on the disk under a lawful name may still be anything: a tenant's code writes there at the same moment. That
is the adapters' matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hops_contract.slugs import DATASET_NAME_PATTERN, is_slug
from hops_platform.errors import InvalidRequestError

MAX_PATH_BYTES = 1024
MAX_PART_BYTES = 255
MAX_PARTS = 64
OWN_PREFIX = ".hops"
_DATASET = re.compile(DATASET_NAME_PATTERN.replace("$", r"\Z"))
# C0, DEL and C1, separators of lines, and what turns the direction of writing: a name could look like another.
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\\\\/]")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A dataset's folder, or something in it.

    Attributes:
        project: Name of the project.
        dataset: Name of the dataset.
        parts: The path in it; none for the dataset's own folder.

    Raises:
        InvalidRequestError: It breaks one of the laws above.
    """

    project: str
    dataset: str
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses what breaks a law."""
        if not is_slug(self.project):
            raise InvalidRequestError("This is not the name of a project.")
        if not is_dataset_name(self.dataset):
            raise InvalidRequestError("This is not the name of a dataset.")
        for part in self.parts:
            _check_part(part)
        if len(self.parts) > MAX_PARTS or len(self.path.encode()) > MAX_PATH_BYTES:
            raise InvalidRequestError(
                f"The path is too long: {MAX_PATH_BYTES} bytes and {MAX_PARTS} folders are the most.",
                remedy="Choose shorter names, or fewer folders in one another.",
            )

    @property
    def path(self) -> str:
        """The path in the dataset, as people write it."""
        return "/".join(self.parts)

    @property
    def name(self) -> str:
        """The last part; the dataset's name for its own folder."""
        return self.parts[-1] if self.parts else self.dataset

    @property
    def parent(self) -> Place:
        """The folder that it lies in.

        Raises:
            InvalidRequestError: It is the dataset's own folder.
        """
        if not self.parts:
            raise InvalidRequestError(
                "This is the dataset itself.", remedy="Name a file or a folder in it; a dataset has calls of its own."
            )
        return Place(self.project, self.dataset, self.parts[:-1])

    def __str__(self) -> str:
        return "/".join((self.dataset, *self.parts))


def parse_place(project: str, dataset: str, path: str) -> Place:
    """The place that ``path`` names in a dataset.

    Raises:
        InvalidRequestError: It breaks one of the laws above.
    """
    if len(path) > MAX_PATH_BYTES:
        raise InvalidRequestError(f"The path is too long: {MAX_PATH_BYTES} bytes are the most.")
    return Place(project, dataset, tuple(path.split("/")) if path else ())


def is_dataset_name(name: str) -> bool:
    """Whether ``name`` is a legal name of a dataset."""
    return _DATASET.match(name) is not None


def is_shown(name: str) -> bool:
    """Whether what lies in a folder under ``name`` can be named by a place."""
    return _fault_of(name) is None


def _check_part(part: str) -> None:
    fault = _fault_of(part)
    if fault is not None:
        raise InvalidRequestError(
            f"The path can't be used: {fault}.", remedy="Write it relative to the dataset, like folder/file.txt."
        )


def _fault_of(part: str) -> str | None:
    if part in {"", ".", ".."}:
        return "one of its parts is empty, '.' or '..'"
    if _UNSHOWABLE.search(part):
        return "it holds a character that no name may have"
    if part.startswith(OWN_PREFIX):
        return f"names that begin with {OWN_PREFIX} are the platform's own"
    try:
        size = len(part.encode())
    except UnicodeEncodeError:
        return "it holds a character that no name may have"
    return f"a name has more than {MAX_PART_BYTES} bytes" if size > MAX_PART_BYTES else None
