"""Why a session of Apache Livy's ended or does not start, in words for its owner. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hops_contract.amounts import memory_text
from hops_livy.engines.drivers import Shape
from hops_livy.upstream.answers import sentence

ENDED = frozenset({"error", "dead", "killed", "success", "shutting_down"})
"""Livy's states of a session or batch that does nothing any more."""
STARTING = frozenset({"not_started", "starting", "recovering"})
"""Those in which it does nothing yet."""
RUNNING = frozenset({"idle", "busy", "running"})
"""Those in which its driver can be asked."""
FORGOTTEN = (
    "Apache Livy no longer knows this session: it was ended there, or Livy was restarted without keeping its sessions."
)
REPLACED = "Apache Livy was restarted and gave this session's place to another one."
_WAITS = re.compile(
    r"not yet activated|AM resource limit|insufficient|unschedulable|has not accepted any resources|state: ACCEPTED",
    re.IGNORECASE,
)
_MEMORY = re.compile(
    r"beyond (the )?'?(physical|virtual)'? memory limit|exceeding memory limits|OOMKilled", re.IGNORECASE
)
_QUEUE = re.compile(r"(unknown|non-existing|non-leaf) queue", re.IGNORECASE)
_KILLED = re.compile(r"exit ?code:? (137|143)|signal (9|15)|SIGKILL|killed by user", re.IGNORECASE)
_DENIED = re.compile(r"Permission denied: user")
_TELLING = re.compile(r"error|exception|exit ?code|killed|diagnostics|denied|failed", re.IGNORECASE)


def why_ended(  # noqa: PLR0911 - one cause, one sentence
    state: str, log: Sequence[str], *, shape: Shape, owner: str
) -> str:
    """The most helpful sentence that Livy's state and log support.

    Args:
        state: Livy's word.
        log: The last lines.
        shape: The resources of the session.
        owner: The project-user that it acts as.
    """
    text = "\n".join(log)
    if "java.lang.OutOfMemoryError" in text:
        return (
            f"The driver ran out of memory: it has {memory_text(shape.driver_memory_mib)}. Raise the memory of the "
            "driver (driverMemory), or bring less data to it."
        )
    if _MEMORY.search(text):
        return (
            "The cluster ended the driver because it used more memory than its container has. Raise the memory of the "
            f"driver (driverMemory, now {memory_text(shape.driver_memory_mib)}), or keep less in Python's own objects."
        )
    if "not allowed to impersonate" in text:
        return (
            f"The cluster does not let Apache Livy act as {owner}. An administrator of the cluster allows it "
            "(hadoop.proxyuser settings)."
        )
    if (line := _line(log, _DENIED)) is not None:
        return f"{owner} may not read or write on the cluster's file system: {line}"
    if (line := _line(log, _QUEUE)) is not None:
        return f"The cluster has no such queue: {line}"
    if "No YARN application is found with tag" in text:
        return "The cluster did not take the application in time: it had no room for it, or it could not be handed in."
    if _KILLED.search(text) or state == "killed":
        return "The driver was killed on the cluster: by someone, or by the cluster itself."
    if state in ("success", "shutting_down"):
        return "The session was ended through Apache Livy, or by its own code (spark.stop or System.exit)."
    line = _line(log, _TELLING)
    return "The driver ended; its log tells no cause." if line is None else f"The driver ended. Its log says: {line}"


def waits_for(log: Sequence[str]) -> str:
    """What a session that is starting waits for; empty where its log does not tell."""
    line = _line(log, _WAITS)
    return "" if line is None else f"It waits for room on the cluster: {line}"


def not_now(message: str) -> bool:
    """Whether Livy did not take a statement only for its session's state, which is about to change or to be told."""
    return bool(re.search(r"Session is in state|Session isn't active", message))


def unreachable(state: str, reason: str) -> str:
    """What is told of a driver that is gone though Livy has not noticed it.

    Args:
        state: Livy's word.
        reason: How asking the driver failed.
    """
    return f"The driver is gone, though Apache Livy still calls its session {sentence(state)}: {sentence(reason)}"


def _line(log: Sequence[str], pattern: re.Pattern[str]) -> str | None:
    return next((sentence(line) for line in reversed(log) if pattern.search(line)), None)
