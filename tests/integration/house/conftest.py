"""Sites of their own, on free ports, in folders with a space in their names."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
HOPSLAB = ROOT / ".venv" / "bin" / "hopslab"


class Command:
    """The command ``hopslab`` for one home."""

    def __init__(self, home, **settings):
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HOPS_")}
        self.env = kept | {"HOPS_HOME": str(home), **{name: str(value) for name, value in settings.items()}}

    def run(self, *arguments, timeout=120):
        return subprocess.run(
            [HOPSLAB, *arguments], env=self.env, capture_output=True, text=True, timeout=timeout, check=False
        )

    def start(self, *arguments, output):
        """Start it in the foreground, as a terminal would."""
        return subprocess.Popen(
            [HOPSLAB, *arguments], env=self.env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


@pytest.fixture
def site(tmp_path):
    """Makes the command for a site with given settings; ends what it started."""
    home = tmp_path / "a home"
    for shared in (Path("environments", "base"), Path("archives")):
        (home / shared).parent.mkdir(parents=True, exist_ok=True)
        (home / shared).symlink_to(ROOT / ".hopslab" / shared)

    def make(**settings):
        settings.setdefault("HOPS_PORT", free_port())
        return Command(home, **settings)

    yield make
    ended = Command(home).run("down")
    assert ended.returncode == 0, ended.stderr


def press_ctrl_c(process):
    """What a terminal sends to the program in front."""
    os.killpg(process.pid, signal.SIGINT)
