"""What became of Spark sessions is in the audit, each once, whoever hears it and however often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hops_contract.happenings import ByWhom, HowSession, SessionHappening, SessionHappenings
from hops_contract.principal import PrincipalKind
from hops_platform.database import now
from hops_platform.errors import EngineUnavailableError
from hops_platform.sessions.hearing import AT_ONCE, hear

MOMENT = datetime(2026, 11, 29, 12, tzinfo=UTC)
GRACE = ByWhom(user="grace", kind=PrincipalKind.USER)


def happening(number: int, what: HowSession = HowSession.BEGUN, **more: Any) -> SessionHappening:
    of_owner = {"by": ByWhom(user="ada", kind=PrincipalKind.PROJECT_USER)}
    return SessionHappening(
        number=number,
        at=MOMENT,
        what=what,
        project="weather",
        **{"session": 7, "owner": "ada", **of_owner, **more},
    )


@pytest.fixture
def ada(hops: Any) -> Any:
    ada = hops.user("ada")
    hops.ready_project(ada)
    return ada


def listen(hops: Any) -> int:
    return hear(hops.platform.parts.database, hops.platform.sessions)


def rows(ada: Any) -> list[dict[str, Any]]:
    items = ada.get("projects/weather/audit-events", params={"limit": 100}).json()["items"]
    return [one for one in reversed(items) if one["action"].startswith("session.")]


def test_a_data_owner_reads_who_began_and_ended_sessions(hops: Any, ada: Any) -> None:
    hops.platform.sessions.happenings = [
        happening(1, source="127.0.0.1", details={"kind": "pyspark", "gpus": 1}),
        happening(2, reason="There is no room."),
        happening(3, HowSession.ENDED, by=GRACE, source="192.0.2.7", reason="It was stopped by Data Owner."),
        happening(4, HowSession.ENDED, by=None, details={"state": "dead"}),
    ]
    assert listen(hops) == 4
    names = ("action", "outcome", "actor", "actor_kind", "source", "thing", "reason", "details")
    assert [tuple(row[name] for name in names) for row in rows(ada)] == [
        ("session.start", "done", "ada", "project_user", "127.0.0.1", "7", "", {"kind": "pyspark", "gpus": 1}),
        ("session.start", "failed", "ada", "project_user", "", "7", "There is no room.", {}),
        ("session.end", "done", "grace", "user", "192.0.2.7", "7", "It was stopped by Data Owner.", {"user": "ada"}),
        ("session.end", "done", "hops", "service", "", "7", "", {"state": "dead", "user": "ada"}),
    ]
    assert {row["moment"] for row in rows(ada)} == {"2026-11-29T12:00:00Z"}


def test_each_is_a_row_once(hops: Any, ada: Any) -> None:
    engine = hops.platform.sessions
    engine.happenings = [happening(number) for number in range(1, AT_ONCE + 2)]
    assert listen(hops) == AT_ONCE + 1
    engine.happenings = [happening(AT_ONCE + 1), happening(AT_ONCE + 2, HowSession.ENDED)]
    assert listen(hops) == 1
    assert listen(hops) == 0
    assert [row["action"] for row in rows(ada)].count("session.end") == 1


def test_of_two_processes_that_hear_the_same_one_writes_it(hops: Any, ada: Any) -> None:
    engine = hops.platform.sessions
    engine.happenings = [happening(1)]
    asked: list[int] = []

    class Slow:
        def happened(self, stream: str, after: int, *, limit: int) -> SessionHappenings:
            told = engine.happened(stream, after, limit=limit)
            assert isinstance(told, SessionHappenings)
            if not asked:
                asked.append(after)
                listen(hops)  # another process, in between
            return told

    assert hear(hops.platform.parts.database, Slow()) == 0  # type: ignore[arg-type]
    assert len(rows(ada)) == 1


def test_while_the_service_is_away_nothing_is_written_and_nothing_fails(hops: Any, ada: Any) -> None:
    hops.platform.sessions.happenings = [happening(1)]
    hops.platform.sessions.fault = EngineUnavailableError("The session service does not answer.")
    assert listen(hops) == 0
    hops.platform.sessions.fault = None
    assert listen(hops) == 1


def test_what_was_given_up_there_shows_here(hops: Any, ada: Any) -> None:
    engine = hops.platform.sessions
    engine.happenings = [happening(1), happening(5)]
    assert listen(hops) == 2
    root = hops.user("root-ada", admin=True)
    missed = root.get("audit-events", params={"action": "session.miss"}).json()["items"]
    assert [row["details"] for row in missed] == [{"first": 2, "last": 4}]
    assert [row["action"] for row in rows(ada)] == ["session.start", "session.start"]


def test_a_new_home_of_the_session_service_is_heard_from_its_beginning(hops: Any, ada: Any) -> None:
    engine = hops.platform.sessions
    engine.happenings = [happening(1), happening(2)]
    listen(hops)
    engine.stream, engine.happenings = "second", [happening(1)]
    assert listen(hops) == 1
    assert len(rows(ada)) == 3


def test_a_project_does_not_read_of_sessions_of_one_that_had_its_name(hops: Any, ada: Any) -> None:
    hops.platform.sessions.happenings = [
        happening(1, HowSession.ENDED, session=7, since=now() - timedelta(hours=1), owner="grace"),
        happening(2, HowSession.ENDED, session=8, since=now()),
    ]
    assert listen(hops) == 2
    assert [row["thing"] for row in rows(ada)] == ["8"]
    root = hops.user("root-ada", admin=True)
    told = root.get("audit-events", params={"action": "session.end", "project": "weather"}).json()["items"]
    assert [row["thing"] for row in told] == ["8", "7"]
