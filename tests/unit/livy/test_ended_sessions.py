"""What is known of sessions after their end, when they end, and how many one person has."""

import asyncio
import time

import pytest

from hops_livy.engines.drivers import Ending
from tests.waiting import until_async

from .test_waiting_room import (  # noqa: F401 - a fixture
    ADA,
    BEN,
    SMALL,
    ask,
    bearer,
    look,
    machine,
    run,
    until_idle,
)

ADA_IN_SALES = bearer("ada", "sales")


async def known(client, headers):
    return {one["id"] for one in (await client.get("/sessions", headers=headers)).json()["sessions"]}


async def end(client, headers, number):
    assert (await client.post(f"/sessions/{number}/stop", headers=headers)).status_code == 204


def registry_of(client):
    return client.app.state.registry


def test_of_those_that_have_ended_the_last_to_end_are_kept_whenever_they_began(tmp_path):
    async def test(client, backend):
        old = (await ask(client, ADA, SMALL))["id"]
        others = []
        for _ in range(3):
            others.append((await ask(client, ADA, SMALL))["id"])
            await end(client, ADA, others[-1])
            await asyncio.sleep(0.01)
        await end(client, ADA, old)

        async def forgotten():
            return others[0] not in await known(client, ADA)

        await until_async(forgotten)
        assert old in await known(client, ADA), "it was the last to end"

    run(test, tmp_path, sessions_per_owner=3)


def test_batches_do_not_push_sessions_out(tmp_path):
    file = tmp_path / "projects" / "weather" / "Resources" / "job.py"
    file.parent.mkdir(parents=True)
    file.write_text("print(7)")

    async def test(client, backend):
        session = (await ask(client, ADA, SMALL))["id"]
        await end(client, ADA, session)
        for _ in range(4):
            made = await client.post("/batches", json={"file": "Resources/job.py"}, headers=ADA)
            driver = backend.drivers[made.json()["id"]]
            driver.ended.set_result(Ending(reason="", asked=False, code=0))

        async def batches():
            return (await client.get("/batches", headers=ADA)).json()["sessions"]

        await until_async(batches, wanted=lambda found: len(found) == 3)
        assert session in await known(client, ADA)

    run(test, tmp_path, sessions_per_owner=3)


def test_an_ended_session_is_listed_for_an_hour_and_answers_for_its_notebook_for_a_day(tmp_path):
    async def test(client, backend):
        number = (await ask(client, ADA, {**SMALL, "notebook": "Jupyter/days.ipynb"}))["id"]
        await end(client, ADA, number)
        session = registry_of(client).sessions._sessions[number]

        async def of_notebook(headers=ADA, notebook="Jupyter/days.ipynb"):
            answer = await client.get("/overview", params={"notebook": notebook}, headers=headers)
            return [one["id"] for one in answer.json()["items"]]

        assert number in await known(client, ADA)
        session.ended = time.time() - 3700
        assert number not in await known(client, ADA)
        assert (await look(client, ADA, number))["state"] == "killed"
        assert await of_notebook() == [number]
        assert await of_notebook(BEN) == []
        assert await of_notebook(notebook="Jupyter/other.ipynb") == []
        session.ended = time.time() - 25 * 3600

        async def forgotten():
            return not await of_notebook()

        await until_async(forgotten)

    run(test, tmp_path)


def test_outputs_of_ended_sessions_are_bounded_together_and_the_oldest_go_first(tmp_path):
    async def test(client, backend):
        numbers = []
        for _ in range(2):
            number = (await ask(client, ADA, SMALL))["id"]
            await until_idle(client, ADA, number)
            posted = await client.post(f"/sessions/{number}/statements", json={"code": "1"}, headers=ADA)
            assert posted.status_code == 201
            statement = registry_of(client).sessions._sessions[number].statements[0]
            statement.take("stream", {"name": "stdout", "text": "x" * 600})
            await end(client, ADA, number)
            await asyncio.sleep(0.01)
            numbers.append(number)
        first, second = (registry_of(client).sessions._sessions[number].statements[0] for number in numbers)

        async def dropped():
            return first.outputs.dropped

        await until_async(dropped)
        await asyncio.sleep(0.1)
        assert not second.outputs.dropped

    run(test, tmp_path, ended_output_bytes=1200)


