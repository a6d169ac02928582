"""What the panel in Lab shows of the project and its Spark sessions, put together from three sources."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tornado.httputil import HTTPHeaders

from jupyterlab_hops import __version__
from jupyterlab_hops.cell_outputs import CellOutputs
from jupyterlab_hops.datasets import DatasetLinks, Datasets
from jupyterlab_hops.lists import read_all
from jupyterlab_hops.overview import LIMIT, Overview
from jupyterlab_hops.own_role import OwnRole
from jupyterlab_hops.platform_client import PlatformClient
from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.renamed_notebooks import RenamedNotebooks
from jupyterlab_hops.server_folder import ServerFolder
from jupyterlab_hops.session_items import kernel_in, resources_of
from jupyterlab_hops.stored_files import StoredFiles, StoredPlace, save_file
from jupyterlab_hops.tensorboards import TensorBoards
from jupyterlab_hops.token_renewal import RenewalState, TokenRenewal
from jupyterlab_hops.warm_session import WarmSession


def hub_links(config: Mapping[str, Any], hub_base_path: str) -> dict[str, str]:
    """Paths of this site that the panel leads to."""
    base = "/" + hub_base_path.strip("/")
    base = base if base.endswith("/") else base + "/"
    project = quote(str(config["project"]), safe="")
    return {
        "project": f"{base}services/hops/projects/{project}",
        "projects": f"{base}hub/home",
        # The Hub's own page of a start knows nothing of one that is still to come; the project's page waits for it.
        "restarting": f"{base}services/hops/projects/{project}#restarting",
    }


def member_item(member: Mapping[str, Any]) -> dict[str, Any]:
    """One member, from the control plane's list."""
    return {"user": member["user"], "title": member.get("title") or member["user"], "role": member["role"]}


