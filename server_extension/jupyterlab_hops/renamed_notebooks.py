"""A notebook that was renamed or moved keeps its Spark session: all who know it by its path are told the new one.

These are the session service, by whose word a notebook that is opened finds its session and outputs again, and the
notebook's kernel, which knows the path that it was started with and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from jupyterlab_hops.cell_outputs import ALIVE
from jupyterlab_hops.overview import LIMIT
from jupyterlab_hops.platform_client import PlatformClient
from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.server_folder import ServerFolder

LONGEST_PATH = 1000
"""The session service takes no longer one."""
_NOT_FOUND = 404


def moved(path: str, old: str, new: str) -> str | None:
    """Where ``path`` is now that ``old``, it or a folder above it, has become ``new``; ``None`` if it is untouched."""
    if path == old:
        return new
    return new + path.removeprefix(old) if path.startswith(f"{old}/") else None


def kernels_of(sessions: Iterable[Mapping[str, Any]], old: str, new: str) -> dict[str, str]:
    """The kernels whose notebook has another path now, with that path.

    Args:
        sessions: Jupyter's sessions as its server tells them. Lab changes the path of those whose notebook is open by
            itself, before or after this.
        old: Path of a notebook or a folder, as it was.
        new: As it is.
    """
    found: dict[str, str] = {}
    for session in sessions:
        kernel, path = session.get("kernel") or {}, str(session.get("path") or "")
        present = path if moved(path, new, new) else moved(path, old, new)
        if session.get("type") == "notebook" and present is not None:
            found[str(kernel["id"])] = present
    return found


def sessions_of(items: Iterable[Mapping[str, Any]], old: str, new: str) -> list[tuple[int, dict[str, Any]]]:
    """The living Spark sessions whose notebook has another path now: of each its number, its kernel and that path.

    Args:
        items: One's own sessions as the overview tells them.
        old: Path of a notebook or a folder, as it was.
        new: As it is.
    """
    return [
        (int(item["id"]), {"kernel": item.get("kernel"), "notebook": present})
        for item in items
        if item.get("state") in ALIVE and (present := moved(str(item.get("notebook") or ""), old, new)) is not None
    ]


class RenamedNotebooks:
    """Tells the new path of this server's notebooks.

    Args:
        livy: The session service.
        folder: The server's folder, in which kernels read it.
    """

    def __init__(self, livy: PlatformClient, folder: ServerFolder) -> None:
        self._livy = livy
        self._folder = folder

    async def tell(self, old: str, new: str, kernels: Mapping[str, str]) -> dict[str, Any]:
        """Body of ``POST hops/notebook:renamed``: the numbers of the living sessions that have the new path now.

        Args:
            old: Path of a notebook or a folder, as it was.
            new: As it is.
            kernels: Those of :func:`kernels_of`.

        Raises:
            ProblemError: The session service gave no answer, or did not take it.
        """
        for kernel, path in kernels.items():
            with suppress(OSError):  # a full disk: the kernel goes on with the path that it knows
                self._folder.keep_notebook(kernel, path)
        # All of them, not those of one notebook: below a folder there may be many.
        path = f"overview?scope=own&limit={LIMIT}"
        found = await self._livy.read(path, lambda answer: sessions_of(answer["items"], old, new))
        return {"sessions": [session for session, client in found if await self._connect(session, client)]}

    async def _connect(self, session: int, client: Mapping[str, Any]) -> bool:
        try:
            await self._livy.request("POST", f"sessions/{session}/connect", client)
        except ProblemError as error:
            if error.status != _NOT_FOUND:
                raise
            return False  # it has ended meanwhile
        return True
