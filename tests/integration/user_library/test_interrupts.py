"""Work that must reach its end, however often Ctrl-C is pressed."""

from __future__ import annotations

import io
import signal
import sys
import threading
import time

import pytest
from hops.experiment.job import to_its_end

from tests.waiting import until


def test_work_reaches_its_end_however_often_it_is_interrupted(monkeypatch):
    steps, said = [], io.StringIO()
    monkeypatch.setattr(sys, "stderr", said)

    def answers():
        return said.getvalue().count("is being stopped already")

    def press():
        for number in range(3):
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            until(answers, wanted=lambda count, pressed=number + 1: count >= pressed)

    pressing = threading.Thread(target=press)

    def work():
        pressing.start()
        while pressing.is_alive():
            time.sleep(0.05)
            steps.append("in between")
        steps.append("end")

    to_its_end(work)
    assert steps[-1] == "end"
    assert answers() == 3


def test_what_goes_wrong_meanwhile_is_raised():
    with pytest.raises(OSError, match="disk full"):
        to_its_end(lambda: (_ for _ in ()).throw(OSError("disk full")))
