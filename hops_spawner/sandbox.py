"""What a notebook server sees of the machine in its sandbox: its own folder, its project, its environment."""

from __future__ import annotations

import sys
from pathlib import Path

import hops_contract
from hops_contract.keeping import Address, Keeping, WayIn, platform_addresses
from hops_contract.layout import Home
from hops_contract.sandbox import View, of_python, view_of_tenant
from hops_contract.servers import ServerConfig, why_limited_file
from hops_contract.shares import SharedMounts

SOURCE = Path(__file__).resolve().parent.parent
FIRST_PROCESS = Path(hops_contract.__file__).parent / "first_process.py"
TEMPORARY = "tmp"
_OWN_PACKAGES = ("hops_contract", "server_extension")
SHARED_MEMORY_MIB = 1024


def server_view(
    config: ServerConfig,
    folder: Path,
    *,
    own_home: Path,
    home: Home,
    also: tuple[Path, ...],
    shared: SharedMounts | None = None,
) -> View:
    """What the processes of a notebook server see besides the system's programs.

    Args:
        config: What the control plane granted.
        folder: The server's folder.
        own_home: The project-user's own home.
        home: The platform's home, of which nothing else is seen: not other projects, nor servers, nor keys.
        also: What the site lets all servers read besides.
        shared: What other projects share.
    """
    return view_of_tenant(
        home,
        python=Path(config.environment) / "bin" / "python",
        read=(
            # The platform's own, where they are not installed but in a checkout, which may hold a home besides.
            *(SOURCE / name for name in _OWN_PACKAGES),
            *of_python(Path(sys.executable)),
            *also,
            *((Path(config.project_folder),) if config.full else ()),
            # Lab says there why a kernel was ended.
            why_limited_file(folder).parent,
        ),
        write=(folder, own_home, *(() if config.full else (Path(config.project_folder),))),
        temporary=folder / TEMPORARY,
        shared_memory_mib=SHARED_MEMORY_MIB,
        shared=shared,
    )


def server_keeping(
    config: ServerConfig,
    *,
    apart: bool,
    port: int,
    home: Home,
    hub_url: str,
    reaches: tuple[Address, ...],
    brokers: tuple[str, ...] = (),
    memory_mib: int,
    processes: int,
    told: Path,
) -> Keeping:
    """What a notebook server reaches of the network, and may take of the machine.

    Args:
        config: What the control plane granted.
        apart: Whether it has a network of its own.
        port: Where it listens.
        home: The platform's home.
        hub_url: Where the Hub answers to it.
        reaches: What the site lets all servers reach besides.
        brokers: Those of the site's Kafka, ``host:port`` each.
        memory_mib: The most memory; 0: no limit.
        processes: The most processes; 0: no limit.
        told: Where it is written why a limit ended something.
    """
    services = platform_addresses(home, hub_url, config.control_plane_url, config.livy_url, *brokers)
    return Keeping(
        apart=apart,
        out=(*services, *reaches) if apart else (),
        into=(WayIn(port=port, listens=port),) if apart else (),
        whose="notebook server",
        memory_mib=memory_mib,
        processes=processes,
        told=told,
        way_to_more="ask an administrator for more",
    )


def with_first_process(command: list[str]) -> list[str]:
    """``command``, waited for by a first process of the platform's Python."""
    return [sys.executable, "-I", "-S", str(FIRST_PROCESS), *command]
