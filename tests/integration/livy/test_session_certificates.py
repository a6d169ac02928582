"""A session has its owner's certificate, its executors too, and nothing of it is left after the end."""

import json

import psutil
import pytest

from tests.sample_certificate import SAMPLE

from .service_process import Service, make_home, python_of, run, start_session, wait_dead

pytestmark = pytest.mark.spark
SMALL = {"driverMemory": "512m", "executorMemory": "512m", "executorCores": 1}
READ = """
import json
from hops import tls
def read(_=None):
    files = tls.get_client_key_location(), tls.get_ca_chain_location()
    return [tls.get_key_store_pwd(), *(open(file).read() for file in files)]
print(json.dumps([read(), sc.parallelize(range(1), 1).map(read).collect()[0]]))
"""
FILES = SAMPLE.files()
WHAT = [FILES[name].decode() for name in ("password", "key.pem", "authorities.pem")]


def read(client, number):
    output = run(client, number, READ)["output"]
    assert output["status"] == "ok", output
    return json.loads(output["data"]["text/plain"].strip().splitlines()[-1])


@pytest.fixture(scope="module")
def service(control_plane, tmp_path_factory):
    service = Service(make_home(tmp_path_factory.mktemp("certificates"), "weather"), control_plane).start()
    yield service
    service.stop()


@pytest.mark.parametrize("shape", [{}, {"numExecutors": 1}], ids=["local", "executor"])
def test_driver_and_executor_read_it_and_it_goes_with_the_session(service, shape):
    with service.client() as client:
        number = start_session(client, **SMALL, **shape)
        folder = service.home / "run" / "sessions" / str(number) / "certificates"
        assert read(client, number) == [WHAT, WHAT]
        assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == dict.fromkeys(FILES, 0o600)
        client.delete(f"/sessions/{number}").raise_for_status()
        assert not folder.exists()


def test_it_goes_with_a_driver_that_was_killed(service):
    with service.client() as client:
        number = start_session(client, **SMALL)
        folder = service.home / "run" / "sessions" / str(number)
        assert (folder / "certificates").is_dir()
        python: psutil.Process = python_of(client, number)
        python.kill()
        wait_dead(client, number)
        client.delete(f"/sessions/{number}")
        assert not folder.exists()
