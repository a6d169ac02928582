"""Situations that the user library finds itself in."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest


@pytest.fixture
def in_a_project(tmp_path, monkeypatch):
    """A process of ada in the project weather, whose notebook server is known."""
    project = tmp_path / "weather"
    (project / "Experiments" / "application_1_1" / "a=1&b=2").mkdir(parents=True)
    for name in ("HOPS_SERVER_FOLDER", "JUPYTERHUB_SERVICE_PREFIX", "TENSORBOARD_LOGDIR", "HOPS_APP_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOPS_PROJECT", "weather")
    monkeypatch.setenv("HOPS_USER", "ada")
    monkeypatch.setenv("HOPS_PROJECT_PATH", str(project))
    monkeypatch.setenv("HOPS_SERVER_PREFIX", "/user/ada/weather/")
    return project


class Displays:
    """What IPython was asked to display, and to update."""

    def __init__(self):
        self.shown = []
        self.updated = []

    def display(self, bundle, *, raw, display_id=False):
        assert raw
        self.shown.append(bundle)
        return self if display_id else None

    def update(self, bundle, *, raw):
        assert raw
        self.updated.append(bundle)


@pytest.fixture
def in_a_notebook(monkeypatch):
    """IPython runs, with a front end behind it; what is displayed is kept."""
    displays = Displays()
    ipython, shown = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    ipython.display = shown
    shown.display = displays.display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    return displays


@pytest.fixture
def without_spark(monkeypatch):
    """A plain Python kernel: pyspark can't be imported."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyspark"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyspark", None)
