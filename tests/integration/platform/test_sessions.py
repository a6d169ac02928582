"""Spark sessions over the control plane's REST API: handed on with a token of the caller's own, and nothing else."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from hops_contract.principal import ProjectRole
from hops_platform.errors import EngineUnavailableError, ForbiddenError

SESSION: dict[str, Any] = {
    "id": 7, "name": None, "owner": "weather__ada", "project": "weather", "user": "ada", "own": True,
    "kind": "pyspark", "state": "idle", "reason": None, "app_id": "local-1", "created": 1795400000.0,
    "idle_since": 1795400120.5, "idle_timeout_s": 7200.0, "statements": 1, "waiting": 0, "last_statement": None,
    "resources": {
        "dynamic": False, "executors": 1, "min_executors": None, "max_executors": None, "executor_cores": 1,
        "executor_memory_mib": 1024, "driver_memory_mib": 1024, "gpus_per_executor": 0, "gpu_label": None, "gpus": [],
    },
}  # fmt: skip


@pytest.fixture
def sessions(hops: Any) -> Any:
    """The engine, with one idle session."""
    hops.platform.sessions.sessions[7] = dict(SESSION)
    return hops.platform.sessions


def test_the_session_service_is_asked_as_the_caller_and_the_token_stays_inside(hops: Any, sessions: Any) -> None:
    grace = hops.user("grace", admin=True)
    answer = grace.get("sessions", params={"scope": "all", "limit": 5, "seen": "v", "wait_s": 3})
    assert answer.status_code == 200
    ((token, query),) = sessions.asked
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["sub"], claims["kind"], claims["admin"]) == ("grace", "user", True)
    assert query == {"scope": "all", "limit": "5", "seen": "v", "wait_s": 3}
    assert token not in answer.text
    assert [item["id"] for item in answer.json()["items"]] == [7]
    assert "owner" not in answer.json()["items"][0]
    # The session service asks with it who the caller is at this moment.
    me = hops.anonymous().get("me", headers={"Authorization": f"Bearer {token}"}).json()
    assert (me["name"], me["admin"]) == ("grace", True)


def test_nothing_is_held_for_who_has_seen_nothing(hops: Any, sessions: Any) -> None:
    hops.user("ada").get("sessions", params={"wait_s": 12}).raise_for_status()
    assert sessions.asked[0][1]["wait_s"] == 0


def test_a_session_is_looked_into_and_ended(hops: Any, sessions: Any) -> None:
    ada = hops.user("ada")
    assert ada.get("sessions/7/log").json() == {"total": 1, "log": ["a line"]}
    assert ada.delete("sessions/7").json()["state"] == "killed"
    assert ada.delete("sessions/8").status_code == 404
    assert sessions.sessions[7]["state"] == "killed"


def test_idle_ones_are_ended_by_number(hops: Any, sessions: Any) -> None:
    answer = hops.user("ada").post("/sessions:stop-idle", json={"scope": "own", "sessions": [7, 9]})
    assert answer.json() == {"ended": [7]}
    assert sessions.asked[0][1] == {"scope": "own", "sessions": [7, 9]}


@pytest.mark.parametrize(
    "body", [{}, {"scope": "site"}, {"scope": "own", "sessions": ["x"]}, {"scope": "own", "sessions": [1] * 1001}]
)
def test_what_is_to_end_must_be_said_well(hops: Any, sessions: Any, body: dict[str, Any]) -> None:
    assert hops.user("ada").post("/sessions:stop-idle", json=body).status_code == 422
    assert sessions.asked == []


def test_code_in_a_session_does_not_come_this_way(hops: Any, sessions: Any) -> None:
    hops.ready_project(hops.user("ada"))
    owner = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    assert owner.get("sessions").status_code == 403
    assert owner.delete("sessions/7").status_code == 403
    assert sessions.asked == []


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (EngineUnavailableError("The session service does not answer."), 503),
        (ForbiddenError("Only an administrator sees everybody's sessions."), 403),
    ],
)
def test_what_the_session_service_says_is_said(hops: Any, sessions: Any, fault: Exception, status: int) -> None:
    sessions.fault = fault
    answer = hops.user("ada").get("sessions?scope=all")
    assert (answer.status_code, answer.json()["detail"]) == (status, str(fault))
