"""Starting, finding and ending processes, with real ones."""

import json
import os
import socket
import subprocess
import sys
import time

import psutil
import pytest

from hops_contract.layout import Home
from hopslab.errors import SiteError
from hopslab.site.logs import follow, log_file
from hopslab.site.ports import check_port_is_free
from hopslab.site.state import HUB_FILE, remember_hub, running_hub
from hopslab.site.stop import is_part_of_a_hub, processes_of, stop_site


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "a home")
    home.run.mkdir(parents=True)
    home.logs.mkdir()
    return home


@pytest.fixture
def sleeper():
    started = []

    def start(code="import time; time.sleep(600)", program=(), **env):
        command = [sys.executable, *(program or ("-c", code))]
        process = subprocess.Popen(command, env=os.environ | env, start_new_session=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_down_ends_the_hub_and_what_it_started(home, sleeper):
    child = "import time; time.sleep(600)"
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', '{child}']); time.sleep(600)"
    hub = sleeper(code)
    remember_hub(home, hub.pid)
    while not (children := psutil.Process(hub.pid).children()):
        time.sleep(0.05)
    assert stop_site(home) == 2
    assert not children[0].is_running() or children[0].status() == psutil.STATUS_ZOMBIE
    assert running_hub(home) is None
    assert not (home.run / HUB_FILE).exists()


def test_down_ends_a_driver_whose_hub_was_killed(home, sleeper):
    driver = sleeper(HOPS_TOKEN_FILE=str(home.session(1) / "token.jwt"))
    while [process.pid for process in processes_of(home)] != [driver.pid]:
        time.sleep(0.05)
    assert stop_site(home) == 1
    assert not psutil.pid_exists(driver.pid)


def test_down_ends_the_proxy_of_a_hub_that_was_killed_and_no_other_sites(home, sleeper, tmp_path):
    program = tmp_path / "configurable-http-proxy"
    program.write_text("import time; time.sleep(600)")
    proxy = sleeper(program=[program], HOPS_HOME=str(home.root))
    others = [sleeper(program=[program], HOPS_HOME=str(tmp_path / "other")), sleeper(HOPS_HOME=str(home.root))]
    while [process.pid for process in processes_of(home)] != [proxy.pid]:
        time.sleep(0.05)
    assert stop_site(home) == 1
    assert not psutil.pid_exists(proxy.pid)
    assert [other.poll() for other in others] == [None, None]


@pytest.mark.parametrize(
    ("command", "is_part"),
    [
        (["node", "/x/node_modules/.bin/configurable-http-proxy", "--port", "8000"], True),
        (["/x/python", "-s", "-P", "-m", "hops_platform", "serve"], True),
        (["/x/python", "-s", "-P", "-m", "hops_livy", "serve"], True),
        (["/x/python", "-m", "hops_platform", "audit", "verify"], False),
        (["vi", "/x", "configurable-http-proxy"], False),
        ([], False),
    ],
)
def test_a_hubs_parts_are_told_by_their_command(command, is_part):
    assert is_part_of_a_hub(command) is is_part


def test_down_leaves_other_sites_alone(home, sleeper, tmp_path):
    other = sleeper(HOPS_TOKEN_FILE=str(tmp_path / "other" / "run" / "token.jwt"))
    assert stop_site(home) == 0
    assert other.poll() is None


def test_down_kills_what_does_not_listen(home, sleeper, monkeypatch):
    monkeypatch.setattr("hopslab.site.stop.PATIENCE_S", 0.5)
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    deaf = sleeper(code, HOPS_SERVER_FOLDER=str(home.server("weather", "ada")))
    time.sleep(0.5)
    assert stop_site(home) == 1
    assert not psutil.pid_exists(deaf.pid)


def test_a_later_process_with_the_hubs_number_is_not_taken_for_the_hub(home, sleeper):
    process = sleeper()
    (home.run / HUB_FILE).write_text(json.dumps({"pid": process.pid, "created": 1.0}))
    assert running_hub(home) is None
    assert stop_site(home) == 0
    assert process.poll() is None


def test_what_is_noted_of_the_hub_is_for_its_owner_alone(home, sleeper):
    remember_hub(home, sleeper().pid)
    assert (home.run / HUB_FILE).stat().st_mode & 0o777 == 0o600


def test_a_taken_port_is_told_with_its_holder_and_a_remedy():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SiteError, match=rf"in use by .*process {os.getpid()}") as refusal:
            check_port_is_free("127.0.0.1", taken.getsockname()[1])
    assert "HOPS_PORT=" in refusal.value.remedy


def test_a_log_is_followed_from_now_on(home):
    log = home.log("hub")
    log.write_text("old\n")

    rounds = iter((False, True))

    def written_then_over():
        with log.open("a") as sink:
            sink.write("new\n")
        return next(rounds)

    assert list(follow([log], until=written_then_over)) == [("hub", "new"), ("hub", "new")]


@pytest.mark.parametrize("name", ["../secrets/hub-credential", "none", ""])
def test_a_log_that_is_not_there_is_refused_with_those_that_are(home, name):
    home.log("hub").write_text("")
    with pytest.raises(SiteError) as refusal:
        log_file(home, name)
    assert "hub" in refusal.value.remedy
