"""A person who asks for very much at the same moment: their own requests are bounded, those of others go on."""

import asyncio
import json
import threading
import time

import pytest

from hops_livy.routes import answers
from hops_livy.routes import overview as overview_routes
from tests.waiting import until_async

from .test_overview import OWNER, ROLES, control_plane, service, session_of

__all__ = ["control_plane"]
STREAM = {**OWNER, "Accept": "text/event-stream"}
OTHER = ROLES["other member"]
MIB = 1024 * 1024


def test_who_has_many_requests_held_open_gets_answers_that_are_not_held(tmp_path):
    async def main():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER, "wait")
            other = await session_of(client, OTHER, "wait")
            state = client.app.state
            state.held_open.most = 2
            address = f"/sessions/{number}/statements"
            held = [
                asyncio.create_task(client.get(f"{address}/0", headers=OWNER)),
                asyncio.create_task(client.get(f"{address}/0/events", headers=OWNER)),
            ]
            await until_async(lambda: state.held_open._taken == {"ada": 2})
            async with asyncio.timeout(15):  # a held one takes 20
                assert (await client.get(f"{address}/0", headers=OWNER)).json()["state"] == "running"
                assert (await client.get(f"/sessions/{number}", headers=OWNER)).json()["state"] == "busy"
                refused = await client.get(f"{address}/0/events", headers=OWNER)
                asked = {"code": "a", "cursor": 1}
                for what in ("completion", "inspection"):
                    answer = await client.post(f"/sessions/{number}/{what}", json=asked, headers=OWNER)
                    assert (what, answer.status_code) == (what, 429)
                posted = await client.post(address, json={"code": "1"}, headers=STREAM)
            assert refused.status_code == 429
            assert refused.json()["detail"].startswith("2 of your requests are held open already")
            assert "hold=false" in refused.json()["remedy"]
            assert (posted.status_code, posted.headers["content-type"]) == (201, "application/json")
            assert posted.headers["location"].endswith(f"/sessions/{number}/statements/{posted.json()['id']}")
            of_other = asyncio.create_task(client.get(f"/sessions/{other}/statements/0/events", headers=OTHER))
            await until_async(lambda: state.held_open._taken == {"ada": 2, "ben": 1})
            for session in state.registry.sessions.all():
                session.driver.go_on.set_result(None)
            first, stream = await asyncio.gather(*held)
            assert first.json()["state"] == "available"
            assert stream.text.count('"done"') == (await of_other).text.count('"done"') == 1
            again = await client.post(address, json={"code": "2"}, headers=STREAM)
            assert (again.status_code, again.text.count('"done"')) == (201, 1)
            assert state.held_open._taken == {}

    asyncio.run(main())


@pytest.fixture
def makers(monkeypatch):
    """The threads in which answers are made."""
    threads, make = [], answers._body

    def noted(tell):
        threads.append(threading.current_thread())
        return make(tell)

    monkeypatch.setattr(answers, "_body", noted)
    return threads


def test_large_answers_are_made_aside_and_a_few_at_once(tmp_path, makers):
    async def main():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER, "1")
            (session,) = client.app.state.registry.sessions.all()
            for part in range(4):
                session.statements[0].outputs.add("stream", {"name": "stdout", "text": f"{part}é\ud800" * 100_000})
            address, places = f"/sessions/{number}/statements", client.app.state.large_answers
            makers.clear()
            whole = await client.get(f"{address}/0", headers=OWNER)
            listed = await client.get(address, headers=OWNER)
            assert int(whole.headers["content-length"]) == len(whole.content) > 2 * MIB
            assert whole.json()["output"]["outputs"][0]["content"]["text"] == "".join(
                f"{part}é\ud800" * 100_000 for part in range(4)
            )
            assert listed.json() == {"total_statements": 1, "statements": [whole.json()]}
            assert threading.main_thread() not in makers
            assert (len(makers), places._taken) == (2, {})
            places.most, places._patience_s = 1, 0.05
            async with places.wait_for("ada"):
                refused = await client.get(f"{address}/0", headers=OWNER)
                assert (refused.status_code, "output=false" in refused.json()["remedy"]) == (429, True)
                bare = await client.get(f"{address}?output=false", headers=OWNER)
            assert bare.json()["statements"][0]["state"] == "available"
            assert makers[-1] is threading.main_thread(), "what is small costs no thread"

    asyncio.run(main())


def test_a_large_answer_goes_out_in_pieces_and_gives_its_place_back_when_it_is_not_read(tmp_path):
    async def main():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER, "1")
            (session,) = client.app.state.registry.sessions.all()
            session.statements[0].outputs.add("stream", {"name": "stdout", "text": "x" * 2 * MIB})
            places, sent, gone = client.app.state.large_answers, [], asyncio.Event()

            async def receive():
                await gone.wait()
                return {"type": "http.disconnect"}

            async def send(message):
                sent.append(message)
                if len(sent) > 2:
                    await asyncio.Event().wait()  # nobody reads on

            path = f"/services/livy/sessions/{number}/statements/0"
            headers = [(name.lower().encode(), value.encode()) for name, value in OWNER.items()]
            scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "raw_path": path.encode(),
                     "query_string": b"", "headers": headers, "root_path": "", "scheme": "http",
                     "asgi": {"version": "3.0", "spec_version": "2.3"}}  # fmt: skip
            serving = asyncio.create_task(client.app(scope, receive, send))
            await until_async(lambda: len(sent) > 2 or serving.done())
            assert all(len(message.get("body", b"")) <= MIB // 4 for message in sent)
            assert places._taken == {"ada": 1}
            gone.set()
            await serving
            assert places._taken == {}

    asyncio.run(main())


def test_a_held_overview_is_put_together_a_few_times_a_second_however_much_happens(tmp_path, monkeypatch):
    looks, version_of = [], overview_routes.version_of

    def counted(items):
        looks.append(0)
        return version_of(items)

    monkeypatch.setattr(overview_routes, "version_of", counted)

    async def main():
        async with service(tmp_path) as client:
            number = await session_of(client, OWNER)
            version = (await client.get("/overview", headers=OWNER)).json()["version"]
            looks.clear()
            held = asyncio.create_task(client.get(f"/overview?seen={version}&wait_s=20", headers=OWNER))
            began = time.monotonic()
            while (asked_for := time.monotonic() - began) < 1:
                client.app.state.registry.sessions.all()[0].touch()
                await asyncio.sleep(0.003)
            assert not held.done()
            assert 2 <= len(looks) <= asked_for / overview_routes._LOOKS_APART_S + 3
            await client.post(f"/sessions/{number}/statements", json={"code": "wait"}, headers=OWNER)
            answer = await asyncio.wait_for(held, 60)
            assert json.loads(answer.text)["items"][0]["state"] == "busy"

    asyncio.run(main())
