"""Python environments made by uv: a base, and for each project a copy of it by hard links from uv's cache."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from uv import find_uv_bin

from hops_contract.layout import Home
from hops_contract.wiping import wipe_folder
from hops_platform.adapters.disk import full_disk_told
from hops_platform.errors import EngineRefusedError, EngineUnavailableError, StorageFullError

LOG = logging.getLogger("hops.environments")
_STAMP = ".hops-stamp"
_LOCAL_DISTRIBUTIONS = ("user_library", "kernels")
_TIMEOUT_S = 1800
_MAX_REASON = 600


class UvEnvironments:
    """Environments below ``HOPS_HOME/environments``.

    Each holds what ``requirements/project.txt`` locks, and the local distributions ``user_library`` and ``kernels``.
    A stamp in the environment says what it was made of; while that is the same, nothing is done.

    Args:
        home: The platform's home; on the same file system as the cache, so that files are linked and not copied.
        source: Folder with ``requirements/``, ``user_library/`` and ``kernels/``.
    """

    def __init__(self, home: Home, *, source: Path) -> None:
        self._home = home
        self._source = source

    def probe(self) -> str:
        """See :class:`~hops_platform.engines.environments.ProjectEnvironments`."""
        if not (self._home.base_environment / "bin" / "python").exists():
            raise EngineUnavailableError("There is no base environment.")
        return f"uv {version('uv')}"

    def prefix(self, project: str) -> str:
        """See :class:`~hops_platform.engines.environments.ProjectEnvironments`."""
        return str(self._home.environment(project))

    def create(self, project: str) -> None:
        """See :class:`~hops_platform.engines.environments.ProjectEnvironments`."""
        # The base has brought everything into the cache: no network is needed, and none is waited for.
        with full_disk_told():
            self._make(self._home.environment(project), offline=True, report=LOG.info)

    def is_current(self, project: str) -> bool:
        """See :class:`~hops_platform.engines.environments.ProjectEnvironments`."""
        return self._is_made_of(self._home.environment(project), self.stamp())

    def remove(self, project: str) -> None:
        """See :class:`~hops_platform.engines.environments.ProjectEnvironments`."""
        prefix = self._home.environment(project)
        if not prefix.exists():
            return
        # Out of the way first, so that what is left is never taken for an environment.
        leaving = prefix.with_name(f".{prefix.name}.removed")
        wipe_folder(leaving)
        prefix.rename(leaving)
        wipe_folder(leaving)

    def build_base(self, report: Callable[[str], None]) -> None:
        """Makes or renews the base environment.

        Args:
            report: Is told each step in words.
        """
        self._make(self._home.base_environment, offline=False, report=report)

    def stamp(self) -> str:
        """A hash of everything that an environment is made of."""
        digest = hashlib.sha256(f"{sys.implementation.cache_tag}\n".encode())
        digest.update(self._requirements.read_bytes())
        for distribution in _LOCAL_DISTRIBUTIONS:
            digest.update(self._stamp_of(distribution).encode())
        return digest.hexdigest()

    @property
    def _requirements(self) -> Path:
        return self._source / "requirements" / "project.txt"

    def _stamp_of(self, distribution: str) -> str:
        folder = self._source / distribution
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(folder)}\n".encode())
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def _make(self, prefix: Path, *, offline: bool, report: Callable[[str], None]) -> None:
        stamp = self.stamp()
        if self._is_made_of(prefix, stamp):
            report(f"The environment {prefix.name} is up to date.")
            return
        prefix.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(prefix):
            python = prefix / "bin" / "python"
            if not python.exists():
                report(f"Making the environment {prefix.name}.")
                self._uv("venv", "--python", sys.executable, "--no-project", "--clear", prefix, offline=offline)
            wheels = [self._wheel(distribution, report=report) for distribution in _LOCAL_DISTRIBUTIONS]
            report("Installing the locked requirements.")
            self._uv(
                "pip", "sync", "--python", python, "--link-mode", "hardlink", "--require-hashes", self._requirements,
                offline=offline,
            )  # fmt: skip
            report("Installing the hops library and the kernels.")
            self._uv(
                "pip", "install", "--python", python, "--link-mode", "hardlink", "--no-deps", "--reinstall", *wheels,
                offline=True,
            )  # fmt: skip
            (prefix / _STAMP).write_text(stamp)
            report(f"The environment {prefix.name} is ready.")

    @staticmethod
    def _is_made_of(prefix: Path, stamp: str) -> bool:
        file = prefix / _STAMP
        return file.is_file() and file.read_text() == stamp

    def _wheel(self, distribution: str, *, report: Callable[[str], None]) -> Path:
        """The wheel of a local distribution, built once for each state of its source."""
        folder = self._home.root / "environments" / "wheels" / self._stamp_of(distribution)[:32]
        built = sorted(folder.glob("*.whl"))
        if not built:
            report(f"Building {distribution}.")
            beside = folder.with_name(f".{folder.name}.{os.getpid()}")
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            # The platform's own hatchling: building needs no environment of its own and no network.
            _run(
                [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(beside)],
                cwd=self._source / distribution,
                what=f"building {distribution}",
            )
            shutil.rmtree(folder, ignore_errors=True)
            beside.rename(folder)
            built = sorted(folder.glob("*.whl"))
        if not built:
            raise EngineRefusedError(f"Building {distribution} gave no wheel.")
        return built[0]

    def _uv(self, *arguments: str | Path, offline: bool) -> None:
        cache = os.environ.get("UV_CACHE_DIR") or str(self._home.root / "cache" / "uv")
        command = [find_uv_bin(), *(str(argument) for argument in arguments)]
        if offline:
            command.append("--offline")
        _run(command, cwd=self._source, what=f"uv {arguments[0]}", variables={"UV_CACHE_DIR": cache})


def _run(command: list[str], *, cwd: Path, what: str, variables: dict[str, str] | None = None) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("JUPYTERHUB_", "VIRTUAL_ENV"))
    }
    environment.update(variables or {})
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise EngineRefusedError(f"The step {what!r} took longer than {_TIMEOUT_S} s.") from error
    if done.returncode == 0:
        return
    LOG.error("%s failed:\n%s", what, done.stderr)
    if os.strerror(errno.ENOSPC).lower() in done.stderr.lower():
        raise StorageFullError(f"No space was left during {what!r}.", remedy="Tell an administrator.")
    raise EngineRefusedError(f"The step {what!r} failed: {_last_words(done.stderr)}")


def _last_words(text: str) -> str:
    """The end of a program's complaint, without the paths of this machine."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    words = " ".join(lines[-4:]).split()
    shown = " ".join("…" if "/" in word and not word.startswith("http") else word for word in words)
    return shown[-_MAX_REASON:] or "it said nothing."


@contextmanager
def _only_one(prefix: Path) -> Iterator[None]:
    """Lets one process at a time work on an environment."""
    with prefix.with_name(f".{prefix.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
