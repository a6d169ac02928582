"""The README's commands in a fresh checkout, on a machine that has neither Java nor Node."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from hopslab.demo.checks import TRIALS
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = re.compile(r"(java|javac|jar|node|nodejs|npm|npx|corepack|uv|uvx)(\d.*)?")
MINUTE_S = 60

pytestmark = [pytest.mark.spark, pytest.mark.hub, pytest.mark.timeout(50 * MINUTE_S)]


@pytest.fixture
def bare_path(tmp_path: Path) -> Path:
    """A ``PATH`` with this Python and the system's programs, but without Java, Node and uv."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for source in ("/usr/bin", "/bin"):
        for program in Path(source).iterdir():
            if not LEFT_OUT.fullmatch(program.name) and not os.path.lexists(folder / program.name):
                (folder / program.name).symlink_to(program)
    python = folder / "python3"
    python.unlink(missing_ok=True)
    # Not a link: a Python finds its library beside the place where it really lies.
    python.write_text(f'#!/bin/sh\nexec {Path(sys.base_prefix, "bin", "python3")} "$@"\n')
    python.chmod(0o755)
    assert shutil.which("java", path=str(folder)) is shutil.which("node", path=str(folder)) is None
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the repository holds, in a folder with a space in its name; nothing that was made here."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone of the repository, which knows what belongs to it")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    folder = tmp_path / "a fresh checkout"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def test_make_up_and_the_demo_need_nothing_but_python_and_make_down_leaves_nothing(checkout, bare_path, tmp_path):
    port = str(free_port())
    kept = {name: value for name, value in os.environ.items() if name.endswith(("_CERT", "_CERT_FILE", "_INDEX_URL"))}
    environment = kept | {
        "PATH": str(bare_path), "HOME": str(tmp_path), "LANG": "C.UTF-8", "HOPS_PORT": port,
        # The same downloads again would only measure the network.
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(ROOT / ".hopslab" / "cache" / "uv")),
        "npm_config_cache": os.environ.get("npm_config_cache", str(ROOT / ".hopslab" / "cache" / "npm")),  # noqa: SIM112 - so npm reads it
    }  # fmt: skip

    def run(*command: str, minutes: float) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=checkout, env=environment, capture_output=True, text=True, check=False,
            timeout=minutes * MINUTE_S,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done

    try:
        said = run("make", "up", minutes=18).stdout
        assert f"http://127.0.0.1:{port}/" in said
        password = re.search(r"password\s+(\S+)", said)
        assert password, said
        assert "ready" in run("make", "up", minutes=5).stdout, "a second time everything is there"
        findings = json.loads(run(".venv/bin/hopslab", "doctor", "--json", minutes=4).stdout)["findings"]
        java = next(finding for finding in findings if finding["subject"] == "Java")
        assert java["detail"].endswith("from the package index")
        walked = run(".venv/bin/hopslab", "demo", "--json", minutes=15)
        assert password[1] not in walked.stdout + walked.stderr
        all_is_right(json.loads(walked.stdout))
    finally:
        run("make", "down", minutes=4)
    assert started_in(checkout) == []


def all_is_right(outcome: dict[str, Any]) -> None:
    """What the demo prints of its walk along the whole path."""
    assert outcome["ok"] is True
    assert outcome["trials"] == len(outcome["tensorboard_runs"]) == TRIALS
    assert outcome["best_accuracy"] > 0.8
    assert set(outcome["paths"]) == {"project", "notebook", "experiment", "server"}
    assert all(seconds >= 0 for seconds in outcome["seconds"].values())


def started_in(folder: Path) -> list[str]:
    """The processes that still run programs below ``folder``."""
    left = []
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:
            continue
        if any(str(folder) in part for part in line):
            left.append(" ".join(line)[:200])
    return left
