"""What became of sessions is told once each, in numbers, over restarts; and by whose hand, through the service."""

import asyncio
import json
import time
from dataclasses import replace

import pytest

from hops_contract.happenings import ByWhom
from hops_contract.layout import Home
from hops_contract.origins import FORWARDED_BY, FORWARDED_FOR
from hops_contract.principal import Principal, PrincipalKind
from hops_contract.serving import ByProxy
from hops_livy.conf import shape_of
from hops_livy.engines.amounts import BOUNDLESS, Amount, Room
from hops_livy.engines.drivers import StartError
from hops_livy.happenings import _MOST, WINDOW_S, Happenings
from hops_livy.journal import Journal
from hops_livy.news import News
from hops_livy.recovery import Recovered, heading
from hops_livy.routes.examples import HAPPENING
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.settings import Limits
from hops_livy.wire import SessionRequest
from tests.unit.livy.test_overview import (  # noqa: F401 - a fixture
    OWNER,
    ROLES,
    WillingBackend,
    WillingDriver,
    control_plane,
    service,
    session_of,
)

OLGA = Principal(kind=PrincipalKind.USER, user="olga")


def a_session(folder, number=3, **more):
    return Session(
        id=number,
        owner=Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather"),
        kind="pyspark",
        name=None,
        shape=shape_of(SessionRequest(), {}),
        limits=Limits(),
        journal=Journal(folder / str(number)),
        created=time.time() - 60,
        **more,
    )


@pytest.fixture
def file(tmp_path):
    return tmp_path / "happenings.jsonl"


def loaded(file):
    happenings = Happenings(file)
    happenings.load()
    return happenings


def numbers(happenings, stream, after=0, limit=100):
    return [one.number for one in happenings.after(stream, after, limit=limit)]


def test_what_was_not_written_down_elsewhere_is_told_again_also_by_a_later_service(tmp_path, file):
    first = loaded(file)
    first.begun(a_session(tmp_path))
    first.ended(a_session(tmp_path, state=SessionState.KILLED, reason="It was stopped by its owner."))
    assert numbers(first, "") == numbers(first, first.stream) == [1, 2]
    assert file.stat().st_mode & 0o777 == 0o600
    later = loaded(file)
    assert later.stream == first.stream
    assert numbers(later, later.stream, limit=1) == [1]
    assert numbers(later, later.stream, 1) == [2]
    assert numbers(later, later.stream, 2) == []
    last = loaded(file)
    last.begun(a_session(tmp_path, 4))
    assert numbers(last, last.stream, 2) == [3], "numbers go on when nothing is kept"


def test_numbers_of_another_home_forget_nothing(tmp_path, file):
    happenings = loaded(file)
    happenings.begun(a_session(tmp_path))
    assert numbers(happenings, "another", 900) == [1]
    assert numbers(happenings, happenings.stream) == [1]


def test_a_line_that_was_not_written_whole_costs_no_other(tmp_path, file):
    happenings = loaded(file)
    happenings.begun(a_session(tmp_path))
    with file.open("a") as written:
        written.write('{"number": 2, "at"')
    assert numbers(loaded(file), happenings.stream) == [1]


@pytest.mark.parametrize("content", ["", "no JSON", '["list"]', "{}", "\x00"])
def test_a_file_that_tells_nothing_begins_another_stream(tmp_path, file, content):
    before = loaded(file).stream
    file.write_text(content)
    happenings = loaded(file)
    happenings.begun(a_session(tmp_path))
    assert happenings.stream != before
    assert numbers(loaded(file), happenings.stream) == [1]


def test_a_disk_that_takes_nothing_ends_nothing(tmp_path):
    happenings = loaded(tmp_path / "absent" / "happenings.jsonl")
    happenings._file = tmp_path  # a folder can't be written to
    happenings.begun(a_session(tmp_path))
    happenings.begun(waiting(tmp_path, 4))
    assert numbers(happenings, happenings.stream) == [1]


def test_more_than_is_kept_shows_in_the_numbers(tmp_path, file):
    happenings = loaded(file)
    session = a_session(tmp_path)
    for _ in range(_MOST + 2):
        happenings.begun(session)
    assert numbers(happenings, happenings.stream, limit=1) == [3]
    assert len(file.read_text().splitlines()) == _MOST + 1, "the file does not grow for ever"


