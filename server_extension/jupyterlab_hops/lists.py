"""Lists of the control plane's, which come page by page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from jupyterlab_hops.platform_client import PlatformClient

PAGE = 100
MAX_ITEMS = 1000


async def read_all(
    control_plane: PlatformClient, path: str, show: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> list[dict[str, Any]]:
    """What ``show`` makes of each item of the list at ``path``, of :data:`MAX_ITEMS` and a page at most.

    Raises:
        ProblemError: A page could not be read: part of a list would pass for the whole.
    """
    items: list[dict[str, Any]] = []
    after = ""
    while len(items) < MAX_ITEMS:
        page, following = await control_plane.read(
            f"{path}?limit={PAGE}{after}",
            lambda answer: ([show(item) for item in answer["items"]], answer.get("next")),
        )
        items.extend(page)
        if not following:
            break
        after = f"&after={quote(str(following), safe='')}"
    return items
