"""The contract of topics and rights on them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from hops_platform.engines.streams import Streams, TopicRights
from hops_platform.errors import EngineRefusedError


class StreamsContract:
    """What every :class:`~hops_platform.engines.streams.Streams` does.

    Each test has topics of its own: a cluster takes a while to start.
    """

    def test_a_topic_is_made_once_and_left_alone(self, engine: Streams) -> None:
        """Deliveries come at least once."""
        assert not engine.has_topic("weather__once")
        assert engine.create_topic("weather__once", partitions=2, replicas=1)
        assert not engine.create_topic("weather__once", partitions=5, replicas=1)
        assert engine.has_topic("weather__once")

    def test_a_deleted_topic_is_gone_and_may_be_deleted_again(self, engine: Streams) -> None:
        """A new one of its name is made anew."""
        engine.create_topic("weather__gone", partitions=1, replicas=1)
        engine.settle_rights("weather", [_readable("weather__gone")], group_members=["weather__ada"])
        engine.delete_topic("weather__gone")
        engine.delete_topic("weather__gone")
        _wait_until(lambda: not engine.has_topic("weather__gone"))
        assert engine.create_topic("weather__gone", partitions=1, replicas=1)

    def test_what_can_not_be_is_refused(self, engine: Streams) -> None:
        """Asking again is of no use."""
        with pytest.raises(EngineRefusedError, match="fewer brokers"):
            engine.create_topic("weather__spread", partitions=1, replicas=9)
        assert not engine.has_topic("weather__spread")

    def test_rights_are_said_as_often_as_one_likes_and_before_there_is_a_topic(self, engine: Streams) -> None:
        """The order of what is delivered is no concern of theirs."""
        rights = [_readable("weather__often"), TopicRights(topic="weather__none")]
        for _ in range(2):
            engine.settle_rights("weather", rights, group_members=["weather__ada", "weather__bob"])
        engine.settle_rights("weather", [TopicRights(topic="weather__often")], group_members=[])

    def test_it_tells_where_it_is_and_what(self, engine: Streams) -> None:
        """For programs, and for whoever looks after it."""
        assert engine.brokers
        assert engine.probe()


def _readable(topic: str) -> TopicRights:
    return TopicRights(topic=topic, writers=["weather__ada"], readers=["weather__bob"])


def _wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to be")
