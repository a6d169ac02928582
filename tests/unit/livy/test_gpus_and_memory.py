import json
import subprocess

import pytest

from hops_livy import memory
from hops_livy.gpus import GpuLedger, GpusTakenError, NoGpuError, discovery_script
from hops_livy.memory import MemoryLedger, MemoryTakenError, NoMemoryError


def test_no_gpu_is_given_twice_and_all_come_back():
    ledger = GpuLedger(3)
    assert ledger.take(2, session_id=1, owner="weather__ada") == (0, 1)
    with pytest.raises(NoGpuError, match=r"1 of 3 are free now\. In use: 2 by weather__ada\."):
        ledger.take(2, session_id=2, owner="weather__grace")
    ledger.give_back(1)
    ledger.give_back(1)
    assert ledger.take(3, session_id=2, owner="weather__grace") == (0, 1, 2)


def test_more_gpus_than_exist_are_refused_with_the_numbers():
    with pytest.raises(NoGpuError, match="5 GPUs were asked for; this machine has 2"):
        GpuLedger(2).take(5, session_id=1, owner="weather__ada")


def test_gpus_of_a_session_that_would_end_count_as_free_and_checking_takes_none():
    ledger = GpuLedger(3)
    ledger.take(2, session_id=1, owner="weather__ada")
    assert ledger.check(3, owner="weather__ada", instead_of=1) == (0, 1, 2)
    with pytest.raises(NoGpuError, match="1 of 3 are free now"):
        ledger.check(2, owner="weather__ada")
    assert ledger.held_by(1) == (0, 1)


def test_an_unknown_label_is_refused():
    with pytest.raises(NoGpuError, match="label 'fast'"):
        GpuLedger(2, ("slow",)).take(1, session_id=1, owner="weather__ada", label="fast")


def test_the_script_hands_out_each_set_once(tmp_path):
    script = tmp_path / "gpus.sh"
    script.write_text(discovery_script((4, 5, 6, 7), 2, str(tmp_path / "state")))
    calls = [subprocess.run(["sh", str(script)], capture_output=True, text=True, check=False) for _ in range(3)]
    assert [json.loads(call.stdout)["addresses"] for call in calls[:2]] == [["4", "5"], ["6", "7"]]
    assert calls[2].returncode == 1
    assert "handed out" in calls[2].stderr


def test_memory_is_refused_with_the_numbers(monkeypatch):
    monkeypatch.setattr(memory, "free_memory_mib", lambda: 3000)
    ledger = MemoryLedger()
    ledger.take(2000, session_id=1)
    with pytest.raises(NoMemoryError, match="2000 MiB of memory were asked for; this machine has 1000 MiB free"):
        ledger.take(2000, session_id=2)
    ledger.settle(1)
    ledger.take(2000, session_id=2)


def test_memory_of_a_session_that_would_end_counts_as_free_and_checking_reserves_none(monkeypatch):
    monkeypatch.setattr(memory, "free_memory_mib", lambda: 3000)
    ledger = MemoryLedger(4000)
    ledger.take(2000, session_id=1)
    ledger.check(3000, instead_of=1)
    with pytest.raises(NoMemoryError, match="4001 MiB of memory were asked for"):
        ledger.check(4001, instead_of=1)
    with pytest.raises(NoMemoryError, match="2000 MiB are taken"):
        ledger.check(3000)
    ledger.take(1000, session_id=2)


def test_what_can_be_waited_for_is_told_from_what_never_can_be_had(monkeypatch):
    monkeypatch.setattr(memory, "free_memory_mib", lambda: 3000)
    monkeypatch.setattr(memory, "whole_memory_mib", lambda: 8000)
    gpus = GpuLedger(2)
    gpus.take(1, session_id=1, owner="weather__ada")
    with pytest.raises(GpusTakenError):
        gpus.check(2, owner="weather__ada")
    assert not isinstance(_refused(gpus.check, 3, owner="weather__ada"), GpusTakenError)
    with pytest.raises(MemoryTakenError):
        MemoryLedger().check(4000)
    never = _refused(MemoryLedger().check, 9000)
    assert not isinstance(never, MemoryTakenError)
    assert str(never) == "9000 MiB of memory were asked for; this machine has 7.8 GiB. Ask for less."


def _refused(check, *arguments, **options):
    with pytest.raises((NoGpuError, NoMemoryError)) as refused:
        check(*arguments, **options)
    return refused.value


def test_what_is_free_counts_what_was_promised_and_not_used_yet(monkeypatch):
    monkeypatch.setattr(memory, "free_memory_mib", lambda: 3000)
    ledger, bounded = MemoryLedger(), MemoryLedger(4000)
    for each in (ledger, bounded):
        each.take(2000, session_id=1)
    assert (ledger.free, bounded.free, bounded.whole) == (1000, 1000, 4000)
    for each in (ledger, bounded):
        each.settle(1)
    assert (ledger.free, bounded.free) == (3000, 2000)
    gpus = GpuLedger(3)
    gpus.take(2, session_id=1, owner="weather__ada")
    assert gpus.free == 1


def test_the_limit_counts_all_sessions(monkeypatch):
    monkeypatch.setattr(memory, "free_memory_mib", lambda: 100_000)
    ledger = MemoryLedger(4000)
    ledger.take(3000, session_id=1)
    with pytest.raises(NoMemoryError, match="4000 MiB together, and 3000 MiB are taken"):
        ledger.take(2000, session_id=2)
    ledger.give_back(1)
    ledger.take(2000, session_id=2)
