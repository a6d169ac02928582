"""Notebook servers as processes of this machine."""

from __future__ import annotations

import asyncio
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import psutil
from jupyterhub.spawner import LocalProcessSpawner
from jupyterhub.utils import random_port
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from traitlets import Bool, Float, Integer, List, Unicode, default

from hops_contract.keeping import PROCESSES, described, have_own_networks, kept_command, read_addresses, why_limited
from hops_contract.layout import Home
from hops_contract.network import Network
from hops_contract.servers import LISTENS_FILE, ServerGrant, why_limited_file
from hops_contract.shares import shared_mounts
from hops_contract.slugs import project_user
from hops_contract.streams import read_brokers
from hops_contract.wiping import wipe_folder
from hops_spawner.endings import Ending, unwatched_ending
from hops_spawner.environment import server_environment
from hops_spawner.files import FOLDERS, server_files
from hops_spawner.folder import write_folder
from hops_spawner.mixin import HopsSpawnerMixin
from hops_spawner.refusals import failed_start
from hops_spawner.sandbox import SOURCE, TEMPORARY, server_keeping, server_view, with_first_process

LOG_TAIL_LINES = 20
PYTHON_PATIENCE_S = 30
LOG_TAIL_BYTES = 16 * 1024
_START_TIME_SLACK_S = 1.0
_MIB = 1024 * 1024
_MOST_DIGITS = 5


