"""Names of topics, and the brokers of a setting."""

from __future__ import annotations

import pytest

from hops_contract.streams import MOST_BROKERS, is_topic_name, read_brokers, topic_on_cluster


def test_a_topic_is_named_by_its_project() -> None:
    assert topic_on_cluster("weather", "measurements") == "weather__measurements"


@pytest.mark.parametrize("name", ["a", "a1", "raw_data-2", "a__b", "a" * 64])
def test_names_that_can_be(name: str) -> None:
    assert is_topic_name(name)


@pytest.mark.parametrize("name", ["", "1a", "-a", "a-", "a.b", "A", "a b", "a/b", "..", "a\n", "ä", "a" * 65])
def test_names_that_can_not_be(name: str) -> None:
    assert not is_topic_name(name)


def test_brokers_stand_between_commas() -> None:
    assert read_brokers("") == read_brokers(" , ") == ()
    assert read_brokers("k-1.example.org:9093, 10.0.0.9:9093,") == ("k-1.example.org:9093", "10.0.0.9:9093")


@pytest.mark.parametrize(
    "text",
    ["kafka", "kafka:", "kafka:0", "kafka:65536", ":9093", "SSL://kafka:9093", "a b:1", "u@k:1", "k:1\n;k:2"],
)
def test_what_is_no_broker_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no broker"):
        read_brokers(text)


def test_there_are_not_too_many() -> None:
    with pytest.raises(ValueError, match="the most"):
        read_brokers(",".join(f"k{number}:1" for number in range(MOST_BROKERS + 1)))
