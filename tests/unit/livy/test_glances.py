"""Who has just listed their sessions looks at each of them and waits for none."""

from __future__ import annotations

import asyncio

import pytest

from hops_livy.glances import Glances

from .test_overview import OWNER, control_plane, service, session_of

__all__ = ["control_plane"]


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def glances(clock):
    return Glances(span_s=5.0, clock=clock)


def test_a_glance_lasts_some_seconds_and_a_new_list_begins_it_anew(glances, clock):
    assert not glances.lasts("weather__ada", "sparkmagic")
    glances.begin("weather__ada", "sparkmagic")
    clock.now += 4.0
    assert glances.lasts("weather__ada", "sparkmagic")
    glances.begin("weather__ada", "sparkmagic")
    clock.now += 4.0
    assert glances.lasts("weather__ada", "sparkmagic")
    clock.now += 1.0
    assert not glances.lasts("weather__ada", "sparkmagic")


def test_it_is_that_of_one_program_of_one_owner(glances):
    glances.begin("weather__ada", "sparkmagic")
    assert not glances.lasts("weather__ada", "Lab")
    assert not glances.lasts("weather__ben", "sparkmagic")


def test_what_is_over_is_forgotten_and_names_are_no_longer_than_needed(glances, clock):
    for number in range(100):
        glances.begin("weather__ada", f"{number:03}" + "x" * 100_000)
    clock.now += 5.0
    glances.begin("weather__ada", "last" + "x" * 100_000)
    assert [len(program) for _, program in glances._until] == [200]


def test_a_program_that_lists_the_sessions_is_not_held_at_each_of_them_and_another_is(tmp_path):
    async def main():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER, "wait")
            listing, other = {**OWNER, "User-Agent": "sparkmagic"}, {**OWNER, "User-Agent": "another"}
            await client.get("/sessions", headers=listing)
            async with asyncio.timeout(15):  # one that is held takes 20
                assert (await client.get(f"/sessions/{number}", headers=listing)).json()["state"] == "busy"
            held = asyncio.create_task(client.get(f"/sessions/{number}", headers=other))
            await asyncio.sleep(0.2)
            assert not held.done()
            (session,) = client.app.state.registry.sessions.all()
            session.driver.go_on.set_result(None)
            assert (await held).json()["state"] == "idle"

    asyncio.run(main())
