"""What the cells of a notebook wrote while it was not open, as its session tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from jupyterlab_hops.platform_client import PlatformClient

ALIVE = frozenset({"starting", "idle", "busy"})
STATEMENTS = 200
"""So many of a session's newest statements are looked at."""
FINAL = frozenset({"available", "error", "cancelled"})
_MS_PER_S = 1000


def session_of(notebook: str, items: Iterable[Mapping[str, Any]]) -> int | None:
    """The session that has what a notebook's cells wrote last: the newest that lives, else the newest that ended.

    Args:
        notebook: Its path.
        items: Sessions as the overview tells them, newest first; only its own can have anything for it.
    """
    own = [item for item in items if item.get("own") and item.get("notebook") == notebook]
    found = next((item for item in own if item.get("state") in ALIVE), own[0] if own else None)
    return None if found is None else int(found["id"])


def newest_of_each_cell(statements: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The last statement of each cell; those of no cell are left out.

    Args:
        statements: Newest first.
    """
    found: dict[str, dict[str, Any]] = {}
    for statement in statements:
        cell_id = statement.get("cell_id")
        if isinstance(cell_id, str) and cell_id not in found:
            found[cell_id] = cell_item(statement)
    return list(found.values())


def cell_item(statement: Mapping[str, Any]) -> dict[str, Any]:
    """A statement as Lab is told of it; ``completed`` is in seconds since the epoch."""
    return {
        "statement": statement["id"],
        "cell_id": statement.get("cell_id"),
        "count": statement.get("cell"),
        "code": statement.get("code") or "",
        "running": statement.get("state") not in FINAL,
        "completed": (statement.get("completed") or 0) / _MS_PER_S or None,
    }


def notebook_outputs(statement: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a statement wrote, as outputs of Jupyter's notebook format 4."""
    output = statement.get("output") or {}
    messages = output.get("outputs") if output else statement.get("partial")
    outputs = [
        converted
        for message in messages or ()
        if (converted := _output(message["type"], message["content"], statement.get("cell"))) is not None
    ]
    if output.get("status") == "error":
        name = str(output.get("ename") or "Error")
        outputs.append(
            {
                "output_type": "error",
                "ename": name,
                "evalue": str(output.get("evalue") or "").removeprefix(f"{name}: "),
                "traceback": [str(line).removesuffix("\n") for line in output.get("traceback") or ()],
            }
        )
    return outputs


def _output(kind: str, content: Mapping[str, Any], count: int | None) -> dict[str, Any] | None:
    shown = {"data": content.get("data") or {}, "metadata": content.get("metadata") or {}}
    match kind:
        case "stream":
            return {"output_type": "stream", "name": content["name"], "text": content["text"]}
        case "display_data":
            return {"output_type": "display_data", **shown} if shown["data"] else None
        case "execute_result":
            return {"output_type": "execute_result", "execution_count": count, **shown}
    return None


class CellOutputs:
    """The statements of the sessions that this server's user has for notebooks.

    Args:
        livy: The session service.
    """

    def __init__(self, livy: PlatformClient) -> None:
        self._livy = livy

    async def of_notebook(self, notebook: str) -> dict[str, Any]:
        """Body of ``GET hops/outputs``: the session of a notebook, and the last statement of each cell.

        A session that has ended is told of for a day, as long as the session service knows it.

        Raises:
            ProblemError: The session service gave no answer.
        """
        asked = urlencode({"scope": "own", "notebook": notebook})
        session = await self._livy.read(f"overview?{asked}", lambda answer: session_of(notebook, answer["items"]))
        if session is None:
            return {"session": None, "cells": []}
        query = urlencode({"order": "desc", "size": STATEMENTS, "output": "false"})
        cells = await self._livy.read(
            f"sessions/{session}/statements?{query}", lambda answer: newest_of_each_cell(answer["statements"])
        )
        return {"session": session, "cells": cells}

    async def of_statement(self, session: int, statement: int) -> dict[str, Any]:
        """Body of ``GET hops/outputs/{session}/{statement}``: what a statement has written up to now.

        Raises:
            ProblemError: There is none, or more than a request may bring.
        """
        return await self._livy.read(
            f"sessions/{session}/statements/{statement}?hold=false",
            lambda told: {**cell_item(told), "outputs": notebook_outputs(told)},
        )
