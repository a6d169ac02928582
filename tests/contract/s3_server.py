"""A real server of S3 for tests: versitygw (Apache-2.0), built once by Go, over a folder of this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from tests.ports import free_port

VERSION = "v1.8.0"
_BUILD_S = 540
# Compiled without making it fast, which would take longer than it serves.
QUICKLY = ("-modcacherw", "-ldflags=-s -w", "-gcflags=all=-N -l")
BUCKET = "lake"


def program(home: Path) -> Path:
    """The server's program; the test is skipped with a reason where it can't be had.

    Args:
        home: The platform's home, whose cache keeps it.
    """
    built = home / "cache" / "versitygw" / VERSION / "versitygw"
    if built.exists():
        return built
    go = shutil.which("go")
    if go is None:
        pytest.skip("S3 is left out: its server is built by Go, which is not here")
    built.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=built.parent) as folder:
        # What it is built of is not kept: it is ten times as large.
        places = {name: f"{folder}/{name}" for name in ("GOBIN", "GOMODCACHE", "GOCACHE")}
        done = _built(
            [go, "install", *QUICKLY, f"github.com/versity/versitygw/cmd/versitygw@{VERSION}"],
            {**os.environ, **places, "CGO_ENABLED": "0"},
        )
        if done is not None:
            pytest.skip(f"S3 is left out: its server can't be built: {done}")
        (Path(folder) / "GOBIN" / "versitygw").rename(built)
    return built


def _built(command: list[str], environment: dict[str, str]) -> str | None:
    """Why the program could not be built."""
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_BUILD_S, check=False)
    except subprocess.TimeoutExpired:
        return f"that took more than {_BUILD_S} seconds"
    return done.stderr[-300:] if done.returncode else None


class S3Server:
    """A server with one bucket on loopback; each request is signed, and the signature is checked."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.program = program(home)
        self.folder = folder
        self.access, self.secret = "tests", secrets.token_hex(16)
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        for name in ("data", "said"):
            (self.folder / name).mkdir()
        (self.folder / "data" / BUCKET).mkdir()
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    self.program, "--port", f"127.0.0.1:{self.port}", "--quiet",
                    "posix", "--sidecar", self.folder / "said", self.folder / "data",
                ],
                stdout=log, stderr=log,
                env={"PATH": os.defpath, "ROOT_ACCESS_KEY_ID": self.access, "ROOT_SECRET_ACCESS_KEY": self.secret},
            )  # fmt: skip
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                httpx.get(self.endpoint, timeout=60, trust_env=False)
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"The S3 server did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """Ends it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
