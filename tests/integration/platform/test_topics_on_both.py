"""What of topics depends on the database, on both: locks, quotas at the same moment, rows that go with a project."""

from __future__ import annotations

from typing import Any

from .test_concurrency import at_once, statuses
from .test_topics import ANY_VERSION, CALLED, NAME, ONE, TOPICS, ada, hops, measurements, remove, topic_uses, who

__all__ = ["ada", "hops", "measurements"]  # fixtures


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
