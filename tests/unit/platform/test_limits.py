from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hops_contract.options import Allocation, Capacity, ServerLimits, ServerOptions
from hops_platform.servers.limits import fitting_defaults, violations

MACHINE = Capacity(cores=8, memory_mib=32768, gpus=2, gpu_labels=("a100",))


def messages(options: ServerOptions, limits: ServerLimits | None = None) -> list[str]:
    return [found.message for found in violations(options, limits=limits or ServerLimits(), capacity=MACHINE)]


def test_the_usual_options_can_be_had() -> None:
    assert messages(ServerOptions()) == []


def test_more_gpus_than_exist_are_refused_with_both_numbers() -> None:
    assert messages(ServerOptions(executors=5, gpus_per_executor=1)) == ["5 GPUs were asked for; this machine has 2."]


@pytest.mark.parametrize(
    ("options", "limits", "field", "message"),
    [
        ({"executors": 4, "executor_memory_mib": 8192, "driver_memory_mib": 1024}, {}, "executor_memory_mib",
         "33 GiB were asked for in all; this machine has 32 GiB."),
        ({"executors": 1, "executor_cores": 9}, {}, "executor_cores",
         "9 cores were asked for per executor; this machine has 8."),
        ({"executors": 3}, {"max_executors": 2}, "executors", "3 executors were asked for; this project may use 2."),
        ({"allocation": Allocation.DYNAMIC, "max_executors": 3}, {"max_executors": 2}, "max_executors",
         "3 executors were asked for; this project may use 2."),
        ({"executor_cores": 2}, {"max_executor_cores": 1}, "executor_cores",
         "2 cores were asked for per executor; this project may use 1."),
        ({"executor_memory_mib": 2048}, {"max_executor_memory_mib": 1024}, "executor_memory_mib",
         "2 GiB were asked for per executor; this project may use 1 GiB."),
        ({"driver_memory_mib": 2048}, {"max_driver_memory_mib": 1024}, "driver_memory_mib",
         "2 GiB were asked for as the driver's memory; this project may use 1 GiB."),
        ({"executors": 2, "executor_memory_mib": 2048, "driver_memory_mib": 1024}, {"max_total_memory_mib": 4096},
         "executor_memory_mib", "5 GiB were asked for in all; this project may use 4 GiB."),
        ({"executors": 2, "gpus_per_executor": 1}, {"max_gpus": 1}, "gpus_per_executor",
         "2 GPUs were asked for; this project may use 1."),
        ({"idle_timeout_minutes": 61}, {"max_idle_timeout_minutes": 60}, "idle_timeout_minutes",
         "61 idle minutes were asked for; this project may use 60."),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)  # fmt: skip
def test_each_limit_of_machine_and_project_is_refused_at_its_field_with_both_numbers(
    options: dict[str, Any], limits: dict[str, int], field: str, message: str
) -> None:
    roomy = ServerLimits(**{"max_gpus": 2, "max_executor_cores": 64, "max_total_memory_mib": 10**6, **limits})
    asked = ServerOptions(**options)
    assert [(found.field, found.message) for found in violations(asked, limits=roomy, capacity=MACHINE)] == [
        (f"options.{field}", message)
    ]


@pytest.mark.parametrize(
    ("asked", "limit", "message"),
    [
        (4097, 4096, "4.1 GiB were asked for per executor; this project may use 4 GiB."),
        (33792, 32100, "33 GiB were asked for per executor; this project may use 31.3 GiB."),
        (1024, 768, "1 GiB were asked for per executor; this project may use 768 MiB."),
    ],
)
def test_sizes_are_told_in_the_forms_units_and_never_look_alike(asked: int, limit: int, message: str) -> None:
    limits = ServerLimits(max_executor_memory_mib=limit, max_total_memory_mib=10**6)
    options = ServerOptions(executor_memory_mib=asked)
    roomy = MACHINE.model_copy(update={"memory_mib": 10**6})
    assert [found.message for found in violations(options, limits=limits, capacity=roomy)] == [message]


@pytest.mark.parametrize(
    ("cores", "memory", "gpus", "who", "numbers"),
    [(4, 4096, 1, "this project may use", (4, "4 GiB", 1)), (64, 10**6, 16, "this machine has", (8, "32 GiB", 2))],
)
def test_where_project_and_machine_are_exceeded_only_the_smaller_number_is_named(
    cores: int, memory: int, gpus: int, who: str, numbers: tuple[int, str, int]
) -> None:
    options = ServerOptions(executors=10, executor_cores=9, executor_memory_mib=4096, gpus_per_executor=1)
    limits = ServerLimits(
        max_executors=10, max_executor_cores=cores, max_total_memory_mib=memory, max_gpus=gpus,
        max_executor_memory_mib=4096,
    )  # fmt: skip
    total = f"{options.total_memory_mib / 1024:g} GiB"
    assert messages(options, limits) == [
        f"9 cores were asked for per executor; {who} {numbers[0]}.",
        f"10 GPUs were asked for; {who} {numbers[2]}.",
        f"{total} were asked for in all; {who} {numbers[1]}.",
    ]


def test_an_unknown_gpu_label_names_the_known_ones() -> None:
    options = ServerOptions(gpus_per_executor=1, gpu_label="h100")
    assert messages(options) == ["No host has the GPU label 'h100'; there are: a100."]


def test_never_stopping_needs_a_limit_of_a_week() -> None:
    assert messages(ServerOptions(idle_timeout_minutes=0)) != []
    assert messages(ServerOptions(idle_timeout_minutes=0), ServerLimits(max_idle_timeout_minutes=10080)) == []


@given(
    memory=st.integers(min_value=1024, max_value=10**6),
    cores=st.integers(min_value=1, max_value=256),
    executors=st.integers(min_value=1, max_value=1000),
    total=st.integers(min_value=1024, max_value=10**6),
)
def test_the_defaults_can_always_be_had(memory: int, cores: int, executors: int, total: int) -> None:
    limits = ServerLimits(max_executors=executors, max_total_memory_mib=total)
    capacity = Capacity(cores=cores, memory_mib=memory)
    assert violations(fitting_defaults(limits, capacity), limits=limits, capacity=capacity) == []