class HopsLocalSpawner(HopsSpawnerMixin, LocalProcessSpawner):
    """Starts the platform's ``jupyterhub-singleuser`` for one project-user; kernels run in the project environment."""

    home = Unicode(help="The platform's home (HOPS_HOME).").tag(config=True)
    sandbox = Unicode("", help="The program that makes a sandbox for each server; empty: none.").tag(config=True)
    sandbox_reads = List(Unicode(), help="What all servers may read in theirs besides.").tag(config=True)
    sandbox_reaches = Unicode("", help="Addresses that code reaches in them besides, separated by commas.").tag(
        config=True
    )
    kafka = Unicode("", help="Brokers of the site's Kafka, which code reaches in them too.").tag(config=True)
    sandbox_processes = Integer(PROCESSES, min=0, help="The most processes of one; 0: no limit.").tag(config=True)
    sandbox_memory_mib = Integer(min=0, help="The most memory of all its processes together; 0: no limit.").tag(
        config=True
    )
    answer_timeout = Integer(90, min=1, help="Seconds that a new server may take until it answers.").tag(config=True)

    # Whether the process is a sandbox's, whose own first process gets its signals.
    sandboxed = Bool(False)
    # Seconds since the epoch; with the process id it names one process, also after a restart of the Hub.
    started_at = Float(0.0)

    @default("sandbox_memory_mib")
    def _half_of_the_machine(self) -> int:
        return int(psutil.virtual_memory().total) // (2 * _MIB)

    @default("cmd")
    def _jupyter_of_the_platform(self) -> list[str]:
        # -s -P: neither the project's shared home nor the working folder may put modules in the way of the platform's.
        return [sys.executable, "-s", "-P", "-m", "jupyterhub.singleuser"]

    @default("args")
    def _arguments(self) -> list[str]:
        # Jupyter refuses root unless told; a platform that was started by root has no other user to offer.
        return ["--allow-root"] if os.geteuid() == 0 else []

    @default("env_keep")
    def _nothing_of_the_hubs_own_variables(self) -> list[str]:
        return []

    @default("interrupt_timeout")
    def _time_to_end_kernels(self) -> int:
        return 10

    @default("term_timeout")
    def _time_after_that(self) -> int:
        return 5

    @property
    def folder(self) -> Path:
        """The server's folder."""
        return Home(Path(self.home)).server(self.project, self.user.name)

    @property
    def own_home(self) -> Path:
        """The project-user's home, which outlives the server."""
        return Home(Path(self.home)).own_home(self.project, self.user.name)

    @property
    def limited(self) -> Path:
        """Why a limit of its sandbox ended something: beside the folder, where the server's code changes nothing."""
        return why_limited_file(self.folder)

    @property
    def log_file(self) -> Path:
        """The server's log; it outlives the server, so that a failed start can be read about."""
        return Home(Path(self.home)).logs / "servers" / f"{project_user(self.project, self.user.name)}.log"

    def make_preexec_fn(self, name: str) -> Any:  # noqa: ARG002
        """The server runs as the platform's own OS user, and leaves no core dump with its token in it."""
        return _no_core_dump

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Nothing: users of the platform are not users of the machine."""
        return env

    def get_env(self) -> dict[str, str]:
        """The server's variables."""
        if self.granted is None:
            raise RuntimeError("A server without a grant has no variables.")
        return server_environment(
            super().get_env(), self.granted.config, PurePosixPath(self.folder), home=PurePosixPath(self.own_home)
        )

    async def prepare(self, grant: ServerGrant) -> None:
        """Write the server's folder and open its log."""
        self.own_home.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In a thread, here and below: what the last server's code has left can take long, and the Hub serves everybody.
        await asyncio.to_thread(write_folder, self.folder, server_files(grant), [*FOLDERS, TEMPORARY])
        await asyncio.to_thread(write_folder, self.limited.parent, {})
        self.cmd = await asyncio.to_thread(self._command, grant)
        self.log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log_file.unlink(missing_ok=True)
        self._log_sink = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if not await _runs(f"{grant.config.environment}/bin/python", log=self._log_sink):
            raise failed_start(
                "The Python of the project's environment does not run.",
                "Tell an administrator: the environment has to be made again.",
                log_tail=self.log_tail(),
            )

    def _say_bounds(self, *, apart: bool) -> None:
        bounds = described(own_networks=apart, processes=self.sandbox_processes)
        self.log.info("%s: sandbox with %s", self._log_name, bounds)

    def _command(self, grant: ServerGrant) -> list[str]:
        plain: list[str] = self._jupyter_of_the_platform()
        self.sandboxed = bool(self.sandbox)
        if not self.sandbox:
            return plain
        home = Home(Path(self.home))
        view = server_view(
            grant.config,
            self.folder,
            own_home=self.own_home,
            home=home,
            also=tuple(map(Path, self.sandbox_reads)),
            shared=shared_mounts(home, grant.config.project),
        )
        apart = grant.config.network is Network.PLATFORM and have_own_networks(self.sandbox)
        self._say_bounds(apart=apart)
        # What JupyterHub would choose later.
        port = int(getattr(self, "port", 0)) or random_port()
        self.port = port
        keeping = server_keeping(
            grant.config,
            apart=apart,
            port=port,
            home=home,
            hub_url=self.hub.api_url,
            reaches=read_addresses(self.sandbox_reaches),
            brokers=read_brokers(self.kafka),
            memory_mib=self.sandbox_memory_mib,
            processes=self.sandbox_processes,
            told=self.limited,
        )
        return kept_command(self.sandbox, with_first_process(plain), view, cwd=self.folder, keeping=keeping)

    async def _signal(self, sig: int) -> bool:
        """To the sandbox's first process: bubblewrap's own would end alone, and leave the sandbox running."""
        if not self.sandboxed or sig == 0:
            return bool(await super()._signal(sig))
        try:
            for inside in psutil.Process(self.pid).children() or [psutil.Process(self.pid)]:
                inside.send_signal(sig)
        except psutil.NoSuchProcess:
            return False
        return True

    async def start(self) -> Any:
        """See :meth:`HopsSpawnerMixin.start`."""
        self._log_sink = -1
        try:
            return await super().start()
        finally:
            if self._log_sink >= 0:
                os.close(self._log_sink)
                self._log_sink = -1

    @property
    def popen_kwargs(self) -> dict[str, Any]:
        """How the process is started: in its own folder, as Jupyter would read settings from a shared one."""
        return {
            "cwd": self.folder,
            "stdin": subprocess.DEVNULL,
            "stdout": self._log_sink,
            "stderr": subprocess.STDOUT,
        }

    async def await_answer(self, address: Any) -> None:
        """Wait until the server answers; a server that has died is not waited for.

        What answers at its port may be somebody else's, who was there first: where networks are open, code of other
        projects reaches the same ports. So the server has to say by a file of its own that the port is its own.
        """
        self.started_at = psutil.Process(self.pid).create_time() if psutil.pid_exists(self.pid) else 0.0
        host, port = address
        url = f"http://{host}:{port}{self.server.base_url}api"
        deadline = asyncio.get_running_loop().time() + self.answer_timeout
        while not (self._listens_at(port) and await _answers(url)):
            status = await self.poll()
            if status is not None:
                raise failed_start(
                    f"The notebook server ended before it answered (exit status {status}).",
                    "Its log says why. Try again; if it fails again, show the log to an administrator.",
                    log_tail=self.log_tail(),
                )
            if asyncio.get_running_loop().time() > deadline:
                raise failed_start(
                    f"The notebook server did not answer within {self.answer_timeout} seconds.",
                    "The machine may be busy: try again in a minute.",
                    log_tail=self.log_tail(),
                    status=504,
                )
            await asyncio.sleep(0.1)

    def _listens_at(self, port: int) -> bool:
        # Code of the server can put whatever it likes there, such as a pipe, which the Hub would wait at for ever.
        try:
            source = os.open(self.folder / LISTENS_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            return False
        try:
            is_file = stat.S_ISREG(os.fstat(source).st_mode)
            return is_file and os.read(source, _MOST_DIGITS + 1) == str(port).encode()
        finally:
            os.close(source)

    def log_tail(self) -> str:
        """The last lines of the server's log, without the folders of this machine."""
        try:
            with self.log_file.open("rb") as source:
                source.seek(max(0, source.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
                text = source.read().decode("utf-8", "replace")
        except OSError:
            return ""
        places = {self.home: "<home>", str(SOURCE): "<source>", sys.prefix: "<platform>", sys.base_prefix: "<python>"}
        if self.granted is not None:
            places |= {
                str(self.folder): "<server>",
                self.granted.config.project_folder: "<project>",
                self.granted.config.environment: "<environment>",
            }
        for path in sorted(places, key=len, reverse=True):  # one may lie in the other
            text = text.replace(path, places[path])
        return "\n".join(text.splitlines()[-LOG_TAIL_LINES:])

    async def clean(self) -> None:
        """Wipe the server's folder."""
        if self.name:
            await asyncio.to_thread(wipe_folder, self.folder)
            await asyncio.to_thread(wipe_folder, self.limited.parent)

    def how_it_ended(self, status: int) -> Ending | None:
        """See :meth:`HopsSpawnerMixin.how_it_ended`; a limit of the sandbox tells for itself."""
        return (self._ended_by_limit() if status else None) or super().how_it_ended(status)

    def _ended_by_limit(self) -> Ending | None:
        limited = why_limited(self.limited)
        return Ending(limited, self.log_tail()) if limited else None

    # A process that is found again after a restart of the Hub.

    def get_state(self) -> dict[str, Any]:
        """What finds the process again."""
        state: dict[str, Any] = super().get_state()
        if self.pid:
            state |= {"started_at": self.started_at, "sandboxed": self.sandboxed}
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Take the process of an earlier Hub for ours."""
        super().load_state(state)
        self._was_found = bool(self.pid)
        self.started_at = float(state.get("started_at", 0.0))
        self.sandboxed = bool(state.get("sandboxed", False))

    def clear_state(self) -> None:
        """Forget the process."""
        super().clear_state()
        self.started_at = 0.0

    async def poll(self) -> int | None:
        """``None`` while the server runs; another process that got its number later is not taken for it."""
        status: int | None
        if self.proc is None and self.pid and not self._is_still_the_same_process():
            self.clear_state()
            status = 0
        else:
            status = await super().poll()
        if status is not None and self._was_found:
            self._was_found = False
            self.ended = self._ended_by_limit() or unwatched_ending(self.log_tail())
        return status

    def _is_still_the_same_process(self) -> bool:
        try:
            return bool(abs(psutil.Process(self.pid).create_time() - self.started_at) < _START_TIME_SLACK_S)
        except psutil.Error:
            return False


def _no_core_dump() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


async def _runs(python: str, *, log: int) -> bool:
    """Whether ``python`` starts; kernels would fail without it, one by one and with less to go by."""
    try:
        process = await asyncio.create_subprocess_exec(
            python, "-I", "-S", "-c", "pass", stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={}
        )
    except OSError as error:
        os.write(log, f"{python}: {error.strerror}\n".encode())
        return False
    try:
        return await asyncio.wait_for(process.wait(), PYTHON_PATIENCE_S) == 0
    except TimeoutError:
        process.kill()
        await process.wait()
        os.write(log, f"{python}: gave no sign within {PYTHON_PATIENCE_S} s\n".encode())
        return False


async def _answers(url: str) -> bool:
    try:
        await AsyncHTTPClient().fetch(url, request_timeout=5, follow_redirects=False)
    except HTTPClientError as error:
        return error.code != 599  # noqa: PLR2004 - tornado's own code for "no answer"
    except OSError:
        return False
    return True