def test_what_code_of_a_session_said_is_not_told(tmp_path, file):
    happenings = loaded(file)
    happenings.ended(a_session(tmp_path, state=SessionState.DEAD, reason="Its log ends: password=hunter2"))
    happenings.ended(a_session(tmp_path, state=SessionState.KILLED, reason="It was stopped.", ended_by=OLGA))
    dead, killed = happenings.after("", 0, limit=10)
    assert (dead.reason, dead.by, dead.details["state"]) == ("", None, "dead")
    assert (killed.reason, killed.by) == ("It was stopped.", ByWhom(user="olga", kind=PrincipalKind.USER))
    assert "hunter2" not in file.read_text()
    assert 59 <= dead.details["lived_s"] <= 120


def test_who_asks_for_what_can_not_begin_again_and_again_does_not_fill_the_record(tmp_path, file):
    clock = [0.0]
    happenings = Happenings(file, clock=lambda: clock[0])
    happenings.load()
    session = a_session(tmp_path)
    for number in range(1, 1001):
        happenings.refused(session, f"There are no {number} executors.")
    assert [one.reason for one in happenings.after("", 0, limit=10)] == ["There are no 1 executors."]
    clock[0] += WINDOW_S
    first, counted = happenings.after("", 0, limit=10)
    assert "more" not in first.details
    assert (counted.reason, counted.details["more"]) == (
        "999 more within a minute. There are no 1000 executors.",
        999,
    )
    happenings.refused(session, "There is no room.")
    assert [one.number for one in happenings.after("", 0, limit=10)] == [1, 2, 3], "the next is told at once"
    happenings.begun(session)
    happenings.ended(session)
    assert len(happenings.after("", 0, limit=10)) == 5, "what is done is told each time"


def waiting(folder, number):
    return a_session(folder, number, place=object())


def ends(happenings, session, by=None):
    session.place, session.ended_by = None, by
    session.state, session.reason = SessionState.KILLED, "It was stopped."
    happenings.ended(session)


def told_of(happenings):
    return [
        (str(one.what), one.session, one.reason, one.details.get("more")) for one in happenings.after("", 0, limit=99)
    ]


def test_who_queues_and_deletes_again_and_again_does_not_fill_the_record(tmp_path, file):
    clock = [0.0]
    happenings = Happenings(file, clock=lambda: clock[0])
    happenings.load()
    for number in range(1500):
        session = waiting(tmp_path, number)
        happenings.begun(session)
        assert [number for _, number, _, _ in told_of(happenings)] == [0][:number], "nobody is told of what only waits"
        ends(happenings, session, session.owner if number % 2 else None)
    clock[0] += WINDOW_S
    never = "It waited in the queue and never ran. It was stopped."
    assert told_of(happenings) == [
        ("begun", 0, never, None),
        ("begun", 1499, f"1499 more within a minute. {never}", 1499),
    ]
    assert len(file.read_text().splitlines()) < 600, "the file does not grow for ever"


def test_what_waits_and_runs_then_begins_once_and_ends_once(tmp_path, file):
    clock = [0.0]
    happenings = Happenings(file, clock=lambda: clock[0])
    happenings.load()
    runs, quick, long = (waiting(tmp_path, number) for number in (1, 2, 3))
    for session in (runs, quick, long):
        happenings.begun(session)
    runs.driver = quick.driver = object()
    ends(happenings, quick)
    assert told_of(happenings) == [
        ("begun", 2, "", None), ("ended", 2, "It was stopped.", None), ("begun", 1, "", None)
    ]  # fmt: skip
    clock[0] += WINDOW_S
    assert told_of(happenings)[3:] == [("begun", 3, "", None)], "it is told at the latest after a while"
    for session in (long, runs):
        ends(happenings, session)
    assert [one[:2] for one in told_of(happenings)[4:]] == [("ended", 3), ("ended", 1)]


