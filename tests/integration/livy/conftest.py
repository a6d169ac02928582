"""A running session service over HTTP, and a client of it."""

import shutil
import tempfile
from pathlib import Path

import pytest

from .service_process import Service, control_plane_running, make_home


@pytest.fixture(scope="session")
def control_plane():
    with control_plane_running() as plane:
        yield plane


@pytest.fixture(scope="module")
def service_settings():
    """Variables of the service of a file; one with a cluster has those of the cluster."""
    return {"HOPS_GPUS": "4", "HOPS_GPU_LABELS": "fast"}


@pytest.fixture(scope="module")
def service(control_plane, service_settings):
    home = make_home(Path(tempfile.mkdtemp(prefix="livy-")), "weather", "sales")
    running = Service(home, control_plane, service_settings).start()
    yield running
    running.stop()
    shutil.rmtree(home)


@pytest.fixture
def client(service):
    with service.client() as http_client:
        yield http_client
