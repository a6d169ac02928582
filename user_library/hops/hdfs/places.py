"""What the functions on files have in common: finding, making room, keeping the project itself from being removed."""

from __future__ import annotations

from hops import _session
from hops._shared import why_not_seen
from hops._storage import Location, locate, project_root


def present(path: str, project: str | None = None) -> Location:
    """Where ``path`` lies.

    Raises:
        FileNotFoundError: Nothing is there.
    """
    place = locate(path, project)
    if not place.exists():
        if (reason := _why_not_seen(place)) is not None:
            raise FileNotFoundError(reason)
        raise FileNotFoundError(f"{path} is not there. A relative path starts at the project's folder.")
    return place


def _why_not_seen(place: Location) -> str | None:
    """What the platform says of a dataset that another project shares, or no longer."""
    try:
        root = project_root()
    except _session.NoProjectError:
        return None
    return why_not_seen(root.path, place.path) if place.is_local and root.is_local else None


def make_room(target: Location, *, overwrite: bool) -> None:
    """Removes what is in the way.

    Raises:
        FileExistsError: Something is, and ``overwrite`` is false.
    """
    if target.exists():
        if not overwrite:
            raise FileExistsError(f"{target} exists already. Use overwrite=True to replace it.")
        refuse_project(target)
        target.remove()


def refuse_project(place: Location, project: str | None = None) -> None:
    """Raises ValueError if ``place`` is the folder of this project or of the one that is named, or above it."""
    try:
        roots = [project_root(), project_root(project)]
    except _session.NoProjectError:
        return
    if any(f"{root}/".startswith(f"{str(place).rstrip('/')}/") for root in roots):
        raise ValueError("The project itself can't be removed or replaced here.")
