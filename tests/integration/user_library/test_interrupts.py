"""Work that must reach its end, however often Ctrl-C is pressed."""

from __future__ import annotations

import signal
import threading
import time

import pytest
from hops.experiment.job import to_its_end


def test_work_reaches_its_end_however_often_it_is_interrupted(capsys):
    steps = []

    def work():
        for step in range(12):
            time.sleep(0.05)
            steps.append(step)

    def press():
        for _ in range(3):
            time.sleep(0.15)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    to_its_end(work)
    pressing.join()
    assert steps == list(range(12))
    assert capsys.readouterr().err.count("is being stopped already") == 3


def test_what_goes_wrong_meanwhile_is_raised():
    with pytest.raises(OSError, match="disk full"):
        to_its_end(lambda: (_ for _ in ()).throw(OSError("disk full")))
