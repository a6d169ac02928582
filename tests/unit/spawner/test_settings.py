from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.proxy import ConfigurableHTTPProxy
from pydantic import ValidationError

from hops_contract.layout import Home
from hops_contract.private_files import write_private
from hops_spawner.proxy import HopsProxy
from jupyterhub_config import settings as module
from jupyterhub_config.services import SERVER_SCOPES, roles, services
from jupyterhub_config.settings import SiteSettings, choose_ports, find_proxy, secret, socket_folder


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.168.1.10", "hub.example.org"])
def test_other_machines_are_let_in_with_tls_only(bind: str) -> None:
    with pytest.raises(ValidationError, match="passwords would travel in the clear"):
        SiteSettings(bind=bind)
    with_tls = SiteSettings(bind=bind, tls_cert=Path("c.pem"), tls_key=Path("k.pem"))
    assert with_tls.url.startswith("https://")


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_this_machine_needs_no_tls(bind: str) -> None:
    assert SiteSettings(bind=bind).url.startswith("http://")


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="set both HOPS_TLS_CERT and HOPS_TLS_KEY"):
        SiteSettings(tls_cert=Path("c.pem"))


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_what_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("HOPS_PORT", port)
    with pytest.raises(ValidationError):
        SiteSettings()


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "secrets" / "hub-credential"
    first = secret(file)
    assert len(first) == 64
    assert secret(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_written_file_is_private_though_it_was_not_before(tmp_path: Path) -> None:
    file = tmp_path / "site.json"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "{}")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("{}", 0o600)


def test_ports_stay_the_same_from_start_to_start(tmp_path: Path) -> None:
    first = choose_ports(("hub", "hops"), tmp_path / "ports.json")
    assert len(set(first.values())) == 2
    assert choose_ports(("hub", "hops"), tmp_path / "ports.json") == first


def test_no_port_is_chosen_twice(tmp_path: Path) -> None:
    chosen = choose_ports(tuple(f"service-{number}" for number in range(500)), tmp_path / "ports.json")
    assert len(set(chosen.values())) == 500


def test_a_port_that_is_taken_by_now_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setattr(module, "_PORT_PATIENCE_S", 0.0)
    (tmp_path / "ports.json").write_text(json.dumps({"hub": taken}))
    assert choose_ports(("hub",), tmp_path / "ports.json")["hub"] != taken


@pytest.mark.parametrize("text", ["", "[]", "{", '{"hub": "x"}'])
def test_a_damaged_list_of_ports_is_made_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_text(text)
    assert choose_ports(("hub",), tmp_path / "ports.json")["hub"] > 0


def test_a_missing_proxy_names_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SOURCE", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="run `make up`, or set HOPS_PROXY_COMMAND"):
        find_proxy(SiteSettings())


def test_services_get_the_sites_variables_and_no_other(tmp_path: Path) -> None:
    environ = {
        "HOPS_GPUS": "2", "UV_CACHE_DIR": "/c", "HOME": "/h", "SSL_CERT_FILE": "/ca", "AWS_SECRET_ACCESS_KEY": "x",
        "CONFIGPROXY_AUTH_TOKEN": "x", "HOPS_TLS_KEY": "/k", "HOPS_TLS_CERT": "/c", "HOPS_BIND": "10.0.0.1",
    }  # fmt: skip
    ports = {"hops": 1, "livy": 2, "mutual-tls": 3}
    made = services(Home(tmp_path), ports, environ, "https://10.0.0.1:8000/", sockets=Path("/s"))
    second = {"HOPS_MUTUAL_TLS_PORT": "3", "HOPS_PROXY_SOCKET": "/s/hops.sock"}
    for service, more in zip(made, (second, {"HOPS_PROXY_SOCKET": "/s/livy.sock"}), strict=True):
        assert service["environment"] == more | {
            "HOPS_GPUS": "2", "UV_CACHE_DIR": "/c", "HOME": "/h", "SSL_CERT_FILE": "/ca", "HOPS_HOME": str(tmp_path),
            "HOPS_CONTROL_PLANE_URL": "http://127.0.0.1:1/services/hops/",
            "HOPS_LIVY_URL": "http://127.0.0.1:2/services/livy",
            "JUPYTERHUB_PUBLIC_URL": "https://10.0.0.1:8000/",
        }  # fmt: skip
        assert "x" not in service["command"]


