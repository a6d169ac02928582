"""Sessions that wait for resources: told of their place, started in turn, withdrawn, found again; with no Spark."""

# ruff: noqa: ARG002 - the fakes take what the ports hand them

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from hops_contract.layout import Home
from hops_contract.options import ServerLimits
from hops_livy import expiry, memory
from hops_livy.app import create_app
from hops_livy.builtin.backend import BuiltinSessions
from hops_livy.engines.amounts import Amount, Room
from hops_livy.engines.drivers import Ending, Executed, NoRoomError, StartError
from hops_livy.gpus import GpuLedger
from hops_livy.memory import MemoryLedger
from hops_livy.settings import Limits, Settings
from tests.unit.livy.callers import OurKeys, bearer
from tests.waiting import until_async

PREFIX = "http://livy.test/services/livy"
SMALL = {"driverMemory": "512m", "executorMemory": "512m"}
GPUS = {**SMALL, "conf": {"spark.executor.resource.gpu.amount": "2"}}


class Driver:
    """Ready when the test says so, if it is a patient test."""

    app_id, shows_pages = "local-1", False

    def __init__(self, gone):
        loop = asyncio.get_running_loop()
        self.ready, self.ended = loop.create_future(), loop.create_future()
        self.gone, self.ran, self.token, self.state = gone, [], None, {}

    async def execute(self, code, *, kind, statement, on_message, execution_count=None):
        self.ran.append(code)
        return Executed(status="ok")

    async def works(self):
        return False

    def log(self):
        return []

    def renew_token(self, token):
        self.token = token

    def forget(self, statement):
        pass

    def detach(self):
        pass

    async def end(self, reason, *, at_once=False):
        if not self.ended.done():
            self.gone()
            self.ended.set_result(Ending(reason=reason, asked=True))


class LedgerBackend(BuiltinSessions):
    """Counts as the built-in one does, and starts drivers that are none."""

    def __init__(self, *, gpus=4, memory_mib=100_000, starts_at_once=100):
        self._gpus, self._memory, self._starts_at_once = GpuLedger(gpus), MemoryLedger(memory_mib), starts_at_once
        self.slow = False
        self._master = self._cluster = None
        self.drivers, self.requests, self.attempts, self.pause = {}, {}, [], None
        self.refusal = None

    async def prepare(self, known):
        self.known = set(known)

    async def start(self, request):
        number, shape = request.session_id, request.shape
        self.attempts.append(number)
        if self.pause is not None:
            await self.pause.wait()
        if self.refusal is not None:
            raise self.refusal
        await self.check(shape, owner=request.owner)
        self._gpus.take(shape.total_gpus, session_id=number, owner=request.owner.project_user)
        self._memory.take(shape.total_memory_mib, session_id=number)
        driver = Driver(lambda: self._give_back(number))
        driver.ready.add_done_callback(lambda _: self._memory.settle(number))
        if not self.slow:
            driver.ready.set_result(None)
            self._memory.settle(number)
        self.drivers[number], self.requests[number] = driver, request
        return driver

    async def recover(self, request, state):
        return self.drivers[request.session_id]


class FarBackend(LedgerBackend):
    """One whose executors, with their memory and GPUs, are on a cluster: here they take nothing."""

    def needs(self, shape):
        return Amount(sessions=1, memory_mib=shape.driver_memory_mib)

    def room(self):
        return Room(free=replace(super().room().free, gpus=2**60), whole=replace(super().room().whole, gpus=2**60))


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """Has memory for all, lets the queue be looked at often, and a control plane that answers."""
    monkeypatch.setattr(memory, "free_memory_mib", lambda: 1_000_000)
    monkeypatch.setattr(expiry, "_LOOK_S", 0.02)
    limits = ServerLimits(max_gpus=100, max_executors=100)
    plane = {"limits": limits}

    async def answer(transport, request):
        return httpx.Response(200, json=plane["limits"].model_dump(mode="json"))

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", answer)
    return plane


@asynccontextmanager
async def service(home, backend, **limits):
    settings = Settings(home=Home(home), gpus=0, limits=Limits(**limits))
    app = create_app(settings, keys=OurKeys(), backend=backend)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=PREFIX) as client:
            client.app = app
            yield client


