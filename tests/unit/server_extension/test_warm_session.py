"""When a notebook server asks to keep a Spark session ready."""

import asyncio

import pytest
from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.warm_session import IDLE_S, KEEP_S, WAIT_S, WarmSession


class Service:
    def __init__(self, answer):
        self.answer, self.asked = answer, []

    async def request(self, method, path, body=None):
        self.asked.append((method, path, body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def _ask(answer, *, idle_s=0.0):
    service = Service(answer)
    return asyncio.run(WarmSession(service, {"executors": 2}, lambda: idle_s).ask()), service.asked


@pytest.mark.parametrize(
    ("answer", "again_s"),
    [
        ({"state": "ready", "reason": ""}, KEEP_S),
        ({"state": "starting", "reason": ""}, KEEP_S),
        ({"state": "waiting", "reason": "…"}, WAIT_S),
        ({"state": "none", "reason": "…"}, KEEP_S),
        (ProblemError(503, "unavailable", "Unavailable", "It does not answer."), KEEP_S),
        (None, KEEP_S),
    ],
)
def test_it_asks_with_the_servers_options_and_again(answer, again_s):
    assert _ask(answer) == (again_s, [("POST", "sessions:warm", {"options": {"executors": 2}})])


def test_a_server_that_nobody_uses_keeps_nothing_ready():
    assert _ask({"state": "ready"}, idle_s=IDLE_S + 1) == (KEEP_S, [])


def test_it_goes_on_whatever_is_answered():
    waits = []

    async def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            raise asyncio.CancelledError

    service = Service({"state": "waiting"})
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(WarmSession(service, {}, lambda: 0.0).run(sleep))
    assert (waits, len(service.asked)) == ([WAIT_S] * 3, 3)
