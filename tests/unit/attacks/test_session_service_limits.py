"""A member who asks the session service for more than the project's limits, past the start form that checks them."""

import asyncio

import httpx
import pytest

from hops_contract.options import ServerLimits
from tests.unit.livy.callers import header

from .test_session_service_owners import SlowBackend, service, token


@pytest.mark.parametrize(
    "asked",
    [
        {"numExecutors": 2},
        {"executorCores": 2},
        {"executorMemory": "2g"},
        {"driverMemory": "2g"},
        {"conf": {"spark.dynamicAllocation.enabled": "true", "spark.dynamicAllocation.maxExecutors": "50"}},
        {"conf": {"spark.executor.resource.gpu.amount": "1"}},
    ],
)
def test_a_session_stays_within_the_limits_of_its_project(tmp_path, monkeypatch, asked):
    """``%%configure`` and ``POST sessions`` go past the start form, not past what an administrator allowed."""
    limits = ServerLimits(
        max_executors=1, max_executor_cores=1, max_executor_memory_mib=1024, max_driver_memory_mib=1024,
        max_total_memory_mib=2048, max_gpus=0,
    )  # fmt: skip

    async def control_plane(_transport, request):
        if request.url.path.endswith("/projects/red/sessions/limits"):
            return httpx.Response(200, json=limits.model_dump(mode="json"))
        return httpx.Response(404)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", control_plane)

    async def attack():
        async with service(tmp_path, SlowBackend()) as client:
            client.headers.update(header(token()))
            assert (await client.post("/sessions", json=asked)).status_code in (400, 403, 409, 422)
            assert (await client.post("/sessions", json={})).status_code == 201

    asyncio.run(attack())


@pytest.mark.parametrize(("control_plane_up", "status"), [(True, 400), (False, 503)])
def test_a_batch_is_bound_as_well_and_nothing_starts_while_the_limits_can_not_be_read(
    tmp_path, monkeypatch, control_plane_up, status
):
    async def control_plane(_transport, _request):
        if not control_plane_up:
            raise httpx.ConnectError("down")
        return httpx.Response(200, json=ServerLimits(max_executors=1).model_dump(mode="json"))

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", control_plane)
    job = tmp_path / "projects" / "red" / "Resources" / "job.py"
    job.parent.mkdir(parents=True)
    job.write_text("print('ran')")
    backend = SlowBackend()

    async def attack():
        async with service(tmp_path, backend) as client:
            client.headers.update(header(token()))
            much = {"numExecutors": 2}
            assert (await client.post("/batches", json={"file": "Resources/job.py", **much})).status_code == status
            assert (await client.post("/sessions", json=much)).status_code == status
            assert backend.drivers == []

    asyncio.run(attack())
