"""The end of a session's processes, where a look can miss one."""

from __future__ import annotations

import asyncio

import pytest

from hops_livy.builtin import processes


class Process:
    def __init__(self):
        self.pid, self.signals = 7, []

    def send_signal(self, number):
        self.signals.append(number)

    def kill(self):
        self.signals.append("kill")


@pytest.fixture
def looks(monkeypatch):
    """What is seen, look by look; nothing after that."""
    planned = []
    monkeypatch.setattr(processes, "processes_of", lambda _leader, _application: planned.pop(0) if planned else [])
    monkeypatch.setattr(processes, "_POLL_S", 0.01)
    return planned


def test_a_process_that_one_look_misses_is_ended_all_the_same(looks):
    hidden = Process()
    looks += [[], [hidden], []]
    assert asyncio.run(processes.end_processes(1, "a")) is True
    assert hidden.signals, "it was asked to end"
    assert looks == []


def test_a_process_that_does_not_end_is_told_of(looks, monkeypatch):
    monkeypatch.setattr(processes, "_GRACE_S", 0.02)
    monkeypatch.setattr(processes, "_GIVE_UP_S", 0.1)
    stubborn = Process()
    looks += [[stubborn]] * 1000
    assert asyncio.run(processes.end_processes(1, "a")) is False
    assert "kill" in stubborn.signals
