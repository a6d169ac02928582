"""Which files count as programs and notebooks: what a Data Scientist opens, saves and uploads.

By name and size: nobody can tell by what a file holds. Lab decides so as well (``jupyterlab_hops.programs``); a
contract test compares the two.
"""

from __future__ import annotations

import posixpath

PROGRAM_ENDINGS = frozenset(
    (".py", ".ipynb", ".jar", ".scala", ".sql", ".sh", ".md", ".txt", ".yaml", ".yml", ".toml", ".cfg", ".json")
)
LOG_ENDING = ".log"
"""Of what trials print: results, which a Data Scientist reads, and does not bring in."""
MOST_PROGRAM_BYTES = 10 * 2**20


def is_program(path: str, size: int) -> bool:
    """Whether a file of ``size`` bytes counts as a program or a notebook."""
    return posixpath.splitext(path.lower())[1] in PROGRAM_ENDINGS and size <= MOST_PROGRAM_BYTES


def is_notebook(path: str, size: int) -> bool:
    """Whether a file of ``size`` bytes counts as a notebook."""
    return path.lower().endswith(".ipynb") and size <= MOST_PROGRAM_BYTES


def is_readable(path: str, size: int) -> bool:
    """Whether a file of ``size`` bytes is shown to a Data Scientist: a program, a notebook, or a log."""
    return is_program(path, size) or (path.lower().endswith(LOG_ENDING) and size <= MOST_PROGRAM_BYTES)
