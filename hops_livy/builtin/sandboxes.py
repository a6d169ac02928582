"""The sandboxes of sessions: what one sees, reaches and may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hops_contract.keeping import PROCESSES, Address, Keeping, WayIn, kept_command, platform_addresses
from hops_contract.layout import Home
from hops_contract.network import Network
from hops_contract.shares import shared_mounts
from hops_livy.builtin.launch import PAGE_PORT, Place
from hops_livy.builtin.view import session_view
from hops_livy.engines.drivers import DriverRequest

_WHOLE = 100
_BESIDES_MIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandboxes:
    """How sandboxes of sessions are made on this site.

    Attributes:
        program: What makes them.
        reads: What sessions may read in theirs besides.
        own_networks: Whether they can have networks of their own.
        reaches: What they reach then besides the platform's services.
        brokers: Those of the site's Kafka, ``host:port`` each, which they reach too.
        processes: The most processes of each; 0: no limit.
        memory_percent: The most memory of all processes of one, in percent of what the session was granted, and a
            gibibyte besides; 0: no limit.
    """

    program: str
    reads: tuple[Path, ...] = ()
    own_networks: bool = True
    reaches: tuple[Address, ...] = ()
    brokers: tuple[str, ...] = ()
    processes: int = PROCESSES
    memory_percent: int = 200

    def keeps_apart(self, request: DriverRequest, *, on_cluster: bool) -> bool:
        """Whether the session has a network of its own: executors elsewhere would not find it there."""
        return self.own_networks and not on_cluster and request.network is Network.PLATFORM

    def command(
        self, command: list[str], place: Place, request: DriverRequest, *, home: Home, urls: list[str]
    ) -> list[str]:
        """The command that starts ``command`` in a sandbox.

        Args:
            command: The driver's.
            place: Where it runs.
            request: What is started.
            home: The platform's home.
            urls: Addresses of services that it is told of.
        """
        return kept_command(
            self.program,
            command,
            session_view(
                place, request, home=home, also=self.reads, shared=shared_mounts(home, str(request.owner.project))
            ),
            cwd=place.project_folder / "Jupyter",
            keeping=self._keeping(place, request, home, urls),
        )

    def _keeping(self, place: Place, request: DriverRequest, home: Home, urls: list[str]) -> Keeping:
        pages = WayIn(port=PAGE_PORT, path=place.folder.pages_socket)
        return Keeping(
            apart=place.own_network,
            out=(*platform_addresses(home, *urls, *self.brokers), *self.reaches) if place.own_network else (),
            into=(pages,) if place.own_network and request.batch is None else (),
            whose="session",
            memory_mib=self._memory_mib(place, request),
            processes=self.processes,
            told=place.folder.limited,
        )

    def _memory_mib(self, place: Place, request: DriverRequest) -> int:
        if not self.memory_percent:
            return 0
        shape = request.shape
        granted = shape.total_memory_mib if place.master is None else shape.driver_memory_mib
        return granted * self.memory_percent // _WHOLE + _BESIDES_MIB
