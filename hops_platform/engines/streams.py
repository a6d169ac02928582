"""Topics on the cluster of the site, and who may use them there by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRights:
    """Which project-users may use a topic.

    Attributes:
        topic: What it is called on the cluster.
        writers: Who may read from it and write to it.
        readers: Who may only read from it.
    """

    topic: str
    writers: Sequence[str] = ()
    readers: Sequence[str] = ()


class Streams(Protocol):
    """A cluster that keeps streams of records. Topics are named as the cluster calls them: ``project__topic``."""

    @property
    def brokers(self) -> Sequence[str]:
        """Where programs find it, ``host:port`` each; none where the site has no such cluster."""
        ...

    def probe(self) -> str:
        """What it is, in few words, as far as it says.

        Raises:
            PlatformError: It does not work.
        """
        ...

    def has_topic(self, topic: str) -> bool:
        """Whether there is a topic of this name, whoever made it."""
        ...

    def create_topic(self, topic: str, *, partitions: int, replicas: int) -> bool:
        """Makes a topic; leaves one that is there, with what it holds.

        Returns:
            Whether it was made now.

        Raises:
            EngineRefusedError: The cluster can't have it so: it has fewer brokers than there would be replicas, say.
        """
        ...

    def delete_topic(self, topic: str) -> None:
        """Deletes a topic with what it holds, and all rights to it; does nothing more if there is none."""
        ...

    def settle_rights(self, project: str, topics: Sequence[TopicRights], *, group_members: Sequence[str]) -> None:
        """Lets those, and no other project-users of ``project``, use its topics and its consumer groups.

        Can be repeated, and says what is true now. Rights of others than project-users of ``project``, which an
        administrator of the cluster gave, stay. What is taken away is taken before anything is given.

        Args:
            project: Whose; its consumer groups are those whose names begin with ``project__``.
            topics: All that it has.
            group_members: The project-users who may read in its consumer groups.
        """
        ...
