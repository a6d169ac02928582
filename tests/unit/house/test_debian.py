"""Packages that tests and benchmarks put onto a machine."""

from __future__ import annotations

import os
import subprocess
from types import SimpleNamespace
from typing import Any

import pytest

from tests import debian


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been called, by root on Debian."""
    called: list[list[str]] = []

    def run(command: list[str], **_named: Any) -> Any:
        called.append(command)
        return SimpleNamespace(returncode="absent" in command)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(debian.shutil, "which", lambda name, **_named: f"/usr/bin/{name}")
    monkeypatch.setattr(subprocess, "run", run)
    return called


def test_root_installs_what_is_missing(commands: list[list[str]]) -> None:
    assert debian.install(["nginx"], otherwise="There is no peer.")
    assert [command[:2] for command in commands] == [["apt-get", "update"], ["apt-get", "install"]]
    assert commands[1][-1] == "nginx"


def test_who_may_not_is_told_what_is_missing(
    commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not debian.install(["absent"], otherwise="There is no peer.")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    commands.clear()
    assert not debian.install(["nginx"], otherwise="There is no peer.")
    assert not commands
    assert "Not on this machine: nginx. There is no peer." in capsys.readouterr().err
