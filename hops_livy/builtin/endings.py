"""Why a driver ended, in words for its owner."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

from hops_livy.engines.drivers import Shape

_FATAL = (
    "insufficient memory for the Java Runtime Environment",
    # "for object heap" or, as newer ones say, "for 2097152KB object heap".
    "Could not reserve enough space for",
    "Could not allocate compressed class space",
    "Cannot allocate memory",
    "Initial heap size set to a larger value",
)
_ERROR = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Exit): ")
_LONGEST_WORDS = 500


def why_ended(  # noqa: PLR0911 - one cause, one sentence
    *,
    shape: Shape,
    code: int | None,
    java_code: int | None,
    failure: str | None,
    log: Sequence[str],
    was_ready: bool,
    apart: bool = False,
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
    """
    text = "\n".join(log)
    if any(sentence in text for sentence in _FATAL):
        return (
            f"This machine could not give the driver its {shape.driver_memory_mib} MiB of memory. "
            "Stop other sessions, or ask for less driver memory."
        )
    if "java.lang.OutOfMemoryError" in text or "java.lang.OutOfMemoryError" in (failure or ""):
        return out_of_memory(shape, apart=apart)
    if failure is not None and java_code is None:
        return f"Spark could not be started: {failure}"
    if java_code is not None and java_code != 0:
        return f"The driver's Java machine {_ended_with(java_code)}."
    if java_code == 0 and was_ready:
        return "The driver's Java machine was ended from inside the session (System.exit or spark.stop)."
    if code is not None:
        return f"The driver {_ended_with(code)}.{'' if was_ready or code <= 0 else _last_words(log)}"
    return (
        "The driver ended without a word: it was killed, by someone or by the machine because its memory ran out, or "
        "its own code ended it. It had been started by an earlier session service, so this one can't tell which."
    )


def out_of_memory(shape: Shape, *, apart: bool = False) -> str:
    """What to say when the driver ran out of memory; ``apart`` as above."""
    if shape.clustered or apart:
        return (
            f"The driver ran out of memory: it has {shape.driver_memory_mib} MiB. Raise the memory of the driver "
            "(driverMemory), or bring less data to it."
        )
    return (
        f"The driver ran out of memory: with one executor, driver and executor share "
        f"{shape.driver_memory_mib + shape.executor_memory_mib} MiB. Raise the memory of the driver (driverMemory) or "
        "of the executor (executorMemory), or bring less data to the driver."
    )


def _last_words(log: Sequence[str]) -> str:
    """What Python says last when it can't import something, or fails otherwise before anything runs."""
    last = next((line.strip() for line in reversed(log) if line.strip()), "")
    return f" Its log ends: {last[:_LONGEST_WORDS]}" if _ERROR.match(last) else ""


def _ended_with(code: int) -> str:
    number = -code if code < 0 else code - 128
    if number == signal.SIGKILL:
        return "was killed (signal 9): by someone, or by the machine because its memory ran out"
    if code < 0 or number in (signal.SIGTERM, signal.SIGABRT, signal.SIGSEGV):
        return f"was ended by signal {number}"
    return f"ended by itself with exit status {code}"
