"""How soon the end of a driver of Apache Livy's is told, and how many requests that takes: in time that jumps.

The event loop's clock goes to the next moment in which something is due, so that figures are exact and tests short.
Requests take no time in it.
"""

import asyncio
import re
from types import SimpleNamespace

import httpx
import pytest

from hops_contract.layout import Home
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.engines.drivers import DriverRequest, Shape, StartError
from hops_livy.upstream import reach, rounds, watch, work
from hops_livy.upstream.backend import UpstreamSessions
from hops_livy.upstream_settings import UpstreamSettings
from tests.contract.livy.scripted_livy import ScriptedLivy, text

ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)


class JumpingLoop(asyncio.SelectorEventLoop):
    """Where nothing is to be done, it is at once the time of what comes next."""

    def __init__(self):
        self.now = 1000.0
        super().__init__()

    def time(self):
        return self.now

    def _run_once(self):
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0].when())
        # Rounding must not keep anybody waiting for a moment that never comes.
        self.now += 1e-9
        super()._run_once()


class Network(httpx.AsyncBaseTransport):
    """Leads to a scripted Livy, or nowhere; counts by kind what is asked for."""

    def __init__(self, livy):
        self.down, self.counted, self._way = False, {}, httpx.ASGITransport(livy.app)

    async def handle_async_request(self, request):
        kind = self._kind(request)
        self.counted[kind] = self.counted.get(kind, 0) + 1
        if self.down:
            raise httpx.ConnectError("refused") from ConnectionRefusedError(111, "Connection refused")
        return await self._way.handle_async_request(request)

    @staticmethod
    def _kind(request):
        path = request.url.path
        for pattern, kind in (
            (r"/(sessions|batches)", "list"), (r"/sessions/[^/]+/statements/2147483647", "probe"),
            (r"/sessions/[^/]+/statements(/\d+)?", "statement"), (r"/sessions/[^/]+/connect", "keep"),
            (r"/sessions/[^/]+/statements/\d+/cancel", "cancel"),
            (r"/(sessions|batches)/[^/]+/log", "log"), (r"/(sessions|batches)/[^/]+", "one"),
        ):  # fmt: skip
            if re.fullmatch(pattern, path):
                return f"{request.method} {kind}"
        raise AssertionError(path)


class Site:
    """A platform with its Livy and some sessions that are ready."""

    def __init__(self, folder, livy):
        self.home, self.livy, self.network, self.drivers = Home(folder), livy, Network(livy), []
        self.backend = UpstreamSessions(
            self.home, UpstreamSettings(url="http://livy.test"), start_s=60, deserted_s=600, transport=self.network
        )

    async def start(self, number):
        for session_id in range(number):
            request = DriverRequest(
                session_id=session_id, application=f"application_1_{session_id:04d}", owner=ADA, token="a token",
                name="mine", shape=Shape(), kept_outputs=self.home.session_records / str(session_id),
            )  # fmt: skip
            self.drivers.append(await self.backend.start(request))
        await asyncio.gather(*(driver.ready for driver in self.drivers))
        await asyncio.sleep(5)
        return self.drivers

    async def requests_in(self, seconds):
        self.network.counted.clear()
        await asyncio.sleep(seconds)
        return dict(self.network.counted)

    async def close(self):
        self.network.down = False
        await asyncio.gather(*(driver.end("the test is over") for driver in self.drivers))
        await self.backend.close()


@pytest.fixture
def livy():
    return ScriptedLivy(outputs={"1+1": text("2"), "hold": ScriptedLivy.HOLD})


@pytest.fixture
def played(livy, tmp_path, monkeypatch):
    """Runs a game with a site in time that jumps."""

    def play(game):
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            clock = SimpleNamespace(monotonic=runner.get_loop().time)
            for module in (watch, work, reach, rounds):
                monkeypatch.setattr(module, "time", clock)

            async def all_of_it():
                site = Site(tmp_path, livy)
                try:
                    await game(site)
                finally:
                    await site.close()

            runner.run(all_of_it())

    return play


async def seconds_until_told(driver, *, most=30):
    begun = asyncio.get_running_loop().time()
    ending = await asyncio.wait_for(asyncio.shield(driver.ended), most)
    return round(asyncio.get_running_loop().time() - begun, 3), ending.reason


@pytest.mark.parametrize(
    ("state", "words", "number"),
    [
        ("dead", "The driver ended", 1),
        ("dead", "The driver ended", 100),
        ("killed", "killed", 1),
        ("error", "ended", 1),
    ],
)
def test_an_end_that_livy_knows_of_is_told_within_a_second(played, livy, state, words, number):
    async def game(site):
        drivers = await site.start(number)
        livy.session(number - 1).state = state
        late, reason = await seconds_until_told(drivers[-1])
        assert late <= 1.0
        assert words in reason

    played(game)


def test_a_dead_driver_that_livy_calls_busy_is_told_of_within_two_seconds_where_a_cell_runs(played, livy):
    async def game(site):
        (driver,) = await site.start(1)
        cell = asyncio.create_task(driver.execute("hold", kind="pyspark", statement=0, on_message=print))
        await asyncio.sleep(20)
        livy.session().driver = "dead"
        late, reason = await seconds_until_told(driver)
        assert late <= 2.0
        assert "though Apache Livy still calls its session busy" in reason
        with pytest.raises(StartError):
            await cell

    played(game)


