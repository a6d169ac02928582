"""Streams that cost nothing where nothing was written; kernels and sessions have one each."""

import json

import pytest
import zmq
from hops_kernels import prompt_stream as of_kernels
from ipykernel.iostream import IOPubThread, OutStream
from jupyter_client.session import Session

from hops_livy.driver.hops_session import prompt_stream as of_sessions


@pytest.fixture(params=[of_kernels, of_sessions], ids=["kernels", "sessions"])
def stream(request):
    """A stream whose messages a subscriber hears."""
    with zmq.Context() as context, context.socket(zmq.PUB) as published, context.socket(zmq.SUB) as heard:
        published.bind("inproc://output")
        heard.connect("inproc://output")
        heard.subscribe("")
        thread = IOPubThread(published)
        thread.start()
        made = request.param.PromptStream(Session(key=b"k"), thread, "stdout", watchfd=False)
        made.heard = heard
        yield made
        made.close()
        thread.stop()
        thread.close()


def test_what_was_written_has_left_when_flush_returns(stream):
    stream.write("a")
    stream.flush()
    assert stream.heard.poll(5000)
    assert json.loads(stream.heard.recv_multipart()[-1])["text"] == "a"


def test_what_is_flushed_twice_comes_once_and_what_follows_comes_too(stream):
    for text in ("a", "b"):
        stream.write(text)
        stream.flush()
        stream.flush()
    found = [json.loads(stream.heard.recv_multipart()[-1])["text"] for _ in range(2) if stream.heard.poll(5000)]
    assert found == ["a", "b"]
    assert not stream.heard.poll(300)


def test_nothing_waits_for_the_thread_where_nothing_was_written(stream, monkeypatch):
    asked = []
    monkeypatch.setattr(OutStream, "flush", lambda self: asked.append(self.name))
    stream.flush()
    assert asked == []
    stream.write("a")
    stream.flush()
    assert asked == ["stdout"]
