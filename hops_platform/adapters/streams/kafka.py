"""Topics and rights on a Kafka cluster, over TLS with the control plane's own certificate.

Laws:

1. Nothing is said to a broker whose certificate is not of the platform's authority, or does not prove its name.
2. Of rights, those are touched that allow something to ``User:<project>__…`` at the project's own topics and groups.
3. A call that the cluster does not let the platform make is one to be made again: an administrator has to correct the
   cluster's settings, and nothing is lost until then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # the package does not declare what it exports
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
from hops_contract.streams import prefix_of
from hops_platform.engines.streams import TopicRights
from hops_platform.errors import EngineRefusedError, EngineUnavailableError

PATIENCE_S = 10.0
_ANY_HOST = "*"
_READING = frozenset({AclOperation.READ, AclOperation.DESCRIBE})
_WRITING = _READING | {AclOperation.WRITE}
_FORBIDDEN = frozenset(
    {KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.SECURITY_DISABLED}
)

Right = tuple[str, AclOperation]
"""A principal, ``User:<project-user>``, and what it may do."""


@dataclass(frozen=True, slots=True)
class Place:
    """What rights are about: a topic by its name, or consumer groups by what their names begin with."""

    kind: ResourceType
    name: str
    pattern: ResourcePatternType

    def all_rights(self) -> AclBindingFilter:
        """Finds whatever is allowed or denied there, to whomever."""
        return _filter(self, None, AclOperation.ANY, AclPermissionType.ANY)

    def binding(self, right: Right) -> AclBinding:
        """That ``right`` is allowed there."""
        principal, operation = right
        return AclBinding(
            self.kind, self.name, self.pattern, principal, _ANY_HOST, operation, AclPermissionType.ALLOW
        )  # fmt: skip

    def right(self, right: Right) -> AclBindingFilter:
        """Finds ``right`` there, from whatever host it is allowed."""
        principal, operation = right
        return _filter(self, principal, operation, AclPermissionType.ALLOW)


def _filter(
    place: Place, principal: str | None, operation: AclOperation, permission: AclPermissionType
) -> AclBindingFilter:
    any_host: Any = None  # the package declares texts where it takes None for all
    whom: Any = principal
    return AclBindingFilter(place.kind, place.name, place.pattern, whom, any_host, operation, permission)


def place_of_topic(topic: str) -> Place:
    """A topic, by what it is called on the cluster."""
    return Place(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL)


_NOBODYS = place_of_topic("hops__").right(("User:hops__", AclOperation.READ))
"""Finds nothing. Whether the platform may change rights, the answer to its removal tells."""


def wanted_rights(
    project: str, topics: Sequence[TopicRights], *, group_members: Sequence[str]
) -> Mapping[Place, frozenset[Right]]:
    """All that is to be allowed to project-users of ``project``, by what it is about."""
    groups = Place(ResourceType.GROUP, prefix_of(project), ResourcePatternType.PREFIXED)
    wanted = {groups: _rights(group_members, _READING)}
    for one in topics:
        wanted[place_of_topic(one.topic)] = _rights(one.writers, _WRITING) | _rights(one.readers, _READING)
    return wanted


def _rights(names: Sequence[str], operations: frozenset[AclOperation]) -> frozenset[Right]:
    return frozenset((f"User:{name}", operation) for name in names for operation in operations)


class KafkaStreams:
    """A Kafka cluster.

    Args:
        brokers: Where it is found, ``host:port`` each.
        certificate: PEM file of the control plane's certificate, with its chain.
        key: PEM file of its key.
        authorities: PEM file of those who vouch for the brokers.
        patience_s: How long an answer is waited for.
    """

    def __init__(
        self, brokers: Sequence[str], *, certificate: Path, key: Path, authorities: Path, patience_s: float = PATIENCE_S
    ) -> None:
        self._brokers, self._patience_s = tuple(brokers), patience_s
        self._certificate, self._key, self._authorities = certificate, key, authorities

    @property
    def brokers(self) -> Sequence[str]:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        return self._brokers

    def probe(self) -> str:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        with self._admin() as admin:
            found = admin.describe_cluster(request_timeout=self._patience_s).result(self._patience_s)
            # Else one would learn of a missing right when a member is removed.
            _all_done(admin.delete_acls([_NOBODYS], request_timeout=self._patience_s), self._patience_s)
            count = len(found.nodes)
            return f"Kafka, {count} broker{'' if count == 1 else 's'}"

    def has_topic(self, topic: str) -> bool:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        with self._admin() as admin:
            asked = admin.describe_topics(TopicCollection([topic]), request_timeout=self._patience_s)
            return _done(asked[topic], self._patience_s, but=KafkaError.UNKNOWN_TOPIC_OR_PART)

    def create_topic(self, topic: str, *, partitions: int, replicas: int) -> bool:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        wanted = NewTopic(topic, num_partitions=partitions, replication_factor=replicas)
        with self._admin() as admin:
            asked = admin.create_topics([wanted], request_timeout=self._patience_s)
            return _done(asked[topic], self._patience_s, but=KafkaError.TOPIC_ALREADY_EXISTS)

    def delete_topic(self, topic: str) -> None:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        with self._admin() as admin:
            # The rights first: they would be those to the next topic of this name.
            everything = place_of_topic(topic).all_rights()
            _all_done(admin.delete_acls([everything], request_timeout=self._patience_s), self._patience_s)
            asked = admin.delete_topics([topic], request_timeout=self._patience_s)
            _done(asked[topic], self._patience_s, but=KafkaError.UNKNOWN_TOPIC_OR_PART)

    def settle_rights(self, project: str, topics: Sequence[TopicRights], *, group_members: Sequence[str]) -> None:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        wanted = wanted_rights(project, topics, group_members=group_members)
        ours, patience_s = f"User:{prefix_of(project)}", self._patience_s
        with self._admin() as admin:
            asked = {place: admin.describe_acls(place.all_rights(), request_timeout=patience_s) for place in wanted}
            found = {place: _found(future.result(patience_s), ours) for place, future in asked.items()}
            gone = [place.right(one) for place in wanted for one in sorted(found[place] - wanted[place], key=str)]
            new = [place.binding(one) for place in wanted for one in sorted(wanted[place] - found[place], key=str)]
            # Also where nothing is: librdkafka shows a cluster that lets the platform see no rights as one without any.
            _all_done(admin.delete_acls([*gone, _NOBODYS], request_timeout=patience_s), patience_s)
            if new:
                _all_done(admin.create_acls(new, request_timeout=patience_s), patience_s)

    @contextmanager
    def _admin(self) -> Iterator[AdminClient]:
        """A client, anew for each call: the certificate is renewed; its errors in the platform's words."""
        try:
            yield AdminClient(self._configuration())
        except KafkaException as error:
            raise _told(error.args[0]) from None
        except TimeoutError:
            raise EngineUnavailableError("Kafka does not answer in time.") from None

    def _configuration(self) -> dict[str, Any]:
        if not (self._certificate.is_file() and self._key.is_file() and self._authorities.is_file()):
            raise EngineUnavailableError(
                "The control plane's own certificate is not written yet.",
                remedy="It is when the control plane starts: 'make up'.",
            )
        return {
            "bootstrap.servers": ",".join(self._brokers),
            "security.protocol": "SSL",
            "ssl.ca.location": str(self._authorities),
            "ssl.certificate.location": str(self._certificate),
            "ssl.key.location": str(self._key),
            "ssl.endpoint.identification.algorithm": "https",
            "socket.connection.setup.timeout.ms": int(self._patience_s * 1000),
            "log_level": 0,  # what goes wrong is told by the calls
        }