def test_what_waits_and_another_ends_is_told_as_what_they_did(tmp_path, file):
    happenings = loaded(file)
    session = waiting(tmp_path, 1)
    happenings.begun(session)
    ends(happenings, session, OLGA)
    assert [one[:2] for one in told_of(happenings)] == [("begun", 1), ("ended", 1)]
    assert happenings.after("", 0, limit=9)[1].by == ByWhom(user="olga", kind=PrincipalKind.USER)


def test_what_waited_over_a_restart_is_told_of_once_all_the_same(tmp_path, file):
    first = loaded(file)
    for number in (1, 2):
        first.begun(waiting(tmp_path, number))
    running = a_session(tmp_path, 3)
    first.begun(running)
    later = loaded(file)
    again = [waiting(tmp_path, number) for number in (1, 2, 3)]
    for session in again:
        later.watch(session, runs=False)
    assert [one[:2] for one in told_of(later)] == [("begun", 3)]
    assert numbers(later, later.stream, 1) == [], "what waits is remembered also where the file was written anew"
    last = loaded(file)
    last.watch(waiting(tmp_path, 1), runs=False)
    again[0].driver = object()
    last._held[1] = (0.0, again[0])
    assert [one[:2] for one in told_of(last)] == [("begun", 1)]


def test_what_ran_and_is_not_found_again_is_not_told_as_what_only_waited(tmp_path, file):
    first = loaded(file)
    first.begun(waiting(tmp_path, 1))
    later, again = loaded(file), a_session(tmp_path, 1)
    later.watch(again, runs=True)
    again.change(SessionState.DEAD, "The session service could not find it again.")
    assert [one[:3] for one in told_of(later)] == [("begun", 1, ""), ("ended", 1, "")]
    assert [one[:3] for one in told_of(loaded(file))] == [("begun", 1, ""), ("ended", 1, "")]


def test_half_a_character_in_a_reason_keeps_nobody_from_being_told_of(tmp_path, file):
    happenings = loaded(file)
    happenings.refused(a_session(tmp_path), "There is no \ud800.")
    assert told_of(happenings) == [("begun", 3, "There is no ?.", None)]


async def told(client, after=0, stream=""):
    answer = await client.get("/happenings", params={"after": after, "stream": stream}, headers=ROLES["service"])
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_whoever_ends_a_session_is_told_of_with_it(tmp_path):
    async def live():
        async with service(tmp_path) as client:
            by_her_kernel = await session_of(client, OWNER)
            by_her_page = await session_of(client, OWNER)
            by_olga = await session_of(client, OWNER)
            by_the_plane = await session_of(client, OWNER)
            await client.delete(f"/sessions/{by_her_kernel}", headers=OWNER)
            await client.delete(f"/overview/{by_her_page}", headers=ROLES["owner as a person"])
            await client.delete(f"/overview/{by_olga}", headers=ROLES["Data Owner"])
            await client.delete("/owners/weather__ada", headers=ROLES["service"])
            happened = await told(client)
            assert [one["number"] for one in happened] == list(range(1, 9))
            assert [(one["is"], one["by"]["user"]) for one in happened[:4]] == [("begun", "ada")] * 4
            assert {one["session"]: one["by"] for one in happened[4:]} == {
                by_her_kernel: {"user": "ada", "kind": "project_user"},
                by_her_page: {"user": "ada", "kind": "user"},
                by_olga: {"user": "olga", "kind": "project_user"},
                by_the_plane: None,
            }
            assert {(one["project"], one["owner"]) for one in happened} == {("weather", "ada")}

    asyncio.run(live())


def test_who_queues_and_deletes_through_the_service_is_told_of_once_a_minute(tmp_path):
    class Crowded(WillingBackend):
        def needs(self, _shape):
            return Amount(sessions=1, memory_mib=1)

        def room(self):
            free, whole = (replace(BOUNDLESS, memory_mib=left) for left in (1 - len(self.drivers), 1))
            return Room(free=free, whole=whole)

    async def live():
        async with service(tmp_path, Crowded()) as client:
            runs = await session_of(client, OWNER)
            for _ in range(10):
                made = await client.post("/sessions", json={}, headers=OWNER)
                assert made.json()["state"] == "starting", made.text
                assert (await client.delete(f"/sessions/{made.json()['id']}", headers=OWNER)).status_code == 200
            await client.delete(f"/sessions/{runs}", headers=OWNER)
            happened = await told(client)
            assert [(one["is"], one["session"] == runs) for one in happened] == [
                ("begun", True), ("begun", False), ("ended", True)
            ]  # fmt: skip
            assert happened[1]["reason"].startswith("It waited in the queue and never ran.")

    asyncio.run(live())


