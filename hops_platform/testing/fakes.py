"""Engines in memory that keep the contracts of their ports, with switches for faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hops_contract.happenings import SessionHappening, SessionHappenings
from hops_contract.options import Capacity
from hops_platform.engines.hub import HubServer, RunningServer, ServerState
from hops_platform.engines.mailer import Letter
from hops_platform.engines.sandboxes import EndedShare, FullProject, VisibleDataset
from hops_platform.engines.sessions import SessionsUse
from hops_platform.engines.storage import DatasetRights, LookAgain
from hops_platform.engines.streams import TopicRights
from hops_platform.errors import EngineRefusedError, NotFoundError


@dataclass
class Faulty:
    """An engine that can be made to fail: every call raises ``fault`` while it is set."""

    fault: Exception | None = None

    def check(self) -> None:
        """Raises the fault, if there is one."""
        if self.fault is not None:
            raise self.fault

    def probe(self) -> str:
        """What every engine says of itself."""
        self.check()
        return "in memory"


@dataclass
class MemoryStorage(Faulty):
    """Folders as a dictionary."""

    projects: dict[str, set[str]] = field(default_factory=dict)
    rights: dict[str, dict[str, DatasetRights]] = field(default_factory=dict)
    trash: list[str] = field(default_factory=list)
    homes: dict[str, int] = field(default_factory=dict)

    def measure_homes(self, project: str) -> int:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        self.check()
        return self.homes.get(project, 0)

    def project_address(self, project: str) -> str:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        return f"/Projects/{project}"

    def create_datasets(self, project: str, datasets: Sequence[str]) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        self.check()
        self.projects.setdefault(project, set()).update(datasets)

    def trash_project(self, project: str) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        self.check()
        if self.projects.pop(project, None) is not None:
            self.trash.append(project)

    def close(self) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""

    def let_out(self, project: str, rights: Sequence[DatasetRights]) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        self.check()
        kept = self.rights.setdefault(project, {})
        for one in rights:
            if (was := kept.get(one.dataset)) is not None:
                writers = [name for name in was.writers if name in one.writers]
                readers = [name for name in was.readers if name in one.readers]
                kept[one.dataset] = DatasetRights(dataset=one.dataset, writers=writers, readers=readers)

    def settle_rights(
        self,
        project: str,
        rights: Sequence[DatasetRights],
        *,
        again: LookAgain | None = None,  # noqa: ARG002 - it takes no time
    ) -> None:
        """See :class:`~hops_platform.engines.storage.ProjectStorage`."""
        self.check()
        self.rights.setdefault(project, {}).update({one.dataset: one for one in rights})


@dataclass
class MemoryStreams(Faulty):
    """Topics as a dictionary of partitions and replicas; who may use them, and which project's groups."""

    brokers: Sequence[str] = ()
    most_replicas: int = 3
    topics: dict[str, tuple[int, int]] = field(default_factory=dict)
    rights: dict[str, TopicRights] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)

    def has_topic(self, topic: str) -> bool:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        self.check()
        return topic in self.topics

    def create_topic(self, topic: str, *, partitions: int, replicas: int) -> bool:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        self.check()
        if topic in self.topics:
            return False
        if replicas > self.most_replicas:
            raise EngineRefusedError("There are fewer brokers than there would be replicas.")
        self.topics[topic] = (partitions, replicas)
        return True

    def delete_topic(self, topic: str) -> None:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        self.check()
        self.topics.pop(topic, None)
        self.rights.pop(topic, None)

    def settle_rights(self, project: str, topics: Sequence[TopicRights], *, group_members: Sequence[str]) -> None:
        """See :class:`~hops_platform.engines.streams.Streams`."""
        self.check()
        self.rights.update({one.topic: one for one in topics})
        self.groups[project] = list(group_members)


