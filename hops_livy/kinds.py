"""Kinds of statements, and of sessions, which say of which kind their statements are: Livy's words, as far as served.

Law: what Livy has and this service has not is refused as left out; what nobody has, as a mistake.
"""

from __future__ import annotations

from hops_livy.errors import BadRequestError, LeftOutError

KINDS = ("pyspark", "spark", "sql")
"""Of statements."""
SHARED = "shared"
"""The kind of a session whose statements all name their own; Livy's."""
_LEFT_OUT = "sparkr"


def check_kind(kind: str) -> None:
    """Checks that there are sessions of such a kind.

    Raises:
        LeftOutError: Livy has them, this service does not.
        BadRequestError: There is no such kind.
    """
    if kind == _LEFT_OUT:
        raise LeftOutError(f"R is not offered; the kinds of sessions are {', '.join((*KINDS, SHARED))}.")
    if kind not in (*KINDS, SHARED):
        raise BadRequestError(f"There is no kind {kind!r}; the kinds are {', '.join((*KINDS, SHARED))}.")


def check_statement_kind(kind: str) -> None:
    """Checks that statements of such a kind can be run.

    Raises:
        LeftOutError: Livy has them, this service does not.
        BadRequestError: There is no such kind, or it was left to the statement and that names none.
    """
    if kind == SHARED:
        raise BadRequestError(f"Code type should be specified if session kind is {SHARED}")
    if kind == _LEFT_OUT:
        raise LeftOutError(f"R is not offered; the kinds are {', '.join(KINDS)}.")
    if kind not in KINDS:
        raise BadRequestError(f"Statements of kind {kind!r} can't be run here; the kinds are {', '.join(KINDS)}.")