ADA, BEN, OTTO = bearer("ada", "weather"), bearer("ben", "weather"), bearer("otto", "sales")
BEARERS = {"ada": ADA, "ben": BEN, "otto": OTTO}


async def ask(client, headers, body=GPUS, status=201):
    answer = await client.post("/sessions", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


async def look(client, headers, number, *, hold=False):
    path = f"/sessions/{number}?hold={str(hold).lower()}"
    return (await client.get(path, headers=headers)).json()


async def until_idle(client, headers, number):
    async def idle():
        return (await look(client, headers, number))["state"] == "idle"

    await until_async(idle)


def run(test, home, backend=None, **limits):
    async def main():
        chosen = backend or LedgerBackend()
        async with service(home, chosen, **limits) as client:
            await test(client, chosen)

    asyncio.run(main())


def test_who_waits_is_told_the_place_and_who_has_what_it_waits_for_and_starts_when_that_is_free(tmp_path):
    async def test(client, backend):
        first, others = await ask(client, ADA), await ask(client, OTTO)
        waiting = await ask(client, BEN)
        assert (waiting["state"], waiting["appId"]) == ("starting", None), "sparkmagic deletes none that is not_started"
        sentence = (
            "Waits for 2 GPUs: 1st of 1 in the queue. "
            f"In use: 2 GPUs by other projects, 2 GPUs by weather__ada (session {first['id']})."
        )
        assert waiting["appInfo"]["reason"] == waiting["log"][-1] == sentence
        assert waiting["queue"] == {
            "position": 1, "length": 1, "waitsFor": "2 GPUs",
            "heldBy": [
                {"who": "other projects", "session": None, "memoryMib": 0, "gpus": 2},
                {"who": "weather__ada", "session": first["id"], "memoryMib": 0, "gpus": 2},
            ],
        }  # fmt: skip
        for path in (f"/sessions/{waiting['id']}/summary", f"/overview/{waiting['id']}"):
            told = (await client.get(path, headers=BEN)).json()
            assert (told["reason"], told["queue"]) == (sentence, waiting["queue"])
        held = asyncio.create_task(look(client, BEN, waiting["id"], hold=True))
        await client.delete(f"/sessions/{others['id']}", headers=OTTO)
        told = await held
        assert "queue" not in told, "the request that was held is answered when the session leaves the queue"
        await until_idle(client, BEN, waiting["id"])
        assert backend._gpus.held_by(waiting["id"])

    run(test, tmp_path)


def test_a_second_one_that_waits_is_told_who_is_served_before_and_of_other_projects_nobody(tmp_path):
    async def test(client, backend):
        three = {**SMALL, "conf": {"spark.executor.resource.gpu.amount": "3"}}
        held = (await ask(client, ADA, three))["id"]
        waiting = {who: (await ask(client, BEARERS[who], GPUS))["id"] for who in ("otto", "ben", "ada")}

        async def told(who):
            answer = await client.get(f"/sessions/{waiting[who]}/summary", headers=BEARERS[who])
            return answer.json()["reason"]

        ben = f"weather__ben (session {waiting['ben']})"
        held_by_ada = f"3 GPUs by weather__ada (session {held})"
        assert await told("otto") == (
            "Waits for 2 GPUs: 1st of 3 in the queue. In use: 3 GPUs by other projects. Free: 1 GPU."
        )
        assert await told("ben") == (
            f"Waits for 2 GPUs: 2nd of 3 in the queue. In use: {held_by_ada}. Free: 1 GPU. "
            "Before it: 1 of other projects."
        )
        assert await told("ada") == (
            f"Waits for 2 GPUs: 3rd of 3 in the queue. In use: {held_by_ada}. Free: 1 GPU. "
            f"Before it: {ben}, 1 of other projects."
        )
        await client.delete(f"/sessions/{waiting['otto']}", headers=OTTO)
        assert (await told("ben")).endswith("1st of 2 in the queue. In use: " + held_by_ada + ". Free: 1 GPU.")
        assert (await told("ada")).endswith(f"Free: 1 GPU. Before it: {ben}."), "who leaves is told of no more"

    run(test, tmp_path)


def test_the_queue_is_served_in_turn_and_every_place_is_told(tmp_path):
    async def test(client, backend):
        held = await ask(client, ADA, {**GPUS, "conf": {"spark.executor.resource.gpu.amount": "4"}})
        whole = {**SMALL, "conf": {"spark.executor.resource.gpu.amount": "4"}}
        waiting = [(who, (await ask(client, who, whole))["id"]) for who in (ADA, ADA, BEN, OTTO)]

        async def places():
            told = [await look(client, who, number) for who, number in waiting]
            return [one["queue"]["position"] if "queue" in one else 0 for one in told]

        assert await places() == [3, 4, 2, 1], "who holds least first: another project, then another member"
        await client.delete(f"/sessions/{waiting[3][1]}", headers=OTTO)
        assert (await client.get(f"/sessions/{waiting[3][1]}", headers=OTTO)).status_code == 404
        del waiting[3]
        assert await places() == [2, 3, 1], "who leaves makes room in the queue"
        await client.delete(f"/sessions/{held['id']}", headers=ADA)
        await until_idle(client, ADA, waiting[0][1])
        assert await places() == [0, 2, 1], "nobody held anything then: who came first"

    run(test, tmp_path)


@pytest.mark.parametrize("said", [{"onNoRoom": "fail"}, {"conf": {**GPUS["conf"], "spark.hops.queue": "fail"}}])
def test_who_does_not_want_to_wait_is_refused_with_the_numbers_and_leaves_nothing(tmp_path, said):
    async def test(client, backend):
        await ask(client, ADA)
        await ask(client, ADA)
        refused = await ask(client, BEN, {**GPUS, **said}, status=409)
        assert refused["detail"] == "2 GPUs were asked for; 0 of 4 are free now. In use: 4 by weather__ada."
        assert (await client.get("/sessions", headers=BEN)).json()["total"] == 0
        assert {path.name for path in (tmp_path / "run" / "session-records").iterdir()} == {"0", "1"}

    run(test, tmp_path)


def test_who_does_not_want_to_wait_does_not_slip_past_who_does(tmp_path):
    async def test(client, backend):
        await ask(client, ADA, {**SMALL, "conf": {"spark.executor.resource.gpu.amount": "1"}})
        large = await ask(client, OTTO, {**SMALL, "conf": {"spark.executor.resource.gpu.amount": "4"}})
        client.app.state.registry._waiting._entries[large["id"]].overtaken = 5
        refused = await ask(client, BEN, {**GPUS, "onNoRoom": "fail"}, status=409)
        assert refused["detail"] == (
            "There is no room now. Others asked before you, and what is free is kept for them."
        )

    run(test, tmp_path)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"conf": {"spark.executor.resource.gpu.amount": "5"}}, "5 GPUs were asked for; this machine has 4."),
        ({**SMALL, "driverMemory": "7g"}, "7.5 GiB of memory were asked for; sessions may use 4000 MiB together."),
        ({"conf": {"spark.hops.queue": "perhaps"}}, "'perhaps' is neither 'wait' nor 'fail'"),
    ],
)
def test_what_there_can_never_be_is_refused_at_once(tmp_path, body, sentence):
    async def test(client, backend):
        for path in ("/sessions", "/sessions:check"):
            refused = await client.post(path, json=body, headers=ADA)
            assert (refused.status_code in {400, 409}, sentence in refused.json()["detail"]) == (True, True)

    run(test, tmp_path, LedgerBackend(memory_mib=4000))


