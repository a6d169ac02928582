"""The datasets that this project sees, as Lab shows them; all of it is looked at, nothing is changed.

This server's token is code's: with it no dataset gets into another project. What a person does with a dataset is done
in a window of the platform's own, to which the links here lead.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyterlab_hops.lists import read_all
from jupyterlab_hops.platform_client import PlatformClient
from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.stored_files import MARK, StoredFiles, StoredPlace

README = "README.md"
MOST_COUNTED = 20_000
LONGEST_COUNT_S = 2.0
ACCEPTED = "accepted"


class DatasetLinks:
    """Paths of this site's pages about datasets.

    Args:
        project_page: Path of the project's page.
    """

    def __init__(self, project_page: str) -> None:
        self._project = project_page

    def page(self, name: str) -> str:
        """The page of a dataset with its files; ``name`` as in the control plane's lists."""
        return f"{self._project}/datasets/{quote(name.replace('/', MARK), safe=MARK)}"

    def sharing(self, name: str) -> str:
        """The window in which a dataset of the project is shared and published."""
        return f"{self.page(name)}/sharing"

    @property
    def received(self) -> str:
        """The window in which offers are answered, and datasets are given back."""
        return f"{self._project}/received"

    @property
    def published(self) -> str:
        """The window in which published datasets are found and added."""
        return f"{self._project}/published"


def dataset_entry(dataset: Mapping[str, Any], links: DatasetLinks, *, stored: bool = False) -> dict[str, Any]:
    """One dataset that has files here, from the control plane's list; its name is its path in the file browser.

    Args:
        dataset: From that list.
        links: To the platform's pages.
        stored: Whether it lies on the site's storage.
    """
    shared = dataset.get("shared")
    return {
        "name": dataset["name"],
        "description": dataset.get("description") or None,
        "shared": None
        if shared is None
        else {
            "project": shared["project"],
            "dataset": shared["dataset"],
            "mode": shared["mode"],
            "download": bool(shared["download"]),
        },
        "page": links.page(dataset["name"]),
        "sharing": links.sharing(dataset["name"]) if shared is None else None,
        "stored": stored,
    }


def received_entry(share: Mapping[str, Any]) -> dict[str, Any]:
    """One dataset of another project, however far its share is."""
    return {
        "project": share["project"],
        "title": share.get("title") or share["project"],
        "dataset": share["dataset"],
        "description": share.get("description") or None,
        "state": share["state"],
        "mode": share["mode"],
        "download": bool(share["download"]),
    }


def user_entry(share: Mapping[str, Any]) -> dict[str, Any]:
    """One project that has a dataset, or may come to have it."""
    return {
        "project": share["project"],
        "title": share.get("title") or share["project"],
        "state": share["state"],
        "mode": share["mode"],
        "download": bool(share["download"]),
        "members": share.get("members"),
    }


def measure(folder: Path, *, most: int = MOST_COUNTED, seconds: float = LONGEST_COUNT_S) -> dict[str, Any]:
    """How much lies in ``folder``: bytes and files, and whether these are all. Links are not followed.

    Args:
        folder: A folder; one that is not there holds nothing.
        most: Entries that are looked at.
        seconds: For so long at most.
    """
    size = files = seen = 0
    ends = time.monotonic() + seconds
    waiting = [folder]
    while waiting:
        try:
            entries = os.scandir(waiting.pop())
        except OSError:
            continue
        with entries:
            for entry in entries:
                seen += 1
                if seen > most or time.monotonic() > ends:
                    return {"bytes": size, "files": files, "whole": False}
                try:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    elif entry.is_file(follow_symlinks=False):
                        size += entry.stat(follow_symlinks=False).st_size
                        files += 1
                except OSError:
                    continue  # gone in between
    return {"bytes": size, "files": files, "whole": True}


class Datasets:
    """Everything that Lab shows of datasets.

    Args:
        control_plane: What is asked.
        path: The project there.
        links: Where the platform's pages are.
        folder: The project's folder.
        stored: What lies on the site's storage; ``None`` where nothing does.
    """

    def __init__(
        self,
        control_plane: PlatformClient,
        path: str,
        links: DatasetLinks,
        folder: Path,
        *,
        stored: StoredFiles | None = None,
    ) -> None:
        self._control_plane = control_plane
        self._path = path
        self._links = links
        self._folder = folder
        self._stored = stored

    async def listed(self) -> dict[str, Any]:
        """Body of ``GET hops/datasets``: what has files here, and what is offered or asked for.

        Raises:
            ProblemError: The control plane does not tell.
        """
        datasets, received = await asyncio.gather(
            self._datasets(), read_all(self._control_plane, f"{self._path}/shares", received_entry)
        )
        return {
            "items": datasets,
            "waiting": [one for one in received if one["state"] != ACCEPTED],
            "received": self._links.received,
            "published": self._links.published,
        }

    async def described(self, name: str) -> dict[str, Any]:
        """Body of ``GET hops/datasets/{name}``: one of them with its size and, of the project's own, who has it.

        Args:
            name: As in the list, slashes as colons.

        Raises:
            ProblemError: There is none, or the control plane does not tell.
        """
        found = next((one for one in await self._datasets() if one["name"].replace("/", MARK) == name), None)
        if found is None:
            raise ProblemError(
                404,
                "not-found",
                "Not found",
                f"This project has no dataset {name.replace(MARK, '/')[:64]!r} (any more).",
                "Refresh the list: somebody may have deleted it, or ended its share.",
            )
        users = None
        if found["shared"] is None:
            path = f"{self._path}/datasets/{quote(name, safe='')}/shares"
            users = await read_all(self._control_plane, path, user_entry)
        place = self._place(found)
        size, readme = await (self._looked_at(found["name"]) if place is None else self._asked_for(place))
        return {**found, "size": size, "readme": f"{found['name']}/{README}" if readme else None, "users": users}

    async def _looked_at(self, name: str) -> tuple[dict[str, Any] | None, bool]:
        folder = self._folder / name
        size, readme = await asyncio.gather(
            asyncio.to_thread(measure, folder), asyncio.to_thread(_is_plain_file, folder / README)
        )
        return size, readme

    async def _asked_for(self, place: StoredPlace) -> tuple[dict[str, Any] | None, bool]:
        """Of what lies on the storage nobody counts all files while somebody waits."""
        if self._stored is None:
            return None, False
        return None, await self._stored.is_folder(place.child(README)) is False

    def _place(self, dataset: Mapping[str, Any]) -> StoredPlace | None:
        return None if self._stored is None else self._stored.place_of(dataset["name"])

    async def _datasets(self) -> list[dict[str, Any]]:
        return await read_all(
            self._control_plane,
            f"{self._path}/datasets",
            lambda dataset: dataset_entry(dataset, self._links, stored=self._place(dataset) is not None),
        )


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
