"""The audit: what is recorded of what people do, who reads it, and that it is one chain on both databases."""

from __future__ import annotations

import csv
import io
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from hops_contract.principal import ProjectRole
from hops_platform.audit import service
from hops_platform.audit.actions import Action, Outcome
from hops_platform.audit.events import Event
from hops_platform.audit.models import AuditEvent
from hops_platform.audit.refusals import ROWS_AT_ONCE, Refusals
from hops_platform.audit.service import verify
from hops_platform.audit.trail import record
from hops_platform.database import Database
from hops_platform.engines.leave import Leave
from hops_platform.errors import EngineUnavailableError
from hops_platform.projects.models import Project
from hops_platform.timetable import timetable_of

API = "http://hops.test/services/hops/api/v1/"  # httpx would take what stands before the colon for a scheme
PASSWORD = "correct horse battery"
ANY_VERSION = {"If-Match": "*"}


@pytest.fixture
def ada(hops: Any) -> Any:
    client = hops.user("ada")
    hops.ready_project(client)
    return client


@pytest.fixture
def root(hops: Any) -> Any:
    return hops.user("root-ada", admin=True)


def rows(hops: Any, **wanted: Any) -> list[AuditEvent]:
    """Rows of the table itself, the oldest first."""
    with hops.platform.parts.database.session(writes=False) as session:
        query = select(AuditEvent).order_by(AuditEvent.number)
        for name, value in wanted.items():
            query = query.where(getattr(AuditEvent, name) == value)
        return list(session.scalars(query))


def only(hops: Any, **wanted: Any) -> AuditEvent:
    found = rows(hops, **wanted)
    assert len(found) == 1, [(row.action, row.thing, row.outcome) for row in found]
    return found[0]


def whole(hops: Any) -> bool:
    return verify(hops.platform.parts.database, hops.platform.parts.trail).whole


def test_what_members_do_is_recorded_with_who_what_where_and_what_came_of_it(hops: Any, ada: Any) -> None:
    hops.create_user("bob")
    answer = ada.post("projects/weather/members", json={"user": "bob"})
    row = only(hops, action="member.add")
    assert (row.actor, row.actor_kind, row.project, row.thing_kind, row.thing) == (
        "ada", "user", "weather", "member", "bob",
    )  # fmt: skip
    assert (row.outcome, row.reason, json.loads(row.details)) == ("done", "", {"role": "data_scientist"})
    assert row.request_id == answer.headers["X-Request-Id"]
    with hops.platform.parts.database.session(writes=False) as session:
        assert row.project_id == session.scalar(select(Project.id))
    assert whole(hops)


def test_the_life_of_a_project_is_recorded(hops: Any, ada: Any) -> None:
    bob = hops.user("bob")
    ada.patch("projects/weather", json={"title": "Rain"}, headers=ANY_VERSION).raise_for_status()
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    ada.patch("projects/weather/members/bob", json={"role": "data_owner"}, headers=ANY_VERSION).raise_for_status()
    bob.delete("projects/weather/members/bob").raise_for_status()
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    ada.delete("projects/weather/members/bob").raise_for_status()
    ada.put("projects/weather/server").raise_for_status()
    ada.delete("projects/weather/server").raise_for_status()
    ada.post("projects/weather/certificate:export").raise_for_status()
    hops.hub().post("projects/weather/server-grants", json={"user": "ada"}).raise_for_status()
    ada.request("DELETE", "projects/weather", json={"name": "weather"}).raise_for_status()
    hops.deliver()
    ada.post("deleted-projects/weather:restore").raise_for_status()
    ada.request("DELETE", "projects/weather", json={"name": "weather"}).raise_for_status()
    ada.request("DELETE", "deleted-projects/weather", json={"name": "weather"}).raise_for_status()
    found = [(row.actor, row.action, row.thing) for row in rows(hops, project="weather")]
    assert found == [
        ("ada", "project.create", "weather"),
        ("ada", "project.edit", "weather"),
        ("ada", "member.add", "bob"),
        ("ada", "member.edit", "bob"),
        ("bob", "member.leave", "bob"),
        ("ada", "member.add", "bob"),
        ("ada", "member.remove", "bob"),
        ("ada", "server.start", "ada"),
        ("ada", "server.stop", "ada"),
        ("ada", "certificate.export", "ada"),
        ("hub", "server.grant", "ada"),
        ("ada", "project.delete", "weather"),
        ("ada", "project.restore", "weather"),
        ("ada", "project.delete", "weather"),
        ("ada", "project.purge", "weather"),
    ]
    assert len({row.project_id for row in rows(hops, project="weather")}) == 1
    assert whole(hops)


