"""What a kernel sends that is too large: something short in its place, which says what is missing."""

from __future__ import annotations

import json

import pytest
from jupyter_client.session import Session

from hops_livy.driver.hops_session.bounded_messages import MOST_BYTES, BoundedSession

MUCH = "\x1b" * (MOST_BYTES // 4)
"""As JSON six bytes a character."""


class Wire:
    """Takes the frames that a session sends."""

    def send_multipart(self, frames, **_options):
        self.frames = [bytes(frame) for frame in frames]


def sent(kind: str, content: dict, **more) -> tuple[dict, list[bytes]]:
    """What arrives of a message, and its buffers."""
    session, wire = BoundedSession(key=b"secret"), Wire()
    session.send(wire, kind, content, **more)
    _identities, frames = session.feed_identities(wire.frames)
    assert max(map(len, frames)) <= MOST_BYTES
    message = Session(key=b"secret").deserialize(frames)
    return message["content"], message["buffers"]


def test_what_is_small_arrives_as_it_was():
    content = {"name": "stdout", "text": "é" * 1000}
    assert sent("stream", content) == (content, [])


def test_a_long_text_keeps_its_beginning():
    content, _ = sent("stream", {"name": "stdout", "text": MUCH})
    assert content["name"] == "stdout"
    assert content["text"].startswith("\x1b" * 1000)
    assert content["text"].endswith("[Cut off here. 24 MiB are too much for one output: 16 MiB are the most.]\n")


@pytest.mark.parametrize("kind", ["display_data", "update_display_data", "execute_result"])
def test_a_large_display_is_told_instead_of_shown(kind):
    content, _ = sent(kind, {"data": {"text/html": MUCH}, "metadata": {}, "transient": {"display_id": "a"}})
    assert content["data"] == {
        "text/plain": "[This is not shown. 24 MiB are too much for one output: 16 MiB are the most.]"
    }
    assert content["transient"] == {"display_id": "a"}, "a later, smaller update finds it"


@pytest.mark.parametrize("kind", ["error", "execute_reply"])
def test_an_error_with_a_long_text_stays_that_error(kind):
    error = {"ename": "ValueError", "evalue": MUCH, "traceback": ["line 1", MUCH]}
    content, _ = sent(kind, {"status": "error", "execution_count": 3, **error})
    assert (content["status"], content["ename"], content["execution_count"]) == ("error", "ValueError", 3)
    assert content["evalue"].startswith("\x1b" * 1000)
    assert len(json.dumps(content)) < MOST_BYTES


def test_a_statement_that_went_well_is_told_so_whatever_hangs_on_its_reply():
    content, _ = sent("execute_reply", {"status": "ok", "execution_count": 3, "payload": [{"text": MUCH}]})
    assert content == {"status": "ok", "execution_count": 3, "payload": [], "user_expressions": {}}


def test_other_answers_fail_in_words():
    content, _ = sent("complete_reply", {"status": "ok", "matches": [MUCH]})
    assert content["status"] == "error"
    assert "too much" in content["evalue"]


def test_large_buffers_do_not_come_along():
    small, large = b"1" * 10, b"2" * (MOST_BYTES + 1)
    _, buffers = sent("comm_msg", {"comm_id": "a"}, buffers=[small, large])
    assert [bytes(buffer) for buffer in buffers] == [small]


def test_buffers_given_beside_a_whole_message_stand_for_its_own():
    session, wire = BoundedSession(key=b"secret"), Wire()
    message = {**session.msg("comm_msg", {"comm_id": "a"}), "buffers": [b"2" * (MOST_BYTES + 1)]}
    session.send(wire, message, buffers=[b"3" * (MOST_BYTES + 1)])
    assert max(map(len, wire.frames)) < 1000


def test_large_buffers_of_a_whole_message_do_not_come_along():
    session, wire = BoundedSession(key=b"secret"), Wire()
    message = {**session.msg("comm_msg", {"comm_id": "a"}), "buffers": [b"2" * (MOST_BYTES + 1)]}
    session.send(wire, message)
    assert max(map(len, wire.frames)) < 1000
