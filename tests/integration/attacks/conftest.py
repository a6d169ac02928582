from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hops_platform.testing.factories import TestPlatform, make_platform


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[TestPlatform]:
    made = make_platform(tmp_path / "home")
    yield made
    made.parts.database.close()
