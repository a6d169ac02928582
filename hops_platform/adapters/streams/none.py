"""A site without Kafka."""

from __future__ import annotations

from collections.abc import Sequence

from hops_platform.engines.streams import TopicRights
from hops_platform.errors import EngineRefusedError


class NoStreams:
    """Has no topics. What was still to be done at a cluster that is no longer named is refused and stays seen."""

    @property
    def brokers(self) -> Sequence[str]:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        return ()

    def probe(self) -> str:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        return "none"

    def has_topic(self, topic: str) -> bool:  # noqa: ARG002
        """See :class:`~hops_platform.engines.streams.Streams`."""
        raise _no_kafka()

    def create_topic(self, topic: str, *, partitions: int, replicas: int) -> bool:  # noqa: ARG002
        """See :class:`~hops_platform.engines.streams.Streams`."""
        raise _no_kafka()

    def delete_topic(self, topic: str) -> None:  # noqa: ARG002
        """See :class:`~hops_platform.engines.streams.Streams`."""
        raise _no_kafka()

    def settle_rights(
        self,
        project: str,  # noqa: ARG002
        topics: Sequence[TopicRights],  # noqa: ARG002
        *,
        group_members: Sequence[str],  # noqa: ARG002
    ) -> None:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        raise _no_kafka()


def _no_kafka() -> EngineRefusedError:
    return EngineRefusedError(
        "This site has no Kafka.", remedy="HOPS_KAFKA names the brokers of its cluster; docs/topics.md tells more."
    )
