"""What a session sees of the machine in its sandbox: its own folder, its project, its environment, and Spark."""

from __future__ import annotations

from pathlib import Path

from hops_contract.layout import Home
from hops_contract.sandbox import View, view_of_tenant
from hops_contract.shares import SharedMounts
from hops_livy.builtin.launch import PROGRAM, Place
from hops_livy.engines.drivers import DriverRequest


def session_view(
    place: Place,
    request: DriverRequest,
    *,
    home: Home,
    also: tuple[Path, ...] = (),
    shared: SharedMounts | None = None,
) -> View:
    """What processes of a session see besides the system's programs.

    Args:
        place: Where it runs.
        request: What is started.
        home: The platform's home, of which nothing else is seen: not other projects, nor sessions, nor keys.
        also: What the site lets all sessions read besides.
        shared: What other projects share.
    """
    beyond = () if place.master is None else place.master.reads()
    written = () if place.master is None else place.master.writes()
    # One can stand on another.
    archives = () if place.archive is None else (place.archive.parent,)
    # The Java of a machine can be a link to one that is elsewhere.
    java = (place.java.home, place.java.home.resolve(), place.java_home)
    return view_of_tenant(
        home,
        python=place.python,
        read=(
            place.spark,
            *java,
            *archives,
            PROGRAM.parent.parent,
            place.service_alive.parent,
            *beyond,
            *also,
            *((place.project_folder,) if request.full else ()),
        ),
        write=(
            place.folder.path,
            place.folder.sockets,
            place.own_home,
            *written,
            *(() if request.full else (place.project_folder,)),
        ),
        temporary=place.folder.temporary,
        shared_memory_mib=request.shape.total_memory_mib,
        gpus=place.master is None and request.shape.total_gpus > 0,
        shared=shared,
    )
