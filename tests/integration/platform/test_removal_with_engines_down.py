"""A member is removed while parts of the platform are down: proofs end at once, the rest when it can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from hops_contract.principal import ProjectRole
from hops_platform.database import now
from hops_platform.engines.hub import HubServer, ServerState
from hops_platform.errors import EngineUnavailableError
from hops_platform.outbox import Delivery

SERVER = ("bob", "weather")


@pytest.fixture
def hops(make: Callable[..., Any]) -> Any:
    """A control plane whose site has Kafka."""
    return make(kafka="kafka.example.org:9093")


@pytest.fixture
def ada(hops: Any) -> Any:
    """A Data Owner of weather, where bob has a server, sessions, rights to a topic, and a dataset of tides."""
    ada, grace = hops.user("ada"), hops.user("grace")
    hops.user("bob")
    hops.ready_project(ada)
    hops.ready_project(grace, "tides")
    ada.patch("projects/weather", json={"listed": True}, headers={"If-Match": "*"}).raise_for_status()
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    grace.post("projects/tides/datasets/Resources/shares", json={"project": "weather"}).raise_for_status()
    ada.post("./projects/weather/shares/tides/Resources:accept").raise_for_status()
    ada.post("projects/weather/topics", json={"name": "measurements"}).raise_for_status()
    hops.deliver()
    hops.platform.hub.servers[SERVER] = HubServer(state=ServerState.READY)
    return ada


def some_time_later(hops: Any) -> None:
    with hops.platform.parts.database.session() as session:
        session.execute(update(Delivery).values(due_at=now() - timedelta(seconds=1)))
    hops.deliver()


@pytest.mark.parametrize(
    "down", [("hub",), ("sessions",), ("sandboxes",), ("storage", "streams"), ("hub", "sessions")], ids=str
)
def test_a_removal_is_carried_out_after_what_was_down_is_back(hops: Any, ada: Any, down: tuple[str, ...]) -> None:
    bob = hops.with_token(hops.platform.parts.signer.sign_user("bob", admin=False).token)
    code = hops.project_user("bob", "weather", ProjectRole.DATA_SCIENTIST)
    key = bob.post("me/api-keys", json={"name": "reader", "scopes": ["projects:read"]}).json()["key"]
    certificate = bob.post("./projects/weather/certificate:export").json()["certificate"]
    ways = (bob, code, hops.with_token(key), hops.with_certificate(certificate))
    assert {way.get("projects/weather").status_code for way in ways} == {200}

    engines = [getattr(hops.platform, name) for name in down]
    for engine in engines:
        engine.fault = EngineUnavailableError("It does not answer.")
    assert ada.delete("projects/weather/members/bob").status_code == 204
    for _ in range(3):
        some_time_later(hops)
    # Nothing that proves something waits for an engine.
    assert {way.get("projects/weather").status_code for way in ways} <= {401, 404}
    topics = hops.platform.streams.rights
    assert (SERVER in hops.platform.hub.servers, hops.platform.sessions.ended == []) == (
        "hub" in down, "sessions" in down
    )  # fmt: skip
    assert ("weather__bob" in topics["weather__measurements"].writers) == ("streams" in down)
    for engine in engines:
        engine.fault = None
    some_time_later(hops)
    assert SERVER not in hops.platform.hub.servers
    assert hops.platform.sessions.ended == ["weather__bob"]
    assert topics["weather__measurements"].writers == ["weather__ada"]
    grant = {"user": "bob", "options": None}
    assert hops.hub().post("projects/weather/server-grants", json=grant).status_code == 403
    assert hops.user("root-ada", admin=True).get("outbox").json()["items"] == []


def test_who_comes_back_before_the_removal_was_carried_out_keeps_nothing_of_before(hops: Any, ada: Any) -> None:
    code = hops.project_user("bob", "weather", ProjectRole.DATA_SCIENTIST)
    hops.platform.hub.fault = hops.platform.sessions.fault = EngineUnavailableError("It does not answer.")
    ada.delete("projects/weather/members/bob").raise_for_status()
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    assert code.get("projects/weather").status_code == 401
    hops.platform.hub.fault = hops.platform.sessions.fault = None
    some_time_later(hops)
    assert SERVER not in hops.platform.hub.servers
    assert hops.platform.sessions.ended == ["weather__bob"]


def test_a_share_that_is_taken_back_while_mounts_can_not_be_settled_goes_when_they_can(hops: Any, ada: Any) -> None:
    del ada
    grace = hops.with_token(hops.platform.parts.signer.sign_user("grace", admin=False).token)
    sandboxes = hops.platform.sandboxes
    assert sandboxes.visible["weather"] == {"tides/Resources": False}
    sandboxes.fault = EngineUnavailableError("It does not answer.")
    grace.delete("projects/tides/datasets/Resources/shares/weather").raise_for_status()
    some_time_later(hops)
    assert sandboxes.visible["weather"] == {"tides/Resources": False}
    sandboxes.fault = None
    some_time_later(hops)
    assert sandboxes.visible["weather"] == {}
