"""The engines around the control plane: whether each answers, since when, and what waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from hops_platform.database import Database, now
from hops_platform.engines import Engines
from hops_platform.operations.schemas import EngineAnswer, EngineState
from hops_platform.outbox import STUCK_AFTER, Delivery, describe

LOOKED_AT_AGAIN_S = 5.0
"""Who asks sooner after a look is told what it found."""
PATIENCE_S = 5.0
"""What has not answered by then does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """An engine that is looked at.

    Attributes:
        name: Its name.
        title: What people call it.
        channels: Those of the outbox that it works off.
        remedy: What to do where it does not answer.
        probe: Tells what it is, in few words; raises if it does not work.
    """

    name: str
    title: str
    channels: Sequence[str]
    remedy: str
    probe: Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the last looks at an engine found.

    Attributes:
        state: Whether it works.
        since: Since when that is so, as far as this process has seen.
        about: What it said of itself when it worked last.
        error: Why it does not work.
    """

    state: EngineState
    since: datetime
    about: str | None
    error: str | None


class EngineWatch:
    """Looks at all engines at the same moment, each in a thread of its own: none that hangs keeps the others.

    Args:
        watched: The engines.
        patience_s: How long each is waited for.
    """

    def __init__(self, watched: Sequence[Watched], *, patience_s: float = PATIENCE_S) -> None:
        self.watched = watched
        self._patience_s = patience_s
        self._threads = ThreadPoolExecutor(max(1, len(watched)), thread_name_prefix="engines")
        self._lock = threading.Lock()
        self._found: dict[str, Found] = {}
        self._running: dict[str, Future[str]] = {}
        self._looked: float | None = None

    def found(self, *, at_most_s: float = LOOKED_AT_AGAIN_S) -> Mapping[str, Found]:
        """What was found by name, at most so many seconds ago."""
        with self._lock:
            if self._looked is None or time.monotonic() - self._looked > at_most_s:
                self._look()
                self._looked = time.monotonic()
            return dict(self._found)

    def look(self) -> None:
        """Looks now."""
        self.found(at_most_s=0.0)

    def close(self) -> None:
        """Ends the threads as their looks end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _look(self) -> None:
        for one in self.watched:
            # One that hangs still is not asked again, so that no threads pile up.
            if one.name not in self._running:
                self._running[one.name] = self._threads.submit(one.probe)
        end = time.monotonic() + self._patience_s
        for one in self.watched:
            self._found[one.name] = self._seen(one.name, end)

    def _seen(self, name: str, end: float) -> Found:
        look, before = self._running[name], self._found.get(name)
        about, error = before.about if before is not None else None, None
        try:
            about = look.result(max(0.0, end - time.monotonic()))
        except TimeoutError:
            error = f"It does not answer within {self._patience_s:g} seconds."
        except Exception as fault:  # noqa: BLE001 - whatever an engine raises, the others are shown
            error = describe(fault)
        if look.done():
            del self._running[name]
        state = EngineState.UP if error is None else EngineState.DOWN
        if before is not None and before.state is state:
            return replace(before, about=about, error=error)
        return Found(state=state, since=now(), about=about, error=error)


def engines_to_watch(database: Database, engines: Engines, *, sandboxes: bool) -> list[Watched]:
    """The engines of a site; each channel of the outbox belongs to one of them.

    Args:
        database: The control plane's own.
        engines: The ports.
        sandboxes: Whether the site is to have sandboxes.
    """

    def check_database() -> str:
        database.check()
        return database.engine.dialect.name

    watched = [
        Watched(
            name="database", title="Database", channels=("certificates",), probe=check_database,
            remedy="Look whether it runs and has room; 'hopslab doctor' tells where it lies.",
        ),
        Watched(
            name="hub", title="Hub", channels=("hub",), probe=engines.hub.probe,
            remedy="Look into hub.log below the platform's logs; 'make up' starts it again.",
        ),
        Watched(
            name="sessions", title="Spark sessions", channels=("sessions",), probe=engines.sessions.probe,
            remedy="Look into livy.log below the platform's logs; the Hub starts it again by itself.",
        ),
        Watched(
            name="storage", title="Storage",
            channels=("storage", "storage-leaving", "storage-rights", "trash", "counting"), probe=engines.storage.probe,
            remedy="Look whether the disk is there and has room.",
        ),
        Watched(
            name="environments", title="Python environments", channels=("environments",),
            probe=engines.environments.probe, remedy="'hopslab prepare' makes the base environment anew.",
        ),
    ]  # fmt: skip
    if engines.mailer.sends:
        remedy = "Look whether the mail server runs, and at HOPS_MAIL_HOST and what else begins with HOPS_MAIL."
        watched.append(
            Watched(name="mail", title="Mail", channels=("mail",), probe=engines.mailer.probe, remedy=remedy)
        )
    if engines.streams.brokers:
        remedy = "Look whether the cluster runs, and at HOPS_KAFKA; 'hopslab doctor' asks it. See docs/topics.md."
        watched.append(
            Watched(name="kafka", title="Kafka", channels=("kafka",), probe=engines.streams.probe, remedy=remedy)
        )
    if sandboxes:
        remedy = "'hopslab doctor' says why this machine makes none; 'make up' installs what is missing."
        probe = engines.sandboxes.probe
        watched.append(
            Watched(name="sandboxes", title="Sandboxes", channels=("sandboxes",), probe=probe, remedy=remedy)
        )
    return watched


def show_engines(session: Session, watch: EngineWatch) -> list[EngineAnswer]:
    """All engines on the wire. Ends the transaction: nobody waits for the database while engines are looked at."""
    counted = session.execute(
        select(
            Delivery.channel,
            func.count(),
            func.sum(case((Delivery.attempts >= STUCK_AFTER, 1), else_=0)),
        ).group_by(Delivery.channel)
    ).all()
    session.commit()
    waiting = {channel: (count, stuck or 0) for channel, count, stuck in counted}
    found = watch.found()
    return [_show(one, found[one.name], waiting) for one in watch.watched]


def _show(one: Watched, found: Found, waiting: Mapping[str, tuple[int, int]]) -> EngineAnswer:
    counts = [waiting.get(channel, (0, 0)) for channel in one.channels]
    return EngineAnswer(
        name=one.name,
        title=one.title,
        state=found.state,
        since=found.since,
        about=found.about,
        error=found.error,
        remedy=one.remedy if found.state is EngineState.DOWN else None,
        waiting=sum(count for count, _ in counts),
        stuck=sum(stuck for _, stuck in counts),
    )
