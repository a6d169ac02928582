from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hops_contract.options import Capacity, ServerLimits, ServerOptions
from hops_platform.servers.limits import fitting_defaults, violations

MACHINE = Capacity(cores=8, memory_mib=32768, gpus=2, gpu_labels=("a100",))


def messages(options: ServerOptions, limits: ServerLimits | None = None) -> list[str]:
    return [found.message for found in violations(options, limits=limits or ServerLimits(), capacity=MACHINE)]


def test_the_usual_options_can_be_had() -> None:
    assert messages(ServerOptions()) == []


def test_more_gpus_than_exist_are_refused_with_both_numbers() -> None:
    assert messages(ServerOptions(executors=5, gpus_per_executor=1)) == ["5 GPUs were asked for; this machine has 2."]


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
