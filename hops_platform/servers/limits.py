"""What may be asked for: options against a project's limits and the machine, told in numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from hops_contract.options import Allocation, Capacity, ServerLimits, ServerOptions
from hops_contract.problems import Violation

_WEEK_MINUTES = 7 * 24 * 60
_GIB = 1024
_LEAST_MIB = 512  # what ServerOptions allows at least


def violations(options: ServerOptions, *, limits: ServerLimits, capacity: Capacity) -> list[Violation]:
    """Everything in ``options`` that can't be had; empty when all can.

    Where both the project's limit and the machine are exceeded, only the smaller is named: what fits it fits both.
    """
    return [
        *_beyond_counts(options, limits, capacity),
        *_beyond_memory(options, limits, capacity),
        *_beyond_idling(options, limits),
        *_unknown_label(options, capacity),
    ]


def fitting_defaults(limits: ServerLimits, capacity: Capacity) -> ServerOptions:
    """The options to begin with: the usual ones, made as small as this project and this machine need."""
    usual = ServerOptions()
    total = min(limits.max_total_memory_mib, capacity.memory_mib)
    driver = min(usual.driver_memory_mib, limits.max_driver_memory_mib, max(_LEAST_MIB, total - _LEAST_MIB))
    room = total - driver
    return usual.model_copy(
        update={
            "driver_memory_mib": driver,
            "executor_memory_mib": max(
                _LEAST_MIB, min(usual.executor_memory_mib, limits.max_executor_memory_mib, room)
            ),
            "max_executors": min(usual.max_executors, limits.max_executors),
            "idle_timeout_minutes": min(usual.idle_timeout_minutes, limits.max_idle_timeout_minutes),
        }
    )


def _beyond_counts(options: ServerOptions, limits: ServerLimits, capacity: Capacity) -> Iterator[Violation]:
    executors = "executors" if options.allocation is Allocation.FIXED else "max_executors"
    for field, asked, noun, per, limit, present in (
        (executors, options.most_executors, "executor", "", limits.max_executors, None),
        (
            "executor_cores",
            options.executor_cores,
            "core",
            " per executor",
            limits.max_executor_cores,
            capacity.cores,
        ),
        ("gpus_per_executor", options.total_gpus, "GPU", "", limits.max_gpus, capacity.gpus),
    ):
        most, who = _smaller(limit, present)
        if asked > most:
            yield _violation(field, f"{_count(asked, noun)} asked for{per}; {who} {most}.")


def _beyond_memory(options: ServerOptions, limits: ServerLimits, capacity: Capacity) -> Iterator[Violation]:
    for field, asked, what, limit, present in (
        ("executor_memory_mib", options.executor_memory_mib, "per executor", limits.max_executor_memory_mib, None),
        ("driver_memory_mib", options.driver_memory_mib, "as the driver's memory", limits.max_driver_memory_mib, None),
        ("executor_memory_mib", options.total_memory_mib, "in all", limits.max_total_memory_mib, capacity.memory_mib),
    ):
        most, who = _smaller(limit, present)
        if asked > most:
            # Rounded apart, so that two different sizes never look alike and what is said to be there can be had.
            yield _violation(
                field, f"{_size(asked, math.ceil)} were asked for {what}; {who} {_size(most, math.floor)}."
            )


def _beyond_idling(options: ServerOptions, limits: ServerLimits) -> Iterator[Violation]:
    idle, longest = options.idle_timeout_minutes, limits.max_idle_timeout_minutes
    if idle == 0 and longest < _WEEK_MINUTES:
        yield _violation(
            "idle_timeout_minutes", f"A server of this project stops after {longest} idle minutes at most."
        )
    elif idle > longest:
        yield _violation("idle_timeout_minutes", f"{idle} idle minutes were asked for; this project may use {longest}.")


def _unknown_label(options: ServerOptions, capacity: Capacity) -> Iterator[Violation]:
    if options.gpu_label is not None and options.gpu_label not in capacity.gpu_labels:
        known = ", ".join(capacity.gpu_labels) or "none"
        yield _violation("gpu_label", f"No host has the GPU label {options.gpu_label!r}; there are: {known}.")


def _smaller(limit: int, present: int | None) -> tuple[int, str]:
    if present is not None and present <= limit:
        return present, "this machine has"
    return limit, "this project may use"


def _size(mib: int, rounded: Callable[[float], int]) -> str:
    """``mib`` in the unit that the form shows it in."""
    return f"{mib} MiB" if mib < _GIB else f"{rounded(mib * 10 / _GIB) / 10:g} GiB"


def _violation(field: str, message: str) -> Violation:
    return Violation(field=f"options.{field}", message=message)


def _count(number: int, noun: str) -> str:
    return f"1 {noun} was" if number == 1 else f"{number} {noun}s were"