def test_one_person_has_so_many_sessions_in_all_projects_together(tmp_path):
    async def test(client, backend):
        for headers in (ADA, ADA, ADA_IN_SALES):
            await ask(client, headers, SMALL)
        refused = await ask(client, ADA_IN_SALES, SMALL, status=429)
        assert "3 sessions in all your projects" in refused["detail"]
        await ask(client, BEN, SMALL)

    run(test, tmp_path, sessions_per_person=3)


def test_a_session_in_which_spark_works_is_not_idle(tmp_path):
    async def test(client, backend):
        number = (await ask(client, ADA, {**SMALL, "ttl": "1s"}))["id"]
        working = True

        async def works():
            return working

        # Before it is idle, which it may be for a second alone.
        await until_async(lambda: number in backend.drivers)
        backend.drivers[number].works = works
        await until_idle(client, ADA, number)
        await asyncio.sleep(1.5)
        assert (await look(client, ADA, number))["state"] == "idle"
        stopped = await client.post("/overview:stop-idle", json={"scope": "own"}, headers=ADA)
        assert stopped.json() == {"ended": []}
        working = False

        async def ended():
            return (await look(client, ADA, number))["state"] == "killed"

        await until_async(ended)

    run(test, tmp_path)


@pytest.mark.parametrize(("silent_s", "left_s"), [(0, 7200), (60, 7200), (300, 600)])
def test_the_end_that_is_told_is_the_one_that_comes(tmp_path, silent_s, left_s):
    async def test(client, backend):
        number = (await ask(client, ADA, {**SMALL, "ttl": "2h", "heartbeatTimeoutInSecond": 900}))["id"]
        await until_idle(client, ADA, number)
        session = registry_of(client).sessions._sessions[number]
        session.last_heard -= silent_s
        session.last_active -= silent_s
        expected = time.time() + left_s - (silent_s if left_s == 7200 else 0)
        assert session.ends == pytest.approx(expected, abs=10)

    run(test, tmp_path)


@pytest.mark.parametrize("name", ["a/b", "-5", "7", " "])
def test_a_name_that_no_address_can_hold_is_refused(tmp_path, name):
    async def test(client, backend):
        refused = await ask(client, ADA, {**SMALL, "name": name}, status=400)
        assert "Invalid session name" in refused["detail"]

    run(test, tmp_path)


@pytest.mark.parametrize(("body", "said"), [
    ({"numExecutor": 5}, "numExecutors"), ({"gpus": 1}, "conf"),
])  # fmt: skip
def test_a_field_that_is_unknown_is_refused_by_name(tmp_path, body, said):
    async def test(client, backend):
        refused = await ask(client, ADA, {**SMALL, **body}, status=400)
        assert next(iter(body)) in refused["detail"]
        assert said in refused["remedy"]

    run(test, tmp_path)


def test_nobody_acts_as_somebody_else_by_the_address(tmp_path):
    async def test(client, backend):
        refused = await client.post("/sessions?doAs=weather__ben", json=SMALL, headers=ADA)
        assert refused.status_code == 400
        assert "doAs" in refused.json()["detail"]
        assert (await client.post("/sessions?doAs=ada", json=SMALL, headers=ADA)).status_code == 201

    run(test, tmp_path)


def test_the_cores_of_a_driver_are_bounded_by_the_projects_limits(tmp_path, machine):  # noqa: F811 - the fixture
    async def test(client, backend):
        most = machine["limits"].max_executor_cores
        refused = await ask(client, ADA, {**SMALL, "driverCores": most + 1}, status=400)
        assert "for the driver" in refused["detail"]

    run(test, tmp_path)
