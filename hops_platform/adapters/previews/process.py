"""Previews by a process for each file: with limits on memory and time, and in a sandbox without a network.

Where the machine can make no sandbox the limits hold all the same; then a file that takes the process over has the
rights of this service's user.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from hops_contract.layout import Home
from hops_contract.sandbox import (
    SandboxError,
    Sandboxing,
    View,
    command_in_sandbox,
    find_program,
    of_python,
    unless_systems,
)
from hops_platform.engines.previews import Bounds, FileFormat
from hops_platform.errors import ConflictError, EngineUnavailableError

LOG = logging.getLogger("hops.previews")
PATIENCE_S = 30.0
"""An outer bound: on a busy machine a process waits long for its five seconds of processor time (``reader.limits``)."""
_PACKAGE = Path(__file__).resolve().parents[2]
_MODULE = "hops_platform.adapters.previews.reader"
_MOST_WRITTEN = 8 * 1024 * 1024
"""What is shown has at most a MiB; as JSON each byte of it may take six."""
_PIECE = 1024 * 1024
_MOST_GATHERED = 64 * 1024 * 1024
"""So much of a file that lies elsewhere is fetched for a preview."""
_MOST_OF_TEXT = 4 * 1024 * 1024
_READ_FROM_THE_BEGINNING = frozenset({FileFormat.CSV, FileFormat.MARKDOWN, FileFormat.TEXT})
# Nothing of this service's own, which holds secrets. Arrow's other allocators take address space in advance.
_ENVIRONMENT = {
    "PATH": os.defpath,
    "LC_ALL": "C.UTF-8",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class ProcessPreviews:
    """Reads each file in a process of its own.

    Args:
        home: The platform's home, of which the process sees nothing.
        sandbox: Whether it runs in a sandbox.
    """

    def __init__(self, home: Home, *, sandbox: Sandboxing = Sandboxing.AUTO) -> None:
        self._home = home
        self._sandbox = sandbox

    def read(self, file: BinaryIO, file_format: FileFormat, bounds: Bounds) -> bytes:
        """See :class:`~hops_platform.engines.previews.FilePreviews`."""
        command = [sys.executable, "-I", "-m", _MODULE, file_format.value, str(bounds.size), str(bounds.rows)]
        with tempfile.TemporaryDirectory(prefix="hops-preview-") as temporary, _of_the_system(file, file_format) as own:
            return _run(self._confined(command, Path(temporary)), own)

    def _confined(self, command: list[str], temporary: Path) -> list[str]:
        if self._program is None:
            return command
        view = View(
            read=tuple(sorted(unless_systems({_PACKAGE, *of_python(Path(sys.executable))}, hidden=(self._home.root,)))),
            hidden=(self._home.root,),
            temporary=temporary,
        )
        return without_network(command_in_sandbox(self._program, command, view, cwd=Path("/")))

    @cached_property
    def _program(self) -> str | None:
        if self._sandbox is Sandboxing.OFF:
            return None
        try:
            return find_program()
        except SandboxError as error:
            if self._sandbox is Sandboxing.ON:
                raise EngineUnavailableError(
                    "There is no sandbox to read files in.", remedy="Tell an administrator."
                ) from error
            LOG.warning("no sandboxes: %s Previews are read with the rights of this service's user.", error)
            return None


@contextmanager
def _of_the_system(file: BinaryIO, file_format: FileFormat) -> Iterator[BinaryIO]:
    """The file itself, if a process can be handed it; else its beginning in one that can."""
    try:
        file.fileno()
    except OSError:
        pass
    else:
        yield file
        return
    most = _MOST_OF_TEXT if file_format in _READ_FROM_THE_BEGINNING else _MOST_GATHERED
    with tempfile.TemporaryFile() as gathered:
        left = most
        while piece := file.read(min(left, _PIECE)):
            gathered.write(piece)
            left -= len(piece)
        if not left and file_format is FileFormat.PARQUET and file.read(1):
            raise ConflictError(
                f"This lies on the site's storage; more than {_MOST_GATHERED // 2**20} MiB of a table are not read "
                "from there for a preview.",
                remedy="Read it in a notebook.",
            )
        gathered.seek(0)
        yield gathered


def without_network(command: Iterable[str]) -> list[str]:
    """The command of a sandbox, in a network of its own in which there is nothing."""
    program, *rest = command
    return [program, "--unshare-net", "--die-with-parent", *rest]


def _run(command: list[str], file: BinaryIO) -> bytes:
    with tempfile.TemporaryFile() as written:
        try:
            process = subprocess.Popen(
                command,
                stdin=file,
                # A file and no pipe: the process has a limit on how long it makes one.
                stdout=written,
                stderr=subprocess.DEVNULL,
                env=_ENVIRONMENT,
            )
        except OSError as error:
            raise EngineUnavailableError("No process can be started to read the file.") from error
        with process:
            try:
                failed = process.wait(PATIENCE_S) != 0
            except subprocess.TimeoutExpired as error:
                raise _too_much() from error
            finally:
                process.kill()
        written.seek(0)
        text = written.read(_MOST_WRITTEN + 1)
        if failed or not text or len(text) > _MOST_WRITTEN:
            raise _too_much()
        return text


def _too_much() -> ConflictError:
    return ConflictError(
        "This can't be read within the time and the memory that a preview has; it may be broken.",
        remedy="Read it in a notebook, or download it.",
    )