def test_that_it_would_wait_is_no_reason_against_a_session_unless_another_would_end_for_it(tmp_path):
    async def test(client, backend):
        own = await ask(client, ADA)
        await ask(client, OTTO)
        assert (await client.post("/sessions:check", json=GPUS, headers=BEN)).json() == {"msg": "possible"}
        refused = await client.post("/sessions:check", json={**GPUS, "onNoRoom": "fail"}, headers=BEN)
        assert refused.status_code == 409
        path = f"/sessions:check?instead_of={own['id']}"
        assert (await client.post(path, json=GPUS, headers=ADA)).status_code == 200
        more = {**SMALL, "conf": {"spark.executor.resource.gpu.amount": "3"}}
        refused = await client.post(path, json=more, headers=ADA)
        assert (refused.status_code, "Stop the session first" in refused.json()["remedy"]) == (409, True)

    run(test, tmp_path)


@pytest.mark.parametrize("kind", [LedgerBackend, FarBackend])
def test_a_project_has_limits_for_all_its_sessions_together_and_holds_up_nobody_else(tmp_path, machine, kind):
    machine["limits"] = ServerLimits(max_project_gpus=2, max_gpus=4)

    async def test(client, backend):
        refused = await ask(client, ADA, {"conf": {"spark.executor.resource.gpu.amount": "3"}}, status=400)
        assert "the project may use 2 GPUs for all its sessions together" in refused["detail"]
        held = await ask(client, ADA)
        waiting = await ask(client, BEN)
        assert waiting["appInfo"]["reason"].startswith(
            "Waits for 2 GPUs of the project's 2: 1st of 1 in the queue. In use: 2"
        )
        assert "queue" not in await ask(client, OTTO)
        await client.delete(f"/sessions/{held['id']}", headers=ADA)
        await until_idle(client, BEN, waiting["id"])

    run(test, tmp_path, kind())


