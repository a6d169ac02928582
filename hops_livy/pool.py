"""Sessions that are started ahead: each for one project-user, with the resources and settings that they will ask for.

A warm session is an ordinary one that nobody has been told of: started as its owner, with their environment, folders,
token and settings, and never handed to anybody else. That is why nothing personal has to be changed when it is asked
for (docs/decisions/0007-warm-sessions.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hops_contract.network import Network
from hops_livy.engines.drivers import Shape
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session

KEPT_S = 180.0
"""A warm session that nobody has asked to keep for so long ends."""


@dataclass(slots=True)
class Warm:
    """A session that waits for its owner.

    Attributes:
        session: The session.
        conf: Spark's settings that it was started with.
        wanted: When its owner's server last asked to keep it (monotonic).
    """

    session: Session
    conf: Mapping[str, str]
    wanted: float = field(default_factory=time.monotonic)

    def fits(self, project_user: str, shape: Shape, conf: Mapping[str, str]) -> bool:
        """Whether it is what ``project_user`` would get when they asked for this."""
        return (self.session.owner.project_user, self.session.shape, self.conf) == (project_user, shape, conf)


class WarmPool:
    """The warm sessions; one for each project-user at most.

    Args:
        most: How many there may be.
        most_of_one: How many of one person, who may be a member of many projects.
    """

    def __init__(self, most: int, most_of_one: int = 2) -> None:
        self.most = most
        self.most_of_one = most_of_one
        self._warm: dict[str, Warm] = {}

    def __iter__(self) -> Iterator[Warm]:
        return iter(list(self._warm.values()))

    def __len__(self) -> int:
        return len(self._warm)

    def put(self, warm: Warm) -> Warm | None:
        """Adds one; returns the one whose place it takes, which then has to be ended."""
        displaced = self._warm.get(warm.session.owner.project_user)
        self._warm[warm.session.owner.project_user] = warm
        return displaced

    def of(self, project_user: str) -> Warm | None:
        """The one of that project-user, while it can be used."""
        warm = self._warm.get(project_user)
        usable = warm is not None and warm.session.state in (SessionState.STARTING, SessionState.IDLE)
        return warm if usable else None

    def take(self, project_user: str, shape: Shape, conf: Mapping[str, str]) -> Session | None:
        """Takes the one that fits out of the pool."""
        warm = self.of(project_user)
        if warm is None or not warm.fits(project_user, shape, conf):
            return None
        del self._warm[project_user]
        return warm.session

    def take_out(self, memory_mib: int) -> list[Warm]:
        """Takes out as few as leave ``memory_mib`` of memory when they end; none if all of them are too little.

        Those that were wanted longest ago go first.
        """
        chosen: list[Warm] = []
        missing = memory_mib
        for warm in sorted(self, key=lambda one: one.wanted):
            if missing <= 0:
                break
            chosen.append(warm)
            missing -= warm.session.shape.total_memory_mib
        if missing > 0:
            return []
        for warm in chosen:
            self.remove(warm.session)
        return chosen

    async def end(self, warm: Warm, *, at_once: bool = False) -> None:
        """Ends one that nobody has asked for; nothing of it is left.

        Args:
            warm: Which.
            at_once: Whether its code may do nothing more.
        """
        self.remove(warm.session)
        await warm.session.end("It was kept ready and not asked for.", at_once=at_once)
        warm.session.journal.remove()

    def remove(self, session: Session) -> None:
        """Forgets one; safe to repeat."""
        self._warm = {owner: warm for owner, warm in self._warm.items() if warm.session is not session}

    def spent(self, now: float) -> list[Warm]:
        """Those that have ended, and those that nobody has asked to keep for long."""
        return [warm for warm in self if warm.session.final or now - warm.wanted > KEPT_S]


def known_by(conf: Mapping[str, str], network: Network, *, full: bool = False) -> dict[str, str]:
    """What a session that is kept ready must have been started with to be the one that is asked for.

    Args:
        conf: Spark's settings that were asked for.
        network: What the project's sandboxes reach.
        full: Whether the project's storage is full.
    """
    sandbox = {} if network is Network.PLATFORM else {"the network of the sandbox": network.value}
    return {**conf, **sandbox, **({"the project's datasets": "read only"} if full else {})}