def test_that_the_network_of_a_project_was_opened_is_recorded(hops: Any, ada: Any) -> None:
    ada.patch("projects/weather", json={"network": "open"}, headers=ANY_VERSION).raise_for_status()
    row = only(hops, action="project.edit", project="weather")
    assert (row.actor, row.outcome, json.loads(row.details)) == ("ada", "done", {"network": "open"})


def test_what_administrators_do_is_recorded_without_passwords(hops: Any, root: Any, ada: Any) -> None:
    secret = "a password that nobody may read"
    root.post("users", json={"name": "joe", "password": secret}).raise_for_status()
    root.patch("users/joe", json={"admin": True, "password": secret, "unlock": True}).raise_for_status()
    limits = ada.get("projects/weather/limits").json()
    root.put("projects/weather/limits", json=limits | {"max_executors": 3}, headers=ANY_VERSION).raise_for_status()
    assert json.loads(only(hops, action="user.create").details) == {"admin": False}
    changed = {"changed": ["admin", "password", "unlock"], "admin": True}
    assert json.loads(only(hops, action="user.edit").details) == changed
    assert json.loads(only(hops, action="limits.edit", project="weather").details)["max_executors"] == 3
    assert secret not in str([vars(row) for row in rows(hops)])


def test_log_ins_good_bad_and_throttled_are_recorded(hops: Any) -> None:
    hops.create_user("ada")
    client = hops.anonymous()
    assert client.post("tokens", json={"username": "ada", "password": PASSWORD}).status_code == 200
    for _ in range(5):
        client.post("tokens", json={"username": "ada", "password": "wrong password"})
    assert client.post("tokens", json={"username": "ada", "password": PASSWORD}).status_code == 429
    hops.platform.parts.refusals.flush(all_of_them=True)
    good, bad, more = rows(hops, action="login.password")
    assert (good.actor, good.actor_kind, good.thing, good.outcome) == ("ada", "user", "ada", "done")
    assert (bad.actor, bad.actor_kind, bad.thing, bad.outcome) == ("", "anyone", "ada", "refused")
    assert json.loads(more.details) == {"more": 5}
    assert rows(hops, outcome="failed") == []


def test_a_password_in_the_field_of_the_name_is_not_kept(hops: Any) -> None:
    hops.anonymous().post("tokens", json={"username": "hunter2", "password": "x"})
    row = only(hops, action="login.password")
    assert (row.thing, "hunter2" in str(vars(row))) == ("", False)


def test_log_ins_of_browsers_are_recorded(hops: Any) -> None:
    hops.create_user("ada")
    browser = hops.anonymous()
    site = "http://hops.test/services/hops/"
    state = browser.get(f"{site}login").headers["location"].rpartition("state=")[2]
    hops.platform.logins.codes["c0de"] = "token-of-ada"
    hops.platform.logins.tokens["token-of-ada"] = "ada"
    assert browser.get(f"{site}oauth_callback", params={"code": "c0de", "state": state}).status_code == 302
    row = only(hops, action="login.browser")
    assert (row.actor, row.actor_kind, row.thing, row.outcome) == ("ada", "user", "ada", "done")
    assert "c0de" not in str(vars(row))


def test_a_change_of_the_own_password_is_recorded_with_the_change(hops: Any) -> None:
    ada = hops.user("ada")
    wrong = {"old_password": "wrong password", "new_password": "another long one"}
    assert ada.put("me/password", json=wrong).status_code == 401
    assert ada.put("me/password", json=wrong | {"old_password": PASSWORD}).status_code == 200
    assert [row.outcome for row in rows(hops, action="password.change", actor="ada")] == ["refused", "done"]