LACKS = "Waits for executors: 0 of 2 of 1 core and 1 GiB; the cluster has 0 cores and 0 MiB free."


@pytest.mark.parametrize("said", [{"onNoRoom": "fail"}, {"conf": {"spark.hops.queue": "fail"}}])
def test_one_that_may_not_wait_ends_when_the_cluster_tells_that_it_has_no_room(tmp_path, said):
    async def test(client, backend):
        made = await ask(client, ADA, {**SMALL, **said})
        await client.post(f"/sessions/{made['id']}/statements", json={"code": "1"}, headers=ADA)
        tell = backend.requests[made["id"]].tell
        await until_idle(client, ADA, made["id"])
        tell("The cluster's master does not answer.")
        await asyncio.sleep(0.05)
        assert (await look(client, ADA, made["id"]))["state"] == "idle", "that is no lack of room"
        for _ in range(2):
            tell(LACKS, no_room=True)

        async def dead():
            return (await look(client, ADA, made["id"]))["state"] == "dead"

        await until_async(dead)
        reason = (await look(client, ADA, made["id"]))["appInfo"]["reason"]
        assert reason == f"There is no room on the cluster now, and this session was not to wait. {LACKS}"

    run(test, tmp_path, FarBackend())


def test_one_that_may_wait_waits_for_the_cluster(tmp_path):
    async def test(client, backend):
        made = await ask(client, ADA, SMALL)
        backend.requests[made["id"]].tell(LACKS, no_room=True)
        await until_idle(client, ADA, made["id"])
        await asyncio.sleep(0.05)
        told = await look(client, ADA, made["id"])
        assert (told["state"], told["appInfo"]["reason"]) == ("idle", LACKS)

    run(test, tmp_path, FarBackend())


def test_so_many_are_started_at_the_same_moment_and_the_others_one_after_the_other(tmp_path):
    async def test(client, backend):
        backend.slow = True
        asked = [await ask(client, bearer(f"user{number}", "weather"), SMALL) for number in range(4)]
        assert ["queue" in one for one in asked] == [False, False, True, True]
        assert asked[3]["appInfo"]["reason"].startswith("Waits for one of the 2 sessions that are being started")
        for number in range(2):
            backend.drivers[asked[number]["id"]].ready.set_result(None)

            async def next_one():
                return asked[number + 2]["id"] in backend.drivers  # noqa: B023

            await until_async(next_one)
        assert "queue" not in await ask(client, BEN, {**SMALL, "onNoRoom": "fail"}), "who may not wait does not"

    run(test, tmp_path, LedgerBackend(starts_at_once=2))


def test_the_service_runs_so_many_sessions_and_lets_so_many_wait(tmp_path):
    async def test(client, backend):
        running = await ask(client, ADA, SMALL)
        waiting = await ask(client, BEN, SMALL)
        assert waiting["appInfo"]["reason"].startswith("Waits for the only session of this service to end: 1st")
        refused = await ask(client, OTTO, SMALL, status=409)
        assert refused["detail"].startswith("1 sessions wait already")
        await client.delete(f"/sessions/{running['id']}", headers=ADA)
        await until_idle(client, BEN, waiting["id"])

    run(test, tmp_path, sessions=1, queue=1)


