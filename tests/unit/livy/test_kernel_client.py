"""What a session may send to the service: one that writes without end, or what is no message, holds up nobody."""

import asyncio
import gc
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import zmq
import zmq.asyncio
from jupyter_client.session import Session

from hops_livy.builtin.joined import Joined
from hops_livy.builtin.kernel_client import KernelClient, connection_info
from hops_livy.spooled import Spooled, SpooledMessage


class Flood:
    """A socket on which there is always one more message."""

    def __init__(self, frames, first=()):
        self.frames, self.first, self.taken = frames, list(first), 0

    async def recv_multipart(self):
        self.taken += 1
        return self.first.pop(0) if self.first else self.frames


class Rest:
    """A socket with these messages and no more."""

    def __init__(self, *messages):
        self.messages = list(messages)

    async def recv_multipart(self):
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)


@pytest.fixture
def refused():
    return []


@pytest.fixture
def client_of(tmp_path, refused):
    """A client, and what signs messages to it."""

    made = []

    def make():
        info = connection_info(str(tmp_path / "k"))
        client = KernelClient(info, on_refused=refused.append)
        made.append(client)
        return client, Session(key=info["key"].encode())

    yield make
    for client in made:
        client._client._iopub_channel = None
        client._client.context.destroy(linger=0)


def printed(session, text, statement="statement-0"):
    parent = {"header": {"msg_id": statement}}
    message = session.msg("stream", {"name": "stdout", "text": text}, parent=parent)
    return session.serialize(message, ident=b"stream")


def test_a_session_that_writes_without_end_leaves_the_loop_to_others(client_of):
    async def main():
        client, session = client_of()
        flood = Flood(printed(session, "x"))
        client._client._iopub_channel = SimpleNamespace(socket=flood)
        reading = asyncio.create_task(client._read_output())
        turns = 0
        for _ in range(200):
            await asyncio.sleep(0)
            turns += 1
        reading.cancel()
        assert turns == 200
        assert 100 < flood.taken < 1000, "one message for each turn of others, or so"

    asyncio.run(asyncio.wait_for(main(), 60))


def test_closing_while_a_statement_runs_leaves_no_error_behind(client_of):
    async def main():
        complaints = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
        client, _ = client_of()
        end = asyncio.create_task(client.follow(lambda *_: None, statement=0))
        await asyncio.sleep(0.01)
        client.close()
        with pytest.raises(asyncio.CancelledError):
            await end
        await asyncio.sleep(0.01)
        gc.collect()
        assert complaints == []

    asyncio.run(asyncio.wait_for(main(), 60))


def test_what_is_no_message_is_passed_over(client_of):
    async def main():
        client, session = client_of()
        heard = []
        client._begin("statement-0", lambda _id, kind, content: heard.append((kind, content["text"])))
        own = session.msg("stream", {"name": "stdout", "text": "c"}, parent={"header": {"msg_id": ["statement-0"]}})
        no_object = {**session.msg("stream", parent={"header": {"msg_id": "statement-0"}}), "content": b"[1]"}
        unsigned = [b"stream", b"<IDS|MSG>", b"0" * 64, b"{}", b"{}", b"{}", b"{}"]
        deep = [b"<IDS|MSG>", b"", b"[" * 100_000, b"{}", b"{}", b"{}"]
        bad = [[b""], [], [b"<IDS|MSG>"], unsigned, deep, session.serialize(own), session.serialize(no_object)]
        state = session.serialize(session.msg("status", {}, parent={"header": {"msg_id": "statement-0"}}))
        socket = Rest(printed(session, "a"), *bad, state, printed(session, "b"))
        client._client._iopub_channel = SimpleNamespace(socket=socket)
        reading = asyncio.create_task(client._read_output())
        while len(heard) < 2:
            assert not reading.done()
            await asyncio.sleep(0)
        reading.cancel()
        assert heard == [("stream", "a"), ("stream", "b")]

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_message_of_very_many_parts_is_refused_in_words_and_nothing_more_is_read(client_of, refused):
    async def main():
        client, session = client_of()
        flood = Flood(printed(session, "x"), [[*printed(session, "x"), *[b""] * 1001]])
        client._client._iopub_channel = SimpleNamespace(socket=flood)
        reading = asyncio.create_task(client._read_output())
        await asyncio.sleep(0.05)
        assert (flood.taken, reading.done()) == (1, False)
        reading.cancel()

    asyncio.run(asyncio.wait_for(main(), 60))
    assert len(refused) == 1
    assert "more than 1000 parts" in refused[0]


def test_what_was_written_before_is_joined_in_order_and_others_get_their_turn():
    async def main():
        shown, line = [], b'{"content": {"text": "%d"}}'
        joined = Joined(lambda _kind, content: shown.append(content["text"]))
        spooled = Spooled(messages=[SpooledMessage(str(number), "stream", line % number) for number in range(5000)])
        joined.hear("4999", "stream", {"text": "4999"})
        beginning = asyncio.create_task(joined.begin(spooled))
        turns = 0
        while not beginning.done():
            await asyncio.sleep(0)
            turns += 1
            if turns == 10:
                joined.hear("5000", "stream", {"text": "5000"})
        assert turns > 40
        joined.hear("5001", "stream", {"text": "5001"})
        assert shown == [str(number) for number in range(5002)]

    asyncio.run(asyncio.wait_for(main(), 60))


def test_who_follows_a_sessions_link_to_anothers_socket_takes_no_reply_of_that_other(client_of):
    async def main(folder):
        names = [client_of()[0]._client.session.bsession for _ in range(2)]
        context = zmq.asyncio.Context()
        try:
            kernel = context.socket(zmq.ROUTER)
            # As kernels do, for a client that comes back.
            kernel.router_handover = 1
            kernel.bind(f"ipc://{folder}/blue")
            shells, seen = [], []
            for name, place in zip(names, ("blue", "red"), strict=True):
                shells.append(context.socket(zmq.DEALER))
                shells[-1].identity = name
                shells[-1].connect(f"ipc://{folder}/{place}")
                await shells[-1].send(place.encode())
                seen.append(await asyncio.wait_for(kernel.recv_multipart(), 60))
            await kernel.send_multipart([seen[0][0], b"reply"])
            assert await asyncio.wait_for(shells[0].recv(), 60) == b"reply"
        finally:
            context.destroy(linger=0)

    # The path of a socket is short.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "red").symlink_to("blue")
        asyncio.run(main(folder))


def test_a_later_service_has_the_same_name_for_a_kernel(tmp_path):
    info = connection_info(str(tmp_path / "k"))
    clients = [KernelClient(info, on_refused=lambda _: None) for _ in range(2)]
    assert len({client._client.session.session for client in clients}) == 1
    assert info["key"] not in clients[0]._client.session.session
    for client in clients:
        client._client.context.destroy(linger=0)
