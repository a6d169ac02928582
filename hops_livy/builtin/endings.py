"""Why a driver ended, in words for its owner."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

from hops_contract.amounts import measured_memory_text, memory_text
from hops_livy.builtin.shortage import MemoryAtEnd
from hops_livy.engines.drivers import Executed, Shape

_FATAL = (
    "insufficient memory for the Java Runtime Environment",
    # "for object heap" or, as newer ones say, "for 2097152KB object heap".
    "Could not reserve enough space for",
    "Could not allocate compressed class space",
    "Cannot allocate memory",
    "Initial heap size set to a larger value",
)
_ERROR = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Exit): ")
_SANDBOXS = re.compile(
    r"(?:bwrap: (?P<program>execvp \S+: )?(?:.*: )?|(?P<checked>The sandbox can't start \S+: ))(?P<cause>[^:]+)$"
)
"""The cause stands last, behind what was tried with which path of this machine. Bubblewrap says so, or who looks at
what it mounted (:mod:`hops_contract.checked_start`)."""
_REFUSED = "The sandbox is not started: "
"""By the latter."""
_GREETING = "WARNING: Using incubator modules"
_LONGEST_WORDS = 500
_MOST_OF_ITS_OWN = 128
"""Above it an exit status tells, as a shell's does, of a signal."""
_NO_MEMORY = "java.lang.OutOfMemoryError"
_LEFT_FOR_MEMORY = f"Terminating due to {_NO_MEMORY}"
"""What a Java machine says that ends for it."""
# Spark's words, and those of YARN within them.
_EXECUTORS_TASK = re.compile(r"Lost task \S+ in stage \S+ \(TID \d+\) \(\S+ executor (?!driver)\w+\)")
_EXECUTOR_LEFT_FOR_MEMORY = re.compile(
    r"ExecutorLostFailure.{0,2000}?(exited with code|exit status:?|exit code:?) (3|52)\b", re.DOTALL | re.IGNORECASE
)
_EXECUTOR_KILLED = re.compile(
    r"ExecutorLostFailure.{0,2000}?(exited with code|exit status:?|exit code:?) 137\b", re.DOTALL | re.IGNORECASE
)
_SOMEONE_OR_MEMORY = "someone or by the machine because its memory ran out"
_WORKER_CRASHED = "Python worker exited unexpectedly (crashed)"
_CHILD_KILLED = re.compile(r"died with <Signals\.SIGKILL: 9>|returned non-zero exit status (-9|137)\b")
"""Python's words of a program that code has started."""
# Python's of a thread and of a process, a shell's of the latter, and Java's, which are no lack of memory.
_NONE_MORE = re.compile(
    r"can't start new thread|Resource temporarily unavailable|unable to create (new )?native thread", re.IGNORECASE
)
_ONLY_READ = "Read-only file system"


def why_ended(  # noqa: PLR0911 - one cause, one sentence
    *,
    shape: Shape,
    code: int | None,
    java_code: int | None,
    failure: str | None,
    log: Sequence[str],
    was_ready: bool,
    apart: bool = False,
    memory: MemoryAtEnd | None = None,
) -> str:
    """The most helpful sentence that exit codes and the log support.

    Args:
        shape: The resources of the session.
        code: Exit status of the driver's Python process.
        java_code: Exit status of its Java machine, when that ended first.
        failure: What the driver itself said before it ended.
        log: Its last lines.
        was_ready: Whether it had started completely.
        apart: Whether executors run on a cluster, not on this machine.
        memory: What the system told of memory when it ended.
    """
    # What a process said some time ago is no cause of an end that the system itself tells.
    text = "" if _was_killed(code, java_code) or (java_code == 0 and was_ready) else "\n".join(log)
    if any(sentence in text for sentence in _FATAL):
        return (
            f"This machine could not give the driver its {memory_text(shape.driver_memory_mib)} of memory. "
            "Stop other sessions, or ask for less driver memory."
        )
    if _LEFT_FOR_MEMORY in text or _NO_MEMORY in (failure or ""):
        return out_of_memory(shape, apart=apart)
    if not was_ready and (reason := _why_no_sandbox(log)):
        return reason
    if failure is not None and java_code is None:
        return f"Spark could not be started: {failure}"
    killed = _killed(shape, memory, apart=apart)
    if java_code is not None and java_code != 0:
        return f"The driver's Java machine {_ended_with(java_code, killed)}"
    if java_code == 0 and was_ready:
        return "The driver's Java machine was ended from inside the session (System.exit or spark.stop)."
    if code is not None:
        ended_itself = 0 < code <= _MOST_OF_ITS_OWN
        words = _last_words(log) if ended_itself and not was_ready else ""
        return f"The driver {_ended_with(code, killed)}{words}"
    if memory is not None and memory.ran_out:
        return f"The driver {killed}"
    someone = "someone" if memory is not None and memory.ran_out is False else _SOMEONE_OR_MEMORY
    return (
        f"The driver ended without a word: it was killed, by {someone}, or its own code ended it. It had been started "
        "by an earlier session service, so this one can't tell which."
    )


