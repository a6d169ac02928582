"""A cluster at one moment, whatever its kind: its hosts, who uses it, and what that means for a session, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from hops_contract.amounts import memory_text
from hops_livy.engines.drivers import Shape

_YARN_OVERHEAD_MIB = 384
_OVERHEAD_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A host of the cluster, memory in MiB."""

    cores: int
    memory_mib: int
    gpus: int
    free_cores: int
    free_memory_mib: int
    free_gpus: int
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Something that uses the cluster or waits for it.

    Attributes:
        names: What it can be known by: its id, its tags.
        owner: As whom it was submitted.
        executors: How many it has, where the cluster tells that.
        cores: How many its executors have together, where the cluster tells that.
        waiting: Whether it has nothing yet.
        started: Whether the cluster has let it begin.
    """

    names: tuple[str, ...]
    owner: str
    executors: int | None = None
    cores: int | None = None
    waiting: bool = False
    started: bool = True

    def executors_of(self, shape: Shape) -> int:
        """How many executors it has, if it is of that shape."""
        if self.executors is not None:
            return self.executors
        return (self.cores or 0) // shape.executor_cores


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """What a cluster has and who uses it.

    Attributes:
        nodes: Hosts that can take executors.
        applications: Those that have not ended.
        overhead: Whether the cluster counts memory beside an executor's heap.
    """

    nodes: tuple[Node, ...]
    applications: tuple[Application, ...]
    overhead: bool = False

    def find(self, *names: str | None, owner: str) -> Application | None:
        """The application of ``owner`` that one of ``names`` names; the last of several."""
        known, own = {name for name in names if name}, [each for each in self.applications if each.owner == owner]
        return next((found for found in reversed(own) if known.intersection(found.names)), None)

    def why_never(self, shape: Shape) -> str | None:
        """Why the cluster can't hold the executors of ``shape`` even when nothing else runs, if so."""
        needed = _needed(shape)
        room = sum(self._fitting(shape, node.cores, node.memory_mib, node.gpus) for node in self._hosts(shape))
        if room >= needed:
            return None
        return (
            f"{self._asked(shape)} asked for; the cluster has room for {room} of them even when nothing else runs: "
            f"{self._told(shape)}."
        )

    def why_waiting(self, shape: Shape, application: Application | None, project_user: str) -> str:
        """What a session waits for; empty when it has the executors that it should have.

        Args:
            shape: The resources.
            application: The session's own, if it is known.
            project_user: Whose session it is: members of other projects are not named.
        """
        needed = _needed(shape)
        had = 0 if application is None else application.executors_of(shape)
        begun = application is None or application.started
        if had >= needed and begun:
            return ""
        others = [each for each in self.applications if each is not application]
        return (
            f"Waits for executors: {had} of {needed} of {self._size(shape)}; the cluster has {self._free(shape)} free. "
            f"{_users(others, project_user)}"
        )

    def has_room(self, shape: Shape, application: Application | None) -> bool:
        """Whether what is free would hold the executors that a session of ``shape`` still waits for."""
        had = 0 if application is None else application.executors_of(shape)
        free = (
            self._fitting(shape, node.free_cores, node.free_memory_mib, node.free_gpus) for node in self._hosts(shape)
        )
        return sum(max(0, fitting) for fitting in free) >= _needed(shape) - had

    def _hosts(self, shape: Shape) -> list[Node]:
        """Hosts that the executors of ``shape`` may run on: without a label, those without one."""
        return [node for node in self.nodes if (shape.gpu_label in node.labels if shape.gpu_label else not node.labels)]

    def _fitting(self, shape: Shape, cores: int, memory_mib: int, gpus: int) -> int:
        fits = [cores // shape.executor_cores, memory_mib // self._memory_mib(shape)]
        if shape.gpus_per_executor:
            fits.append(gpus // shape.gpus_per_executor)
        return min(fits)

    def _memory_mib(self, shape: Shape) -> int:
        if not self.overhead:
            return shape.executor_memory_mib
        return shape.executor_memory_mib + max(_YARN_OVERHEAD_MIB, int(shape.executor_memory_mib * _OVERHEAD_SHARE))

    def _size(self, shape: Shape) -> str:
        gpus = f"{_count(shape.gpus_per_executor, 'GPU')}, " if shape.gpus_per_executor else ""
        return f"{gpus}{_count(shape.executor_cores, 'core')} and {memory_text(self._memory_mib(shape))}"

    def _asked(self, shape: Shape) -> str:
        needed = _needed(shape)
        were = "was" if needed == 1 else "were"
        return f"{_count(needed, 'executor')} of {self._size(shape)}{_labelled(shape)} {were}"

    def _told(self, shape: Shape) -> str:
        hosts = self._hosts(shape)
        whose = f"it has {_count(len(hosts), 'host')}{_labelled(shape) if shape.gpu_label else ' without a label'}"
        if not any(node.labels for node in self.nodes) and not shape.gpu_label:
            whose = f"it has {_count(len(hosts), 'host')}"
        sizes = Counter(
            f"{_count(node.gpus, 'GPU')}, {_count(node.cores, 'core')} and {memory_text(node.memory_mib)}"
            for node in hosts
        )
        each = "; ".join(f"{number} of {size}" for size, number in sorted(sizes.items())[:5])
        return f"{whose} ({each})" if each else whose

    def _free(self, shape: Shape) -> str:
        hosts = self._hosts(shape)
        cores = sum(node.free_cores for node in hosts)
        memory = sum(node.free_memory_mib for node in hosts)
        gpus = f"{_count(sum(node.free_gpus for node in hosts), 'GPU')}, " if shape.gpus_per_executor else ""
        return f"{gpus}{_count(cores, 'core')} and {memory_text(memory)}{_labelled(shape)}"


def no_room_now(told: str) -> str:
    """Why a session that may not wait has ended.

    Args:
        told: What it waited for.
    """
    return f"There is no room on the cluster now, and this session was not to wait. {told}"


def _needed(shape: Shape) -> int:
    """How many executors a session must have before it waits for none."""
    return (shape.min_executors or 0) if shape.dynamic else shape.executors


def _labelled(shape: Shape) -> str:
    return f" with label {shape.gpu_label}" if shape.gpu_label else ""


def _users(others: Iterable[Application], asker: str) -> str:
    # Who is not in a project must not learn that it exists, nor who its members are.
    project = asker.partition("__")[0]
    working: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for each in others:
        owner = each.owner if each.owner.partition("__")[0] == project else "others"
        (waiting if each.waiting else working)[owner] += 1
    too = f"; that wait too: {_listed(waiting)}" if waiting else ""
    return f"Others that work there: {_listed(working)}{too}."


def _listed(numbers: Counter[str]) -> str:
    return ", ".join(f"{number} of {owner}" for owner, number in sorted(numbers.items())) or "none"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
