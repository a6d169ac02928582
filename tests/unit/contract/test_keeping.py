"""What a sandbox's keeper is told, and what is read of settings for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hops_contract import keeping
from hops_contract.keeper.limits import tell
from hops_contract.keeper.orders import Orders
from hops_contract.keeping import (
    Address,
    Keeping,
    WayIn,
    bound_by,
    have_own_networks,
    kept_command,
    platform_addresses,
    read_addresses,
    why_limited,
    why_no_own_network,
)
from hops_contract.layout import Home
from hops_contract.sandbox import View, read_paths

HUB, PLANE = Address(host="127.0.0.1", port=8081), Address(host="127.0.0.1", port=8090)
KEEPING = Keeping(
    apart=True,
    out=(PLANE, HUB, PLANE),
    into=(WayIn(port=40123, listens=40123), WayIn(port=4040, path=Path("/run/a b.pages"))),
    whose="session",
    memory_mib=5120,
    processes=4096,
    told=Path("/run/7.limited"),
)


def test_the_keeper_understands_what_it_is_told() -> None:
    orders = Orders(KEEPING.words())
    assert orders.apart
    assert orders.out == [("127.0.0.1", 8081), ("127.0.0.1", 8090)]
    assert orders.into == [(40123, 40123), (4040, "/run/a b.pages")]
    assert (orders.memory_mib, orders.processes, orders.told) == (5120, 4096, "/run/7.limited")
    assert orders.beyond_memory.startswith("The sandbox of the session may hold 5 GiB of memory;")
    assert orders.beyond_processes.startswith("The sandbox of the session may hold 4096 processes,")


def test_a_line_break_in_a_path_gives_no_further_order() -> None:
    lies = Keeping(apart=True, whose="session", told=Path("/run/a\nout 10.0.0.1 22"))
    with pytest.raises(ValueError, match="line break"):
        lies.words()


def test_the_network_is_the_sandboxes_own_where_it_is_kept_apart() -> None:
    view = View(temporary=Path("/t"))
    command = kept_command("/usr/bin/bwrap", ["python"], view, cwd=Path("/"), keeping=KEEPING)
    assert command[1:3] == ["-I", "-S"]
    assert command[4:7] == [KEEPING.words(), "/usr/bin/bwrap", "--unshare-net"]
    open_to_all = Keeping(apart=False, whose="session", told=Path("/t"))
    command = kept_command("/usr/bin/bwrap", ["python"], view, cwd=Path("/"), keeping=open_to_all)
    assert "--unshare-net" not in command


def test_the_sites_addresses_are_reached_and_those_that_it_names_besides(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    site = {
        "url": "https://10.1.2.3:8443/", "hub_api_url": "http://127.0.0.1:8081/hub/api", "pid": 7,
        "mutual_tls_url": "https://localhost:9443/services/hops/", "livy_url": "http://127.0.0.1/", "odd_url": 5,
    }  # fmt: skip
    (tmp_path / "run" / "site.json").write_text(json.dumps(site))
    found = platform_addresses(Home(tmp_path), "http://127.0.0.1:8090/services/hops/", None, "127.0.0.1:50070")
    expected = [
        ("10.1.2.3", 8443), ("127.0.0.1", 80), ("127.0.0.1", 8081), ("127.0.0.1", 8090), ("127.0.0.1", 9443),
        ("127.0.0.1", 50070),
    ]  # fmt: skip
    assert [(one.host, one.port) for one in found] == expected


@pytest.mark.parametrize("content", [None, "", "[]", "{"])
def test_a_site_that_wrote_nothing_down_has_the_named_ones(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "run").mkdir()
    if content is not None:
        (tmp_path / "run" / "site.json").write_text(content)
    assert platform_addresses(Home(tmp_path), "http://127.0.0.1:8090/") == (PLANE,)


def test_addresses_of_a_setting_are_numbers_with_ports() -> None:
    assert read_addresses(" 127.0.0.1:8090, localhost:8081,") == (PLANE, HUB)
    assert read_addresses("") == ()
    for text in ("proxy:3128", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:", "::1:80", "10.0.0.1:٣"):
        with pytest.raises(ValueError, match="must be an IPv4 address, a colon and a port"):
            read_addresses(text)


def test_paths_of_a_setting_are_absolute() -> None:
    assert read_paths("/data, /opt/x ,") == (Path("/data"), Path("/opt/x"))
    with pytest.raises(ValueError, match="must be absolute"):
        read_paths("/data,here")


def test_why_a_limit_ended_something_is_read_where_it_was_told(tmp_path: Path) -> None:
    assert why_limited(tmp_path / "told") is None
    (tmp_path / "told").write_text("")
    assert why_limited(tmp_path / "told") is None
    (tmp_path / "told").write_text("The sandbox " + "x" * 5000)
    assert len(why_limited(tmp_path / "told") or "") == 500
    tell(str(tmp_path / "told"), "It had more.", [7, 12])
    assert why_limited(tmp_path / "told") == "It had more.", "and not which processes"


@pytest.fixture
def forbidding_bwrap(tmp_path: Path) -> str:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted' >&2\nexit 1\n")
    program.chmod(0o755)
    return str(program)


def test_a_machine_that_lets_sandboxes_have_no_network_of_their_own_is_told_of(
    forbidding_bwrap: str, caplog: pytest.LogCaptureFixture
) -> None:
    why = why_no_own_network(forbidding_bwrap)
    assert why is not None
    assert why.startswith("This machine lets a sandbox have no network of its own: loopback: Failed RTM_NEWADDR")
    assert not have_own_networks(forbidding_bwrap)
    assert "sandboxes have the machine's network: " in caplog.text


def test_what_bounds_the_processes_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bound_by(4096, administrator=True) == "4096 processes (looked at every second)"
    assert bound_by(4096, administrator=False) == "4096 processes (by the kernel)"
    assert bound_by(0, administrator=False) == "any number of processes"
    monkeypatch.setattr(keeping.os, "geteuid", lambda: 1000)
    assert keeping.described(own_networks=True, processes=9) == (
        "network of their own, 9 processes (by the kernel), memory (looked at every second)"
    )
