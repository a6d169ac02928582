"""What was left behind is removed again and again, whatever fails."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from hops_platform.database import now
from hops_platform.sweeping import LEFT_BEHIND, Sweeper


def test_a_sweep_that_fails_holds_up_neither_the_others_nor_the_next_round() -> None:
    done: list[datetime] = []
    twice = threading.Event()

    def fails(_before: datetime) -> None:
        raise OSError

    def works(before: datetime) -> None:
        done.append(before)
        if len(done) == 2:
            twice.set()

    sweeper = Sweeper((fails, works), every_s=0.01)
    sweeper.start()
    assert twice.wait(30)
    sweeper.stop()
    assert now() - done[0] - LEFT_BEHIND < timedelta(minutes=1)