def dataset_item(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """One dataset, from the control plane's list; its name is that of its folder in the project's."""
    return {"name": dataset["name"], "description": dataset.get("description") or None}


@dataclass(frozen=True)
class Listing:
    """A list of the control plane's, or why it could not be read."""

    items: list[dict[str, Any]]
    problem: dict[str, Any] | None = None


def project_answer(
    config: Mapping[str, Any],
    members: Listing,
    datasets: Listing,
    renewal: RenewalState,
    links: Mapping[str, str],
) -> dict[str, Any]:
    """Body of ``GET hops/project``: ``server.json`` without paths and addresses, and what is known beside it."""
    user = config["user"]
    # server.json tells the role of the moment when the server was started; it may have changed since.
    roles = {member["user"]: member["role"] for member in members.items}
    return {
        "version": __version__,
        "project": config["project"],
        "title": config.get("project_title") or config["project"],
        "user": user,
        "role": roles.get(user, config.get("role")),
        "options": config["options"],
        "start_folder": config.get("start_folder", "Jupyter"),
        "members": members.items,
        "members_problem": members.problem,
        "datasets": datasets.items,
        "datasets_problem": datasets.problem,
        "token_problem": renewal.refusal or renewal.trouble,
        "links": {"project": links["project"], "projects": links["projects"]},
    }


def session_item(session: Mapping[str, Any]) -> dict[str, Any]:
    """One Spark session, from the session service's overview."""
    return {
        "id": session["id"],
        "kind": session.get("kind") or "pyspark",
        "name": session.get("name"),
        "kernel": kernel_in(session),
        "notebook": session.get("notebook"),
        "state": session["state"],
        "reason": session.get("reason") or None,
        "created": session.get("created"),
        "idle_timeout_s": session.get("idle_timeout_s"),
        "ends": session.get("ends"),
        "queue": session.get("queue"),
        "resources": resources_of(session.get("resources")),
    }


def sessions_answer(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Body of ``GET hops/session``: interactive sessions, from the session service's overview of one's own."""
    return {"items": [session_item(session) for session in answer["items"] if session.get("kind") != "batch"]}


class ProjectServer:
    """Everything that the handlers need of one project's notebook server.

    Args:
        folder: The server's folder.
        base_path: Path of this notebook server in the browser.
    """

    def __init__(self, folder: ServerFolder, base_path: str) -> None:
        self._folder = folder
        self._base_path = base_path.rstrip("/")
        self.pages_secret = secrets.token_urlsafe()
        """Part of the address of Spark's pages; another one after each start."""
        config = folder.config
        self._links = hub_links(config, os.environ.get("JUPYTERHUB_BASE_URL", "/"))
        self._path = f"api/v1/projects/{quote(str(config['project']), safe='')}"
        self._control_plane = PlatformClient("The control plane", config["control_plane_url"], folder.token)
        self._livy = PlatformClient("The session service", config["livy_url"], folder.token)
        self.overview = Overview(self._livy)
        self.outputs = CellOutputs(self._livy)
        self.renamed = RenamedNotebooks(self._livy, folder)
        self.renewal = TokenRenewal(folder, self._control_plane)
        on_machine = config.get("on_machine")
        self.stored = None if on_machine is None else StoredFiles(self._control_plane, self._path, on_machine)
        """Datasets on the site's storage; ``None`` where all lie on the machine's disk."""
        self.start_folder = str(config.get("start_folder", "Jupyter"))
        self.own_role = OwnRole(self._control_plane, config)
        self.datasets = Datasets(
            self._control_plane,
            self._path,
            DatasetLinks(self._links["project"]),
            Path(config["project_folder"]),
            stored=self.stored,
        )
        self.tensorboards = TensorBoards(
            Path(config["project_folder"]), Path(config["environment"]), f"{self._base_path}/hops/tensorboards/"
        )

    def warm_session(self, seconds_since_use: Callable[[], float]) -> WarmSession:
        """What keeps a Spark session ready for the next notebook.

        Args:
            seconds_since_use: Tells for how long nobody has used this server.
        """
        return WarmSession(self._livy, self._folder.config["options"], seconds_since_use)

    async def project(self) -> dict[str, Any]:
        """Body of ``GET hops/project``; a control plane that is down costs only members and datasets."""
        members, datasets = await asyncio.gather(
            self._listing("members", member_item), self._listing("datasets", dataset_item)
        )
        return project_answer(self._folder.config, members, datasets, self.renewal.state, self._links)

    async def send_notebook(self, path: str, content: bytes) -> None:
        """Lets the control plane put a notebook in its place, where this server only reads the project's datasets.

        Args:
            path: As the file browser names it, below a dataset of the project.
            content: The file.

        Raises:
            ProblemError: It is refused, or there is no answer.
        """
        dataset, _, inner = path.partition("/")
        await save_file(self._control_plane, self._path, StoredPlace(dataset, inner), content)

    async def sessions(self) -> dict[str, Any]:
        """Body of ``GET hops/session``, newest first.

        Not from the service's ``sessions``: there, who asks for a session shows that its client is alive.
        """
        return await self._livy.read(f"overview?scope=own&limit={LIMIT}", sessions_answer)

    async def keep_session(self, session_id: int) -> None:
        """Lets the idle time of one of my Spark sessions begin anew."""
        await self._livy.request("POST", f"sessions/{session_id}/connect", {})

    async def end_session(self, session_id: int) -> None:
        """Ends one of my Spark sessions."""
        await self._livy.request("DELETE", f"sessions/{session_id}")

    def pages_path(self, session_id: int) -> str:
        """Where the browser finds Spark's pages of one of my sessions. Only Lab and the person may be told it."""
        return f"{self._base_path}/hops/session/{session_id}/ui/{self.pages_secret}/"

    async def spark_page(
        self,
        session_id: int,
        page: str,
        *,
        headers: Mapping[str, str],
        begin: Callable[[int, HTTPHeaders], None],
        take: Callable[[bytes], None],
    ) -> None:
        """Hands over a page of Spark's own of one of my sessions.

        Args:
            session_id: The session.
            page: Path and query, as they came.
            headers: What Spark may know of the request.
            begin: Is told status and headers.
            take: Takes each part.

        Raises:
            ProblemError: It can't be had.
        """
        await self._livy.stream(f"sessions/{session_id}/ui/{page}", headers=headers, begin=begin, take=take)

    def limited(self, processes: Collection[int]) -> dict[str, str | None]:
        """Body of ``GET hops/limited``: why a limit ended one of ``processes`` just now, if it did."""
        return {"reason": self._folder.why_limited(processes)}

    async def prepare_stop(self) -> dict[str, str]:
        """Sees that the control plane would stop this server; the answer names the page to go to."""
        await self._control_plane.request("GET", f"{self._path}/server")
        return {"state": "stopping", "url": self._links["projects"]}

    async def stop(self) -> None:
        """Stops this notebook server. Whoever calls this may not live to see it return."""
        await self._control_plane.request("DELETE", f"{self._path}/server")

    async def restart(self) -> dict[str, str]:
        """Restarts this notebook server; the answer names the page to wait at. Its Spark sessions stay."""
        with self._folder.sessions_stay():
            await self._control_plane.request("POST", f"{self._path}/server:restart")
        return {"state": "restarting", "url": self._links["restarting"]}

    async def _listing(self, what: str, show: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Listing:
        try:
            return Listing(await read_all(self._control_plane, f"{self._path}/{what}", show))
        except ProblemError as error:
            return Listing([], error.body)
