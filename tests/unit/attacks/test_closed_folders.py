"""Code that closes its folders to the platform, so that nobody counts what lies in them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hops_contract.sandbox import SandboxError, find_program

try:
    find_program()
except SandboxError as error:
    pytest.skip(f"needs user namespaces: {error}", allow_module_level=True)

COUNTS = """
import sys
from pathlib import Path
from hops_platform.adapters.storage.local_size import size_of_folders
print(size_of_folders(*map(Path, sys.argv[1:])))
"""
# An administrator reads closed folders anyhow; without these rights it is as anybody else.
ORDINARY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all") if os.geteuid() == 0 else ()


def counted(folder: Path) -> int:
    command = [*ORDINARY, sys.executable, "-c", COUNTS, str(folder)]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


@pytest.mark.skipif(bool(ORDINARY) and shutil.which("setpriv") is None, reason="needs setpriv")
@pytest.mark.parametrize("mode", [0o000, 0o100, 0o600])
def test_what_lies_in_a_closed_folder_is_counted(tmp_path: Path, mode: int) -> None:
    inner = tmp_path / "project" / "Jupyter" / "closed" / "inner"
    inner.mkdir(parents=True)
    (inner / "big").write_bytes(bytes(2**20))
    inner.parent.chmod(mode)
    try:
        assert 2**20 <= counted(tmp_path / "project") < 2 * 2**20
    finally:
        inner.parent.chmod(0o700)
