"""Service, driver, executor, notebook server and browser are killed once each while cells run: nothing is lost."""

import json
import subprocess
import sys

import pytest

from .conftest import CHROMIUM, ROOT

pytestmark = [pytest.mark.spark, pytest.mark.browser, pytest.mark.timeout(1500)]


def test_each_is_killed_once_and_nothing_is_lost_or_left_over():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; HOPS_CHROMIUM names one")
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "faults.py", "--rounds", "5"],
        capture_output=True, text=True, timeout=1440, check=False, cwd=ROOT,
    )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}
    assert told.get("value") == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert told["kinds"] == dict.fromkeys(("service", "driver", "executor", "notebook_server", "browser"), 1)
