"""One line in the notebook about the Spark jobs of the cell that runs; it is gone when the cell ends."""

from __future__ import annotations

import html
import uuid
from collections.abc import Mapping
from typing import Any

from IPython.display import publish_display_data


def progress_text(content: Mapping[str, Any]) -> str:
    """The line for one message about progress, whose parts are described at the session service."""
    parts = [f"Stage {content.get('stage', 0)} of {content.get('stages', 0)}"]
    if content.get("name"):
        parts[0] += f": {content['name']}"
    # Between two stages Spark knows none that is active.
    if tasks := content.get("stage_tasks"):
        parts.append(f"{content.get('stage_done', 0)} of {tasks} tasks")
    parts.append(f"{content.get('tasks_running', 0)} running")
    if failed := content.get("tasks_failed"):
        parts.append(f"{failed} failed")
    return " · ".join(parts)


class ProgressLine:
    """Shown with the first job, rewritten in place, and taken away at the end.

    A notebook can't take one of several outputs away: what stays is an output without any content, which takes no room
    and which the notebook server leaves out when the notebook is saved (``jupyterlab_hops.contents``).
    """

    def __init__(self) -> None:
        self._transient = {"display_id": uuid.uuid4().hex}
        self._text = ""
        self._shown = False

    def show(self, content: Mapping[str, Any]) -> None:
        """Shows what a message tells; nothing while no job runs."""
        text = progress_text(content) if content.get("active") else ""
        if text == self._text:
            return
        self._text = text
        self._publish({} if not text else {"text/plain": text, "text/html": _page(text, content)})

    def take_away(self) -> None:
        """Takes the line away, if it was shown."""
        if self._text:
            self._text = ""
            self._publish({})

    def _publish(self, bundle: dict[str, str]) -> None:
        publish_display_data(data=bundle, metadata={}, transient=self._transient, update=self._shown)
        self._shown = True


def _page(text: str, content: Mapping[str, Any]) -> str:
    label = html.escape(text, quote=True)
    done, tasks = int(content.get("stage_done") or 0), int(content.get("stage_tasks") or 0)
    bar = f'<progress value="{done}" max="{max(tasks, 1)}" aria-label="{label}"></progress>'
    return f"<span>{bar} {html.escape(text)}</span>"
