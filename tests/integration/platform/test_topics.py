"""Topics of projects: who creates, sees and deletes them, and what follows on the cluster."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from hops_contract.principal import ProjectRole
from hops_platform.errors import EngineRefusedError, EngineUnavailableError
from hops_platform.kafka.models import Topic
from hops_platform.kafka.rights import settle_all_topics
from hops_platform.kafka.service import make_missing
from hops_platform.outbox import Delivery

ANY_VERSION = {"If-Match": "*"}
TOPICS = "projects/weather/topics"
ONE = f"{TOPICS}/measurements"
CALLED = "weather__measurements"
NAME = {"name": "measurements"}


@pytest.fixture
def database_url(migrated_sqlite: Path, tmp_path: Path) -> None:
    """The embedded one alone: what depends on the database is in test_topics_on_both."""
    (tmp_path / "home").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "home" / "control-plane.db")


@pytest.fixture
def hops(make: Callable[..., Any]) -> Any:
    """A control plane whose site has Kafka."""
    return make(kafka="kafka-1.example.org:9093, kafka-2.example.org:9093")


@pytest.fixture
def ada(hops: Any) -> Any:
    ada = hops.user("ada")
    hops.ready_project(ada, template="empty")
    return ada


@pytest.fixture
def measurements(hops: Any, ada: Any) -> Any:
    ada.post(TOPICS, json={**NAME, "partitions": 3, "replicas": 2}).raise_for_status()
    hops.deliver()
    return hops.platform.streams


def who(streams: Any, topic: str = CALLED) -> tuple[list[str], list[str]]:
    found = streams.rights[topic]
    return list(found.writers), list(found.readers)


def remove(client: Any, name: str = "measurements") -> Any:
    return client.request("DELETE", f"{TOPICS}/{name}", json={"name": name})


def topic_uses(client: Any) -> tuple[int, int | None]:
    (found,) = (one for one in client.get("projects/weather/use").json()["items"] if one["what"] == "topics")
    return found["used"], found["limit"]


def test_one_key_creates_once_and_a_name_is_taken_once(hops: Any, ada: Any) -> None:
    key = {"Idempotency-Key": "k"}
    assert [ada.post(TOPICS, json=NAME, headers=key).status_code for _ in range(2)] == [201, 201]
    assert ada.post(TOPICS, json=NAME).status_code == 409
    grace = hops.user("grace")
    hops.ready_project(grace, "tides", template="empty")
    assert grace.post("projects/tides/topics", json=NAME).status_code == 201, "names are each project's own"
    hops.deliver()
    assert set(hops.platform.streams.topics) == {CALLED, "tides__measurements"}


def test_a_name_is_free_when_its_topic_is_gone_on_the_cluster(hops: Any, ada: Any, measurements: Any) -> None:
    assert remove(ada).status_code == 204
    again = ada.post(TOPICS, json=NAME)
    assert (again.status_code, "still being deleted" in again.json()["detail"]) == (409, True)
    hops.deliver()
    assert ada.post(TOPICS, json=NAME).status_code == 201
    hops.deliver()
    assert measurements.topics == {CALLED: (1, 1)}


def test_names_that_can_be_none_are_refused_and_numbers_have_limits(ada: Any) -> None:
    for name in ("", "..", "../other", "a/b", "Upper", "a.b", "-a", "a-", "_a", "a" * 65, "a\n", "a b", "\x00"):
        assert ada.post(TOPICS, json={"name": name}).status_code == 422, name
        if name.strip("."):
            assert ada.get(f"{TOPICS}/{quote(name, safe='')}").status_code in (404, 422), name
    for wrong in ({"partitions": 0}, {"partitions": 101}, {"replicas": 0}, {"replicas": 11}, {"retention": 1}):
        assert ada.post(TOPICS, json={**NAME, **wrong}).status_code == 422


def test_a_data_scientist_and_a_strange_token_create_and_delete_none(hops: Any, ada: Any, measurements: Any) -> None:
    bob, eve = hops.user("bob"), hops.user("eve")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    hops.ready_project(eve, "tides", template="empty")
    owners_code = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    for client in (bob, owners_code):
        assert client.post(TOPICS, json={"name": "mine"}).status_code == 403
        assert remove(client).status_code == 403
        assert client.get(ONE).json()["on_cluster"] == CALLED
        assert [one["name"] for one in client.get(TOPICS).json()["items"]] == ["measurements"]
        assert client.get("projects/weather/brokers").status_code == 200
    # Another project's: told as if there were no such project.
    for client in (eve, hops.project_user("eve", "tides", ProjectRole.DATA_OWNER)):
        answers = [client.get(TOPICS), client.get(ONE), client.get("projects/weather/brokers"), remove(client)]
        assert {answer.status_code for answer in answers} <= {403, 404}
        assert answers[1].status_code == 404 or client is not eve
    # Nor is it found from one's own.
    assert eve.get("projects/tides/topics/measurements").status_code == 404
    assert eve.get(f"projects/tides/topics/{CALLED}").status_code == 404
    hops.deliver()
    assert set(measurements.topics) == {CALLED}


def test_rights_follow_members_users_and_the_project(hops: Any, ada: Any, measurements: Any) -> None:
    root = hops.user("root", admin=True)
    hops.create_user("bob")
    bob = "weather__bob"
    both = ["weather__ada", bob]

    def now() -> tuple[list[str], list[str], list[str]]:
        hops.deliver()
        return (*who(measurements), measurements.groups["weather"])

    assert now() == (["weather__ada"], [], ["weather__ada"])
    ada.post("projects/weather/members", json={"user": "bob", "role": "data_scientist"}).raise_for_status()
    assert now() == (both, [], both)
    root.patch("users/bob", json={"active": False}, headers=ANY_VERSION).raise_for_status()
    assert now() == (["weather__ada"], [], ["weather__ada"])
    root.patch("users/bob", json={"active": True}, headers=ANY_VERSION).raise_for_status()
    assert now() == (both, [], both)
    ada.post("projects/weather:archive", json={"name": "weather"}).raise_for_status()
    assert now() == ([], both, both)
    assert ada.post(TOPICS, json={"name": "more"}).status_code == 409
    assert remove(ada).status_code == 409
    ada.post("projects/weather:unarchive").raise_for_status()
    others = ["jupyter", "sharing", "spark"]
    ada.put("projects/weather/services", json={"services": others}, headers=ANY_VERSION).raise_for_status()
    assert now() == ([], [], [])
    off = ada.post(TOPICS, json={"name": "more"}).json()
    assert off["type"] == "urn:hopslab:problem:service-off"
    assert ada.get(ONE).status_code == 200
    ada.put("projects/weather/services", json={"services": ["kafka", *others]}, headers=ANY_VERSION).raise_for_status()
    assert now() == (both, [], both)
    ada.delete("projects/weather/members/bob").raise_for_status()
    assert now() == (["weather__ada"], [], ["weather__ada"])


def test_a_topic_that_the_cluster_had_before_is_never_taken_over_nor_deleted(hops: Any, ada: Any) -> None:
    streams = hops.platform.streams
    streams.topics[CALLED] = (7, 1)
    ada.post(TOPICS, json=NAME).raise_for_status()
    hops.deliver()
    found = ada.get(ONE).json()
    assert (found["state"], "which the platform did not make" in found["error"]) == ("failed", True)
    assert streams.rights == {}, "nobody may use it"
    assert remove(ada).status_code == 204
    hops.deliver()
    assert streams.topics == {CALLED: (7, 1)}


def test_one_that_somebody_else_makes_in_the_same_moment_is_not_taken_over_either(hops: Any, ada: Any) -> None:
    streams = hops.platform.streams
    create = streams.create_topic

    def beaten(topic: str, **more: Any) -> bool:
        streams.topics[topic] = (7, 1)
        return bool(create(topic, **more))

    streams.create_topic = beaten
    ada.post(TOPICS, json=NAME).raise_for_status()
    hops.deliver()
    assert ada.get(ONE).json()["state"] == "failed"
    assert remove(ada).status_code == 204
    hops.deliver()
    assert (streams.topics, streams.rights) == ({CALLED: (7, 1)}, {})


def test_what_the_cluster_refuses_is_told_and_can_be_deleted_and_created_otherwise(hops: Any, ada: Any) -> None:
    ada.post(TOPICS, json={**NAME, "replicas": 9}).raise_for_status()
    ada.post(TOPICS, json={"name": "alarms"}).raise_for_status()
    hops.deliver()
    assert ada.get(ONE).json()["error"] == "There are fewer brokers than there would be replicas."
    assert ada.get(f"{TOPICS}/alarms").json()["state"] == "ready", "one that fails holds up no other"
    assert remove(ada).status_code == 204
    assert ada.post(TOPICS, json=NAME).status_code == 201
    hops.deliver()
    assert ada.get(ONE).json()["state"] == "ready"


def test_a_cluster_that_is_away_gets_it_later_and_what_was_begun_is_finished(hops: Any, ada: Any) -> None:
    streams = hops.platform.streams
    create = streams.create_topic

    def broken(topic: str, **more: Any) -> bool:
        create(topic, **more)
        raise EngineUnavailableError("The answer was lost.")

    streams.create_topic = broken
    ada.post(TOPICS, json=NAME).raise_for_status()
    hops.deliver()
    assert (ada.get(ONE).json()["state"], set(streams.topics)) == ("creating", {CALLED})
    streams.create_topic = create
    parts = hops.platform.parts
    make_missing(parts.database, streams, "weather")
    assert ada.get(ONE).json()["state"] == "ready"
    listed = hops.user("root", admin=True).get("outbox").json()["items"]
    assert [(one["channel"], one["last_error"]) for one in listed] == [("kafka", "The answer was lost.")]


def test_rights_that_were_changed_on_the_cluster_are_set_right_again(hops: Any, measurements: Any) -> None:
    measurements.rights.clear()
    parts = hops.platform.parts
    for expected in (1, 0):  # what waits already is not asked for again
        with parts.database.session() as session:
            assert settle_all_topics(session) == expected
    hops.deliver()
    assert who(measurements) == (["weather__ada"], [])


def test_the_engine_is_watched_with_its_health(hops: Any, measurements: Any) -> None:
    root = hops.user("root", admin=True)
    measurements.fault = EngineRefusedError("It is not well.")
    hops.platform.parts.engine_watch.look()
    (kafka,) = (one for one in root.get("engines").json() if one["name"] == "kafka")
    assert (kafka["state"], kafka["error"]) == ("down", "It is not well.")
    assert "docs/topics.md" in kafka["remedy"]


def test_a_site_without_kafka_says_so_and_watches_none(make: Any) -> None:
    hops = make()
    ada, eve = hops.user("ada"), hops.user("eve")
    hops.ready_project(ada, template="empty")
    for answer in (
        ada.get(TOPICS), ada.post(TOPICS, json=NAME), ada.get(ONE), remove(ada), ada.get("projects/weather/brokers"),
    ):  # fmt: skip
        assert answer.status_code == 409, answer.text
        assert answer.json()["detail"] == "This site has no Kafka, so that there are no topics."
        assert "HOPS_KAFKA" in answer.json()["remedy"]
    assert eve.get(TOPICS).status_code == 404
    assert topic_uses(ada) == (0, 10)
    names = [one.name for one in hops.platform.parts.engine_watch.watched]
    assert "kafka" not in names
    ada.post("projects/weather/members", json={"user": "eve"}).raise_for_status()
    hops.deliver()
    with hops.platform.parts.database.session() as session:
        assert session.scalars(select(Topic)).all() == []


def test_who_changes_their_project_often_lets_no_removed_member_of_another_wait(hops: Any, ada: Any) -> None:
    ada.post(TOPICS, json=NAME).raise_for_status()
    for number in range(20):
        ada.patch("projects/weather", json={"title": f"W{number}"}, headers=ANY_VERSION).raise_for_status()
    with hops.platform.parts.database.session(writes=False) as session:
        assert len(session.scalars(select(Delivery.id).where(Delivery.channel == "kafka")).all()) == 1
