"""Tickets for downloads: good once, for a while, for one person."""

from __future__ import annotations

import uuid

import pytest

from hops_platform.files import tickets
from hops_platform.files.tickets import LIFETIME_S, MOST_OF_ONE, AskedFile, DownloadTickets

FILE = AskedFile("weather", "raw", "may.csv")
ADA, BOB = uuid.uuid4(), uuid.uuid4()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def given(clock: Clock) -> DownloadTickets:
    return DownloadTickets(clock)


def test_a_ticket_is_good_once(given: DownloadTickets) -> None:
    ticket = given.give(ADA, FILE)
    assert given.take(ADA, ticket) == FILE
    assert given.take(ADA, ticket) is None


@pytest.mark.parametrize("text", ["", "x", "\ud800", "a" * 100_000])
def test_what_was_never_given_out_is_none(given: DownloadTickets, text: str) -> None:
    given.give(ADA, FILE)
    assert given.take(ADA, text) is None


def test_another_persons_ticket_is_not_good_and_used_up(given: DownloadTickets) -> None:
    ticket = given.give(ADA, FILE)
    assert given.take(BOB, ticket) is None
    assert given.take(ADA, ticket) is None


def test_a_ticket_ends(given: DownloadTickets, clock: Clock) -> None:
    ticket, later = given.give(ADA, FILE), given.give(ADA, FILE)
    clock.now = LIFETIME_S
    assert given.take(ADA, ticket) is None
    clock.now = LIFETIME_S - 1
    assert given.take(ADA, later) == FILE


def test_one_person_has_so_many_and_nobody_elses_are_lost(given: DownloadTickets) -> None:
    other = given.give(BOB, FILE)
    own = [given.give(ADA, FILE) for _ in range(MOST_OF_ONE + 1)]
    assert given.take(ADA, own[0]) is None
    assert given.take(ADA, own[1]) == FILE
    assert given.take(BOB, other) == FILE


def test_there_are_never_more_than_so_many(given: DownloadTickets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "MOST", 2)
    first, *rest = [given.give(uuid.uuid4(), FILE) for _ in range(3)]
    assert first not in rest
    assert len(given._given) == 2
