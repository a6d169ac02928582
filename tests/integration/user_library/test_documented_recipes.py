"""The recipes of the library's page run on a real Spark, as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "hops-library.md"


@pytest.mark.spark
def test_the_recipes_run_from_top_to_bottom(runner, tmp_path):
    found = runner.run_scenario("recipes", tmp_path, variables={"DOCUMENTATION_PAGE": str(PAGE)})
    assert found["blocks"] >= 8
    assert found["states"] == ["FINISHED", "FINISHED"]
    assert found["weights"] == 32
    assert set(found["best"]) == {"x", "layers"}
