"""A session's own folder: what lies in it, and how it is made and wiped.

The session's code can write whatever lies in it. So the service follows no path that it reads there, opens no link, and
keeps what it must believe outside of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST_SOCKET_PATH = 100
"""Linux takes 107 bytes for the path of a socket; the port's number is added to ours."""


@dataclass(frozen=True, slots=True)
class SessionFolder:
    """The 0700 folder of one session or batch (``run/sessions/<id>``)."""

    path: Path

    @property
    def launch(self) -> Path:
        """What the driver's process is to do."""
        return self.path / "launch.json"

    @property
    def record(self) -> Path:
        """Process ids with start times, for a later service to end what this one left behind."""
        return self.path.parent.parent / "session-records" / f"{self.path.name}.json"

    @property
    def token(self) -> Path:
        """The session's token (``HOPS_TOKEN_FILE``)."""
        return self.path / "token.jwt"

    @property
    def properties(self) -> Path:
        """Spark's settings."""
        return self.path / "spark.properties"

    @property
    def connection(self) -> Path:
        """Connection file of the kernel, with its key."""
        return self.path / "kernel.json"

    @property
    def gateway_info(self) -> Path:
        """Where the Java machine says on which port its gateway answers."""
        return self.path / "gateway"

    @property
    def log(self) -> Path:
        """What the driver writes."""
        return self.path / "driver.log"

    @property
    def temporary(self) -> Path:
        """Temporary files of the session (``TMPDIR``, ``spark.local.dir``)."""
        return self.path / "tmp"

    @property
    def ipython(self) -> Path:
        """IPython's own folder."""
        return self.path / "ipython"

    @property
    def spark_home(self) -> Path:
        """``SPARK_HOME``: links to Spark, in a folder where workers may write."""
        return self.path / "spark"

    def make(self, *, spark: Path) -> None:
        """Makes the folder with links to the Spark installation ``spark``."""
        self.path.mkdir(mode=0o700, parents=True)
        self.record.parent.mkdir(mode=0o700, exist_ok=True)
        self.temporary.mkdir(mode=0o700)
        self.spark_home.mkdir(mode=0o700)
        self.ipython.mkdir(mode=0o700)
        # Not "python": its archive would hide the environment's own pyspark, which is compiled already.
        for name in ("bin", "sbin", "jars", "data"):
            if (spark / name).exists():
                (self.spark_home / name).symlink_to(spark / name)

    def write_secret(self, path: Path, text: str) -> None:
        """Replaces ``path`` (0600) in one step, so that no reader sees half of it."""
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)

    def write_json(self, path: Path, content: Any) -> None:
        """Replaces ``path`` by ``content``."""
        self.write_secret(path, json.dumps(content))

    def socket_prefix(self) -> str:
        """What the paths of the kernel's sockets begin with: this folder, or an own one where that is too long."""
        sockets = self._sockets
        if sockets != self.path:
            sockets.mkdir(mode=0o700, exist_ok=True)
            found = sockets.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise PermissionError(f"The folder for the session's sockets, {sockets.name}, belongs to someone else.")
            sockets.chmod(0o700)
        return str(sockets / "k")

    @property
    def _sockets(self) -> Path:
        """Where the sockets lie; found from the session's place alone, also by a later service."""
        if len(os.fsencode(self.path / "k")) <= _LONGEST_SOCKET_PATH:
            return self.path
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"hops-{os.geteuid()}-{name}"

    def open_log(self, flags: int) -> int:
        """A descriptor of the log, which must be a file of this folder.

        Raises:
            OSError: It is gone, or something else lies in its place.
        """
        descriptor = os.open(self.log, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
        found = os.fstat(descriptor)
        # A second name of a file elsewhere is no link that O_NOFOLLOW knows.
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            os.close(descriptor)
            raise PermissionError("The session's log is no file of its own.")
        return descriptor

    def wipe(self) -> None:
        """Removes the folder, the sockets' if it is another one, and the record."""
        if self._sockets != self.path:
            shutil.rmtree(self._sockets, ignore_errors=True)
        shutil.rmtree(self.path, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.record.unlink()
