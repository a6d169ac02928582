"""Calls to the session service: so many in all, so many of one person, and nobody waits."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from hops_platform.errors import TooManyError
from hops_platform.places import WAITING_OF_ONE_PERSON
from hops_platform.sessions.calls import AT_ONCE, OF_ONE_PERSON, places_of_calls


def test_one_person_has_so_many_and_others_have_theirs() -> None:
    places = places_of_calls()
    with ExitStack() as taken:
        for _ in range(OF_ONE_PERSON):
            taken.enter_context(places.take("ada"))
        with pytest.raises(TooManyError, match="4 of your requests") as refused, places.take("ada"):
            pass
        assert (refused.value.status, refused.value.retry_after_s) == (429, 2)
        assert "Close some of the pages" in str(refused.value.remedy)
        taken.enter_context(places.take("bob"))
    with places.take("ada"):
        pass


def test_in_all_there_are_so_many() -> None:
    places = places_of_calls()
    with ExitStack() as taken:
        for number in range(AT_ONCE):
            taken.enter_context(places.take(f"user{number}"))
        with pytest.raises(TooManyError, match="Too many people") as refused, places.take("ada"):
            pass
        assert (refused.value.status, refused.value.remedy) == (429, "Try again in a moment.")
    with places.take("ada"):
        pass


def test_who_watches_in_many_tabs_has_places_left_for_what_is_answered_at_once() -> None:
    places = places_of_calls()
    with ExitStack() as taken:
        may_wait = [taken.enter_context(places.take("ada")) for _ in range(OF_ONE_PERSON)]
    assert may_wait == [number < WAITING_OF_ONE_PERSON for number in range(OF_ONE_PERSON)]


def test_a_place_is_given_back_when_the_call_fails_and_nobody_is_remembered() -> None:
    places = places_of_calls()
    for _ in range(AT_ONCE + 1):
        with pytest.raises(OSError, match="away"), places.take("ada"):
            raise OSError("away")
    assert not places._taken
    with ExitStack() as taken:
        for _ in range(OF_ONE_PERSON):
            taken.enter_context(places.take("ada"))
        for _ in range(3):
            with pytest.raises(TooManyError), places.take("ada"):
                pass
    assert not places._taken
