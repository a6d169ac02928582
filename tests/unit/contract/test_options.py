from __future__ import annotations

import pytest
from pydantic import ValidationError

from hops_contract.options import Allocation, ServerOptions


def test_the_sums_count_the_driver_and_the_most_executors() -> None:
    options = ServerOptions(
        allocation=Allocation.DYNAMIC,
        min_executors=1,
        max_executors=3,
        executor_memory_mib=2048,
        driver_memory_mib=1024,
        gpus_per_executor=2,
    )
    assert (options.most_executors, options.total_memory_mib, options.total_gpus) == (3, 1024 + 3 * 2048, 6)


def test_a_fixed_number_ignores_the_dynamic_bounds() -> None:
    assert ServerOptions(executors=4, max_executors=9).most_executors == 4


def test_a_minimum_over_the_maximum_is_refused_with_both_numbers() -> None:
    with pytest.raises(ValidationError, match="At least 5 executors is more than at most 2"):
        ServerOptions(allocation=Allocation.DYNAMIC, min_executors=5, max_executors=2)


def test_a_gpu_label_without_gpus_is_refused() -> None:
    with pytest.raises(ValidationError, match="GPU label without GPUs"):
        ServerOptions(gpu_label="a100")


@pytest.mark.parametrize(
    "wrong", [{"executors": 0}, {"executor_memory_mib": 100}, {"gpus_per_executor": -1}, {"root": True}]
)
def test_what_no_server_can_have_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ServerOptions.model_validate(wrong)