def test_one_person_has_so_many_places_in_the_queue_in_all_projects_together_and_others_have_theirs(tmp_path):
    async def test(client, backend):
        running = await ask(client, BEN, SMALL)
        elsewhere = bearer("ada", "sales")
        for who in (ADA, elsewhere):
            assert "queue" in await ask(client, who, SMALL)
        for who in (ADA, elsewhere, bearer("ada", "third")):
            refused = await ask(client, who, SMALL, status=429)
            assert refused["detail"].startswith("2 of your sessions wait already; 2 are the most")
            assert "end one" in refused["remedy"]
        assert "queue" in await ask(client, OTTO, SMALL)
        assert len(client.app.state.registry._waiting) == 3
        assert {path.name for path in (tmp_path / "run" / "session-records").iterdir()} == {"0", "1", "2", "6"}
        await client.delete(f"/sessions/{running['id']}", headers=BEN)
        await until_idle(client, ADA, 1)
        assert "queue" in await ask(client, ADA, SMALL), "one of them has started"

    run(test, tmp_path, sessions=1, queue_per_person=2)


def test_who_may_not_wait_takes_no_place_in_the_queue_while_it_is_looked_whether_there_is_room(tmp_path):
    async def test(client, backend):
        backend.pause, room = asyncio.Event(), client.app.state.registry._waiting
        starting = asyncio.create_task(ask(client, ADA, SMALL))

        def so_many(number):
            async def there():
                return len(room._entries) == number

            return there

        await until_async(so_many(1))
        asking = asyncio.create_task(ask(client, BEN, {**SMALL, "onNoRoom": "fail"}, status=409))
        await until_async(so_many(2))
        assert len(room) == 0
        waiting = await ask(client, BEN, SMALL)
        assert (waiting["queue"]["position"], waiting["queue"]["length"]) == (1, 1)
        backend.pause.set()
        running = await starting
        assert "There is no room now." in (await asking)["detail"]
        await client.delete(f"/sessions/{running['id']}", headers=ADA)
        await until_idle(client, BEN, waiting["id"])

    run(test, tmp_path, sessions=1, queue=1, queue_per_person=1)


@pytest.mark.parametrize("told", [False, True])
def test_who_finds_no_room_after_all_goes_back_to_the_queue_only_if_the_person_has_a_place_left(tmp_path, told):
    async def test(client, backend):
        running = await ask(client, BEN, SMALL) if told else None
        backend.pause, backend.refusal = asyncio.Event(), NoRoomError("Somebody else was faster.")
        first = asyncio.create_task(ask(client, ADA, SMALL, status=201 if told else 429))
        if told:
            assert "queue" in await first
            await client.delete(f"/sessions/{running['id']}", headers=BEN)

        async def begun():
            return len(backend.attempts) == 1 + told

        await until_async(begun)
        assert "queue" in await ask(client, ADA, SMALL), "the first is being started, so its place is free"
        backend.pause.set()
        answer = await first
        sentence = "1 of your sessions wait already; 1 are the most that one person may have in the queue."
        if told:

            async def dead():
                return (await look(client, ADA, answer["id"]))["state"] == "dead"

            await until_async(dead)
            answer["detail"] = (await look(client, ADA, answer["id"]))["appInfo"]["reason"]
        assert answer["detail"] == sentence

    run(test, tmp_path, sessions=1, queue_per_person=1)


def test_for_a_place_that_there_never_is_nobody_waits(tmp_path):
    async def test(client, backend):
        assert "HOPS_SESSIONS to 0" in (await ask(client, ADA, SMALL, status=429))["detail"]

    run(test, tmp_path, sessions=0)


def test_where_nobody_may_wait_all_are_refused(tmp_path):
    async def test(client, backend):
        await ask(client, ADA, SMALL)
        assert "There is no room now" in (await ask(client, BEN, SMALL, status=409))["detail"]

    run(test, tmp_path, sessions=1, queue=0)