def test_a_change_that_is_rolled_back_is_no_row(hops: Any, ada: Any) -> None:
    before = len(rows(hops))
    assert ada.post("projects/weather/members", json={"user": "nobody"}).status_code == 404
    assert ada.post("projects", json={"name": "weather"}).status_code == 409
    assert ada.patch("projects/weather", json={"title": "x"}).status_code == 428
    assert [row.outcome for row in rows(hops)[before:]] == ["refused"]  # the user that is not there for her
    database = hops.platform.parts.database
    with database.session() as session:
        record(session, Event(action=Action.PROJECT_EDIT))
        session.rollback()
    assert len(rows(hops)) == before + 1
    assert whole(hops)


def test_a_row_that_can_not_be_written_takes_the_change_with_it(
    hops: Any, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hops.create_user("bob")

    def fail(*_: Any) -> None:
        raise RuntimeError("no hash today")

    monkeypatch.setattr(hops.platform.parts.trail.chain, "link", fail)
    assert ada.post("projects/weather/members", json={"user": "bob"}).status_code == 500
    monkeypatch.undo()
    assert [one["user"] for one in ada.get("projects/weather/members").json()["items"]] == ["ada"]


def test_a_creation_that_is_answered_again_is_one_row(hops: Any) -> None:
    ada = hops.user("ada")
    for _ in range(2):
        answer = ada.post("projects", json={"name": "weather"}, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 201
    only(hops, action="project.create")


def test_refusals_are_recorded_though_the_request_changes_nothing(hops: Any, ada: Any) -> None:
    bob, eve = hops.user("bob"), hops.user("eve")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    assert bob.delete("projects/weather/members/ada").status_code == 403
    assert eve.get("projects/weather").status_code == 404
    assert hops.with_token("made up").get("me").status_code == 401
    bobs, eves, anyones = rows(hops, outcome="refused")
    assert (bobs.actor, bobs.action, bobs.thing, bobs.project) == ("bob", "member.remove", "ada", "weather")
    assert "members:remove" in bobs.reason
    assert (eves.actor, eves.action, eves.thing, eves.project) == ("eve", "access.read", "project:read", "weather")
    assert eves.project_id == bobs.project_id is not None
    assert (anyones.actor, anyones.actor_kind, anyones.reason) == ("", "anyone", "The token is not valid.")
    assert "made up" not in str(vars(anyones))


def test_a_part_that_does_not_answer_is_recorded_as_a_failure(
    hops: Any, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise EngineUnavailableError("The Hub does not answer.")

    monkeypatch.setattr(type(hops.platform.hub), "stop_server", fail)
    assert ada.delete("projects/weather/server").status_code == 503
    row = only(hops, action="server.stop")
    assert (row.outcome, row.reason, row.thing) == ("failed", "The Hub does not answer.", "ada")


def test_files_that_leave_are_recorded_before_their_first_byte(on_disk: Any) -> None:
    ada = on_disk.user("ada")
    on_disk.ready_project(ada)
    (on_disk.platform.parts.settings.layout.project("weather") / "Resources" / "may.csv").write_text("day,rain")
    url = "projects/weather/datasets/Resources/content"
    assert ada.get(url, params={"path": "may.csv"}).text == "day,rain"
    assert ada.get(url, params={"path": "may.csv"}, headers={"Range": "bytes=0-2"}).text == "day"
    assert ada.get(url, params={"path": "may.csv"}, headers={"Range": "bytes=99-"}).status_code == 416
    first, part = rows(on_disk, action="file.download")
    assert (first.actor, first.thing, first.project) == ("ada", "Resources/may.csv", "weather")
    assert json.loads(part.details) == {"range": "bytes=0-2"}
    ada.post("projects/weather/datasets/Resources/files:trash", json={"path": "may.csv"}).raise_for_status()
    assert only(on_disk, action="file.trash").thing == "Resources/may.csv"


def test_a_data_owner_reads_the_projects_rows_newest_first_and_in_pages(hops: Any, ada: Any) -> None:
    for name in ("bob", "eve", "joe"):
        hops.create_user(name)
        ada.post("projects/weather/members", json={"user": name}).raise_for_status()
    page = ada.get("projects/weather/audit-events", params={"action": "member.add", "limit": 2}).json()
    assert [item["thing"] for item in page["items"]] == ["joe", "eve"]
    rest = ada.get(
        "projects/weather/audit-events", params={"action": "member.add", "limit": 2, "after": page["next"]}
    ).json()
    assert ([item["thing"] for item in rest["items"]], rest["next"]) == (["bob"], None)
    assert page["items"][0] | {"number": 0, "moment": "", "request_id": "", "own_hash": ""} == {
        "number": 0, "moment": "", "request_id": "", "own_hash": "", "actor": "ada", "actor_kind": "user",
        "action": "member.add", "project": "weather", "thing_kind": "member", "thing": "joe", "source": "",
        "outcome": "done", "reason": "", "details": {"role": "data_scientist"},
    }  # fmt: skip


def test_filters_narrow_what_is_read(hops: Any, ada: Any, root: Any) -> None:
    hops.create_user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    hops.user("eve").get("projects/weather")
    moment = only(hops, action="member.add").moment.isoformat()

    def found(**filters: str) -> set[str]:
        return {item["action"] for item in root.get("audit-events", params=filters).json()["items"]}

    assert found(action="member.add") == found(thing="bob") == {"member.add"}
    assert found(actor="eve") == found(outcome="refused") == {"access.read"}
    assert found(to=moment) == {"project.create"}
    assert found(**{"from": moment, "actor": "ada"}) == {"member.add"}
    assert found(project="tides") == set()
    assert "project.create" in found(project="weather")


def test_reading_exporting_and_verifying_are_recorded_themselves(hops: Any, ada: Any, root: Any) -> None:
    ada.get("projects/weather/audit-events", params={"actor": "bob"}).raise_for_status()
    ada.get("projects/weather/audit-events:export").raise_for_status()
    root.get(f"{API}audit-events:verify").raise_for_status()
    read = only(hops, action="audit.read")
    assert (read.actor, read.project, json.loads(read.details)) == ("ada", "weather", {"actor": "bob"})
    assert only(hops, action="audit.export").project == "weather"
    assert only(hops, action="audit.verify").actor == "root-ada"


def test_an_auditor_reads_everything_and_may_do_nothing_else(hops: Any, ada: Any, root: Any) -> None:
    audrey = hops.user("audrey")
    assert audrey.get("audit-events").status_code == 403
    root.patch("users/audrey", json={"auditor": True}).raise_for_status()
    assert root.get("users/audrey").json()["auditor"] is True
    assert audrey.get("me").json()["auditor"] is True
    assert "project.create" in {item["action"] for item in audrey.get("audit-events").json()["items"]}
    assert audrey.get(f"{API}audit-events:verify").json()["whole"] is True
    for path in ("users", "outbox", "site/projects", "certificates"):
        assert audrey.get(path).status_code == 403
    assert audrey.get("projects/weather").status_code == 404
    assert audrey.get("projects/weather/audit-events").status_code == 404
    root.patch("users/audrey", json={"auditor": False}).raise_for_status()
    assert audrey.get("audit-events").status_code == 403


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_has_all_rows_that_the_list_has(hops: Any, ada: Any, form: str) -> None:
    hops.create_user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    listed = ada.get("projects/weather/audit-events", params={"thing": "bob"}).json()["items"]
    answer = ada.get("projects/weather/audit-events:export", params={"as": form, "thing": "bob"})
    assert answer.headers["Content-Disposition"] == f'attachment; filename="audit-weather.{form}"'
    assert "Content-Length" not in answer.headers, "nobody knows it, and servers cut what is longer"
    if form == "jsonl":
        assert [json.loads(line) for line in answer.text.splitlines()] == listed[::-1]
    else:
        (row,) = csv.DictReader(io.StringIO(answer.text))
        assert row == {
            name: json.dumps(value) if name == "details" else str(value) for name, value in listed[0].items()
        }


def test_an_export_holds_neither_all_rows_nor_the_database(hops: Any, root: Any) -> None:
    database = hops.platform.parts.database
    for _ in range(3):
        with database.session() as session:
            for number in range(600):
                record(session, Event(action=Action.FILE_MOVE, actor="ada", thing=f"raw/{number}"))
    statements: list[int] = []

    def count(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "audit_events" in statement and "LIMIT" in statement.upper():
            statements.append(1)

    event.listen(database.engine, "before_cursor_execute", count)
    answer = root.get(f"{API}audit-events:export", params={"action": "file.move"})
    event.remove(database.engine, "before_cursor_execute", count)
    assert len(answer.text.splitlines()) == 1800
    assert len(statements) >= 4, "rows are read some at a time"


@pytest.mark.parametrize("address", ["audit-events:export", "projects/weather/audit-events:export"])
def test_an_export_ends_with_the_right_of_its_reader(
    hops: Any, ada: Any, root: Any, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr("hops_platform.audit.routes.Leave", partial(Leave, every_s=0))
    hops.create_user("eve")
    ada.post("projects/weather/members", json={"user": "eve", "role": "data_owner"}).raise_for_status()
    root.patch("users/eve", json={"auditor": True}).raise_for_status()
    eve = hops.with_token(hops.platform.parts.signer.sign_user("eve", admin=False).token)
    address, database, read = f"{API}{address}", hops.platform.parts.database, service._batch

    def batch(*given: Any, **named: Any) -> Any:
        # Its right ends when the first rows are on their way.
        if named["after"]:
            ada.delete("projects/weather/members/eve")
            root.patch("users/eve", json={"auditor": False}).raise_for_status()
        return read(*given, **named)

    with database.session() as session:
        for number in range(1200):
            record(session, Event(action=Action.FILE_MOVE, actor="ada", thing=f"raw/{number}", project="weather"))
    whole = len(eve.get(address, params={"action": "file.move"}).text.splitlines())
    assert whole == 1200
    monkeypatch.setattr(service, "_batch", batch)
    part = eve.get(address, params={"action": "file.move"}).text.splitlines()
    assert 0 < len(part) < whole
    assert eve.get(address).status_code in {403, 404}


def test_each_row_is_mirrored_to_the_log(hops: Any, ada: Any, caplog: pytest.LogCaptureFixture) -> None:
    hops.create_user("bob")
    with caplog.at_level(logging.INFO, logger="hops.audit"):
        ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    (told,) = [log for log in caplog.records if log.name == "hops.audit"]
    row = only(hops, action="member.add")
    assert told.getMessage() == "ada: member.add bob in weather: done"
    assert (told.audit["number"], told.audit["own_hash"], told.audit["details"]) == (  # type: ignore[attr-defined]
        row.number, row.own_hash, {"role": "data_scientist"},
    )  # fmt: skip


def test_many_that_write_at_once_make_one_chain(hops: Any) -> None:
    database, each, writers = hops.platform.parts.database, 15, 6
    barrier = threading.Barrier(writers)

    def write(writer: int) -> None:
        barrier.wait(60)
        for number in range(each):
            with database.session() as session:
                record(session, Event(action=Action.FILE_MOVE, actor=f"w{writer}", thing=str(number)))
                record(session, Event(action=Action.FILE_COPY, actor=f"w{writer}", thing=str(number)))

    with ThreadPoolExecutor(writers) as threads:
        list(threads.map(write, range(writers)))
    numbers = [row.number for row in rows(hops)]
    assert numbers == list(range(1, 2 * each * writers + 1))
    for writer in range(writers):
        mine = [(row.thing, row.action) for row in rows(hops, actor=f"w{writer}")]
        assert mine == [(str(n), action) for n in range(each) for action in ("file.move", "file.copy")]
    head = hops.platform.parts.trail.head.read()
    assert (head.number, whole(hops)) == (len(numbers), True)


def test_another_process_goes_on_with_the_same_chain(make: Any) -> None:
    first, second = make(), make()
    first.create_user("ada", admin=True)
    for one in (first, second, first):
        one.with_token(one.platform.parts.signer.sign_user("ada", admin=True).token).get("audit-events")
    assert [row.number for row in rows(first)] == [1, 2, 3]
    assert whole(first)
    assert whole(second)


def test_an_event_in_a_database_that_no_trail_follows_is_an_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(RuntimeError, match="No audit trail"), database.session() as session:
        record(session, Event(action=Action.PROJECT_EDIT))
    database.close()


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def refused(actor: str = "eve", thing: str = "x") -> Event:
    return Event(action=Action.FILE_DOWNLOAD, outcome=Outcome.REFUSED, actor=actor, thing=thing, reason="No.")


def test_the_same_refusal_again_is_counted_and_not_a_row(hops: Any) -> None:
    clock = Clock()
    refusals = Refusals(hops.platform.parts.database, clock=clock)
    for _ in range(50):
        refusals.add(refused(), payer="user eve")
    assert len(rows(hops)) == 1
    refusals.flush()
    assert len(rows(hops)) == 1
    clock.now += 61
    refusals.flush()
    _, again = rows(hops)
    assert (again.actor, again.thing, again.reason) == ("eve", "x", "49 more within a minute. No.")
    refusals.flush(all_of_them=True)
    assert len(rows(hops)) == 2
    refusals.add(refused(), payer="user eve")
    assert len(rows(hops)) == 3


def test_a_flood_of_different_refusals_is_bounded_and_its_number_is_kept(hops: Any) -> None:
    clock = Clock()
    refusals = Refusals(hops.platform.parts.database, clock=clock)
    for number in range(2000):
        refusals.add(refused(thing=str(number)), payer="user eve")
    refusals.add(refused("bob"), payer="user bob")
    assert len(rows(hops)) == ROWS_AT_ONCE + 1, "who floods uses up nobody else's allowance"
    refusals.flush(all_of_them=True)
    last = rows(hops)[-1]
    assert json.loads(last.details) == {"more": 2000 - ROWS_AT_ONCE, "of_different_kinds": True}
    assert (last.actor, last.outcome) == ("eve", "refused")
    clock.now += 3600
    for number in range(2000):
        refusals.add(refused(thing=str(number)), payer="user eve")
    assert len(rows(hops, actor="eve")) == 2 * ROWS_AT_ONCE + 1


def test_a_flood_of_made_up_payers_is_bounded(hops: Any) -> None:
    refusals = Refusals(hops.platform.parts.database, clock=Clock())
    refusals._write = lambda _due: None  # type: ignore[method-assign]
    for number in range(20_000):
        refusals.add(refused(f"u{number}"), payer=f"user u{number}")
    assert len(refusals._windows) < 10_000
    assert len(refusals._allowances) < 5000


def test_no_row_is_lost_when_the_platform_ends(hops: Any) -> None:
    for _ in range(3):
        hops.with_token("made up").get("me")
    with hops.anonymous():
        pass  # begins and ends the application
    assert json.loads(rows(hops)[-1].details) == {"more": 2}


def test_the_hubs_grants_are_the_hubs(hops: Any, ada: Any) -> None:
    hops.hub().post("projects/weather/server-grants", json={"user": "ada"}).raise_for_status()
    row = only(hops, action="server.grant")
    assert (row.actor, row.actor_kind) == ("hub", "service")
    code = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    code.post("projects/weather/certificate:export").raise_for_status()
    assert only(hops, action="certificate.export").actor_kind == "project_user"


def test_what_is_done_by_the_clock_is_the_platforms(hops: Any, ada: Any) -> None:
    ada.request("DELETE", "projects/weather", json={"name": "weather"}).raise_for_status()
    with hops.platform.parts.database.session() as session:
        project = session.scalar(select(Project))
        project.deleted_at -= timedelta(days=30)
    for recurring in timetable_of(hops.platform.parts, hops.platform.workers):
        recurring._action()
    row = only(hops, action="project.purge")
    assert (row.actor, row.actor_kind, row.project, row.project_id) == ("hops", "service", "weather", project.id)
    assert whole(hops)