@dataclass
class MemoryTemplates(Faulty):
    """Remembers what was filled."""

    filled: dict[str, str] = field(default_factory=dict)

    def fill(self, project: str, *, title: str) -> None:
        """See :class:`~hops_platform.engines.templates.ProjectTemplates`."""
        self.check()
        self.filled.setdefault(project, title)


@dataclass
class MemorySandboxes(Faulty):
    """Remembers what each project's sandboxes show of others: paths, and whether they can be written."""

    visible: dict[str, dict[str, bool]] = field(default_factory=dict)

    ended: dict[str, Sequence[EndedShare]] = field(default_factory=dict)

    def settle(self, project: str, visible: Sequence[VisibleDataset], ended: Sequence[EndedShare] = ()) -> None:
        """See :class:`~hops_platform.engines.sandboxes.Sandboxes`."""
        self.check()
        self.ended[project] = ended
        self.visible[project] = {f"{one.project}/{one.dataset}": one.writes for one in visible}

    full: Sequence[FullProject] = ()

    def settle_full(self, full: Sequence[FullProject]) -> None:
        """See :class:`~hops_platform.engines.sandboxes.Sandboxes`."""
        self.check()
        self.full = full


@dataclass
class MemoryHub(Faulty):
    """Servers as a dictionary."""

    servers: dict[tuple[str, str], HubServer] = field(default_factory=dict)
    started: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)

    def server(self, user: str, name: str) -> HubServer:
        """See :class:`~hops_platform.engines.hub.Hub`."""
        self.check()
        return self.servers.get((user, name), HubServer(state=ServerState.STOPPED))

    def running_servers(self) -> Sequence[RunningServer]:
        """See :class:`~hops_platform.engines.hub.Hub`."""
        self.check()
        at_rest = (ServerState.STOPPED, ServerState.FAILED)
        return [RunningServer(*key) for key, server in self.servers.items() if server.state not in at_rest]

    def start_server(self, user: str, name: str, *, title: str, options: dict[str, Any]) -> None:
        """See :class:`~hops_platform.engines.hub.Hub`."""
        self.check()
        if self.server(user, name).state in (ServerState.READY, ServerState.STARTING):
            return
        self.started.append((user, name, title, options))
        self.servers[(user, name)] = HubServer(state=ServerState.STARTING)

    def stop_server(self, user: str, name: str) -> None:
        """See :class:`~hops_platform.engines.hub.Hub`."""
        self.check()
        self.servers.pop((user, name), None)


@dataclass
class MemorySessions(Faulty):
    """Sessions as a dictionary; remembers whose were ended, and with which tokens and wishes it was asked."""

    ended: list[str] = field(default_factory=list)
    reasons: dict[str, str | None] = field(default_factory=dict)
    use: dict[str, SessionsUse] = field(default_factory=dict)
    sessions: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    stream: str = "first"
    happenings: list[SessionHappening] = field(default_factory=list)

    def end_all(self, project_user: str, *, reason: str | None = None) -> None:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        self.check()
        self.ended.append(project_user)
        self.reasons[project_user] = reason

    def use_of(self, project: str) -> SessionsUse:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        self.check()
        return self.use.get(project, SessionsUse())

    def happened(self, stream: str, after: int, *, limit: int) -> SessionHappenings:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        self.check()
        if stream == self.stream:
            self.happenings = [one for one in self.happenings if one.number > after]
        return SessionHappenings(stream=self.stream, items=self.happenings[:limit])

    def look(self, token: str, query: Mapping[str, str], *, wait_s: float = 0) -> Mapping[str, Any]:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        self.check()
        self.asked.append((token, {**query, "wait_s": wait_s}))
        items = [self.sessions[number] for number in sorted(self.sessions, reverse=True)]
        idle = sum(item["state"] == "idle" for item in items)
        counts = {"total": len(items), "idle": idle}
        return {"scope": query["scope"], "items": items, "next": None, **counts, "version": str(hash(repr(items)))}

    def log(self, token: str, session: int, *, size: int) -> Mapping[str, Any]:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        self._find(token, session)
        return {"total": 1, "log": ["a line"][:size]}

    def stop(self, token: str, session: int, *, source: str = "") -> Mapping[str, Any]:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        self.sources.append(source)
        self._find(token, session).update(state="killed", reason="It was ended.")
        return self.sessions[session]

    def stop_idle(self, token: str, wanted: Mapping[str, Any], *, source: str = "") -> Sequence[int]:
        """See :class:`~hops_platform.engines.sessions.SparkSessions`."""
        self.check()
        self.asked.append((token, dict(wanted)))
        named = wanted.get("sessions", list(self.sessions))
        ended = [number for number in named if self.sessions.get(number, {}).get("state") == "idle"]
        for number in ended:
            self.stop(token, number, source=source)
        return ended

    def _find(self, token: str, session: int) -> dict[str, Any]:
        self.check()
        self.asked.append((token, {"session": session}))
        if session not in self.sessions:
            raise NotFoundError(f"There is no session {session}.")
        return self.sessions[session]