def out_of_memory(shape: Shape, *, apart: bool = False) -> str:
    """What to say when the driver ran out of memory; ``apart`` as above."""
    if shape.clustered or apart:
        return (
            f"The driver ran out of memory: it has {memory_text(shape.driver_memory_mib)}. Raise the memory of the "
            "driver (driverMemory), or bring less data to it."
        )
    return (
        f"The driver ran out of memory: with one executor, driver and executor share "
        f"{memory_text(shape.driver_memory_mib + shape.executor_memory_mib)}. Raise the memory of the driver "
        "(driverMemory) or of the executor (executorMemory), or bring less data to the driver."
    )


def why_without_memory(said: str, *, shape: Shape, apart: bool = False) -> str:
    """What to say first where a statement's error tells of too little memory; empty where it tells of none.

    Args:
        said: What the error says.
        shape: The resources of the session.
        apart: Whether executors run on a cluster, not on this machine.
    """
    executor = _EXECUTORS_TASK.search(said)
    if _EXECUTOR_LEFT_FOR_MEMORY.search(said) or (executor and _NO_MEMORY in said):
        return (
            f"An executor ran out of memory: it has {memory_text(shape.executor_memory_mib)}. Raise the memory of the "
            "executor (executorMemory), or give each task less: more partitions, or fewer cores."
        )
    return out_of_memory(shape, apart=apart) if _NO_MEMORY in said else ""


def why_bounded(said: str, *, limited: str | None, processes: int) -> str:
    """What to say first where a statement's error comes of a limit of the session's sandbox; else nothing.

    Args:
        said: What the error says.
        limited: Why a limit ended a process of the sandbox just now, as its keeper says, if one did.
        processes: The most that the sandbox may hold; 0: no limit.
    """
    if limited and (was_lost(said) or _CHILD_KILLED.search(said)):
        return limited
    if processes and _NONE_MORE.search(said):
        # The machine may have had no room either, and some errors of other causes have the same words.
        return (
            f"It seems that no more processes could be started: the sandbox of the session may hold {processes}, of "
            "which each thread is one. Start fewer at a time."
        )
    if _ONLY_READ in said:
        return (
            "What is to be written is only read here. A dataset of a project is that while the project is over its "
            "quota of storage: delete files and empty the trash, and it can be written again, also by this session."
        )
    return ""


def explained(end: Executed, why: str) -> Executed:
    """The end of a statement that failed, with ``why`` first in its error's message and last in its traceback.

    A notebook shows the traceback alone, and of a long one, most of it Java's, what stands last is in view.

    Args:
        end: How the statement ended.
        why: What its error means; nothing changes where that is empty.
    """
    if end.error is None or not why:
        return end
    lines = end.error.get("traceback") or []
    traceback = [*lines, why] if lines else []
    return Executed(
        status=end.status,
        error={**end.error, "evalue": f"{why}\n{end.error.get('evalue', '')}", "traceback": traceback},
    )


def was_lost(said: str) -> bool:
    """Whether the error of a statement comes from an executor that was killed, or from one of its Python processes.

    Args:
        said: What the error says.
    """
    return _WORKER_CRASHED in said or _EXECUTOR_KILLED.search(said) is not None


