"""The audit as somebody sees it who wants to read what is not theirs, or to have done nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hops_contract.principal import ProjectRole
from hops_contract.serving import ByProxy
from hops_platform.audit.actions import Action
from hops_platform.audit.chain import Chain, Head
from hops_platform.audit.events import Event
from hops_platform.audit.models import AuditEvent
from hops_platform.audit.service import verify
from hops_platform.audit.trail import record

DROP = {
    "sqlite": ("DROP TRIGGER audit_events_no_UPDATE", "DROP TRIGGER audit_events_no_DELETE"),
    "postgresql": (
        "DROP TRIGGER audit_events_no_change ON audit_events",
        "DROP TRIGGER audit_events_no_truncate ON audit_events",
    ),
}


API = "http://hops.test/services/hops/api/v1/"  # httpx would take what stands before the colon for a scheme
FORGED = (
    "INSERT INTO audit_events SELECT 7, moment, 'eve', actor_kind, action, project, project_id, thing_kind, thing,"
    " source, request_id, outcome, reason, details, own_hash, own_hash FROM audit_events WHERE number = 6"
)


@pytest.fixture
def ada(hops: Any) -> Any:
    client = hops.user("ada")
    hops.ready_project(client)
    return client


@pytest.fixture
def root(hops: Any) -> Any:
    return hops.user("root-ada", admin=True)


@pytest.fixture
def written(hops: Any) -> Any:
    """A platform with six rows."""
    for number in range(6):
        with hops.platform.parts.database.session() as session:
            record(session, Event(action=Action.FILE_DOWNLOAD, actor="ada", thing=f"raw/{number}"))
    return hops


def tamper(hops: Any, *statements: str) -> None:
    """What somebody does who owns the database, and neither the key nor the head."""
    engine = hops.platform.parts.database.engine
    with engine.begin() as connection:
        for statement in (*DROP[engine.dialect.name], *statements):
            connection.execute(text(statement))


def found(hops: Any) -> tuple[int | None, str | None]:
    result = verify(hops.platform.parts.database, hops.platform.parts.trail)
    assert result.whole is (result.problem is None)
    return result.broken_at, result.problem


def lists_and_exports(project: str = "weather") -> list[str]:
    return [f"projects/{project}/audit-events", f"projects/{project}/audit-events:export"]


SITE = ["audit-events", f"{API}audit-events:export", f"{API}audit-events:verify"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET actor = 'eve'",
        "DELETE FROM audit_events",
        "DELETE FROM audit_events WHERE number = 6",
    ],
)
def test_the_database_refuses_to_change_rows(written: Any, statement: str) -> None:
    engine = written.platform.parts.database.engine
    with pytest.raises(DBAPIError, match="never changed"), engine.begin() as connection:
        connection.execute(text(statement))
    assert found(written) == (None, None)


@pytest.mark.parametrize(
    ("statement", "at", "words"),
    [
        ("DELETE FROM audit_events WHERE number = 3", 3, "Row 3 is missing."),
        ("DELETE FROM audit_events WHERE number = 1", 1, "Row 1 is missing."),
        ("DELETE FROM audit_events WHERE number >= 5", 5, "Rows 5 to 6 are missing."),
        ("DELETE FROM audit_events", 1, "Rows 1 to 6 are missing."),
        ("UPDATE audit_events SET actor = 'eve' WHERE number = 4", 4, "Row 4 was changed"),
        ("UPDATE audit_events SET project_id = NULL, source = 'x' WHERE number = 6", 6, "Row 6 was changed"),
        ("UPDATE audit_events SET number = 7 WHERE number = 6", 6, "Row 6 is missing."),
        (
            FORGED,
            7,
            "Row 7 was changed, or was not written by this platform.",
        ),
    ],
)
def test_whatever_is_done_to_rows_in_the_database_is_told(written: Any, statement: str, at: int, words: str) -> None:
    tamper(written, statement)
    number, problem = found(written)
    assert number == at
    assert words in str(problem)


def test_a_chain_made_anew_without_the_key_is_told(written: Any) -> None:
    tamper(written, "DELETE FROM audit_events WHERE number = 2")
    forger, head = Chain(b"a guess that has thirty-two byte"), Head()
    with written.platform.parts.database.session() as session:
        for row in session.query(AuditEvent).order_by(AuditEvent.number):
            link = forger.link(replace(row.link().entry, number=head.number + 1), head)
            session.delete(row)
            session.flush()
            session.add(AuditEvent.of(link))
            session.flush()
            head = Head(link.entry.number, link.own_hash)
    assert found(written)[0] == 1


def test_a_tail_that_was_cut_off_stays_told_when_more_is_written(written: Any) -> None:
    tamper(written, "DELETE FROM audit_events WHERE number >= 5")
    for number in range(4):
        with written.platform.parts.database.session() as session:
            record(session, Event(action=Action.FILE_DOWNLOAD, actor="ada", thing=f"later/{number}"))
    assert found(written) == (5, "Rows 5 to 6 are missing.")


def test_a_tail_that_was_cut_off_while_nothing_ran_is_told(make: Any) -> None:
    before = make()
    with before.platform.parts.database.session() as session:
        for number in range(3):
            record(session, Event(action=Action.FILE_DOWNLOAD, thing=str(number)))
    tamper(before, "DELETE FROM audit_events WHERE number = 3")
    after = make()
    with after.platform.parts.database.session() as session:
        record(session, Event(action=Action.FILE_DOWNLOAD, thing="later"))
    assert found(after) == (3, "Row 3 is missing.")


def head_path(hops: Any) -> Path:
    return Path(hops.platform.parts.settings.home) / "audit-head"


def test_a_head_that_was_removed_or_changed_is_told(written: Any) -> None:
    path = head_path(written)
    kept = path.read_text()
    path.unlink()
    assert "audit-head is missing" in str(found(written)[1])
    path.write_text(json.dumps(json.loads(kept) | {"number": 4}))
    assert "was changed, or signed with another key" in str(found(written)[1])
    path.write_text(kept)
    assert found(written) == (None, None)


def test_an_older_head_that_is_put_back_hides_no_cut_from_a_platform_that_runs(written: Any) -> None:
    path = head_path(written)
    older = path.read_text()
    with written.platform.parts.database.session() as session:
        record(session, Event(action=Action.MEMBER_REMOVE, thing="ada"))
    tamper(written, "DELETE FROM audit_events WHERE number = 7")
    path.write_text(older)
    with written.platform.parts.database.session() as session:
        record(session, Event(action=Action.FILE_DOWNLOAD))
    assert found(written) == (7, "Row 7 is missing.")


def test_only_data_owners_read_a_projects_audit(hops: Any, ada: Any) -> None:
    bob, eve = hops.user("bob"), hops.user("eve")
    hops.ready_project(eve, "tides")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    code = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    certificate = hops.with_certificate(ada.post("projects/weather/certificate:export").json()["certificate"])
    for path in lists_and_exports():
        assert ada.get(path).status_code == 200
        assert bob.get(path).status_code == 403
        assert eve.get(path).status_code == 404
        assert code.get(path).status_code == 403
        assert certificate.get(path).status_code == 403
        assert hops.hub().get(path).status_code == 403
        assert hops.anonymous().get(path).status_code == 401
    for path in SITE:
        for client in (ada, bob, eve, code, certificate, hops.hub()):
            assert client.get(path).status_code == 403
        assert hops.anonymous().get(path).status_code == 401


def test_an_administrators_notebook_reads_no_audit(hops: Any, root: Any) -> None:
    hops.ready_project(root)
    code = hops.project_user("root-ada", "weather", ProjectRole.DATA_OWNER)
    for path in (*SITE, *lists_and_exports()):
        assert code.get(path).status_code == 403


def test_no_filter_leads_out_of_the_project(hops: Any, ada: Any) -> None:
    hops.ready_project(hops.user("eve"), "tides")
    for path in lists_and_exports():
        for filters in ({"actor": "eve"}, {"thing": "tides"}, {"project": "tides"}, {"project_id": "x"}):
            answer = ada.get(path, params=filters)
            assert "tides" not in answer.text.replace('"thing":"tides"', ""), filters
    everything = ada.get("projects/weather/audit-events", params={"after": "OTk5OTk5"}).json()["items"]
    assert {item["project"] for item in everything} == {"weather"}


@pytest.mark.parametrize("name", ["actor", "thing"])
@pytest.mark.parametrize(
    "value", ["' OR '1'='1", "ada' --", "%", "_da", "ada\\", "*", "'; DROP TABLE audit_events; --", "\u202eada", "😀"]
)
def test_filters_are_compared_and_never_run(hops: Any, ada: Any, name: str, value: str) -> None:
    assert ada.get("projects/weather/audit-events", params={name: value}).json() == {"items": [], "next": None}
    assert found(hops) == (None, None)


@pytest.mark.parametrize(
    "query",
    [
        "action=no.such", "outcome=maybe", "from=yesterday", "from=2026-05-04T10:00:00", "actor=%00", "thing=a%00b",
        f"actor={'a' * 65}", f"thing={'a' * 5000}", "limit=0", "limit=1000", "after=!", "after=LTE", "after=4pGg",
        "after=MTAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw", "after=MSBPUiAx",
    ],
)  # fmt: skip
def test_what_is_no_filter_is_refused_in_words(ada: Any, query: str) -> None:
    answer = ada.get(f"projects/weather/audit-events?{query}")
    assert answer.status_code in {400, 422}, answer.text
    assert "Traceback" not in answer.text


def test_an_unknown_form_of_export_is_refused(ada: Any) -> None:
    assert ada.get("projects/weather/audit-events:export?as=xlsx").status_code == 422


def test_a_new_project_of_an_old_name_inherits_no_rows(hops: Any, ada: Any) -> None:
    ada.request("DELETE", "projects/weather", json={"name": "weather"}).raise_for_status()
    ada.request("DELETE", "deleted-projects/weather", json={"name": "weather"}).raise_for_status()
    hops.deliver()
    eve = hops.user("eve")
    hops.ready_project(eve)
    items = eve.get("projects/weather/audit-events").json()["items"]
    assert [(item["actor"], item["action"]) for item in items] == [("eve", "project.create")]
    assert '"ada"' not in eve.get("projects/weather/audit-events:export").text  # a hash may hold the letters


def test_nobody_writes_into_another_projects_audit(hops: Any, ada: Any) -> None:
    eve = hops.user("eve")
    eve.post("sessions:stop-idle", json={"scope": "own", "project": "weather"})
    eve.post("projects", json={"name": "weather"})
    actors = {item["actor"] for item in ada.get("projects/weather/audit-events").json()["items"]}
    assert actors == {"ada"}


@pytest.mark.parametrize("name", ["=cmd|'/C calc'!A0", "@SUM(A1)", "+1", "-1"])
def test_no_cell_of_an_export_is_run_by_a_spreadsheet(on_disk: Any, name: str) -> None:
    ada = on_disk.user("ada")
    on_disk.ready_project(ada)
    database = on_disk.platform.parts.database
    with database.session() as session:
        record(session, Event(action=Action.FILE_MOVE, actor="ada", thing=name, project="weather", reason=name))
    answer = ada.get("projects/weather/audit-events:export", params={"as": "csv", "action": "file.move"})
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["thing"], row["reason"]) == (f"'{name}", f"'{name}")


def test_a_row_is_one_line_whatever_is_in_it(hops: Any, root: Any) -> None:
    with hops.platform.parts.database.session() as session:
        record(session, Event(action=Action.FILE_MOVE, thing='a\n{"number":1,"actor":"eve"}\r\n\u2028', reason="b\nc"))
    for form, lines in (("jsonl", 1), ("csv", 2)):
        answer = root.get(f"{API}audit-events:export", params={"as": form, "action": "file.move"})
        if form == "jsonl":
            assert len(answer.content.rstrip(b"\n").split(b"\n")) == lines
        else:
            assert len(list(csv.reader(io.StringIO(answer.text, newline="")))) == lines


Connect = Callable[[str, str], Any]


@pytest.fixture
def connect(hops: Any, ada: Any) -> Connect:
    """Makes a call over a connection from an address, with a header, and tells the source that was recorded."""

    def make(peer: str, forwarded: str) -> Any:
        ada._transport.client = (peer, 50000)
        headers = {"X-Forwarded-For": forwarded, "X-Real-IP": "203.0.113.1", "Forwarded": "for=203.0.113.2"}
        answer = ada.get("projects/weather/audit-events", params={"limit": 1}, headers=headers)
        assert answer.status_code == 200
        return ada.get("projects/weather/audit-events", params={"limit": 1}).json()["items"][0]["source"]

    return make


def test_a_forged_address_has_no_effect(hops: Any, ada: Any, connect: Connect) -> None:
    assert connect("192.0.2.7", "203.0.113.9") == "192.0.2.7"
    assert connect("127.0.0.1", "203.0.113.9, 192.0.2.7") == "127.0.0.1", "code in a sandbox comes from there too"
    assert connect("127.0.0.1", "") == "127.0.0.1"
    ada._transport.app = ByProxy(hops.platform.app)
    assert connect("127.0.0.1", "203.0.113.9, 192.0.2.7") == "192.0.2.7"
    assert connect("127.0.0.1", "192.0.2.7, 127.0.0.1") == "127.0.0.1"
    assert connect("127.0.0.1", "'; DROP TABLE audit_events; --") == ""


def test_the_id_of_a_request_is_never_the_callers(hops: Any, ada: Any) -> None:
    answer = ada.get("projects/weather/audit-events", headers={"X-Request-Id": "forged"})
    assert answer.headers["X-Request-Id"] != "forged"
    assert "forged" not in ada.get("projects/weather/audit-events").text


def test_tokens_keys_and_passwords_are_in_no_row_and_no_log(
    hops: Any, root: Any, ada: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    token = (
        hops.anonymous().post("tokens", json={"username": "ada", "password": "correct horse battery"}).json()["token"]
    )
    hops.with_token(token).get("projects/weather/audit-events")
    hops.with_token(f"{token}x").get("projects/weather")
    grant = hops.hub().post("projects/weather/server-grants", json={"user": "ada"}).json()
    files = ada.post("projects/weather/certificate:export").json()
    everything = root.get(f"{API}audit-events:export").text + caplog.text + str([vars(one) for one in caplog.records])
    assert "server.grant" in everything
    for secret in (
        token,
        grant["token"],
        files["key"],
        files["password"],
        "correct horse",
        hops.platform.parts.hub_credential,
    ):
        assert secret not in everything


def test_a_flood_of_strangers_fills_no_disk(hops: Any, root: Any) -> None:
    for number in range(150):
        hops.with_token(f"made up {number}").get(f"projects/p{number}")
        hops.anonymous().post("tokens", json={"username": f"u{number}", "password": "x"})
    hops.platform.parts.refusals.flush(all_of_them=True)
    refused = [
        item for item in root.get("audit-events?outcome=refused&limit=100").json()["items"] if item["actor"] == ""
    ]
    assert len(refused) < 100
    assert (
        sum(item["details"].get("more", 0) for item in refused)
        + sum(1 for item in refused if "more" not in item["details"])
        == 300
    )
