"""What all tests share."""

from __future__ import annotations

import os

import pytest

# They start programs that share two cores with everything else that runs on the machine.
REAL_ENGINES = ("spark", "hub", "browser", "postgresql")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In continuous integration a test of a real engine is tried a second time; the summary names each repetition."""
    if os.environ.get("CI") != "true":
        return
    for item in items:
        if any(item.get_closest_marker(name) for name in REAL_ENGINES):
            item.add_marker(pytest.mark.flaky(reruns=1))
