"""Topics of projects: who creates, sees and deletes them, how many there may be, and what follows on the cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select

from hops_contract.principal import ProjectRole
from hops_platform.errors import EngineRefusedError, EngineUnavailableError
from hops_platform.kafka.models import Topic
from hops_platform.kafka.rights import settle_all_topics
from hops_platform.kafka.service import make_missing

from .test_concurrency import at_once, statuses

ANY_VERSION = {"If-Match": "*"}
TOPICS = "projects/weather/topics"
ONE = f"{TOPICS}/measurements"
CALLED = "weather__measurements"
NAME = {"name": "measurements"}


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


def test_a_topic_is_made_on_the_cluster_listed_and_deleted_there(hops: Any, ada: Any) -> None:
    made = ada.post(TOPICS, json={**NAME, "partitions": 3, "replicas": 2})
    assert made.status_code == 201, made.text
    assert made.json() | {"created_at": None} == {
        "name": "measurements", "on_cluster": CALLED, "partitions": 3, "replicas": 2, "state": "creating",
        "error": None, "made_by": "ada", "created_at": None,
    }  # fmt: skip
    hops.deliver()
    assert ada.get(ONE).json()["state"] == "ready"
    streams = hops.platform.streams
    assert (streams.topics, who(streams)) == ({CALLED: (3, 2)}, (["weather__ada"], []))
    ada.post(TOPICS, json={"name": "alarms"}).raise_for_status()
    first = ada.get(f"{TOPICS}?limit=1").json()
    second = ada.get(f"{TOPICS}?limit=1&after={first['next']}").json()
    assert [one["name"] for page in (first, second) for one in page["items"]] == ["alarms", "measurements"]
    assert second["next"] is None
    assert topic_uses(ada) == (2, 10)
    (site,) = hops.user("root", admin=True).get("site/projects").json()["items"]
    assert (site["topics"], site["limits"]["max_project_topics"]) == (2, 10)
    brokers = ada.get("projects/weather/brokers").json()
    assert brokers == {"brokers": ["kafka-1.example.org:9093", "kafka-2.example.org:9093"], "prefix": "weather__"}
    assert ada.request("DELETE", ONE, json={"name": "alarms"}).status_code == 422
    assert remove(ada).status_code == 204
    assert ada.get(ONE).status_code == 404
    hops.deliver()
    assert set(streams.topics) == {"weather__alarms"}
    told = [one["text"] for one in ada.get("projects/weather/activity").json()["items"]]
    assert "ada created the topic measurements." in told
    assert "ada deleted the topic measurements with all that was in it." in told


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


def test_no_more_topics_than_the_project_may_have_even_at_once(hops: Any, ada: Any) -> None:
    root = hops.user("root", admin=True)
    limits = root.get("projects/weather/limits").json() | {"max_project_topics": 2}
    root.put("projects/weather/limits", json=limits, headers=ANY_VERSION).raise_for_status()
    calls = [lambda name=name: ada.post(TOPICS, json={"name": name}) for name in ("a", "b", "c", "d")]
    answers = at_once(*calls)
    assert statuses(answers) == [201, 201, 409, 409]
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert refused["type"] == "urn:hopslab:problem:quota-exceeded"
    assert "has 2 topics, and 2 are the most" in refused["detail"]
    assert topic_uses(ada) == (2, 2)
    kept = ada.get(TOPICS).json()["items"][0]["name"]
    assert remove(ada, kept).status_code == 204
    assert ada.post(TOPICS, json={"name": "e"}).status_code == 201


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


def test_topics_go_when_a_deleted_project_can_not_be_restored_any_more(hops: Any, ada: Any, measurements: Any) -> None:
    measurements.topics["weather__of-somebody-else"] = (1, 1)
    name = {"name": "weather"}
    ada.request("DELETE", "projects/weather", json=name).raise_for_status()
    hops.deliver()
    assert (who(measurements), CALLED in measurements.topics) == (([], []), True)
    ada.post("deleted-projects/weather:restore").raise_for_status()
    hops.deliver()
    assert who(measurements) == (["weather__ada"], [])
    ada.request("DELETE", "projects/weather", json=name).raise_for_status()
    hops.deliver()
    ada.request("DELETE", "deleted-projects/weather", json=name).raise_for_status()
    again = ada.post("projects", json=name)
    assert again.status_code == 409, "a project of that name would find the topics of the one before"
    hops.deliver()
    assert set(measurements.topics) == {"weather__of-somebody-else"}
    assert (measurements.rights, measurements.groups["weather"]) == ({}, [])


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


def test_a_topic_deleted_while_it_is_made_is_deleted_on_the_cluster_too(hops: Any, ada: Any) -> None:
    streams = hops.platform.streams
    create = streams.create_topic

    def meanwhile(topic: str, **more: Any) -> bool:
        assert remove(ada).status_code == 204
        return bool(create(topic, **more))

    streams.create_topic = meanwhile
    ada.post(TOPICS, json=NAME).raise_for_status()
    hops.deliver()
    assert (streams.topics, streams.rights) == ({}, {})


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
