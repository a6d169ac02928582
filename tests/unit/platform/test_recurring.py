"""What is done again and again goes on, whatever fails."""

from __future__ import annotations

import threading

from hops_platform.recurring import Recurring


def test_what_fails_once_is_done_again() -> None:
    done: list[int] = []
    twice = threading.Event()

    def act() -> None:
        done.append(1)
        if len(done) == 1:
            raise OSError
        twice.set()

    recurring = Recurring("something", act, interval_s=0.01)
    recurring.start()
    assert twice.wait(30)
    recurring.stop()


def test_stopping_ends_the_pause() -> None:
    begun = threading.Event()
    recurring = Recurring("something", begun.set, interval_s=3600)
    recurring.start()
    assert begun.wait(30)
    recurring.stop(timeout_s=30)
    assert not any(thread.name == "recurring-something" for thread in threading.enumerate())
