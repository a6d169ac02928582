"""JupyterHub's REST API."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from hops_contract.trust import public_authorities
from hops_platform.engines.hub import HubServer, RunningServer, ServerState
from hops_platform.errors import EngineRefusedError, EngineUnavailableError

_TIMEOUT = httpx.Timeout(30.0, connect=3.0)
_PROBE_TIMEOUT = httpx.Timeout(4.0, connect=2.0)
_PROGRESS_LINES = 20
_PAGE = 50  # users; a Hub gives no more than it is set to, and this is what it is set to by itself
_OK = 400


class JupyterHub:
    """Named servers at a JupyterHub.

    Args:
        url: Address of the Hub's API.
        token: This service's token.
        transport: Takes the place of the network in tests.
    """

    def __init__(self, url: str, *, token: str, transport: httpx.BaseTransport | None = None) -> None:
        self._client = httpx.Client(
            base_url=url.rstrip("/") + "/",
            headers={"Authorization": f"token {token}"},
            timeout=_TIMEOUT,
            transport=transport,
            # The Hub is on this machine or in this cluster; a proxy of the environment must not see the token.
            trust_env=False,
            verify=public_authorities(),
        )

    def probe(self) -> str:
        """See :class:`~hops_platform.engines.hub.Hub`."""
        # With its token: that this service is let in is half of it.
        response = self._send("GET", "user", timeout=_PROBE_TIMEOUT)
        _raise_for(response)
        version = self._send("GET", "", timeout=_PROBE_TIMEOUT).json().get("version", "")
        return f"JupyterHub {version}".strip()[:100]

    def server(self, user: str, name: str) -> HubServer:
        """See :class:`~hops_platform.engines.hub.Hub`."""
        response = self._send("GET", f"users/{user}/servers/{name}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return HubServer(state=ServerState.STOPPED)
        _raise_for(response)
        model = response.json()
        state = server_state(model)
        if state is ServerState.STOPPED:
            reason = self._failure(user, name)
            if reason is not None:
                return HubServer(state=ServerState.FAILED, reason=reason)
            return HubServer(state=state, reason=_ending(model), last_activity=_moment(model.get("last_activity")))
        return HubServer(
            state=state, started_at=_moment(model.get("started")), last_activity=_moment(model.get("last_activity"))
        )

    def running_servers(self) -> Sequence[RunningServer]:
        """See :class:`~hops_platform.engines.hub.Hub`."""
        found: list[RunningServer] = []
        for offset in itertools.count(step=_PAGE):
            response = self._send("GET", f"users?state=active&limit={_PAGE}&offset={offset}")
            _raise_for(response)
            users = response.json()
            found += [RunningServer(user["name"], name) for user in users for name in user.get("servers", {}) if name]
            if len(users) < _PAGE:
                break
        return found

    def start_server(self, user: str, name: str, *, title: str, options: dict[str, Any]) -> None:
        """See :class:`~hops_platform.engines.hub.Hub`."""
        body = {"display_name": title, "user_options": options}
        response = self._send("POST", f"users/{user}/servers/{name}", json_body=body)
        if response.status_code == httpx.codes.NOT_FOUND:
            made = self._send("POST", f"users/{user}")
            if made.status_code != httpx.codes.CONFLICT:  # somebody else made it meanwhile
                _raise_for(made)
            response = self._send("POST", f"users/{user}/servers/{name}", json_body=body)
        if response.status_code == httpx.codes.BAD_REQUEST and "already running" in _message(response):
            return
        _raise_for(response)

    def stop_server(self, user: str, name: str) -> None:
        """See :class:`~hops_platform.engines.hub.Hub`."""
        response = self._send("DELETE", f"users/{user}/servers/{name}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return
        if response.status_code == httpx.codes.BAD_REQUEST and "pending" in _message(response):
            # It can't be stopped in the middle of a start; whoever asked asks again.
            raise EngineUnavailableError(
                "The server is just starting or stopping.", remedy="Try again in some seconds.", retry_after_s=5
            )
        _raise_for(response)

    def _failure(self, user: str, name: str) -> str | None:
        """Why the last start failed, if it did: the Hub tells it in the progress of a server that is not there."""
        try:
            with self._client.stream("GET", f"users/{user}/servers/{name}/progress") as response:
                if response.status_code >= _OK:
                    return None
                for number, line in enumerate(response.iter_lines()):
                    if line.startswith("data:"):
                        event = json.loads(line.removeprefix("data:"))
                        if event.get("failed"):
                            return str(event.get("message", "")).removeprefix("Spawn failed: ")[:1000]
                        return None
                    if number > _PROGRESS_LINES:
                        return None
        except (httpx.HTTPError, ValueError):
            return None
        return None

    def _send(
        self,
        method: str,
        path: str,
        *,
        json_body: dict[str, Any] | None = None,
        timeout: httpx.Timeout = _TIMEOUT,
    ) -> httpx.Response:
        try:
            response = self._client.request(method, path, json=json_body, timeout=timeout)
        except httpx.HTTPError as error:
            raise EngineUnavailableError(
                "The Hub does not answer.", remedy="Try again in a moment.", retry_after_s=3
            ) from error
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise EngineUnavailableError(
                f"The Hub failed: {_message(response) or response.status_code}.", remedy="Try again in a moment."
            )
        return response


def server_state(model: dict[str, Any]) -> ServerState:
    """The state of the Hub's model of a server."""
    if model.get("pending") == "spawn":
        return ServerState.STARTING
    if model.get("pending") == "stop":
        return ServerState.STOPPING
    if model.get("ready"):
        return ServerState.READY
    return ServerState.STOPPED


def _raise_for(response: httpx.Response) -> None:
    if response.status_code >= _OK:
        raise EngineRefusedError(f"The Hub refused: {_message(response) or response.status_code}.")


def _message(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get("message", ""))[:500] if isinstance(body, dict) else ""


def _ending(model: Mapping[str, Any]) -> str | None:
    """How a server ended that nobody stopped, as its spawner has kept it (:mod:`hops_spawner.mixin`)."""
    match model.get("state"):
        case {"ended": {"sentence": str(sentence)}}:
            return sentence[:1000]
    return None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
