"""The contract of streams, for the fake and for a real Kafka, whose rights are tried out with members' certificates."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from hops_contract.certificates import CONTROL_PLANE
from hops_platform.adapters.streams.kafka import KafkaStreams, place_of_topic, wanted_rights
from hops_platform.adapters.streams.none import NoStreams
from hops_platform.engines.streams import TopicRights
from hops_platform.errors import EngineRefusedError, EngineUnavailableError
from hops_platform.testing.contracts.streams import StreamsContract
from hops_platform.testing.fakes import MemoryStreams
from tests.contract.kafka_broker import Kafka
from tests.waiting import until

TOPIC = "weather__measurements"
GROUP = "weather__readers"
DENIED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
_PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    broker = Kafka(tmp_path_factory.mktemp("kafka"))
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


class TestMemoryStreams(StreamsContract):
    @pytest.fixture
    def engine(self) -> MemoryStreams:
        return MemoryStreams(brokers=["kafka.example.org:9093"])


class TestKafka(StreamsContract):
    @pytest.fixture
    def engine(self, kafka: Kafka) -> KafkaStreams:
        return kafka.streams()

    def test_it_says_what_it_is(self, engine: KafkaStreams) -> None:
        assert engine.probe() == "Kafka, 1 broker"

    def test_one_who_may_not_manage_it_is_told_what_helps(self, kafka: Kafka) -> None:
        stranger = kafka.streams("weather__ada")
        with pytest.raises(EngineUnavailableError, match="does not let the platform manage") as told:
            stranger.settle_rights("weather", [], group_members=[])
        assert "super.users" in (told.value.remedy or "")
        with pytest.raises(EngineUnavailableError, match="does not let the platform manage"):
            stranger.create_topic("weather__mine", partitions=1, replicas=1)
        with pytest.raises(EngineUnavailableError, match="does not let the platform manage"):
            stranger.probe()


def produce(client: dict[str, Any], text: str, topic: str = TOPIC) -> KafkaError | None:
    """Why a record was not taken; ``None`` if it was."""
    outcome: list[KafkaError | None] = []
    producer = Producer({**client, "message.timeout.ms": int(_PATIENCE_S * 1000)})
    try:
        producer.produce(topic, text.encode(), on_delivery=lambda error, _record: outcome.append(error))
    except KafkaException as error:
        return error.args[0]
    assert producer.flush(_PATIENCE_S) == 0
    return outcome[0]


def consume(client: dict[str, Any], group: str = GROUP) -> str | KafkaError:
    """The first record that a group is given, or why it is given none."""
    consumer = Consumer({**client, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.subscribe([TOPIC])
    end = time.monotonic() + _PATIENCE_S
    try:
        while time.monotonic() < end:
            record = consumer.poll(0.2)
            if record is None:
                continue
            error = record.error()
            if error is None:
                return bytes(record.value()).decode()
            if error.code() in DENIED:
                return error
    finally:
        consumer.close()
    raise AssertionError("no record came, and no refusal")


def refused(answer: Any) -> bool:
    return isinstance(answer, KafkaError) and answer.code() in DENIED


def test_members_use_the_topic_and_strangers_and_those_removed_do_not(kafka: Kafka) -> None:
    streams = kafka.streams()
    ada, bob, eve = (kafka.client(name) for name in ("weather__ada", "weather__bob", "tides__eve"))
    streams.create_topic(TOPIC, partitions=1, replicas=1)
    members = ["weather__ada", "weather__bob"]
    streams.settle_rights("weather", [TopicRights(topic=TOPIC, writers=members)], group_members=members)
    until(lambda: produce(ada, "21.5") is None)
    assert consume(bob) == "21.5"
    # Of another project: neither the topic, nor its own group at it, nor the project's group.
    assert refused(produce(eve, "mine"))
    assert refused(consume(eve, group="tides__readers"))
    assert refused(consume(eve))
    # A member's own name as a group of another project's is none of theirs either.
    assert refused(consume(ada, group="tides__readers"))
    # Nobody makes topics past the platform.
    admin = AdminClient(ada)
    made = admin.create_topics([NewTopic("weather__mine", num_partitions=1, replication_factor=1)])
    with pytest.raises(KafkaException) as told:
        made["weather__mine"].result(_PATIENCE_S)
    assert told.value.args[0].code() in {
        KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }  # fmt: skip
    # Bob is removed.
    streams.settle_rights("weather", [TopicRights(topic=TOPIC, writers=members[:1])], group_members=members[:1])
    until(lambda: refused(produce(bob, "once more")))
    assert refused(consume(bob))
    assert produce(ada, "22.0") is None
    # Archived: for reading.
    streams.settle_rights("weather", [TopicRights(topic=TOPIC, readers=members[:1])], group_members=members[:1])
    until(lambda: refused(produce(ada, "23.0")))
    assert consume(ada) == "21.5"


def test_rights_that_an_administrator_gave_stay_until_the_topic_goes(kafka: Kafka) -> None:
    streams, topic = kafka.streams(), "weather__guarded"
    admin = AdminClient(kafka.client(CONTROL_PLANE))

    def found() -> set[tuple[str, AclOperation]]:
        everything = AclBindingFilter(
            ResourceType.TOPIC, topic, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
        )
        return {(one.principal, one.operation) for one in admin.describe_acls(everything).result(_PATIENCE_S)}

    by_hand = AclBinding(
        ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, "User:meter", "*", AclOperation.WRITE,
        AclPermissionType.ALLOW,
    )  # fmt: skip
    for future in admin.create_acls([by_hand]).values():
        future.result(_PATIENCE_S)
    streams.create_topic(topic, partitions=1, replicas=1)
    streams.settle_rights("weather", [TopicRights(topic=topic, readers=["weather__ada"])], group_members=[])
    reading = {("User:weather__ada", AclOperation.READ), ("User:weather__ada", AclOperation.DESCRIBE)}
    until(found, wanted=lambda told: told == {("User:meter", AclOperation.WRITE)} | reading)
    streams.settle_rights("weather", [TopicRights(topic=topic)], group_members=[])
    # A broker tells what it has heard, which may be that of a moment ago.
    until(found, wanted=lambda told: told == {("User:meter", AclOperation.WRITE)})
    streams.delete_topic(topic)
    until(found, wanted=lambda told: told == set())


def test_a_cluster_that_does_not_answer_is_told_without_its_address(kafka: Kafka, tmp_path: Path) -> None:
    files = kafka.files_of(CONTROL_PLANE)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        away = KafkaStreams(
            [address], certificate=files.certificate, key=files.key, authorities=files.authorities, patience_s=1.0
        )
        with pytest.raises(EngineUnavailableError, match=r"^Kafka does not answer"):
            away.probe()
    unwritten = KafkaStreams([address], certificate=tmp_path / "none.pem", key=files.key, authorities=files.authorities)
    with pytest.raises(EngineUnavailableError, match="not written yet"):
        unwritten.probe()


def test_what_is_to_be_allowed_is_built_whole() -> None:
    wanted = wanted_rights(
        "weather",
        [TopicRights(topic="weather__a", writers=["weather__ada"], readers=["weather__bob"])],
        group_members=["weather__ada"],
    )
    by_name = {place.name: {(name, one.name) for name, one in rights} for place, rights in wanted.items()}
    assert by_name == {
        "weather__": {("User:weather__ada", "READ"), ("User:weather__ada", "DESCRIBE")},
        "weather__a": {
            *(("User:weather__ada", one) for one in ("READ", "WRITE", "DESCRIBE")),
            *(("User:weather__bob", one) for one in ("READ", "DESCRIBE")),
        },
    }
    assert place_of_topic("weather__a").pattern is ResourcePatternType.LITERAL


def test_a_site_without_a_cluster_refuses_what_was_left_to_do() -> None:
    none = NoStreams()
    assert (none.brokers, none.probe()) == ((), "none")
    for call in (
        lambda: none.has_topic("weather__a"),
        lambda: none.create_topic("weather__a", partitions=1, replicas=1),
        lambda: none.delete_topic("weather__a"),
        lambda: none.settle_rights("weather", [], group_members=[]),
    ):
        with pytest.raises(EngineRefusedError, match="no Kafka"):
            call()
