from __future__ import annotations

import contextlib

import psutil
import pytest

from .conftest import Site

pytestmark = pytest.mark.hub


def sessions(site: Site) -> set[psutil.Process]:
    """The sessions' processes (one may be kept ready for the server): they outlive a Hub and its services."""
    drivers = [one for one in psutil.Process(site.hub.pid).children(recursive=True) if "hops_session" in command(one)]
    return {*drivers, *(child for driver in drivers for child in driver.children(recursive=True))}


def command(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def test_a_hub_that_is_asked_to_end_ends_its_servers_services_and_proxy(
    site: Site, running_server: psutil.Process
) -> None:
    assert site.hub is not None
    family = {running_server, *psutil.Process(site.hub.pid).children(recursive=True)} - sessions(site)
    assert len(family) >= 4  # the server, the proxy and two services
    site.end_hub()
    try:
        _, left = psutil.wait_procs(family, timeout=60)
        assert not left
        assert not running_server.is_running()
        assert not site.folder("ada", "weather").exists()
    finally:
        site.up()