def test_a_session_that_could_not_be_had_is_told_of_with_the_reason(tmp_path):
    async def live():
        async with service(tmp_path) as client:
            answer = await client.post("/sessions", json={"executorMemory": "900000g"}, headers=OWNER)
            assert answer.status_code >= 400
            # Refused before there was a session: nothing was begun.
            assert await told(client) == []

    asyncio.run(live())


def test_a_member_who_is_refused_again_and_again_is_told_of_once_a_minute(tmp_path):
    class Unwilling(WillingBackend):
        async def check(self, *_arguments, **_more):
            raise StartError("There is no Java.")

    async def live():
        async with service(tmp_path, Unwilling()) as client:
            for _ in range(20):
                assert (await client.post("/sessions", json={}, headers=OWNER)).status_code == 409
            assert [(one["is"], one["reason"]) for one in await told(client)] == [("begun", "There is no Java.")]

    asyncio.run(live())


@pytest.mark.parametrize("who", sorted(set(ROLES) - {"service"}))
def test_nobody_but_the_control_plane_is_told(tmp_path, who):
    async def look():
        async with service(tmp_path) as client:
            await session_of(client, OWNER)
            answer = await client.get("/happenings", headers=ROLES[who])
            assert answer.status_code == (401 if who == "nobody" else 403)
            assert len(await told(client)) == 1, "and nothing was forgotten"

    asyncio.run(look())


def test_the_record_holds_no_token(tmp_path):
    async def live():
        async with service(tmp_path) as client:
            await session_of(client, OWNER)
        text = next(tmp_path.rglob("session-happenings.jsonl")).read_text()
        assert json.loads(text.splitlines()[1])["is"] == "begun"
        assert OWNER["Authorization"].split()[1] not in text

    asyncio.run(live())


async def sources(client):
    return [(one["is"], one["source"]) for one in await told(client)]


def calls_from(client, peer, *, by_proxy=False):
    """From now on ``client`` comes from ``peer``, by the proxy's socket if ``by_proxy``."""
    client._transport.client = (peer, 50000)
    client._transport.app = ByProxy(client.app) if by_proxy else client.app


FORGED = {
    "X-Forwarded-For": "203.0.113.9",
    FORWARDED_FOR: "203.0.113.9",
    "X-Real-IP": "203.0.113.1",
    "Forwarded": "for=203.0.113.2",
}


def test_from_where_a_session_is_asked_for_and_ended_is_told(tmp_path):
    async def live():
        async with service(tmp_path) as client:
            calls_from(client, "127.0.0.1")
            by_her_kernel = await session_of(client, OWNER)
            by_her_client = await session_of(client, OWNER)
            program = Home(tmp_path).project("weather") / "Jupyter" / "days.py"
            program.parent.mkdir(parents=True)
            program.write_text("")
            made = await client.post("/batches", json={"file": "Jupyter/days.py"}, headers=OWNER)
            assert made.status_code == 201, made.text
            await client.delete(f"/sessions/{by_her_kernel}", headers=OWNER)
            calls_from(client, "", by_proxy=True)
            outside = {"X-Forwarded-For": "203.0.113.9, 192.0.2.7"}
            await client.post(f"/sessions/{by_her_client}/stop", headers=OWNER | outside)
            assert await sources(client) == [
                ("begun", "127.0.0.1"),
                ("begun", "127.0.0.1"),
                ("begun", "127.0.0.1"),
                ("ended", "127.0.0.1"),
                ("ended", "192.0.2.7"),
            ]

    asyncio.run(live())


