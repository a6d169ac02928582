"""All sessions and batches of the service: created, found, listed, ended."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

from hops_contract.layout import Home
from hops_contract.principal import Principal
from hops_livy.conf import checked_conf, shape_of
from hops_livy.ended_owners import EndedOwners
from hops_livy.engines.drivers import BatchFile, DriverRequest, SessionBackend, Shape, StartError
from hops_livy.errors import (
    BadRequestError,
    CanNotStartError,
    LeftOutError,
    NotAuthenticatedError,
    NotFoundError,
    TooManyError,
    disk_trouble,
)
from hops_livy.gpus import GpuLedger
from hops_livy.news import News
from hops_livy.project_limits import ProjectLimits, check_limits, idle_time
from hops_livy.sessions import KINDS, Session, Timeouts
from hops_livy.settings import Limits
from hops_livy.token_renewal import TokenRenewal
from hops_livy.wire import BatchRequest, Resources, SessionRequest

LOG = logging.getLogger(__name__)
_LEFT_OUT_KINDS = ("spark", "sparkr", "shared")
_ENDED_KEPT_S = 3600.0
_CULL_S = 5.0
_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


class Registry:
    """The sessions of the service.

    Args:
        backend: What runs them.
        home: The platform's home.
        limits: Bounds.
        gpus: The ledger, to tell a session what it holds.
        project_limits: Tells what sessions of a project may use.
        renewal: Keeps the sessions' tokens fresh.

    Attributes:
        news: Told when a session has come, changed its state or gone.
    """

    def __init__(
        self,
        backend: SessionBackend,
        *,
        home: Home,
        limits: Limits,
        gpus: GpuLedger,
        project_limits: ProjectLimits,
        renewal: TokenRenewal,
    ) -> None:
        self._backend = backend
        self._home = home
        self._limits = limits
        self._gpus = gpus
        self._project_limits = project_limits
        self._renewal = renewal
        self.news = News()
        self._sessions: dict[int, Session] = {}
        self._ended_at: dict[int, float] = {}
        self._starting: dict[int, str] = {}
        self._ended_owners = EndedOwners(home.run / "sessions" / "ended-owners.json")
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_id = -1

    async def open(self) -> None:
        """Ends what a predecessor left behind and begins to watch."""
        folder = self._home.run / "sessions"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        await self._backend.prepare()
        last = folder / "last-id"
        self._last_id = int(last.read_text()) if last.exists() else -1
        self._ended_owners.load()
        self._spawn(self._watch())

    async def close(self) -> None:
        """Ends everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(session.end("The session service was stopped.") for session in self._sessions.values()))
        await self._backend.close()

    async def create(self, principal: Principal, token: str, request: SessionRequest) -> Session:
        """Begins to start a session.

        Raises:
            ServiceError: It can't be had; the sentence says why.
        """
        if request.kind in _LEFT_OUT_KINDS:
            raise LeftOutError(f"Sessions of kind {request.kind!r} are not offered; use pyspark or sql.")
        if request.kind not in KINDS:
            raise BadRequestError(f"There is no kind {request.kind!r}; the kinds are {', '.join(KINDS)}.")
        timeouts = Timeouts(idle_s=_seconds(request.ttl), heartbeat_s=float(request.heartbeat_s or 0))
        return await self._start(principal, token, request, kind=request.kind, timeouts=timeouts, batch=None)

    async def create_batch(self, principal: Principal, token: str, request: BatchRequest) -> Session:
        """Begins to run a batch.

        Raises:
            ServiceError: It can't be had; the sentence says why.
        """
        if request.class_name or not request.file.endswith(".py"):
            raise LeftOutError("Batches of Java classes are not offered; give a Python file (*.py) of the project.")
        project_folder = self._home.project(str(principal.project))
        batch = BatchFile(
            file=_project_file(project_folder, request.file),
            arguments=tuple(request.args),
            python_files=tuple(_project_file(project_folder, name) for name in request.py_files),
        )
        return await self._start(principal, token, request, kind="batch", timeouts=Timeouts(), batch=batch)

    def check_welcome(self, principal: Principal, token: str) -> None:
        """Checks that the caller's work was not ended after ``token`` was signed.

        Raises:
            NotAuthenticatedError: It was.
        """
        if self._ended_owners.refuses(principal.project_user, token):
            raise NotAuthenticatedError(
                f"You are no longer a member of project {principal.project}, or were not when this token was signed.",
                remedy="Start the notebook server again; if that is refused, ask a Data Owner of the project.",
            )

    def find(self, principal: Principal, session_id: int, *, batch: bool = False) -> Session:
        """The caller's own session.

        Raises:
            NotFoundError: It is absent or someone else's.
        """
        session = self._sessions.get(session_id)
        if session is None or session.is_batch is not batch or session.owner.project_user != principal.project_user:
            raise NotFoundError(f"You have no {'batch' if batch else 'session'} {session_id}.")
        session.hear()
        return session

    def owned(self, project_user: str, *, batch: bool | None = False) -> list[Session]:
        """The sessions (or batches; both with ``None``) of one project-user, oldest first."""
        return [
            session
            for session in self._sessions.values()
            if session.owner.project_user == project_user and batch in (None, session.is_batch)
        ]

    def all(self) -> list[Session]:
        """Everybody's sessions and batches, oldest first."""
        return list(self._sessions.values())

    async def delete(self, session: Session) -> None:
        """Ends a session and forgets it."""
        await session.end("It was deleted by its owner.")
        self._forget(session.id)

    async def end_owner(self, project_user: str, reason: str) -> int:
        """Ends all sessions and batches of one project-user; returns how many there were."""
        self._ended_owners.note(project_user)
        sessions = [session for session in self.owned(project_user, batch=None) if not session.final]
        await asyncio.gather(*(session.end(reason) for session in sessions))
        return len(sessions)

    async def _start(
        self,
        principal: Principal,
        token: str,
        request: Resources,
        *,
        kind: str,
        timeouts: Timeouts,
        batch: BatchFile | None,
    ) -> Session:
        if request.proxy_user not in (None, principal.project_user, principal.user):
            raise BadRequestError("proxyUser can't be chosen: a session acts as its owner only.")
        for name, value in (("jars", request.jars), ("files", request.files), ("archives", request.archives)):
            if value:
                raise LeftOutError(f"{name} are not offered; put the files into the project and read them from there.")
        if request.py_files and batch is None:
            raise LeftOutError("pyFiles of sessions are not offered; use sc.addPyFile in a cell.")
        conf = {key: _text(value) for key, value in request.conf.items()}
        shape = shape_of(request, conf)
        passed = checked_conf(conf)
        limits = await self._project_limits.of(principal, token)
        check_limits(shape, limits)
        timeouts = Timeouts(idle_s=idle_time(timeouts.idle_s, limits), heartbeat_s=timeouts.heartbeat_s)
        self._check_room(principal)  # after all waiting, so that many at the same moment are counted one by one
        session = Session(
            id=self._new_id(),
            owner=principal,
            kind=kind,
            name=request.name,
            shape=shape,
            limits=self._limits,
            timeouts=timeouts,
            news=News(self.news),
        )
        # Counted from here on: many requests at the same moment must not all find the same room.
        self._starting[session.id] = principal.project_user
        try:
            await self._launch(session, token, passed, batch)
        finally:
            del self._starting[session.id]
        try:
            self.check_welcome(principal, token)
        except NotAuthenticatedError as error:
            await session.end(error.detail)
            raise
        return session

    async def _launch(self, session: Session, token: str, conf: dict[str, str], batch: BatchFile | None) -> None:
        request = DriverRequest(
            session_id=session.id,
            owner=session.owner,
            token=token,
            name=session.name or conf.get("spark.app.name") or f"{session.owner.project_user}-{session.id}",
            shape=session.shape,
            conf=conf,
            batch=batch,
        )
        try:
            driver = await self._backend.start(request)
        except StartError as error:
            raise CanNotStartError(str(error)) from error
        session.gpus = self._gpus.held_by(session.id)
        session.follow(driver)
        self._sessions[session.id] = session
        self.news.tell()
        self._spawn(self._renewal.keep_fresh(session, token))
        LOG.info("session %d of %s starts: %s", session.id, session.owner.project_user, _described(session.shape))

    def _check_room(self, principal: Principal) -> None:
        own = sum(not session.final for session in self.owned(principal.project_user, batch=None))
        own += list(self._starting.values()).count(principal.project_user)
        if own >= self._limits.sessions_per_owner:
            raise TooManyError(f"You have {own} sessions; {self._limits.sessions_per_owner} are the most. Delete one.")
        running = sum(not session.final for session in self._sessions.values())
        if running + len(self._starting) >= self._limits.sessions:
            raise TooManyError(f"This service runs {self._limits.sessions} sessions at most; try again later.")

    def _new_id(self) -> int:
        self._last_id += 1
        # Ids are never given twice, also over restarts: a client of an old session must not meet a new one.
        try:
            (self._home.run / "sessions" / "last-id").write_text(str(self._last_id))
        except OSError as error:
            raise CanNotStartError(disk_trouble(error)) from error
        return self._last_id

    def _forget(self, session_id: int) -> None:
        self._sessions.pop(session_id, None)
        self._ended_at.pop(session_id, None)
        self.news.tell()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_CULL_S)
            now = time.monotonic()
            for session in list(self._sessions.values()):
                reason = session.expired(now)
                if reason is not None:
                    LOG.info("session %d ends: %s", session.id, reason)
                    self._spawn(session.end(reason))
                elif session.final and now - self._ended_at.setdefault(session.id, now) > _ENDED_KEPT_S:
                    self._forget(session.id)
            self._forget_surplus()

    def _forget_surplus(self) -> None:
        """Of one owner's ended sessions as many are kept as may run: each holds what its statements wrote."""
        kept: dict[str, int] = {}
        for session in [session for session in reversed(self._sessions.values()) if session.final]:
            owner = session.owner.project_user
            kept[owner] = kept.get(owner, 0) + 1
            if kept[owner] > self._limits.sessions_per_owner:
                self._forget(session.id)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def page(sessions: Iterable[Session], start: int, size: int) -> list[Session]:
    """One page of a list."""
    return list(sessions)[start : start + size]


def _project_file(project_folder: Path, name: str) -> Path:
    text = name.removeprefix("file://")
    try:
        path = (project_folder / text.lstrip("/") if not text.startswith(str(project_folder)) else Path(text)).resolve()
        found = path.is_relative_to(project_folder.resolve()) and path.is_file()
    except (OSError, ValueError, RuntimeError):
        found = False  # no path at all: a name too long, a link to itself, half a character
    if not found:
        raise BadRequestError(f"The project has no file {name!r}; give its path below the project's folder.")
    return path


def _seconds(text: str | None) -> float:
    match = re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", text or "")
    return int(match[1]) * _UNITS_S[match[2] or "s"] if match else 0.0


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _described(shape: Shape) -> str:
    return f"{shape.most_executors} executors, {shape.total_memory_mib} MiB, {shape.total_gpus} GPUs"