def test_pods_need_files_and_addresses_that_they_reach() -> None:
    with pytest.raises(
        ValidationError,
        match="HOPS_FILES_CLAIM and HOPS_PUBLIC_URL and HOPS_CONTROL_PLANE_URL and HOPS_LIVY_URL must be set",
    ):
        SiteSettings(profile="kubernetes")
    given = {
        "public_url": "https://lab.example.org/",
        "files_claim": "home",
        "control_plane_url": "http://hops/services/hops/",
        "livy_url": "http://hops/livy",
    }
    assert SiteSettings(profile="kubernetes", **given).public_url == "https://lab.example.org/"
    with pytest.raises(ValidationError, match="HOPS_PUBLIC_URL begins with https://"):
        SiteSettings(profile="kubernetes", **{**given, "public_url": "http://lab.example.org/"})
    with pytest.raises(ValidationError, match="can't lead out of it"):
        SiteSettings(profile="kubernetes", files_path="../other", **given)


def test_no_role_may_open_or_administrate_servers_of_others() -> None:
    by_name = {role["name"]: role for role in roles()}
    assert by_name["server"]["scopes"] == SERVER_SCOPES == ["users:activity!user", "access:servers!server"]
    assert by_name["user"]["scopes"] == ["self", "access:services!service=hops"]
    for role in by_name.values():
        assert not {"access:servers", "admin:servers", "admin-ui"} & set(role["scopes"])
    assert "users" not in by_name["control-plane"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"HOPS_BIND": "0.0.0.0"}, "without TLS passwords would travel in the clear. Set HOPS_TLS_CERT and"),
        ({"HOPS_TLS_KEY": "/k.pem"}, "A certificate needs its key"),
        ({"HOPS_PORT": "99999"}, "HOPS_PORT can't be used: Input should be less than or equal to 65535."),
    ],
)
def test_a_hub_with_such_settings_ends_with_the_sentence_and_no_traceback(
    tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    config = module.SOURCE / "jupyterhub_config" / "jupyterhub_config.py"
    ended = subprocess.run(
        [sys.executable, "-m", "jupyterhub", "--config", str(config)], check=False, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "HOPS_HOME": str(tmp_path), **variables}, cwd=tmp_path, timeout=240,
    )  # fmt: skip
    assert ended.returncode != 0
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_hub_may_hold_as_many_open_files_as_the_site_allows(tmp_path: Path) -> None:
    config = module.SOURCE / "jupyterhub_config" / "jupyterhub_config.py"
    program = (
        "import resource, sys\n"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))\n"
        "from jupyterhub.app import JupyterHub\n"
        "JupyterHub().load_config_file(sys.argv[1])\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 256 or hard <= 256)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(config)], check=False, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "HOPS_HOME": str(tmp_path), "HOPS_PROXY_COMMAND": "true"}, timeout=240,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "True"


def test_sockets_lie_in_a_folder_of_the_users_own_with_a_short_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, deep = Home(tmp_path), Home(tmp_path / ("x" * 120))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert socket_folder(short) == tmp_path / "run" / "sockets"
    folder = socket_folder(deep)
    assert (folder.parent, stat.S_IMODE(folder.stat().st_mode)) == (tmp_path, 0o700)
    assert socket_folder(deep) == folder
    folder.rmdir()
    folder.symlink_to(tmp_path)
    with pytest.raises(FileExistsError, match="somebody else's"):
        socket_folder(deep)


def test_the_proxy_reaches_the_hub_and_the_control_plane_by_sockets_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []

    async def note(_proxy: Any, routespec: str, target: str, _data: Any) -> None:
        told.append((routespec, target))

    monkeypatch.setattr(ConfigurableHTTPProxy, "add_route", note)
    proxy = HopsProxy(auth_token="x", sockets={"http://127.0.0.1:1": "/r/a b/hub.sock"})
    for routespec, target in (("/", "http://127.0.0.1:1"), ("/user/ada/", "http://127.0.0.1:11")):
        asyncio.run(proxy.add_route(routespec, target, {}))
    assert told == [("/", "http+unix://%2Fr%2Fa%20b%2Fhub.sock"), ("/user/ada/", "http://127.0.0.1:11")]
    for routespec, target in told:
        known = proxy._reformat_routespec(routespec, {"target": target, "jupyterhub": True, "hub": True})
        assert known["target"] == {"/": "http://127.0.0.1:1"}.get(routespec, target)
