"""Topics of the project on the site's Kafka: what they are called, where the brokers are, what clients need to get in.

A client shows the certificate of this session (:mod:`hops.tls`). With it one reads and writes the topics of this
project, in consumer groups whose names begin with those of the project; nothing else.

Example:
    >>> from confluent_kafka import Consumer, Producer
    >>> from hops import kafka
    >>> producer = Producer(kafka.get_kafka_default_config())
    >>> producer.produce(kafka.topic("measurements"), b"21.5")
    >>> producer.flush()
"""

from __future__ import annotations

from typing import Any

from hops import _platform, _session, tls
from hops.errors import KafkaError

__all__ = [
    "KafkaError",
    "get_broker_endpoints",
    "get_broker_endpoints_list",
    "get_kafka_default_config",
    "get_security_protocol",
    "group",
    "spark_options",
    "topic",
    "topics",
]

_told = _platform.told_as(KafkaError)

_PROTOCOL = "SSL"


@_told
def topics() -> list[dict[str, Any]]:
    """The topics of the project: ``name``, ``on_cluster`` (what clients call it), ``partitions``, ``state`` and more.

    Raises:
        KafkaError: The site has no Kafka, the platform refused, or does not answer.
    """
    return list(_platform.pages("topics"))


def topic(name: str) -> str:
    """What clients call a topic of this project: ``measurements`` is ``weather__measurements``.

    Raises:
        NoProjectError: This process belongs to no project.
    """
    return _prefix() + name


def group(name: str = "") -> str:
    """The name of a consumer group that this project may use; without a name it is the project-user's.

    Raises:
        NoProjectError: This process belongs to no project.
    """
    return _prefix() + name if name else _session.current().project_user


@_told
def get_broker_endpoints() -> str:
    """The brokers, ``host:port`` each, with commas, as clients take them.

    Raises:
        KafkaError: The site has no Kafka, the project has it switched off, or the platform does not answer.
    """
    return ",".join(get_broker_endpoints_list())


@_told
def get_broker_endpoints_list() -> list[str]:
    """The brokers, ``host:port`` each.

    Raises:
        KafkaError: The site has no Kafka, the project has it switched off, or the platform does not answer.
    """
    brokers: list[str] = _platform.call("GET", "brokers")["brokers"]
    return brokers


def get_security_protocol() -> str:
    """How clients speak to the brokers: ``SSL``, with a certificate on both sides."""
    return _PROTOCOL


@_told
def get_kafka_default_config() -> dict[str, str]:
    """What ``confluent_kafka.Producer`` and ``Consumer`` need; more can be added.

    Raises:
        KafkaError: The site has no Kafka, the project has it switched off, or the platform does not answer.
        FileNotFoundError: This session has no certificate.
    """
    return {
        "bootstrap.servers": get_broker_endpoints(),
        "security.protocol": _PROTOCOL,
        "ssl.ca.location": tls.get_ca_chain_location(),
        "ssl.certificate.location": tls.get_client_certificate_location(),
        "ssl.key.location": tls.get_client_key_location(),
        "group.id": group(),
    }


@_told
def spark_options() -> dict[str, str]:
    """The options of Spark's source and sink ``kafka``; ``subscribe`` or ``topic`` is to be added.

    Spark redacts the passwords wherever it shows options.

    Raises:
        KafkaError: The site has no Kafka, the project has it switched off, or the platform does not answer.
        FileNotFoundError: This session has no certificate.

    Example:
        >>> spark.readStream.format("kafka").options(**kafka.spark_options()).option("subscribe", kafka.topic("a"))
    """
    password = tls.get_key_store_pwd()
    return {
        "kafka.bootstrap.servers": get_broker_endpoints(),
        "kafka.security.protocol": _PROTOCOL,
        "kafka.ssl.keystore.type": "PKCS12",
        "kafka.ssl.keystore.location": tls.get_key_store(),
        "kafka.ssl.keystore.password": password,
        "kafka.ssl.key.password": password,
        "kafka.ssl.truststore.type": "PKCS12",
        "kafka.ssl.truststore.location": tls.get_trust_store(),
        "kafka.ssl.truststore.password": tls.get_trust_store_pwd(),
        # Spark makes a group for each query, of a name that else no member may use.
        "groupIdPrefix": group("spark"),
    }


def _prefix() -> str:
    return f"{_session.current().project}__"
