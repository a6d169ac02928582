"""What code and clients of a session tell of it: it keeps nobody from being told of others, and fills no disk."""

from __future__ import annotations

import json

import pytest

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy import journal
from hops_livy.engines.drivers import Shape
from hops_livy.journal import Journal
from hops_livy.news import News
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.settings import Limits
from hops_livy.timeouts import Timeouts


@pytest.fixture
def session(tmp_path):
    owner = Principal(
        kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER, token_id="1"
    )
    return Session(
        id=0, owner=owner, kind="pyspark", name=None, shape=Shape(), limits=Limits(), journal=Journal(tmp_path / "0"),
        timeouts=Timeouts(), news=News(),
    )  # fmt: skip


@pytest.mark.parametrize("tell", ["change", "explain"])
def test_half_a_character_in_a_reason_is_none(session, tell):
    reason = json.loads('"broken \\ud800"')
    if tell == "change":
        session.change(SessionState.DEAD, reason)
    else:
        session.explain(reason)
    assert session.why == "broken ?"


def test_the_same_client_again_is_not_written_down_again(session):
    session.take_up("k", "Jupyter/a.ipynb")
    size = (session.journal.folder / "journal.jsonl").stat().st_size
    for _ in range(100):
        session.take_up("k", "Jupyter/a.ipynb")
    assert (session.journal.folder / "journal.jsonl").stat().st_size == size


def test_other_clients_again_and_again_fill_no_disk(session, monkeypatch):
    monkeypatch.setattr(journal, "_GROWN_BYTES", 64 * 1024)
    for number in range(400):
        session.take_up("k", f"Jupyter/{'a' * 900}{number}.ipynb")
    assert (session.journal.folder / "journal.jsonl").stat().st_size < 128 * 1024