def test_who_has_waited_long_enough_is_told_so_and_cells_that_were_asked_for_end(tmp_path):
    async def test(client, backend):
        await ask(client, ADA, SMALL)
        waiting = await ask(client, BEN, SMALL)
        await client.post(f"/sessions/{waiting['id']}/statements", json={"code": "1"}, headers=BEN)

        async def dead():
            return (await look(client, BEN, waiting["id"]))["state"] == "dead"

        await until_async(dead)
        told = await look(client, BEN, waiting["id"])
        sentence = "It waited in the queue for 0 minutes in vain. Waits for the only session"
        assert told["appInfo"]["reason"].startswith(sentence)
        statement = (await client.get(f"/sessions/{waiting['id']}/statements/0", headers=BEN)).json()
        assert statement["output"]["ename"] == "SessionEnded"
        assert len(client.app.state.registry._waiting) == 0

    run(test, tmp_path, sessions=1, queue_wait_s=0.1)


def test_one_whose_client_has_gone_leaves_the_queue(tmp_path):
    async def test(client, backend):
        await ask(client, ADA, SMALL)
        waiting = await ask(client, BEN, {**SMALL, "heartbeatTimeoutInSecond": 1})
        session = client.app.state.registry.sessions._sessions[waiting["id"]]
        session.last_heard -= 10

        async def gone():
            return session.final

        await until_async(gone)
        assert session.reason == "No client asked for this session for 1 second."

    run(test, tmp_path, sessions=1)


def test_cells_that_were_asked_for_meanwhile_run_when_the_turn_has_come(tmp_path):
    async def test(client, backend):
        running = await ask(client, ADA, SMALL)
        waiting = await ask(client, BEN, SMALL)
        for code in "ab":
            await client.post(f"/sessions/{waiting['id']}/statements", json={"code": code}, headers=BEN)
        await client.delete(f"/sessions/{running['id']}", headers=ADA)
        await until_idle(client, BEN, waiting["id"])
        assert backend.drivers[waiting["id"]].ran == ["a", "b"]

    run(test, tmp_path, sessions=1)


def test_one_that_can_not_be_started_when_its_turn_has_come_says_why(tmp_path):
    async def test(client, backend):
        running = await ask(client, ADA, SMALL)
        waiting = await ask(client, BEN, SMALL)
        backend.refusal = StartError("Spark is missing.")
        await client.delete(f"/sessions/{running['id']}", headers=ADA)

        async def dead():
            return (await look(client, BEN, waiting["id"]))["state"] == "dead"

        await until_async(dead)
        assert (await look(client, BEN, waiting["id"]))["appInfo"]["reason"] == "Spark is missing."
        backend.refusal = None
        assert "queue" not in await ask(client, BEN, SMALL)

    run(test, tmp_path, sessions=1)


def test_one_for_which_there_is_no_room_after_all_goes_on_waiting_and_is_not_tried_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(expiry, "_LOOK_S", 1000)

    async def test(client, backend):
        backend.refusal = NoRoomError("Somebody else was faster.")
        waiting = await ask(client, BEN, SMALL)
        assert waiting["queue"]["position"] == 1
        await until_async(lambda: backend.attempts)
        await asyncio.sleep(0.05)
        assert backend.attempts == [waiting["id"]]
        backend.refusal = None
        other = await ask(client, ADA, SMALL)
        await until_idle(client, BEN, waiting["id"])
        await until_idle(client, ADA, other["id"])

    run(test, tmp_path)


def test_one_that_is_withdrawn_while_it_is_being_started_leaves_no_driver(tmp_path):
    async def test(client, backend):
        running = await ask(client, ADA, SMALL)
        waiting = await ask(client, BEN, SMALL)
        backend.pause = asyncio.Event()
        await client.delete(f"/sessions/{running['id']}", headers=ADA)

        async def begun():
            return backend.attempts[-1] == waiting["id"]

        await until_async(begun)
        deleting = asyncio.create_task(client.delete(f"/sessions/{waiting['id']}", headers=BEN))
        await asyncio.sleep(0.02)
        backend.pause.set()
        assert (await deleting).status_code == 200
        assert backend.drivers[waiting["id"]].ended.done()
        assert not list((tmp_path / "run" / "session-records").iterdir())
        assert "queue" not in await ask(client, OTTO, SMALL)

    run(test, tmp_path, sessions=1)