@dataclass
class MemoryEnvironments(Faulty):
    """Environments as a set."""

    made: set[str] = field(default_factory=set)
    outdated: set[str] = field(default_factory=set)

    def prefix(self, project: str) -> str:
        """See :class:`~hops_platform.engines.environments.ProjectEnvironments`."""
        return f"/environments/{project}"

    def create(self, project: str) -> None:
        """See :class:`~hops_platform.engines.environments.ProjectEnvironments`."""
        self.check()
        self.made.add(project)
        self.outdated.discard(project)

    def is_current(self, project: str) -> bool:
        """See :class:`~hops_platform.engines.environments.ProjectEnvironments`."""
        return project in self.made - self.outdated

    def remove(self, project: str) -> None:
        """See :class:`~hops_platform.engines.environments.ProjectEnvironments`."""
        self.check()
        self.made.discard(project)


@dataclass
class FixedCapacity(Faulty):
    """A machine of a given size."""

    capacity: Capacity = field(
        default_factory=lambda: Capacity(cores=8, memory_mib=32768, gpus=2, gpu_labels=("a100",))
    )

    def read(self) -> Capacity:
        """See :class:`~hops_platform.engines.capacity.MachineCapacity`."""
        self.check()
        return self.capacity


@dataclass
class MemoryMailer(Faulty):
    """Letters as a list."""

    sends: bool = True
    sent: list[Letter] = field(default_factory=list)

    def probe(self) -> str:
        """See :class:`~hops_platform.engines.mailer.Mailer`."""
        self.check()
        return "in memory"

    def send(self, letter: Letter) -> None:
        """See :class:`~hops_platform.engines.mailer.Mailer`."""
        self.check()
        self.sent.append(letter)


@dataclass
class MemoryLogins(Faulty):
    """Codes and tokens of browsers as dictionaries."""

    tokens: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    verifiers: set[str] = field(default_factory=set)
    seen: dict[str, str] = field(default_factory=dict)

    def begin(self, state: str) -> tuple[str, str]:
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        self.check()
        verifier = f"verifier-{len(self.verifiers)}"
        self.verifiers.add(verifier)
        return f"/hub/api/oauth2/authorize?state={state}", verifier

    def finish(self, code: str, *, verifier: str) -> str:
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        self.check()
        if code not in self.codes or verifier not in self.verifiers:
            raise EngineRefusedError("The Hub did not accept this log-in.", remedy="Log in again.")
        return self.codes.pop(code)

    def end_all(self, user: str) -> None:
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        self.tokens = {token: name for token, name in self.tokens.items() if name != user}
        self.seen = {token: name for token, name in self.seen.items() if name != user}

    def user_of(self, token: str, *, hub_session: str) -> str | None:  # noqa: ARG002
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        self.check()
        name = self.tokens.get(token)
        if name is not None:
            self.seen[token] = name
        return name

    def person_of(self, token: str) -> str | None:
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        return self.seen.get(token)
