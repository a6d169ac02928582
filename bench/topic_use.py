"""A site's own Kafka for ``membership.py``, and what a member does with a topic there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from hops_contract.streams import prefix_of
from hops_platform.certificates.authorities import certificates_of, signing_authority
from hops_platform.certificates.models import Level
from hops_platform.database import Database
from hops_platform.security.sealing import SEALING_KEY, load_sealer
from hops_platform.settings import Settings
from tests.contract.kafka_broker import Kafka

DENIED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
PATIENCE_S = 30.0


@contextmanager
def running_kafka(home: Path) -> Iterator[Kafka | None]:
    """A broker with mutual TLS and rights that trusts the site of ``home``; ``None`` where none can be had."""
    settings = Settings(home=home)
    database = Database(settings.effective_database_url)
    with database.session() as session:
        issuer = signing_authority(session, load_sealer(settings.layout.secret(SEALING_KEY))).signed
        roots = certificates_of(session, Level.ROOT)
    database.close()
    folder = home / "kafka"
    folder.mkdir()
    try:
        broker = Kafka(folder, issuer=issuer, roots=roots)
    except pytest.skip.Exception as missing:
        print(f"Rights at Kafka are not measured: {missing}", flush=True)
        yield None
        return
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@dataclass
class TopicUse:
    """A member who writes to a topic and reads in a group, over connections that stand.

    Attributes:
        topic: On the cluster.
        producer: Theirs.
        consumer: Theirs, which the topic's one partition was given to.
    """

    topic: str
    producer: Producer
    consumer: Consumer

    def writes(self) -> bool:
        """Whether one more record is not refused."""
        answers: list[KafkaError | None] = []
        try:
            self.producer.produce(self.topic, b"rain", on_delivery=lambda error, _record: answers.append(error))
        except KafkaException as error:
            answers.append(error.args[0])
        self.producer.flush(PATIENCE_S)
        return not any(_is_refusal(answer) for answer in answers)

    def reads(self) -> bool:
        """Whether it is not refused to read on."""
        record = self.consumer.poll(0)
        return record is None or not _is_refusal(record.error())

    def close(self) -> None:
        """Lets the connections go."""
        self.consumer.close()


def begin_use(
    brokers: str, project: str, topic: str, certificate: dict[str, str], place: Path, *, wait_for: Callable[..., Any]
) -> TopicUse:
    """Writes and reads a record with an exported certificate, as soon as its owner may.

    Args:
        brokers: Where they are.
        project: Whose topic it is.
        topic: Its name on the cluster.
        certificate: As ``POST certificate:export`` answers.
        place: A folder for its files.
        wait_for: Waits until a check finds something.
    """
    client = _client(brokers, certificate, place)

    def try_to_write() -> Producer | None:
        producer = Producer(client)
        answers: list[KafkaError | None] = []
        producer.produce(topic, b"sun", on_delivery=lambda error, _record: answers.append(error))
        return producer if producer.flush(PATIENCE_S) == 0 and answers == [None] else None

    producer = wait_for(try_to_write, "The right to write to the topic")
    group = {"group.id": f"{prefix_of(project)}bench", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer(client | group)
    consumer.subscribe([topic])
    wait_for(lambda: _has_read(consumer), "The first record")
    return TopicUse(topic, producer, consumer)


def _has_read(consumer: Consumer) -> bool:
    record = consumer.poll(0.1)
    return record is not None and record.error() is None


def _client(brokers: str, certificate: dict[str, str], place: Path) -> dict[str, Any]:
    authorities, chain, key = place / "kafka-authorities.pem", place / "kafka-leaf.pem", place / "kafka-key.pem"
    authorities.write_text(certificate["authorities"])
    chain.write_text(certificate["certificate"])
    key.touch(mode=0o600)
    key.write_text(certificate["key"])
    return {
        "bootstrap.servers": brokers, "security.protocol": "SSL", "log_level": 0, "linger.ms": 0,
        "ssl.ca.location": str(authorities), "ssl.certificate.location": str(chain), "ssl.key.location": str(key),
        # A fetch is asked for as often as the other rights are looked at.
        "fetch.wait.max.ms": 20, "message.timeout.ms": int(PATIENCE_S * 1000), "allow.auto.create.topics": False,
    }  # fmt: skip


def _is_refusal(error: KafkaError | None) -> bool:
    return error is not None and error.code() in DENIED
