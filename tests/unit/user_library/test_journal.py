"""What a trial's log holds of what its process printed."""

from __future__ import annotations

from datetime import datetime

import pytest
from hops._storage import Location, locate
from hops.experiment import journal
from hops.experiment.journal import Journal


@pytest.fixture
def log(tmp_path):
    return tmp_path / "output.log"


@pytest.fixture
def writer(log):
    opened = Journal(locate(log.as_uri()))
    yield opened
    opened.close()


def texts(log):
    return [line.split(b" ", 1)[1] for line in log.read_bytes().split(b"\n")[:-1]]


def test_lines_are_readable_while_the_trial_runs_and_carry_their_time(writer, log):
    writer.take(b"one\ntw")
    assert texts(log) == [b"one"]
    writer.take(b"o\n")
    assert texts(log) == [b"one", b"two"]
    stamp = datetime.fromisoformat(log.read_text().split(" ", 1)[0])
    assert stamp.utcoffset().total_seconds() == 0


def test_a_last_line_without_an_end_is_kept(writer, log):
    writer.take(b"almost")
    writer.end()
    writer.end()
    assert texts(log) == [b"almost"]


def test_of_a_progress_bar_the_last_drawing_counts(writer, log):
    writer.take(b"10%\r50%\r100%\r\n")
    assert texts(log) == [b"100%"]


def test_a_line_without_end_does_not_grow_in_memory(writer, log, monkeypatch):
    monkeypatch.setattr(journal, "MAX_LINE_BYTES", 10)
    for _ in range(5):
        writer.take(b"12345678")
    writer.end()
    assert b"".join(texts(log)) == b"12345678" * 5
    assert len(texts(log)) == 3


class Remote:
    """A file system that can't write a little, as HDFS."""

    def __init__(self):
        self.sent = []

    def pipe_file(self, _path, data):
        assert data == b""

    def replace(self, _source, target):
        assert target == "/output.log"

    def append(self, _path, data):
        self.sent.append(data)


def test_lines_for_hdfs_are_sent_together_and_those_of_a_silent_trial_as_well(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(journal.time, "monotonic", lambda: now[0])
    remote = Remote()
    writer = Journal(Location(remote, "/output.log", "hdfs://host:1"))
    for line in (b"a\n", b"b\n"):
        writer.take(line)
    writer.send_what_is_due()
    assert remote.sent == []
    now[0] += journal.REMOTE_PERIOD_S + 0.1
    writer.send_what_is_due()
    assert len(remote.sent) == 1
    assert remote.sent[0].count(b"\n") == 2
    writer.note("the end")
    writer.close()
    assert remote.sent[1].endswith(b" the end\n")
