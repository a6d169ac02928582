"""When a session is started that nobody has asked for: the first at once, another only when the machine is calm."""

import asyncio
from types import SimpleNamespace

import pytest

from hops_contract.network import Network
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy import kept_ready
from hops_livy.engines.drivers import Shape
from hops_livy.kept_ready import KeptReady, WarmState
from hops_livy.pool import WarmPool, known_by

ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)


class Machine:
    """Has processors that idle or not, and sessions that work or not, as the test says."""

    def __init__(self, *, idle=True, works=False):
        self.idle, self.works, self.asked, self.started = idle, works, 0, 0
        self.starts_free = 1
        self.kept = KeptReady(
            pool=WarmPool(3), idleness=SimpleNamespace(idle=self._idle, why_no_room=lambda _mib: None), waiting=[],
            end=None, works=lambda: self.works, may_start=lambda: self.starts_free > 0,
        )  # fmt: skip

    def _idle(self):
        self.asked += 1
        return self.idle

    async def _start(self):
        self.started += 1
        return WarmState("starting")

    def keep(self, *, first=False):
        return asyncio.run(self.kept.keep(ADA, Shape(), {}, first=lambda: first, start=self._start)).state


@pytest.mark.parametrize(("idle", "works"), [(False, False), (True, True), (False, True)])
def test_another_one_is_started_when_the_machine_is_calm_and_not_before(idle, works):
    machine = Machine(idle=idle, works=works)
    assert [machine.keep(), machine.keep()] == ["waiting", "waiting"]
    assert (machine.started, machine.asked) == (0, 2), "how busy it was is told since it was last asked"
    machine.idle, machine.works = True, False
    assert (machine.keep(), machine.started) == ("starting", 1)


def test_the_first_one_is_started_however_much_the_machine_has_to_do():
    machine = Machine(idle=False, works=True)
    assert (machine.keep(first=True), machine.started) == ("starting", 1)


def test_who_has_none_begins_one_at_once_only_every_minute(monkeypatch):
    machine, now = Machine(idle=False), [1000.0]
    monkeypatch.setattr(kept_ready, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert [machine.keep(first=True) for _ in range(3)] == ["starting", "waiting", "waiting"]
    now[0] += 59
    assert (machine.keep(first=True), machine.started) == ("waiting", 1)
    now[0] += 2
    assert (machine.keep(first=True), machine.started) == ("starting", 2)
    machine.idle = True
    assert (machine.keep(first=True), machine.started) == ("starting", 3), "a machine that is calm starts any"


def test_none_is_started_beyond_those_that_may_start_at_once():
    machine = Machine()
    machine.starts_free = 0
    assert (machine.keep(first=True), machine.keep(), machine.started) == ("waiting", "waiting", 0)
    machine.starts_free = 1
    assert (machine.keep(first=True), machine.started) == ("starting", 1)


def test_a_session_that_was_kept_ready_with_another_network_is_not_the_one_that_is_asked_for():
    conf = {"spark.app.name": "mine"}
    assert known_by(conf, Network.PLATFORM) == conf
    assert known_by(conf, Network.OPEN) not in (conf, known_by({}, Network.OPEN))
    assert known_by(conf, Network.PLATFORM, full=True) not in (conf, known_by({}, Network.PLATFORM, full=True))
