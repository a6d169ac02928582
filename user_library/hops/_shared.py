"""Why a dataset of another project is not seen at its place below ``Shared``."""

from __future__ import annotations

import os
import posixpath

# Left by the platform in the place of a dataset that is not mounted there.
_NOTES = ("NO_LONGER_SHARED.txt", "FROM_THE_NEXT_START_ON.txt")
_MOST = 2000
_PLACE = 3
"""Parts of ``Shared/<project>/<dataset>``."""


def why_not_seen(project_folder: str, path: str) -> str | None:
    """What the platform says in place of the shared dataset that ``path`` lies in; ``None`` where it says nothing."""
    if not path.startswith(f"{project_folder}/Shared/"):
        return None
    parts = path[len(project_folder) + 1 :].split("/")
    if len(parts) < _PLACE:
        return None
    place = posixpath.join(project_folder, *parts[:_PLACE])
    for note in _NOTES:
        try:
            with open(os.path.join(place, note), encoding="utf-8") as file:  # noqa: PTH118, PTH123  # texts, as all paths here
                return " ".join(file.read(_MOST).split())
        except OSError:
            continue
    return None
