from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from hops_spawner.logged_command import KEPT_BYTES


def run(log: Path, code: str) -> int:
    command = [sys.executable, "-m", "hops_spawner.logged_command", str(log), sys.executable, "-c", code]
    return subprocess.run(command, check=False, timeout=240, capture_output=True).returncode


def test_output_and_errors_are_appended_to_a_private_log_and_the_exit_status_is_the_commands(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "control-plane.log"
    assert run(log, "print('first')") == 0
    assert run(log, "import sys; print('second', file=sys.stderr); sys.exit(7)") == 7
    assert log.read_text() == "first\nsecond\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_long_log_is_put_aside_once(tmp_path: Path) -> None:
    log = tmp_path / "livy.log"
    log.write_bytes(b"x" * (KEPT_BYTES + 1))
    assert run(log, "print('new')") == 0
    assert log.read_text() == "new\n"
    assert (tmp_path / "livy.log.old").stat().st_size == KEPT_BYTES + 1
