"""The TensorBoards of one notebook server: one process for each log directory, ended with the server."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from jupyterlab_hops.problems import ProblemError

LIMIT = 8
READY_TIMEOUT_S = 60.0
RELOAD_INTERVAL_S = 5
MAX_LOGDIR_LENGTH = 1024
_LOG_TAIL_BYTES = 2000
_SCRIPT = Path(__file__).with_name("tensorboard_process.py")


@dataclass(slots=True)
class TensorBoard:
    """A running TensorBoard.

    Attributes:
        id: Unguessable; part of its path.
        logdir: Log directory, relative to the project's folder.
        port: Where it listens on the loopback interface.
        process: Its process.
        started: When it was started, in seconds since the epoch.
        used: When it was last asked for something, by the monotonic clock.
    """

    id: str
    logdir: str
    port: int
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=lambda: round(time.time(), 3))
    used: float = field(default_factory=time.monotonic)


def resolve_logdir(root: Path, logdir: str) -> Path:
    """The directory that ``logdir`` means: below ``root``, links followed.

    Raises:
        ProblemError: There is no such directory, or it lies elsewhere.
    """
    refused = ProblemError(
        422,
        "invalid-logdir",
        "No such log directory",
        f"'{logdir[:100]}' is not a directory of this project.",
        "Give a path below the project's folder, for instance Experiments.",
        [{"field": "logdir", "message": "It is not a directory of this project."}],
    )
    if not logdir or len(logdir) > MAX_LOGDIR_LENGTH or "\0" in logdir or "://" in logdir:
        raise refused
    base = root.resolve()
    try:
        path = (base / logdir).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise refused from error
    if not path.is_relative_to(base) or not path.is_dir():
        raise refused
    return path


def process_environment(environment: Path, *, settings: Mapping[str, Any], path: str) -> dict[str, str]:
    """Variables of a TensorBoard's process: nothing of the notebook server's secrets, and no GPU."""
    return {
        "PATH": f"{environment / 'bin'}{os.pathsep}{path}",
        "HOME": tempfile.gettempdir(),
        "LANG": "C.UTF-8",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONNOUSERSITE": "1",
        "HOPS_TENSORBOARD": json.dumps(dict(settings)),
    }


class TensorBoards:
    """Starts, finds and ends them. Of more than ``LIMIT`` the one that was not looked at for longest is ended.

    Args:
        root: The project's folder; log directories lie below it.
        environment: Prefix of the project environment.
        base_path: Path of ``hops/tensorboards/`` in the browser.
    """

    def __init__(self, root: Path, environment: Path, base_path: str) -> None:
        self._root = root
        self._environment = environment
        self._base_path = base_path.rstrip("/") + "/"
        self._running: dict[str, TensorBoard] = {}
        self._starting: dict[Path, asyncio.Task[TensorBoard]] = {}
        atexit.register(self.end_all)

    def url(self, board: TensorBoard) -> str:
        """Path of ``board`` in the browser."""
        return f"{self._base_path}{board.id}/"

    def items(self) -> list[TensorBoard]:
        """Those that run now."""
        for board in [board for board in self._running.values() if board.process.poll() is not None]:
            del self._running[board.id]
        return list(self._running.values())

    def find(self, board_id: str) -> TensorBoard:
        """The one with ``board_id``.

        Raises:
            ProblemError: It does not run.
        """
        board = next((board for board in self.items() if board.id == board_id), None)
        if board is None:
            raise ProblemError(
                404,
                "not-found",
                "Not found",
                "This TensorBoard is not running any more.",
                "Open it again from its log directory.",
            )
        board.used = time.monotonic()
        return board

    async def open(self, logdir: str) -> tuple[TensorBoard, bool]:
        """The TensorBoard of ``logdir``, and whether it had to be started; callers at the same time get the same one.

        Raises:
            ProblemError: The directory is none of the project, TensorBoard does not start, or too many are starting.
        """
        path = resolve_logdir(self._root, logdir)
        relative = path.relative_to(self._root.resolve()).as_posix()
        for board in self.items():
            if board.logdir == relative:
                return self.find(board.id), False
        task = self._starting.get(path)
        if task is None:
            if len(self._starting) >= LIMIT:
                raise ProblemError(
                    429, "too-many", "Too many", f"{LIMIT} TensorBoards are starting already.", "Try again in a moment."
                )
            task = asyncio.create_task(self._start(path, relative))
            self._starting[path] = task
            task.add_done_callback(lambda _: self._starting.pop(path, None))
        return await asyncio.shield(task), True

    def end(self, board_id: str) -> None:
        """Ends the one with ``board_id``.

        Raises:
            ProblemError: It does not run.
        """
        _kill(self.find(board_id).process)
        del self._running[board_id]

    def end_all(self) -> None:
        """Ends all of them."""
        for board in self._running.values():
            _kill(board.process)
        self._running.clear()

    async def _start(self, path: Path, relative: str) -> TensorBoard:
        # This one is among those that start.
        while len(self.items()) + len(self._starting) > LIMIT and self._running:
            self.end(min(self._running.values(), key=lambda board: board.used).id)
        board_id = secrets.token_hex(16)
        with tempfile.TemporaryFile() as log:
            process, report = self._spawn(path, board_id, log)
            try:
                port = await _port_from(report)
            except BaseException as error:
                _kill(process)
                if isinstance(error, TimeoutError | ValueError | OSError):
                    raise _not_started(log, self._root) from error
                raise
        board = TensorBoard(board_id, relative, port, process)
        self._running[board_id] = board
        return board

    def _spawn(self, path: Path, board_id: str, log: IO[bytes]) -> tuple[subprocess.Popen[bytes], int]:
        report, report_to = os.pipe()
        settings = {
            "logdir": str(path),
            "path_prefix": f"{self._base_path}{board_id}",
            "reload_interval_s": RELOAD_INTERVAL_S,
            "parent": os.getpid(),
            "report_to": report_to,
        }
        try:
            process = subprocess.Popen(
                [str(self._environment / "bin" / "python"), "-P", str(_SCRIPT)],
                env=process_environment(self._environment, settings=settings, path=os.defpath),
                cwd=path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[report_to],
            )
        except OSError as error:
            os.close(report)
            raise _not_started(log, self._root) from error
        finally:
            os.close(report_to)
        return process, report


async def _port_from(report: int) -> int:
    """The port that the process reports.

    Raises:
        TimeoutError: It reports none in time.
        ValueError: It ended without one.
    """
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    os.set_blocking(report, False)
    loop.add_reader(report, lambda: None if ready.done() else ready.set_result(None))
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await ready
        return int(os.read(report, 16))
    finally:
        loop.remove_reader(report)
        os.close(report)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)  # it keeps nothing that could be lost
    process.wait()


def _not_started(log: IO[bytes], root: Path) -> ProblemError:
    log.seek(0, os.SEEK_END)
    log.seek(max(0, log.tell() - _LOG_TAIL_BYTES))
    lines = log.read().decode(errors="replace").strip().splitlines()
    said = lines[-1].replace(str(root.resolve()), "").replace(str(root), "")[:300] if lines else "It said nothing."
    return ProblemError(
        503,
        "tensorboard-not-started",
        "TensorBoard did not start",
        f"TensorBoard did not start in this project's environment. {said}",
        "See that tensorboard is installed in the project environment and that memory is left, then try again.",
    )
