import json
import subprocess

import pytest

from hops_livy import memory
from hops_livy.gpus import GpuLedger, NoGpuError, discovery_script
from hops_livy.memory import MemoryLedger, NoMemoryError


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


def test_the_limit_counts_all_sessions(monkeypatch):
    monkeypatch.setattr(memory, "free_memory_mib", lambda: 100_000)
    ledger = MemoryLedger(4000)
    ledger.take(3000, session_id=1)
    with pytest.raises(NoMemoryError, match="4000 MiB together, and 3000 MiB are taken"):
        ledger.take(2000, session_id=2)
    ledger.give_back(1)
    ledger.take(2000, session_id=2)
