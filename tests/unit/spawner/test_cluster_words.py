from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientConnectorError
from kubernetes_asyncio.client.rest import ApiException
from kubespawner import KubeSpawner

from hops_contract.servers import ServerGrant
from hops_spawner import kubernetes, mixin
from hops_spawner.cluster_words import event_in_words, refused_by_cluster
from hops_spawner.kubernetes import HopsKubeSpawner
from hops_spawner.refusals import StartRefusedError

NO_GPU = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
QUOTA = (
    'pods "jupyter-weather--ada" is forbidden: exceeded quota: servers, requested: limits.memory=6Gi, '
    "used: limits.memory=10Gi, limited: limits.memory=12Gi"
)


def an_event(reason: str, message: str, kind: str = "Normal") -> dict[str, Any]:
    return {"reason": reason, "message": message, "type": kind, "metadata": {"uid": reason}}


def a_refusal(status: int, reason: str, message: str | None) -> ApiException:
    error = ApiException(status=status, reason=reason)
    error.body = json.dumps({"kind": "Status", "message": message}) if message else "<html>"
    return error


class Spawner(HopsKubeSpawner):
    """A spawner of pods at a cluster that a test plays."""

    said: list[dict[str, Any]]
    events = property(lambda self: self.said)


@pytest.fixture
def pod_that_never_runs(grant: ServerGrant, no_cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every start is granted; no pod gets as far as its container."""
    monkeypatch.setattr(kubernetes, "EVENT_POLL_S", 0.01)
    monkeypatch.setattr(mixin, "object_session", lambda _: None)

    async def granted(_self: Spawner) -> ServerGrant:
        return grant

    async def nothing(*_: Any) -> None:
        return None

    async def never(_self: Spawner) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(Spawner, "_grant", granted)
    monkeypatch.setattr(Spawner, "prepare", nothing)
    monkeypatch.setattr(KubeSpawner, "_start", never)


def start(*events: dict[str, Any]) -> tuple[list[str], StartRefusedError]:
    """Which steps a watcher is told while the cluster says ``events``, and how the start ends."""

    async def both() -> tuple[list[str], StartRefusedError]:
        user = SimpleNamespace(name="ada", id=1, url="/user/ada/", escaped_name="ada", server_url=lambda name: name)
        spawner = Spawner(
            _mock=True, user=user, namespace="hops", pod_timeout=1,
            orm_spawner=SimpleNamespace(name="weather", server=None, display_name="Weather", state=None),
        )  # fmt: skip
        spawner.said = list(events)
        starting = asyncio.ensure_future(spawner.start())
        await asyncio.sleep(0)
        told = [event["message"] async for event in spawner.progress()]
        with pytest.raises(StartRefusedError) as refused:
            await starting
        await spawner.api.api_client.close()
        return told, refused.value

    return asyncio.run(both())


@pytest.mark.usefixtures("pod_that_never_runs")
def test_a_pod_that_finds_no_place_is_told_with_the_clusters_numbers_and_the_setting() -> None:
    unplaceable = an_event("FailedScheduling", NO_GPU, "Warning")
    told, refused = start(unplaceable, unplaceable)
    unplaced = "No node of the cluster can take the server yet: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    assert told == [
        "Preparing the server of project Weather of the coast",
        "Starting JupyterLab",
        unplaced,
    ]
    assert refused.problem.detail == (
        f"The cluster did not start the server's pod within 1 seconds. The last that the cluster said: {unplaced}"
    )
    assert "HOPS_POD_TIMEOUT_S" in (refused.problem.remedy or "")
    assert refused.status_code == 504
    assert unplaced in refused.jupyterhub_message.split("Log of the server:")[1]


@pytest.mark.usefixtures("pod_that_never_runs")
def test_a_quota_that_is_used_up_is_told_with_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_self: Spawner) -> None:
        raise a_refusal(403, "Forbidden", QUOTA)

    monkeypatch.setattr(KubeSpawner, "_start", refuse)
    _, refused = start()
    assert refused.problem.detail == f"The cluster refused the server (403): {QUOTA}."
    assert refused.problem.remedy == (
        "Ask for less, stop another server, or ask an administrator for a larger quota of the namespace."
    )


@pytest.mark.usefixtures("pod_that_never_runs")
def test_a_cluster_that_does_not_answer_is_not_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_self: Spawner) -> None:
        raise ClientConnectorError(SimpleNamespace(host="h", port=1, ssl=None), OSError(111, "Connection refused"))

    monkeypatch.setattr(KubeSpawner, "_start", away)
    _, refused = start()
    assert refused.problem.detail == "The cluster's API does not answer."


@pytest.mark.parametrize(
    ("error", "said", "remedy"),
    [
        (a_refusal(403, "Forbidden", "secrets is forbidden"), "(403): secrets is forbidden.", "lacks this right"),
        (a_refusal(422, "Unprocessable", "spec.x: Invalid value"), "(422): spec.x: Invalid value.", "do not fit"),
        (a_refusal(503, "Service Unavailable", None), "(503): Service Unavailable.", "try again in a minute"),
    ],
)
def test_each_refusal_has_its_remedy(error: ApiException, said: str, remedy: str) -> None:
    problem = refused_by_cluster(error, said="").problem
    assert said in problem.detail
    assert remedy in (problem.remedy or "")


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (
            an_event("Scheduled", "assigned hops/jupyter-weather--ada to node-7"),
            "The cluster found a place for the server",
        ),
        (an_event("Pulling", 'Pulling image "registry/x"'), "The cluster fetches the server's image"),
        (
            an_event("Failed", "Failed to pull image: not found", "Warning"),
            "The cluster could not start the server's container: Failed to pull image: not found",
        ),
        (an_event("Preempted", "by pod y"), "The cluster says Preempted: by pod y"),
    ],
)
def test_an_event_is_told_in_words(event: dict[str, Any], words: str) -> None:
    assert event_in_words(event) == words
