"""The second address: a real server and real TLS, called by ``curl`` and by programs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from hops_platform.certificates.building import make_leaf, make_root, pem
from hops_platform.database import now
from hops_platform.settings import Settings
from hops_platform.testing.factories import make_platform
from hops_platform.tls_server import HANDSHAKE_S, MOST_HANDSHAKES
from hops_platform.users import service as users
from tests.page_scripts import said_by, script_of
from tests.ports import free_port
from tests.waiting import until

API = "/services/hops/api/v1/"


@dataclass
class Served:
    home: Path
    plain: str
    mutual: str
    files: dict[str, Path]

    def client(self, *, certificate: bool = True, **more: Any) -> httpx.Client:
        context = ssl.create_default_context(cafile=str(self.files["authorities.pem"]))
        if certificate:
            context.load_cert_chain(self.files["certificate.pem"], self.files["key.pem"])
        return httpx.Client(base_url=self.mutual, verify=context, trust_env=False, **more)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A control plane as the Hub starts it, with a project ``weather`` of ``ada``, and her certificate in files."""
    folder = tmp_path_factory.mktemp("mutual-tls")
    home = folder / "home"
    platform = make_platform(home)
    with platform.parts.database.session() as session:
        users.create_user(
            session, name="ada", title="Ada", password="correct horse battery", admin=False, must_change_password=False
        )
    platform.parts.database.close()
    ports = free_port(), free_port()
    variables = {
        "HOPS_HOME": str(home), "HOPS_MUTUAL_TLS_PORT": str(ports[1]), "PATH": os.environ["PATH"],
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hops_platform", "serve", "--port", str(ports[0])],
            env=variables, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        plain = f"http://127.0.0.1:{ports[0]}{API}"

        def answers() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"{plain}health", timeout=60, trust_env=False).is_success
            return False

        until(answers, (folder / "log").read_text, seconds=120)
        token = platform.parts.signer.sign_user("ada", admin=False).token
        with httpx.Client(
            base_url=plain, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        ) as owner:
            owner.post("projects", json={"name": "weather"}).raise_for_status()
            exported = owner.post("projects/weather/certificate:export").raise_for_status().json()
        files = {}
        for name, key in (("certificate.pem", "certificate"), ("key.pem", "key"), ("authorities.pem", "authorities")):
            files[name] = folder / name
            files[name].write_text(exported[key])
        yield Served(home, plain, f"https://localhost:{ports[1]}{API}", files)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert process.returncode in (0, -signal.SIGTERM), (folder / "log").read_text()


def test_a_program_with_a_certificate_is_its_project_user(served: Served) -> None:
    with served.client() as client:
        me = client.get("me").json()
        assert (me["kind"], me["name"]) == ("project_user", "ada")
        assert client.get("projects/weather/datasets").status_code == 200


def test_without_one_a_token_is_asked_for(served: Served) -> None:
    with served.client(certificate=False) as client:
        assert client.get("health").status_code == 200
        assert client.get("me").status_code == 401


@pytest.mark.skipif(not all(map(shutil.which, ("curl", "jq"))), reason="needs curl and jq")
def test_the_scripts_of_the_pages_get_a_token_and_call_with_a_certificate(served: Served, tmp_path: Path) -> None:
    (tmp_path / "login.json").write_text(json.dumps({"username": "ada", "password": "correct horse battery"}))
    (tmp_path / ".hopslab" / "run").mkdir(parents=True)
    site = {"mutual_tls_url": served.mutual.removesuffix("api/v1/")}
    (tmp_path / ".hopslab" / "run" / "site.json").write_text(json.dumps(site))
    log_in, address = script_of("reference/rest.md"), "http://127.0.0.1:8000/services/hops/api/v1"
    assert address in log_in
    script = log_in.replace(address, served.plain.rstrip("/")) + script_of("certificates.md")
    told = said_by(script, tmp_path)
    me, end = json.JSONDecoder().raw_decode(told)
    assert me["kind"] == "user"
    assert json.loads(told[end:])["name"] == "weather"
    assert {file.stat().st_mode & 0o777 for file in (*tmp_path.glob("*.pem"), tmp_path / "token.txt")} == {0o600}


def test_a_certificate_of_another_authority_ends_the_connection(served: Served, tmp_path: Path) -> None:
    other = make_root(now())
    forged = make_leaf(other, "weather__ada", now())
    (tmp_path / "certificate.pem").write_text(pem(forged.certificate, other.certificate))
    (tmp_path / "key.pem").write_bytes(forged.key_pem)
    context = ssl.create_default_context(cafile=str(served.files["authorities.pem"]))
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    with (
        httpx.Client(base_url=served.mutual, verify=context, trust_env=False) as client,
        pytest.raises(httpx.HTTPError),
    ):
        client.get("health").raise_for_status()


def test_the_plain_address_takes_no_certificate_from_anybodys_words(served: Served) -> None:
    shown = served.files["certificate.pem"].read_text().replace("\n", " ").strip()
    answer = httpx.get(f"{served.plain}me", headers={"X-Client-Cert": shown}, timeout=60, trust_env=False)
    assert answer.status_code == 401


def test_five_hundred_silent_connections_keep_a_good_one_neither_out_nor_waiting(served: Served) -> None:
    address = httpx.URL(served.mutual)
    silent = [socket.create_connection(("127.0.0.1", address.port or 0), timeout=30) for _ in range(500)]
    try:
        with served.client(timeout=HANDSHAKE_S * 0.9) as client:
            assert client.get("me").is_success
        # Of too many those that have said nothing for longest are given up.
        assert all(ended(one) for one in silent[: len(silent) - MOST_HANDSHAKES])
    finally:
        for one in silent:
            one.close()
    with served.client() as client:
        assert client.get("me").is_success


def ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_nobody_else_can_read_the_servers_key(served: Served) -> None:
    folder = Settings(home=served.home).layout.secrets / "tls"
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "control-plane.pem": 0o600, "control-plane-key.pem": 0o600, "authorities.pem": 0o600,
    }  # fmt: skip