@pytest.mark.parametrize(("number", "most_s"), [(1, 2.0), (10, 2.0), (100, 11.0)])
def test_a_dead_driver_that_livy_calls_idle_is_told_of_as_soon_as_ten_questions_a_second_allow(
    played, livy, number, most_s
):
    async def game(site):
        drivers = await site.start(number)
        livy.session(number - 1).driver = "dead"
        late, reason = await seconds_until_told(drivers[-1])
        assert late <= most_s
        assert "still calls its session idle" in reason
        assert not any(driver.ended.done() for driver in drivers[:-1])

    played(game)


def test_a_driver_that_is_out_of_reach_for_a_moment_is_not_given_up(played, livy):
    async def game(site):
        (driver,) = await site.start(1)
        for _ in range(5):
            livy.session().driver = "dead"
            await asyncio.sleep(0.8)
            livy.session().driver = "alive"
            await asyncio.sleep(3)
        assert not driver.ended.done()

    played(game)


def test_a_driver_that_hangs_does_not_delay_what_livy_knows(played, livy):
    async def game(site):
        (driver,) = await site.start(1)
        livy.session().driver = "silent"
        await asyncio.sleep(20)
        assert not driver.ended.done()
        livy.session().state = "dead"
        late, reason = await seconds_until_told(driver)
        assert late <= 1.0
        assert "The driver ended" in reason

    played(game)


def test_one_that_is_recovering_is_no_dead_one_however_long_it_takes(played, livy):
    async def game(site):
        (driver,) = await site.start(1)
        cell = asyncio.create_task(driver.execute("hold", kind="pyspark", statement=0, on_message=print))
        await asyncio.sleep(3)
        livy.session().state, livy.session().driver = "recovering", "dead"
        await asyncio.sleep(30)
        assert not driver.ended.done()
        livy.session().state, livy.session().driver = "busy", "alive"
        livy.session().statements[0].output = text("2")
        assert (await cell).status == "ok"

    played(game)


def test_a_livy_that_begins_its_numbers_again_is_told_of_within_a_second_and_nothing_of_others_is_touched(played, livy):
    async def game(site):
        drivers = await site.start(3)
        livy.restart()
        others = [livy.add(name=f"theirs-{number}", proxy_user="somebody") for number in range(3)]
        site.network.counted.clear()
        for driver in drivers:
            late, reason = await seconds_until_told(driver)
            assert late <= 1.0
            assert "no longer knows this session" in reason
        assert site.network.counted["GET list"] == 1
        assert site.network.counted["GET one"] == 3, "what a list does not have is asked for by its name"
        await asyncio.sleep(5)
        assert list(livy.sessions.values()) == others
        assert "DELETE one" not in site.network.counted

    played(game)


@pytest.mark.parametrize(
    ("number", "lists", "probes", "ones"),
    [
        # A session alone: a list and a question to its driver a second, and a look by itself a minute.
        (1, 60, 60, 1),
        # A page has a hundred, so that a list of a hundred takes two requests.
        (100, 120, 600, 100),
    ],
)
def test_what_idle_sessions_cost_in_a_minute(played, number, lists, probes, ones):
    async def game(site):
        await site.start(number)
        counted = await site.requests_in(60)
        expected = {"GET list": lists, "GET probe": probes, "GET one": ones}
        assert counted.keys() == expected.keys()
        for kind, most in expected.items():
            assert 0.8 * most - 1 <= counted[kind] <= 1.05 * most + 2, (kind, counted)

    played(game)


def test_where_a_cell_runs_its_own_questions_are_enough(played):
    async def game(site):
        (driver,) = await site.start(1)
        cell = asyncio.create_task(driver.execute("hold", kind="pyspark", statement=0, on_message=print))
        await asyncio.sleep(20)
        counted = await site.requests_in(60)
        assert "GET probe" not in counted
        assert 100 <= counted["GET statement"] <= 125
        await driver.interrupt()
        await cell

    played(game)


def test_without_sessions_livy_is_asked_nothing(played):
    async def game(site):
        await site.start(3)
        await asyncio.gather(*(driver.end("enough") for driver in site.drivers))
        assert await site.requests_in(3600) == {}

    played(game)


def test_a_livy_that_is_away_is_asked_by_one_for_all(played):
    async def game(site):
        drivers = await site.start(20)
        site.network.down = True
        counted = await site.requests_in(60)
        assert sum(counted.values()) <= 40, counted
        site.network.down = False
        await asyncio.sleep(6)
        assert not any(driver.ended.done() for driver in drivers)

    played(game)


def test_sessions_that_start_are_seen_to_be_ready_in_half_a_second_by_one_list_for_all(played, livy):
    async def game(site):
        livy.session_looks = 10_000
        starting = asyncio.create_task(site.start(20))
        await asyncio.sleep(10)
        counted = await site.requests_in(10)
        assert counted == {"GET list": 20}
        for session in livy.sessions.values():
            session.state = "idle"
        begun = asyncio.get_running_loop().time()
        for driver in site.drivers:
            await driver.ready
        assert round(asyncio.get_running_loop().time() - begun, 3) <= 0.5
        await starting

    played(game)


def test_a_session_that_fills_livys_list_keeps_nobody_from_being_looked_at(played, livy):
    async def game(site):
        drivers = await site.start(12)
        livy.session(3).log = ["x" * 5 * 1024 * 1024]
        counted = await site.requests_in(60)
        assert counted["GET list"] <= 2
        assert 600 <= counted["GET one"] <= 750, "each once a second"
        livy.session(0).state = "dead"
        late, _reason = await seconds_until_told(drivers[0])
        assert late <= 1.0
        livy.session(3).log = []
        await site.requests_in(65)
        counted = await site.requests_in(60)
        assert counted["GET one"] <= 12 * 1.05 + 2, "the list does again"

    played(game)
