"""The front end's own tests, in the same run and the same summary as all others."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hopslab.settings import SiteSettings
from hopslab.surroundings import surroundings

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.timeout(900)
def test_the_front_ends_own_tests_pass():
    env = surroundings(SiteSettings())
    npm = shutil.which("npm", path=env["PATH"])
    assert npm, "npm is not there; `make dev` installs it"
    done = subprocess.run(
        [npm, "test"], cwd=ROOT, env=env | {"CI": "1", "NO_COLOR": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