def test_many_at_the_same_moment_get_no_more_than_there_is(tmp_path):
    async def test(client, backend):
        answers = await asyncio.gather(*(ask(client, bearer(f"user{number}", "weather"), GPUS) for number in range(8)))
        waiting = [answer["id"] for answer in answers if "queue" in answer]
        assert len(waiting) == 6
        for number in set(backend.drivers):
            await backend.drivers[number].end("over")

        async def two_more():
            return len(backend.drivers) == 4

        await until_async(two_more)

    run(test, tmp_path)


def test_who_waits_is_found_again_by_the_next_service_in_its_place_with_all_that_it_asked_for(tmp_path):
    async def main():
        backend = LedgerBackend()
        async with service(tmp_path, backend, sessions=1) as client:
            running = await ask(client, ADA, SMALL)
            first = await ask(client, BEN, {**SMALL, "conf": {"spark.sql.shuffle.partitions": "3"}, "name": "mine"})
            second = await ask(client, OTTO, SMALL)
            client.app.state.registry.sessions._sessions[first["id"]].renew_token("a.renewed.token")
        async with service(tmp_path, backend, sessions=1) as client:
            assert backend.known == {running["id"]}, "the others have no driver"

            async def told():
                return "queue" in await look(client, BEN, first["id"])

            await until_async(told)
            # Who holds nothing and came first is next, as before.
            assert (await look(client, OTTO, second["id"]))["queue"]["position"] == 1
            assert (await look(client, BEN, first["id"]))["queue"]["position"] == 2
            assert set(backend.attempts) == {running["id"]}, "nobody was started for it"
            await client.delete(f"/sessions/{second['id']}", headers=OTTO)
            await client.delete(f"/sessions/{running['id']}", headers=ADA)
            await until_idle(client, BEN, first["id"])
            request = backend.requests[first["id"]]
            assert (request.conf, request.name) == ({"spark.sql.shuffle.partitions": "3"}, "mine")
            assert request.token == "a.renewed.token"
        async with service(tmp_path, backend, sessions=1) as client:
            assert (await look(client, BEN, first["id"]))["state"] == "idle", "it is one of those that run now"

    asyncio.run(main())


def test_whose_start_a_service_did_not_survive_is_started_by_the_next_one(tmp_path):
    async def main():
        backend = LedgerBackend()
        async with service(tmp_path, backend, sessions=1) as client:
            running = await ask(client, ADA, SMALL)
            waiting = await ask(client, BEN, SMALL)
            backend.pause = asyncio.Event()
            await client.delete(f"/sessions/{running['id']}", headers=ADA)

            async def begun():
                return waiting["id"] in backend.attempts

            await until_async(begun)
            # As a kill leaves it: the start has begun, and of no driver is anything written down.
            records = tmp_path / "run" / "session-records"
            kept = {path: path.read_bytes() for path in records.rglob("*") if path.is_file()}
            backend.pause.set()
            await client.delete(f"/sessions/{waiting['id']}", headers=BEN)
        for path, content in kept.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        backend = LedgerBackend()
        async with service(tmp_path, backend, sessions=1) as client:
            assert backend.known == set(), "what that start left is ended"
            await until_idle(client, BEN, waiting["id"])
            assert backend.attempts == [waiting["id"]]

    asyncio.run(main())


def test_a_batch_waits_and_is_found_again_too(tmp_path):
    file = tmp_path / "projects" / "weather" / "Resources" / "job.py"
    file.parent.mkdir(parents=True)
    file.write_text("print(7)")

    async def main():
        backend = LedgerBackend()
        async with service(tmp_path, backend, sessions=1) as client:
            running = await ask(client, ADA, SMALL)
            made = await client.post("/batches", json={"file": "Resources/job.py", "args": ["7"]}, headers=BEN)
            assert made.json()["queue"]["position"] == 1
        async with service(tmp_path, backend, sessions=1) as client:
            await client.delete(f"/sessions/{running['id']}", headers=ADA)

            async def started():
                return made.json()["id"] in backend.requests

            await until_async(started)
            batch = backend.requests[made.json()["id"]].batch
            assert (batch.file, batch.arguments) == (file, ("7",))

    asyncio.run(main())