def _found(bindings: Sequence[Any], ours: str) -> frozenset[Right]:
    return frozenset(
        (one.principal, one.operation)
        for one in bindings
        if one.principal.startswith(ours) and one.permission_type is AclPermissionType.ALLOW
    )


def _done(asked: Future[Any], patience_s: float, *, but: int) -> bool:
    """Whether it was done; not, where the answer is ``but``."""
    try:
        asked.result(patience_s)
    except KafkaException as error:
        if error.args[0].code() == but:
            return False
        raise
    return True


def _all_done(asked: Mapping[Any, Future[Any]], patience_s: float) -> None:
    for future in asked.values():
        future.result(patience_s)


def _told(error: KafkaError) -> EngineRefusedError | EngineUnavailableError:
    """What the cluster answered, in the platform's words: without addresses, which the outbox's list would show."""
    code = error.code()
    if code in _FORBIDDEN:
        return EngineUnavailableError(
            "Kafka does not let the platform manage topics and rights.",
            remedy=f"Its authorizer has to be on, and User:{CONTROL_PLANE} in its super.users (docs/topics.md).",
        )
    if code == KafkaError.INVALID_REPLICATION_FACTOR:
        return EngineRefusedError(
            "Kafka has fewer brokers than there would be replicas.", remedy="Create the topic with fewer replicas."
        )
    # librdkafka's own errors are negative: it has not come to an answer of the cluster.
    if code < 0 or error.retriable():
        return EngineUnavailableError("Kafka does not answer.")
    return EngineRefusedError(f"Kafka refused: {error.name()}.")
