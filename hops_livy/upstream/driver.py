"""One session or batch of Apache Livy's: its start, its end, and what lies between by way of its parts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from hops_livy.engines.drivers import (
    Completion,
    DriverRequest,
    Ending,
    Executed,
    Inspection,
    MessageHandler,
    NotOfferedError,
    StartError,
)
from hops_livy.upstream.answers import AwayError, FailedError, LivyError, RefusedError, SessionView, sentence
from hops_livy.upstream.client import LivyClient
from hops_livy.upstream.kept import Kept
from hops_livy.upstream.messages import completion
from hops_livy.upstream.reach import Reach
from hops_livy.upstream.rounds import Rounds
from hops_livy.upstream.watch import Ended, Watch
from hops_livy.upstream.work import Work

LOG = logging.getLogger(__name__)
_FOUND_S = 5.0
_END_S = 10.0
_ASKED_AGAIN_S = (0.5, 1.0, 2.0)
_NOT_FOLLOWED = "The session service could not follow this session; its log says why."


class UpstreamDriver:
    """See :class:`~hops_livy.engines.drivers.Driver`.

    Args:
        request: What was asked for.
        livy: Where it runs.
        name: What it is called there.
        start_s: After so many seconds the start has failed.
        rounds: Look at all of its kind.
        probe_pause: Seconds between two questions to the driver itself.
        heartbeat_s: Seconds after which Livy must be asked for it alone, to go on caring for it.
        on_left: Called when it could not be ended, so that this is tried again later.
        on_gone: Called when it has ended.
    """

    def __init__(
        self,
        request: DriverRequest,
        livy: LivyClient,
        name: str,
        *,
        start_s: float,
        rounds: Rounds,
        probe_pause: Callable[[], float],
        heartbeat_s: float,
        on_left: Callable[[str, str], None],
        on_gone: Callable[[], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[Ending] = loop.create_future()
        self._request = request
        self._livy = livy
        self._name = name
        self._kind = "sessions" if request.batch is None else "batches"
        self._on_left = on_left
        self._on_gone = on_gone
        self._kept = Kept(request.kept_outputs)
        self._session = self._kept.session()
        reach = Reach(livy, name)
        self._watch = Watch(
            request,
            livy,
            kind=self._kind,
            name=name,
            kept=self._kept,
            session=self._session,
            reach=reach,
            start_s=start_s,
            rounds=rounds,
            probe_pause=probe_pause,
            heartbeat_s=heartbeat_s,
            on_ready=self._be_ready,
        )
        self._work = Work(
            livy, name, kept=self._kept, session=self._session, reach=reach, ended=self.ended, tell=request.tell
        )
        self._asked: str | None = None
        self._stop = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        # A start that fails is told by `ended` too; nobody need look at both.
        self.ready.add_done_callback(lambda future: future.cancelled() or future.exception())

    @property
    def app_id(self) -> str | None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        return self._session.app_id

    @property
    def state(self) -> dict[str, Any]:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        return {"livy": self._name}

    async def launch(self, body: dict[str, Any]) -> None:
        """Asks Livy for it and follows it from then on.

        Raises:
            StartError: Livy does not start it.
        """
        try:
            view = await self._create(body)
            if view.proxy_user != self._request.owner.project_user:
                raise RefusedError(
                    "it starts sessions as one account for everybody (livy.impersonation.enabled is off), in which "
                    "members of different projects could read each other's data."
                )
        except LivyError as error:
            # It may be there all the same, and nobody would know of it.
            self._on_left(self._kind, self._name)
            raise StartError(_not_started(error)) from error
        self._life = asyncio.create_task(self._live(view))

    async def adopt(self) -> None:
        """Finds it again, and returns when it is known what it does, or that Livy does not answer now."""
        self._life = asyncio.create_task(self._live(None))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._watch.looked.wait(), _FOUND_S)

    async def execute(
        self,
        code: str,
        *,
        kind: str,
        statement: int,
        on_message: MessageHandler,
        execution_count: int | None = None,  # noqa: ARG002 - Livy's tracebacks name no cell
    ) -> Executed:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        self._check_alive()
        return await self._until_ended(self._work.run(code, kind, statement, on_message))

    async def resume(
        self,
        code: str,
        *,
        kind: str,
        statement: int,
        on_message: MessageHandler,
        execution_count: int | None = None,  # noqa: ARG002
    ) -> Executed:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        self._check_alive()
        return await self._until_ended(self._work.resume(code, kind, statement, on_message))

    def written(self, statement: int) -> list[tuple[str, dict[str, Any]]]:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        return self._kept.written(statement)

    def forget(self, statement: int) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        self._kept.forget(statement)

    async def interrupt(self) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        self._work.interrupt()

    async def complete(self, code: str, cursor: int, *, kind: str = "pyspark") -> Completion:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        try:
            words = await self._livy.complete(self._name, code, cursor, kind)
        except LivyError:
            return Completion.nothing(cursor)
        return completion(words, code, cursor)

    async def inspect(
        self,
        code: str,  # noqa: ARG002
        cursor: int,  # noqa: ARG002
        *,
        kind: str = "pyspark",  # noqa: ARG002
        detail_level: int = 0,  # noqa: ARG002
    ) -> Inspection:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        raise NotOfferedError("Apache Livy can't explain names; help(…) in a cell shows what is known.")

    def log(self) -> list[str]:
        """See :class:`~hops_livy.engines.drivers.Driver`. As it was a few seconds ago."""
        self._watch.log_wanted = True
        return self._watch.log

    async def works(self) -> bool:
        """See :class:`~hops_livy.engines.drivers.Driver`. Livy does not tell."""
        return False

    @property
    def shows_pages(self) -> bool:
        """See :class:`~hops_livy.engines.drivers.Driver`. Its Spark is where Livy put it."""
        return False

    async def spark_pages(self) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""

    def renew_token(self, token: str) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`. Livy is given none: it has no way that others can't see."""

    async def end(self, reason: str, *, at_once: bool = False) -> None:  # noqa: ARG002 - Livy knows one way
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        if self._asked is None:
            self._asked = reason
        self._stop.set()
        await asyncio.shield(self.ended)

    def detach(self) -> None:
        """See :class:`~hops_livy.engines.drivers.Driver`."""
        if self._life is not None:
            self._life.cancel()

    async def _create(self, body: dict[str, Any]) -> SessionView:
        try:
            return await self._livy.create(self._kind, body)
        except AwayError as error:
            if not error.maybe_taken:
                raise
            # A name is given once: asking for it starts nothing a second time.
            for pause in _ASKED_AGAIN_S:
                await asyncio.sleep(pause)
                with contextlib.suppress(LivyError):
                    return await self._livy.get(self._kind, self._name)
            raise

    def _check_alive(self) -> None:
        if self.ended.done():
            raise StartError("The session has ended.")

    async def _until_ended(self, work: Coroutine[Any, Any, Executed]) -> Executed:
        task = asyncio.create_task(work)
        watched: set[asyncio.Future[Any]] = {task, self.ended}
        try:
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise StartError("The session ended while the statement ran.")
            return task.result()
        finally:
            task.cancel()
            self._work.rest()

    def _be_ready(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    async def _live(self, view: SessionView | None) -> None:
        """Looks at it until it has ended or is to end."""
        stopped: asyncio.Future[Any] = asyncio.create_task(self._stop.wait())
        look: asyncio.Future[Ended] = asyncio.create_task(self._watch.until_ended(view))
        ended = Ended(_NOT_FOLLOWED, given_up=True)
        try:
            watched: set[asyncio.Future[Any]] = {stopped, look}
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            ended = look.result() if look.done() else Ended("")
        except Exception:
            LOG.exception("%s can't be followed", self._name)
        finally:
            stopped.cancel()
            look.cancel()
        if not (ended.gone or ended.given_up or self._stop.is_set()):
            # One that has ended by itself is told of at once: that it leaves Livy's list may take long.
            self._on_left(self._kind, self._name)
        elif not ended.gone:
            try:
                await asyncio.wait_for(self._watch.delete(), _END_S)
            except TimeoutError:
                self._on_left(self._kind, self._name)
        self._finish(ended)

    def _finish(self, ended: Ended) -> None:
        reason = self._asked or ended.reason
        self._watch.looked.set()
        self._on_gone()
        if not self.ready.done():
            self.ready.set_exception(StartError(reason))
        asked = self._asked is not None or ended.given_up
        self.ended.set_result(Ending(reason=reason, code=ended.code, asked=asked))


def _not_started(error: LivyError) -> str:
    if isinstance(error, RefusedError | FailedError):
        return f"Apache Livy does not start the session: {sentence(str(error))}"
    return f"The session can't be started now. {error}"
