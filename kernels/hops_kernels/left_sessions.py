"""Sessions that an earlier kernel left: which of them a notebook may take up, and what is said of them.

``items`` are sessions as the service's overview tells of them. Nothing here asks anyone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hops_kernels.configuration import HEARTBEAT_REFRESH_S
from hops_kernels.preferences import Reattach

Item = Mapping[str, Any]
ALIVE = frozenset({"starting", "idle", "busy"})
HEARD_S = 2.5 * HEARTBEAT_REFRESH_S
"""A kernel that lives asks for its session more often than this."""
_LINE_CHARACTERS = 80
_S_PER_MINUTE = 60
_MINUTES_SHOWN = 90


def left_by_this_notebook(items: Iterable[Item], *, kind: str, notebook: str | None, kernel: str | None) -> Item | None:
    """The newest living session of ``kind`` that another kernel of ``notebook`` had.

    Args:
        items: One's own sessions, newest first.
        kind: Kind of the kernel that looks.
        notebook: Path of its notebook; without one there is none.
        kernel: Its id; its own sessions are not meant.
    """
    if notebook is None:
        return None
    return next(
        (
            item
            for item in items
            if item.get("notebook") == notebook
            and item.get("kind") == kind
            and item.get("state") in ALIVE
            and item.get("kernel") != kernel
        ),
        None,
    )


def named(items: Iterable[Item], wanted: str) -> Item | None:
    """The session with the number or the name ``wanted``; of several with one name the newest."""
    if wanted.isdecimal():
        return next((item for item in items if str(item.get("id")) == str(int(wanted))), None)
    return next((item for item in items if item.get("name") == wanted), None)


def used_elsewhere(item: Item, *, notebook: str | None, kernel: str | None, now: float) -> str | None:
    """The other notebook whose kernel works in the session too, as far as can be told; ``None`` where there is none.

    Args:
        item: The session.
        notebook: The notebook that takes it up; an earlier kernel of the same one has ended.
        kernel: Its kernel.
        now: Seconds since the epoch.
    """
    other = item.get("notebook")
    if item.get("kernel") in {None, kernel} or (other is not None and other == notebook):
        return None
    heard = item.get("heard")
    if not isinstance(heard, int | float) or now - heard > HEARD_S:
        return None
    return str(other or "another notebook")


def described(item: Item, now: float) -> str:
    """A session's state in words, for the question and for the line that a taken-up session leaves."""
    count = int(item.get("statements") or 0)
    text = f"{_state(item, now)}, {count} {'statement' if count == 1 else 'statements'}"
    last = item.get("last_statement") or {}
    return f"{text}; last: `{_short(str(last['line']))}`" if last.get("line") else text


def question(item: Item, now: float) -> str:
    """What is asked before the first cell."""
    return (
        f"Spark session {item['id']} of this notebook is still running ({described(item, now)}). "
        "Attach it, with its variables? [Y]es, [n]o: a new one, [a]lways, ne[v]er: "
    )


def answer(text: str) -> tuple[bool, Reattach | None] | None:
    """Whether to use it, and what to do from now on without asking; ``None`` where the text says neither."""
    match text.strip().lower():
        case "" | "y" | "yes":
            return True, None
        case "n" | "no":
            return False, None
        case "a" | "always":
            return True, Reattach.ALWAYS
        case "v" | "never":
            return False, Reattach.NEVER
    return None


def hint(item: Item, now: float) -> str:
    """What is said of it where nobody can be asked."""
    return (
        f"Spark session {item['id']} of this notebook is still running ({described(item, now)}). Nobody can be asked "
        f"here, so it is not attached; %spark_session attach -f {item['id']} attaches the old one instead."
    )


def missed(statements: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for each cell whose end no notebook has seen, oldest first."""
    lines = []
    for statement in statements:
        number = statement.get("cell")
        if number is None:
            continue  # not a cell's own code: a query's, or what the kernel itself asks
        code = next((line.strip() for line in str(statement.get("code") or "").splitlines() if line.strip()), "")
        lines.append(f"[{number}] {_short(code)}: {_outcome(statement)}")
    return lines


def _outcome(statement: Mapping[str, Any]) -> str:
    match statement.get("state"):
        case "waiting":
            return "waits"
        case "running":
            return "still runs"
        case "cancelling" | "cancelled":
            return "was interrupted"
        case "error":
            return "failed"
    return "failed" if (statement.get("output") or {}).get("status") == "error" else "done"


def _state(item: Item, now: float) -> str:
    state, since = str(item.get("state")), item.get("idle_since")
    if state == "idle" and isinstance(since, int | float):
        return f"idle for {span(now - since)}"
    return {"busy": "a cell runs"}.get(state, state)


def span(seconds: float) -> str:
    """A span of time in words."""
    if seconds < _S_PER_MINUTE:
        return f"{max(0, seconds):.0f} s"
    minutes = round(seconds / _S_PER_MINUTE)
    return f"{minutes} min" if minutes < _MINUTES_SHOWN else f"{minutes / _S_PER_MINUTE:.1f} h"


def _short(line: str) -> str:
    return line if len(line) <= _LINE_CHARACTERS else f"{line[:_LINE_CHARACTERS]}…"