def test_a_service_that_only_ends_sessions_starts_none_of_those_that_wait(tmp_path):
    async def main():
        backend = LedgerBackend()
        async with service(tmp_path, backend, sessions=1) as client:
            await ask(client, ADA, SMALL)
            waiting = await ask(client, BEN, SMALL)
            registry_ = client.app.state.registry
            assert await registry_.end_all("The platform was stopped.") == 2
            assert waiting["id"] not in backend.attempts
            assert not list((tmp_path / "run" / "session-records").iterdir())

    asyncio.run(main())


def test_sessions_that_are_kept_ready_end_only_if_that_makes_room(tmp_path, machine):
    machine["limits"] = ServerLimits(max_total_memory_mib=100_000, max_driver_memory_mib=100_000)

    async def test(client, backend):
        options = {"driver_memory_mib": 512, "executor_memory_mib": 512}
        for who in (ADA, BEN):
            await client.post("/sessions:warm", json={"options": options}, headers=who)
        pool = client.app.state.registry._pool
        await ask(client, OTTO, {**SMALL, "driverMemory": "1g"})
        refused = await ask(client, OTTO, {**SMALL, "driverMemory": "3g", "onNoRoom": "fail"}, status=409)
        assert " are taken" in refused["detail"]
        waiting = await ask(client, OTTO, {**SMALL, "driverMemory": "3g"})
        assert (len(pool), "queue" in waiting) == (2, True), "they end for nothing if that is too little"
        assert "queue" not in await ask(client, OTTO, {**SMALL, "driverMemory": "1g"})
        assert [warm.session.owner.user for warm in pool] == ["ben"], "the one that was wanted longest ago"

    run(test, tmp_path, LedgerBackend(memory_mib=4600))


def test_one_person_has_so_many_sessions_kept_ready_in_all_their_projects(tmp_path):
    async def test(client, backend):
        options = {"options": {"driver_memory_mib": 512, "executor_memory_mib": 512}}
        states = []
        for project in ("weather", "sales", "maps"):
            answer = await client.post("/sessions:warm", json=options, headers=bearer("ada", project))
            states.append(answer.json())
        assert [one["state"] for one in states] == ["starting", "starting", "none"]
        assert "2 sessions are kept ready for you already" in states[2]["reason"]
        other = await client.post("/sessions:warm", json=options, headers=bearer("ben", "maps"))
        assert other.json()["state"] == "starting"

    run(test, tmp_path)


@pytest.mark.parametrize(
    ("limits", "sessions", "sentence"),
    [({}, 1, "1st of 1 in the queue"), ({"max_project_sessions": 1}, 9, "the project's only session to end")],
)
def test_one_that_is_kept_ready_takes_no_place_that_there_is_not(tmp_path, machine, limits, sessions, sentence):
    machine["limits"] = ServerLimits(max_total_memory_mib=100_000, max_driver_memory_mib=100_000, **limits)

    async def test(client, backend):
        options = {"options": {"driver_memory_mib": 512, "executor_memory_mib": 512}}
        kept = await client.post("/sessions:warm", json=options, headers=ADA)
        assert kept.json()["state"] == "starting"
        others = await ask(client, BEN, SMALL)
        waiting = await ask(client, ADA, SMALL)
        assert sentence in waiting["appInfo"]["reason"]
        await client.delete(f"/sessions/{others['id']}", headers=BEN)
        await until_idle(client, ADA, waiting["id"])

    run(test, tmp_path, sessions=sessions)


def test_nothing_is_kept_ready_while_somebody_waits(tmp_path):
    async def test(client, backend):
        await ask(client, ADA, SMALL)
        await ask(client, BEN, SMALL)
        options = {"options": {"driver_memory_mib": 512, "executor_memory_mib": 512}}
        answer = await client.post("/sessions:warm", json=options, headers=OTTO)
        assert answer.json() == {"state": "none", "reason": "Others wait for resources."}

    run(test, tmp_path, sessions=1)
