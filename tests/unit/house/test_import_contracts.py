"""The import contracts know every subject of the control plane: a new one can't stand outside of them."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLANE = ROOT / "hops_platform"
ROOMS = ("routes", "tasks", "service")
SUBJECTS = sorted(folder.parent.name for folder in PLANE.glob("*/service.py"))


@pytest.fixture(scope="module")
def layers():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layered = next(one for one in contracts if one["name"] == "How the control plane is layered")
    return [set(layer.replace(" : ", " | ").split(" | ")) for layer in layered["layers"]]


def test_the_subjects_are_found():
    assert {"projects", "users", "datasets"} <= set(SUBJECTS)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_each_room_of_a_subject_has_its_layer_below_the_room_that_calls_it(layers, subject):
    modules = [f"hops_platform.{subject}.{room}" for room in ROOMS if (PLANE / subject / f"{room}.py").exists()]
    places = [next((n for n, layer in enumerate(layers) if module in layer), None) for module in modules]
    assert None not in places, f"pyproject.toml names no layer for {modules[places.index(None)]}"
    assert places == sorted(places)
    assert len(set(places)) == len(places)
