"""Work that outlasts its token, through everything that holds one: notebook server, kernel, session service, Spark."""

import json
import time
from contextlib import contextmanager

import jwt
import psutil
import pytest

from hops_contract.tokens import LEEWAY_S
from hopslab.demo.kernel import NotebookKernel
from hopslab.demo.logins import demo_login
from hopslab.demo.story import create_project
from hopslab.demo.visitor import Visitor
from hopslab.settings import SiteSettings
from tests.waiting import until

pytestmark = [pytest.mark.hub, pytest.mark.spark, pytest.mark.timeout(1500)]
LIFETIME_S = 60
"""The shortest that the setting takes."""
OUTLASTS_S = LIFETIME_S + LEEWAY_S + 5
PROJECT = "weather"
NOTEBOOK = "Jupyter/Welcome.ipynb"


@pytest.fixture
def short_tokens(site):
    """A site whose tokens live a minute."""
    command = site(HOPS_TOKEN_LIFETIME_S=LIFETIME_S)
    started = command.run("up", "--detach", timeout=300)
    assert started.returncode == 0, started.stdout + started.stderr
    return command


@pytest.fixture
def person(short_tokens):
    """Somebody whose notebook server runs, with sessions that fit a small machine."""
    visitor = Visitor(SiteSettings(home=short_tokens.home, port=int(short_tokens.env["HOPS_PORT"])))
    login = demo_login(short_tokens.env)
    visitor.log_in(login.user, login.password)
    create_project(visitor, PROJECT)
    options = {"executors": 1, "executor_memory_mib": 768, "driver_memory_mib": 768}
    visitor.call("PUT", f"projects/{PROJECT}/server", {"options": options})
    server = f"projects/{PROJECT}/server"
    until(lambda: visitor.call("GET", server), wanted=lambda found: found["state"] == "ready", seconds=180)
    yield visitor
    visitor.close()


@pytest.fixture
def kernel(person):
    server = f"user/{person.user}/{PROJECT}/"
    person.get(f"{server}lab")  # logs in at the server, by way of the Hub
    with NotebookKernel(person, server, NOTEBOOK) as running:
        first = running.run("kept = spark.range(7).count()\nprint(kept)", timeout_s=300)
        assert (first.stdout, first.error) == ("7\n", None)
        yield running


@contextmanager
def control_plane_away(home):
    """The control plane takes connections and answers nothing."""
    hub = psutil.Process(json.loads((home / "run" / "hub.json").read_text())["pid"])
    processes = [process for process in hub.children(recursive=True) if "hops_platform" in process.cmdline()]
    assert processes
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def ends(file):
    """When the token in ``file`` ends."""
    return jwt.decode(file.read_text(), options={"verify_signature": False})["exp"]


def test_cells_outlast_their_token_and_the_control_planes_absence(short_tokens, person, kernel):
    folders = short_tokens.home / "run"
    servers_token = folders / "servers" / f"{PROJECT}__{person.user}" / "token.jwt"
    before = ends(servers_token)
    long = kernel.run(
        f"import time\nuntil = {before + LEEWAY_S + 1}\nwhile time.time() < until:\n    time.sleep(0.5)\nprint('over')",
        timeout_s=2 * OUTLASTS_S,
    )
    assert (long.stdout, long.error) == ("over\n", None)
    assert ends(servers_token) > before
    assert kernel.run("print(kept)", timeout_s=60).stdout == "7\n"

    with control_plane_away(short_tokens.home):
        until(lambda: time.time() > ends(servers_token) + LEEWAY_S, "the token does not end", seconds=2 * OUTLASTS_S)
        lost = kernel.run("print(kept)", timeout_s=60)
        assert "The token has expired." in str(lost.error)
    until(lambda: ends(servers_token) > time.time(), "the token is not renewed after its end", seconds=120)
    after = kernel.run("print(kept, spark.range(3).count())", timeout_s=120)
    assert (after.stdout, after.error) == ("7 3\n", None)
