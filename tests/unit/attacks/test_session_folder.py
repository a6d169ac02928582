"""What lies in a session's folder can be written by its code; the service works on it with its own rights."""

import asyncio
import json
import os
import tracemalloc
from pathlib import Path

import pytest

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.builtin.driver import BuiltinDriver
from hops_livy.builtin.folder import SessionFolder
from hops_livy.engines.drivers import DriverRequest, Shape
from hops_livy.outputs import MOST_EVENTS, Outputs
from hops_livy.spooled import read_spool


@pytest.fixture
def session(tmp_path):
    spark = tmp_path / "pyspark"
    spark.mkdir()
    folder = SessionFolder(tmp_path / "run" / "sessions" / "7")
    folder.make(spark=spark)
    return folder


def test_the_end_of_a_session_deletes_no_folder_that_its_code_names(tmp_path, session):
    blue = tmp_path / "projects" / "blue"
    blue.mkdir(parents=True)
    (blue / "secret.csv").write_text("1")
    session.connection.write_text(json.dumps({"ip": str(blue / "k")}))  # what a cell writes
    session.wipe()
    assert (blue / "secret.csv").exists()


def test_the_log_of_a_session_is_not_whatever_its_code_links_there(tmp_path, session):
    secret = tmp_path / "signing-key.pem"
    secret.write_text("the platform's own key")
    session.log.symlink_to(secret)

    async def read():
        owner = Principal(
            kind=PrincipalKind.PROJECT_USER, user="mallory", project="red", role=ProjectRole.DATA_SCIENTIST
        )
        request = DriverRequest(
            session_id=7,
            application="application_1_0007",
            kept_outputs=Path("/kept"),
            owner=owner,
            token="t",
            name="",
            shape=Shape(),
            conf={},
        )
        return BuiltinDriver(request, session, start_s=60, on_gone=lambda: None).log()

    assert "the platform's own key" not in asyncio.run(read())


LINE = b'{"id": "1", "type": "stream", "content": {"name": "stdout", "text": "blue\'s secret"}}\n'


def test_what_a_statement_wrote_is_not_what_another_sessions_statement_wrote(tmp_path, session):
    blue = tmp_path / "run" / "sessions" / "8" / "outputs"
    blue.mkdir(parents=True)
    (blue / "0.jsonl").write_bytes(LINE)
    (session.outputs / "1.jsonl").symlink_to(blue / "0.jsonl")
    (session.outputs / "2.jsonl").hardlink_to(blue / "0.jsonl")
    for number in (1, 2):
        with pytest.raises(OSError, match=r"symbolic|own"):
            session.open_output(number)
    (session.outputs / "3.jsonl").write_bytes(LINE)
    session.keep_outputs(tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["3.jsonl"]
    session.outputs.rename(session.path / "moved")
    session.outputs.symlink_to(blue)
    with pytest.raises(OSError, match=r"Not a directory|symbolic"):
        session.open_output(0)
    session.drop_output(0)
    session.keep_outputs(tmp_path / "taken")
    assert (blue / "0.jsonl").read_bytes() == LINE
    assert not (tmp_path / "taken").exists()


def test_a_folder_is_removed_however_deep_its_code_made_it(session):
    descriptor = os.open(session.temporary, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=descriptor)
        inner = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    session.wipe()
    assert not session.path.exists()


def test_a_token_is_renewed_whatever_its_code_put_beside_it(tmp_path, session):
    blue = tmp_path / "blue"
    blue.write_text("kept")
    os.mkfifo(session.path / "token.new")
    session.token.symlink_to(blue)
    session.write_secret(session.token, "fresh")
    assert (session.token.read_text(), blue.read_text()) == ("fresh", "kept")
    assert session.token.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", [b"\n" * 4_000_000, b"7\n" * 1_000_000, b'{"id": 1, "type": [], "content": {}}\n' * 9999]
)
def test_a_file_of_nothing_is_not_read_to_its_end(session, content):
    (session.outputs / "0.jsonl").write_bytes(content + LINE)
    spooled = read_spool(session.open_output(0))
    assert (spooled.begun, spooled.messages) == (False, [])


def _read_and_traced(session):
    """What the file holds, the memory held after it was read, and the most that was held."""
    tracemalloc.start()
    try:
        spooled = read_spool(session.open_output(0))
        return spooled, *tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()


def test_a_file_without_end_is_not_read_into_memory(session):
    path = session.outputs / "0.jsonl"
    path.write_bytes(LINE)
    os.truncate(path, 500 * 1024**3)
    spooled, _, most = _read_and_traced(session)
    assert [message.content for message in spooled.messages] == [json.loads(LINE)["content"]]
    assert most < 200 * 1024**2


def test_a_file_of_very_many_messages_gives_as_many_as_are_shown_and_the_reply(session):
    reply = b'{"id":"r","type":"execute_reply","content":{"status":"ok"}}\n'
    (session.outputs / "0.jsonl").write_bytes(LINE * (MOST_EVENTS + 5000) + reply)
    spooled = read_spool(session.open_output(0))
    assert spooled.reply == {"status": "ok"}
    outputs = Outputs(16 * 1024**2, lambda: ((one.kind, one.content) for one in spooled.messages))
    assert len(outputs.events) == MOST_EVENTS + 1
    assert f"{MOST_EVENTS} times" in outputs.events[-1].decode()


def test_a_file_of_large_messages_gives_more_than_is_shown_and_the_reply(session):
    line = b'{"id":"a","type":"stream","content":{"name":"stdout","text":"' + b"x" * 1024**2 + b'"}}\n'
    reply = b'{"id":"r","type":"execute_reply","content":{"status":"ok"}}\n'
    (session.outputs / "0.jsonl").write_bytes(line * 50 + reply)
    spooled = read_spool(session.open_output(0))
    assert spooled.reply == {"status": "ok"}
    outputs = Outputs(16 * 1024**2, lambda: ((one.kind, one.content) for one in spooled.messages))
    assert "16 MiB" in outputs.events[-1].decode()


def test_messages_of_a_file_are_kept_as_text(session):
    nested = b'{"id":"a","type":"display_data","content":{"data":{"x":[' + b"[]," * 99_999 + b"[]]}}}\n"
    (session.outputs / "0.jsonl").write_bytes(nested * 10)
    spooled, held, _ = _read_and_traced(session)
    assert len(spooled.messages) == 10
    assert held < 2 * 10 * len(nested)
