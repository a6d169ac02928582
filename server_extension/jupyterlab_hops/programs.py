"""Which files count as programs and notebooks: what a Data Scientist opens, saves and uploads in Lab.

By name and size, as at the control plane (``hops_platform.files.programs``); a contract test compares the two. Nobody
can tell by what a file holds.
"""

from __future__ import annotations

import posixpath

PROGRAM_ENDINGS = frozenset(
    (".py", ".ipynb", ".jar", ".scala", ".sql", ".sh", ".md", ".txt", ".yaml", ".yml", ".toml", ".cfg", ".json")
)
LOG_ENDING = ".log"
"""Of what trials print: results, which a Data Scientist reads in Lab, and does not bring in."""
MOST_PROGRAM_BYTES = 10 * 2**20
NOTEBOOK_ENDING = ".ipynb"
MOST_NOTEBOOK_BYTES = 64 * 2**20
"""Here a notebook holds its outputs: one that could not be saved or opened any more would be lost work."""


def has_programs_name(path: str) -> bool:
    """Whether ``path`` is named like a program or a notebook."""
    return posixpath.splitext(path.lower())[1] in PROGRAM_ENDINGS


def is_program(path: str, size: int) -> bool:
    """Whether a file of ``size`` bytes counts as a program or a notebook."""
    most = MOST_NOTEBOOK_BYTES if path.lower().endswith(NOTEBOOK_ENDING) else MOST_PROGRAM_BYTES
    return has_programs_name(path) and size <= most


def is_readable(path: str, size: int) -> bool:
    """Whether a file of ``size`` bytes is shown to a Data Scientist: a program, a notebook, or a log."""
    return is_program(path, size) or (path.lower().endswith(LOG_ENDING) and size <= MOST_PROGRAM_BYTES)


def is_shown_by_name(path: str) -> bool:
    """Whether ``path`` has the name of something that is shown, if it is not too large."""
    return has_programs_name(path) or path.lower().endswith(LOG_ENDING)