def why_lost(said: str, *, shape: Shape, memory: MemoryAtEnd, apart: bool = False) -> str:
    """What to say first where :func:`was_lost`; empty where nothing is known that the error does not say.

    Args:
        said: What the error says.
        shape: The resources of the session.
        memory: What the system told of memory when the statement ended.
        apart: Whether executors run on a cluster, not on this machine.
    """
    executor = _EXECUTOR_KILLED.search(said) is not None
    if apart:
        return (
            "An executor was killed on the cluster (signal 9), mostly because its host or its container had no memory "
            f"left: it has {memory_text(shape.executor_memory_mib)}. Raise the memory of the executor "
            "(executorMemory), or give each task less."
            if executor
            else ""
        )
    if not executor and not memory.ran_out:
        # A worker can crash in many ways, of which the kernel has none done.
        return ""
    return f"{'An executor' if executor else 'A Python process of an executor'} {_killed(shape, memory, apart=False)}"


def _why_no_sandbox(log: Sequence[str]) -> str:
    """What was said where no sandbox could be made, or the driver not started in it; empty where it could."""
    last = next((line.strip() for line in reversed(log) if line.strip()), "")
    if last.startswith(_REFUSED):
        return last[:_LONGEST_WORDS]
    said = _SANDBOXS.match(last)
    if said is None:
        return ""
    cause = said["cause"].strip()[:_LONGEST_WORDS]
    if said["program"] or said["checked"]:
        return f"The Python of the project's environment can't be started: {cause}."
    return f"The sandbox of the session could not be made: {cause}. Tell the administrator."


def _was_killed(*codes: int | None) -> bool:
    return any(
        code is not None and (-code if code < 0 else code - _MOST_OF_ITS_OWN) == signal.SIGKILL for code in codes
    )


def _last_words(log: Sequence[str]) -> str:
    """What Python says last when it can't import something, or fails otherwise before anything runs."""
    # The Java machine starts beside Python, and greets a moment later.
    own = (line.strip() for line in reversed(log) if not line.startswith(_GREETING))
    last = next(filter(None, own), "")
    return f" Its log ends: {last[:_LONGEST_WORDS]}" if _ERROR.match(last) else ""


def _ended_with(code: int, killed: str) -> str:
    """The end of a sentence about a process.

    Args:
        code: Its exit status, as Python tells it or as a shell does.
        killed: What to say of one that got signal 9.
    """
    number = -code if code < 0 else code - _MOST_OF_ITS_OWN
    if number == signal.SIGKILL:
        return killed
    if code < 0 or number in (signal.SIGTERM, signal.SIGABRT, signal.SIGSEGV):
        return f"was ended by signal {number}."
    return f"ended by itself with exit status {code}."


def _killed(shape: Shape, memory: MemoryAtEnd | None, *, apart: bool) -> str:
    """What is said of a process of this machine that got signal 9: by whom, and what the numbers are."""
    if memory is None or memory.ran_out is None:
        return "was killed (signal 9): by someone, or by the machine because its memory ran out."
    granted = shape.driver_memory_mib if apart else shape.total_memory_mib
    had = "" if memory.taken is None else f"had taken {measured_memory_text(memory.taken)} and "
    numbers = f"The session {had}was granted {memory_text(granted)}"
    if not memory.ran_out:
        free = "" if memory.free is None else f"; {measured_memory_text(memory.free)} of this machine were free"
        # Guards that act before the kernel does, as systemd-oomd, are programs too.
        not_memory = "by someone or by a program, not by the kernel for lack of memory"
        return f"was killed (signal 9): {not_memory}. {numbers}{free}."
    seems = "" if memory.of_service else ", it seems, since the kernel ended a process of this machine for that reason"
    whole = (
        f"the session service and all its sessions may have {measured_memory_text(memory.whole)}"
        if memory.limited
        else f"this machine has {measured_memory_text(memory.whole)}"
    )
    remedy = _remedy(shape, memory.taken, granted, apart=apart)
    return f"was killed (signal 9): memory ran out{seems}. {numbers}; {whole}. {remedy}"


def _remedy(shape: Shape, taken: int | None, granted: int, *, apart: bool) -> str:
    """Which option to raise or to lower: by whether the session took more than it had asked for."""
    options = "driverMemory" if apart else "driverMemory, executorMemory"
    if taken is None or taken <= granted:
        return f"Others have the rest: stop other sessions, or ask for less ({options})."
    fewer = "" if apart or not shape.clustered else ", or have fewer executors"
    return (
        f"Keep less in Python, which no option bounds, or ask for as much as it takes ({options}): it is then started "
        f"only where so much is free{fewer}."
    )
