"""A session's own folder: what lies in it, and how it is made and wiped.

The session's code can write whatever lies in it. So the service follows no path that it reads there, opens no link, and
keeps what it must believe outside of it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import socket
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hops_contract.certificates import CERTIFICATES_FOLDER
from hops_contract.private_files import write_private
from hops_contract.wiping import wipe_folder

_LONGEST_SOCKET_PATH = 100
"""Linux takes 107 bytes for the path of a socket; the port's number is added to ours."""
_MOST_OUTPUTS = 2000


@dataclass(frozen=True, slots=True)
class SessionFolder:
    """The 0700 folder of one session or batch (``run/sessions/<id>``)."""

    path: Path

    @property
    def launch(self) -> Path:
        """What the driver's process is to do."""
        return self.path / "launch.json"

    @property
    def outputs(self) -> Path:
        """What its statements wrote (see :mod:`hops_livy.driver.hops_session.spool`)."""
        return self.path / "outputs"

    @property
    def status(self) -> Path:
        """How far its start has come, one JSON object a line."""
        return self.path / "status.jsonl"

    @property
    def status_socket(self) -> Path:
        """Where the service listens to the same."""
        return self.sockets / "status"

    @property
    def token(self) -> Path:
        """The session's token (``HOPS_TOKEN_FILE``)."""
        return self.path / "token.jwt"

    @property
    def certificates(self) -> Path:
        """The certificate of the session's owner (``HOPS_CERTIFICATES``)."""
        return self.path / CERTIFICATES_FOLDER

    @property
    def certificates_archive(self) -> Path:
        """The same for Spark to bring to executors elsewhere."""
        return self.path / f"{CERTIFICATES_FOLDER}.zip"

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
    def pages_socket(self) -> Path:
        """Leads to Spark's pages in a network of their own; beside the folder, where no code of the session sees it."""
        return self.path.with_name(f"{self.path.name}.pages")

    @property
    def limited(self) -> Path:
        """Why a limit of its sandbox ended something; beside the folder as well."""
        return self.path.with_name(f"{self.path.name}.limited")

    @property
    def temporary(self) -> Path:
        """Temporary files of the session (``TMPDIR``, ``spark.local.dir``)."""
        return self.path / "tmp"

    @property
    def classes(self) -> Path:
        """Classes of the session's Scala interpreter."""
        return self.temporary / "scala"

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
        self.outputs.mkdir(mode=0o700)
        self.temporary.mkdir(mode=0o700)
        self.spark_home.mkdir(mode=0o700)
        self.ipython.mkdir(mode=0o700)
        # Not "python": its archive would hide the environment's own pyspark, which is compiled already.
        for name in ("bin", "sbin", "jars", "data"):
            if (spark / name).exists():
                (self.spark_home / name).symlink_to(spark / name)

    def write_secret(self, path: Path, text: str) -> None:
        """Replaces ``path`` (0600) in one step, so that no reader sees half of it."""
        write_private(path, text)

    def write_certificates(self, files: Mapping[str, bytes], *, archive: bool) -> None:
        """Writes the certificate of the session's owner, before any code of theirs runs.

        Args:
            files: By their names.
            archive: Whether executors run elsewhere.
        """
        self.certificates.mkdir(mode=0o700)
        for name, content in files.items():
            _write_new(self.certificates / name, content)
        if archive:
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as file:
                for name, content in files.items():
                    file.writestr(name, content)
            _write_new(self.certificates_archive, packed.getvalue())

    def write_json(self, path: Path, content: Any) -> None:
        """Replaces ``path`` by ``content``."""
        self.write_secret(path, json.dumps(content))

    def socket_prefix(self) -> str:
        """What the paths of the kernel's sockets begin with: this folder, or an own one where that is too long."""
        return str(self._own_sockets() / "k")

    def listen_to_status(self) -> socket.socket:
        """A datagram socket on which the driver tells of its start from now on.

        Raises:
            OSError: It can't be had.
        """
        path = self._own_sockets() / self.status_socket.name
        with contextlib.suppress(FileNotFoundError):
            path.unlink()  # of a service that is gone
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            listener.bind(str(path))
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        return listener

    def _own_sockets(self) -> Path:
        sockets = self.sockets
        if sockets != self.path:
            sockets.mkdir(mode=0o700, exist_ok=True)
            found = sockets.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise PermissionError(f"The folder for the session's sockets, {sockets.name}, belongs to someone else.")
            sockets.chmod(0o700)
        return sockets

    @property
    def sockets(self) -> Path:
        """Where the sockets lie; found from the session's place alone, also by a later service."""
        if len(os.fsencode(self.path / "k")) <= _LONGEST_SOCKET_PATH:
            return self.path
        name = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"hops-{os.geteuid()}-{name}"

    def open_log(self, flags: int) -> int:
        """A descriptor of the log; see :func:`open_own`."""
        return open_own(self.log, flags)

    def open_output(self, statement: int) -> int:
        """A descriptor of the file with what a statement wrote.

        Raises:
            OSError: There is none.
        """
        with self._outputs_opened() as outputs:
            return open_own(f"{statement}.jsonl", os.O_RDONLY, dir_fd=outputs)

    def drop_output(self, statement: int) -> None:
        """Removes that file."""
        with contextlib.suppress(OSError), self._outputs_opened() as outputs:
            os.unlink(f"{statement}.jsonl", dir_fd=outputs)

    def keep_outputs(self, target: Path) -> None:
        """Moves those files to ``target``, which is made. Called when no process of the session is left."""
        with contextlib.suppress(OSError), self._outputs_opened() as outputs:
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.scandir(outputs) as entries:
                some = (entry.name for _, entry in zip(range(_MOST_OUTPUTS), entries, strict=False))
                names = [name for name in some if re.fullmatch(r"[0-9]{1,9}\.jsonl", name)]
            for name in names:
                # A name that is given once, to a file: no link leads out of what is moved.
                with contextlib.suppress(OSError):
                    os.close(open_own(name, os.O_RDONLY, dir_fd=outputs))
                    os.rename(name, target / name, src_dir_fd=outputs)

    @contextlib.contextmanager
    def _outputs_opened(self) -> Iterator[int]:
        descriptor = os.open(self.outputs, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def wipe(self) -> None:
        """Removes the folder, and the sockets' if it is another one."""
        if self.sockets != self.path:
            wipe_folder(self.sockets)
        wipe_folder(self.path)
        for beside in (self.pages_socket, self.limited):
            beside.unlink(missing_ok=True)


def _write_new(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def open_own(path: Path | str, flags: int, *, dir_fd: int | None = None) -> int:
    """A descriptor of a file that the session's code can replace, but not by one of elsewhere.

    Raises:
        OSError: It is gone, or something else lies in its place.
    """
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=dir_fd)
    found = os.fstat(descriptor)
    # A second name of a file elsewhere is no link that O_NOFOLLOW knows.
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(descriptor)
        raise PermissionError(f"{Path(path).name} is no file of the session's own.")
    return descriptor