def test_an_address_with_much_behind_it_keeps_nobody_from_a_session(tmp_path):
    async def live():
        async with service(tmp_path) as client:
            calls_from(client, "", by_proxy=True)
            number = await session_of(client, OWNER | {"X-Forwarded-For": f"fe80::5%{'a' * 200}"})
            assert (await client.delete(f"/sessions/{number}", headers=OWNER)).status_code == 200
            assert await sources(client) == [("begun", "fe80::5"), ("ended", "")]

    asyncio.run(live())


@pytest.mark.parametrize("shown", [None, "", "no token", "owner", "Data Owner as a person", "administrator"])
def test_nobody_forges_from_where_they_are(tmp_path, shown):
    async def live():
        async with service(tmp_path) as client:
            calls_from(client, "127.0.0.1")
            proof = ROLES[shown]["Authorization"].split()[1] if shown in ROLES else shown
            forged = FORGED | ({} if proof is None else {FORWARDED_BY: proof})
            number = await session_of(client, OWNER | forged)
            await client.delete(f"/overview/{number}", headers=OWNER | forged)
            assert await sources(client) == [("begun", "127.0.0.1"), ("ended", "127.0.0.1")]

    asyncio.run(live())


def test_who_ends_a_session_on_the_pages_is_where_the_control_plane_says(tmp_path):
    async def live():
        async with service(tmp_path) as client:
            calls_from(client, "127.0.0.1")
            proof = ROLES["service"]["Authorization"].split()[1]
            handed_on = {FORWARDED_FOR: "192.0.2.7", "X-Forwarded-For": "203.0.113.9", FORWARDED_BY: proof}
            one, other = await session_of(client, OWNER), await session_of(client, OWNER)
            await client.delete(f"/overview/{one}", headers=ROLES["Data Owner as a person"] | handed_on)
            asked = {"scope": "own", "sessions": [other]}
            await client.post("/overview:stop-idle", json=asked, headers=ROLES["owner as a person"] | handed_on)
            assert (await sources(client))[2:] == [("ended", "192.0.2.7")] * 2

    asyncio.run(live())


def test_what_the_platform_ends_comes_from_nowhere(tmp_path):
    async def live():
        async with service(tmp_path) as client:
            calls_from(client, "192.0.2.7")
            await session_of(client, OWNER)
            await client.delete("/owners/weather__ada", headers=ROLES["service"])
            assert await sources(client) == [("begun", "192.0.2.7"), ("ended", "")]

    asyncio.run(live())


def test_from_where_an_end_was_asked_for_is_known_after_a_restart(tmp_path):
    journal = Journal(tmp_path / "3")

    async def end():
        session = a_session(tmp_path, driver=WillingDriver())
        journal.write(heading(session, "application", warm=None))
        await session.end("It was stopped by Data Owner olga.", by=OLGA, source="192.0.2.7")

    asyncio.run(end())
    entries = [entry for entry in journal.read() if entry["is"] != "ended"]
    journal.rewrite(entries)
    again = Recovered(Journal(tmp_path / "3"), Limits(), News()).session
    assert (again.ended_by, again.ended_from) == (OLGA, "192.0.2.7")
    journal.rewrite([{name: value for name, value in one.items() if name != "from"} for one in entries])
    assert Recovered(Journal(tmp_path / "3"), Limits(), News()).session.ended_from == "", "as a service of before wrote"


def test_from_where_one_was_asked_for_that_waits_is_known_after_a_restart(tmp_path, file):
    loaded(file).begun(waiting(tmp_path, 3))
    Journal(tmp_path / "3").write(heading(a_session(tmp_path, begun_from="192.0.2.7"), "application", warm=None))
    again = Recovered(Journal(tmp_path / "3"), Limits(), News()).session
    later = loaded(file)
    later.watch(again, runs=True)
    assert [one.source for one in later.after("", 0, limit=9)] == ["192.0.2.7"]


def test_a_record_of_before_is_read(file):
    earlier = {name: value for name, value in HAPPENING.items() if name != "source"}
    file.write_text("\n".join(json.dumps(one) for one in ({"stream": "a1", "last": 11}, earlier)))
    happenings = loaded(file)
    assert numbers(happenings, "a1", 11) == [12]
    assert happenings.after("a1", 11, limit=1)[0].source == ""
