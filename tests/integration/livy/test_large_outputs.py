"""Cells that write far more than anybody can read: an end in words, and a service that stays small and quick."""

import signal
import threading
import time

import psutil
import pytest

from tests.waiting import until

from .service_process import finished, run, start_session

pytestmark = pytest.mark.spark
MIB = 1024 * 1024
ROUNDS = 3


@pytest.fixture(scope="module")
def session_id(service):
    with service.client() as client:
        yield start_session(client)


@pytest.fixture
def slowest_answer(service):
    """Asks the service for its version all the time, as anybody's client may; the longest that it took.

    Time in which the machine did other work than the service's counts for nothing.
    """
    took, stop = [], threading.Event()
    process = psutil.Process(service.process.pid)

    def worked_s():
        return sum(process.cpu_times()[:2])

    def ask():
        with service.client() as other:
            while not stop.is_set():
                begun, worked = time.monotonic(), worked_s()
                other.get("version").raise_for_status()
                took.append(min(time.monotonic() - begun, worked_s() - worked))
                time.sleep(0.02)

    thread = threading.Thread(target=ask)
    thread.start()

    def slowest():
        assert thread.is_alive(), "an answer was none"
        return max(took)

    yield slowest
    stop.set()
    thread.join()


LARGE = [
    ("print('x' * (200 * 2**20))", "Cut off here. 200 MiB are too much"),
    ("from IPython.display import HTML\nHTML('x' * (200 * 2**20))", "This is not shown."),
    ("raise ValueError('x' * (100 * 2**20))", "Cut off here."),
]


@pytest.mark.parametrize(("code", "told"), LARGE, ids=["printed", "displayed", "raised"])
def test_one_large_output_ends_in_words(client, service, session_id, slowest_answer, code, told):  # noqa: PLR0917
    small = run(client, session_id, "1")
    before = psutil.Process(service.process.pid).memory_info().rss
    for _ in range(ROUNDS):
        statement = run(client, session_id, code)
        assert told in str(statement["output"])
    assert run(client, session_id, "1 + 1")["output"]["data"]["text/plain"] == "2"
    assert small["output"]["status"] == "ok"
    grown = psutil.Process(service.process.pid).memory_info().rss - before
    assert grown < 150 * MIB, f"{grown / MIB:.0f} MiB more"
    assert slowest_answer() < 2.0


def test_all_statements_at_once_come_in_pages(client, session_id, slowest_answer):
    for _ in range(8):
        run(client, session_id, "for _ in range(6): print('x' * 2**20)")
    total, seen = 1, 0
    while seen < total:
        page = client.get(f"sessions/{session_id}/statements", params={"from": seen, "size": -1})
        page.raise_for_status()
        assert len(page.content) < 40 * MIB
        total = page.json()["total_statements"]
        assert page.json()["statements"], "each page brings something"
        seen += len(page.json()["statements"])
    assert seen == total
    assert slowest_answer() < 2.0


def test_what_a_cell_writes_while_the_service_stands_still_is_all_there(client, service, session_id):
    count = 5000
    code = f"from IPython.display import display\nfor number in range({count}): display(number)"
    made = client.post(f"sessions/{session_id}/statements", json={"code": code})
    made.raise_for_status()
    service.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(4)
    finally:
        service.process.send_signal(signal.SIGCONT)
    statement = finished(client, session_id, made.json()["id"])
    shown = [item["content"]["data"]["text/plain"] for item in statement["output"]["outputs"]]
    assert shown == [str(number) for number in range(count)]


def test_a_message_of_very_many_parts_ends_its_session_in_words_and_no_other(client, service, session_id):
    other = start_session(client)
    code = "get_ipython().kernel.iopub_socket.send_multipart([b''] * 1500)"
    client.post(f"sessions/{other}/statements", json={"code": code}).raise_for_status()
    until(lambda: client.get(f"sessions/{other}").json()["state"] not in {"idle", "busy", "shutting_down"})
    session = client.get(f"sessions/{other}").json()
    assert session["state"] == "killed"
    assert "more than 1000 parts" in session["appInfo"]["reason"]
    assert run(client, session_id, "1 + 1")["output"]["data"]["text/plain"] == "2"
