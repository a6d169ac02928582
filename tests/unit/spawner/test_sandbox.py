from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from hops_contract.faults import told_by
from hops_contract.keeping import Address
from hops_contract.layout import Home
from hops_contract.sandbox import SandboxError, command_in_sandbox, find_program
from hops_contract.servers import ServerGrant
from hops_contract.shares import shared_mounts
from hops_spawner.local import HopsLocalSpawner
from hops_spawner.sandbox import TEMPORARY, server_keeping, server_view
from jupyterhub_config.settings import SiteSettings


def _keeping(grant: ServerGrant, tmp_path: Path, *, apart: bool) -> str:
    return server_keeping(
        grant.config,
        apart=apart,
        port=40123,
        home=Home(tmp_path),
        hub_url="http://127.0.0.1:8081/hub/api",
        reaches=(Address(host="10.0.0.7", port=3128),),
        brokers=("10.0.0.9:9093",),
        memory_mib=2048,
        processes=99,
        told=tmp_path / "told",
    ).words()


def test_a_server_reaches_the_platform_and_is_reached_at_its_port(grant: ServerGrant, tmp_path: Path) -> None:
    lines = _keeping(grant, tmp_path, apart=True).splitlines()
    assert lines[0] == "apart"
    assert {"out 10.0.0.7 3128", "out 10.0.0.9 9093", "out 127.0.0.1 8081", "port 40123 40123"} <= set(lines)
    assert any(line.startswith("memory 2048 The sandbox of the notebook server may hold 2 GiB") for line in lines)


def test_in_the_machines_network_there_are_no_ways(grant: ServerGrant, tmp_path: Path) -> None:
    words = [line.split()[0] for line in _keeping(grant, tmp_path, apart=False).splitlines()]
    assert words == ["memory", "processes", "told"]


def test_a_server_that_a_limit_ended_says_which(tmp_path: Path, grant: ServerGrant) -> None:
    orm_spawner = SimpleNamespace(name="weather", server=None, display_name="Weather", state=None)
    spawner = HopsLocalSpawner(user=SimpleNamespace(name="ada"), orm_spawner=orm_spawner, home=str(tmp_path))
    spawner.granted = grant
    spawner.limited.parent.mkdir(parents=True)
    assert "SIGKILL" in spawner.how_it_ended(137).sentence
    spawner.limited.write_text("The sandbox of the notebook server may hold 99 processes.")
    assert spawner.how_it_ended(137).sentence == "The sandbox of the notebook server may hold 99 processes."
    assert spawner.how_it_ended(0).usual, "it went as it was to, whatever was ended in it before"
    # Beside the folder: code reads there why a kernel was ended, and can't write it itself.
    view = server_view(grant.config, spawner.folder, own_home=spawner.own_home, home=Home(tmp_path), also=())
    assert spawner.limited.parent in view.read
    assert not any(spawner.limited.is_relative_to(folder) for folder in view.write)


def test_a_server_may_take_half_of_the_machines_memory_unless_the_site_says_otherwise() -> None:
    spawner = HopsLocalSpawner()
    assert spawner.sandbox_memory_mib > 256
    assert HopsLocalSpawner(sandbox_memory_mib=0).sandbox_memory_mib == 0


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("sandbox_reads", "/data,here", "all of its paths must be absolute."),
        (
            "sandbox_reaches",
            "proxy:3128",
            "'proxy:3128' is no address: it must be an IPv4 address, a colon and a port.",
        ),
        ("sandbox_processes", -1, "Input should be greater than or equal to 0."),
    ],
)
def test_the_hub_refuses_what_the_session_service_refuses(name: str, text: str | int, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SiteSettings(**{name: text})  # type: ignore[arg-type]
    assert told_by(refused.value) == [f"HOPS_{name.upper()} can't be used: {said}"]


@pytest.mark.parametrize("full", [False, True])
def test_in_a_full_project_a_server_only_reads_but_for_its_own_home(
    grant: ServerGrant, tmp_path: Path, *, full: bool
) -> None:
    try:
        program = find_program()
    except SandboxError as error:
        pytest.skip(f"no sandbox: {error}")
    home, own = Home(tmp_path), tmp_path / "homes" / "own"
    raw, server = home.project("weather") / "raw", tmp_path / "servers" / "7"
    for folder in (raw, own, server / TEMPORARY):
        folder.mkdir(parents=True)
    config = grant.config.model_copy(update={"project_folder": str(raw.parent), "full": full})
    view = server_view(config, server, own_home=own, home=home, also=(), shared=shared_mounts(home, "weather"))
    unchecked = replace(view, checker=("sh", "-c", 'shift; exec "$@"', "sh"))
    command = ["sh", "-c", f"touch {own}/mine; touch {raw}/more; ls {raw.parent}"]
    done = subprocess.run(
        command_in_sandbox(program, command, unchecked, cwd=server),
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert (own / "mine").exists()
    assert (raw / "more").exists() is not full
    assert ("Read-only file system" in done.stderr) is full
    assert done.stdout.split() == ["Shared", "raw"]
