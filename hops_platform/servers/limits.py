"""What may be asked for: options against a project's limits and the machine, told in numbers."""

from __future__ import annotations

from collections.abc import Iterator

from hops_contract.options import Allocation, Capacity, ServerLimits, ServerOptions
from hops_contract.problems import Violation

_WEEK_MINUTES = 7 * 24 * 60
_LEAST_MIB = 512  # what ServerOptions allows at least


def violations(options: ServerOptions, *, limits: ServerLimits, capacity: Capacity) -> list[Violation]:
    """Everything in ``options`` that can't be had; empty when all can."""
    return [*_beyond_limits(options, limits), *_beyond_capacity(options, capacity)]


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


def _beyond_limits(options: ServerOptions, limits: ServerLimits) -> Iterator[Violation]:
    fixed = options.allocation is Allocation.FIXED
    if options.most_executors > limits.max_executors:
        yield _violation(
            "executors" if fixed else "max_executors",
            f"{_count(options.most_executors, 'executor')} asked for; this project may use {limits.max_executors}.",
        )
    if options.executor_cores > limits.max_executor_cores:
        yield _violation(
            "executor_cores",
            f"{_count(options.executor_cores, 'core')} asked for per executor; "
            f"this project may use {limits.max_executor_cores}.",
        )
    for field, asked, limit, what in (
        ("executor_memory_mib", options.executor_memory_mib, limits.max_executor_memory_mib, "per executor"),
        ("driver_memory_mib", options.driver_memory_mib, limits.max_driver_memory_mib, "for the driver"),
        ("executor_memory_mib", options.total_memory_mib, limits.max_total_memory_mib, "in all"),
    ):
        if asked > limit:
            yield _violation(field, f"{asked} MiB {what} were asked for; this project may use {limit} MiB.")
    if options.total_gpus > limits.max_gpus:
        yield _violation(
            "gpus_per_executor",
            f"{_count(options.total_gpus, 'GPU')} asked for; this project may use {limits.max_gpus}.",
        )
    idle, longest = options.idle_timeout_minutes, limits.max_idle_timeout_minutes
    if idle == 0 and longest < _WEEK_MINUTES:
        yield _violation(
            "idle_timeout_minutes", f"A server of this project stops after {longest} idle minutes at most."
        )
    elif idle > longest:
        yield _violation("idle_timeout_minutes", f"{idle} idle minutes were asked for; this project may use {longest}.")


def _beyond_capacity(options: ServerOptions, capacity: Capacity) -> Iterator[Violation]:
    if options.total_memory_mib > capacity.memory_mib:
        yield _violation(
            "executor_memory_mib",
            f"{options.total_memory_mib} MiB in all were asked for; this machine has {capacity.memory_mib} MiB.",
        )
    if options.executor_cores > capacity.cores:
        yield _violation(
            "executor_cores",
            f"{_count(options.executor_cores, 'core')} asked for per executor; this machine has {capacity.cores}.",
        )
    if options.total_gpus > capacity.gpus:
        yield _violation(
            "gpus_per_executor", f"{_count(options.total_gpus, 'GPU')} asked for; this machine has {capacity.gpus}."
        )
    if options.gpu_label is not None and options.gpu_label not in capacity.gpu_labels:
        known = ", ".join(capacity.gpu_labels) or "none"
        yield _violation("gpu_label", f"No host has the GPU label {options.gpu_label!r}; there are: {known}.")


def _violation(field: str, message: str) -> Violation:
    return Violation(field=f"options.{field}", message=message)


def _count(number: int, noun: str) -> str:
    return f"1 {noun} was" if number == 1 else f"{number} {noun}s were"
