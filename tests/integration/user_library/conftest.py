"""Fixtures of the user library's integration tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def runner():
    """The module that runs scenario scripts in the project environment."""
    spec = importlib.util.spec_from_file_location("scenario_runner", Path(__file__).with_name("scenario_runner.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
