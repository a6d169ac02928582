from __future__ import annotations

import os
import pwd
import shutil
import signal
import ssl
import subprocess
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from argon2 import PasswordHasher
from psycopg import sql

from hops_contract.principal import ProjectRole
from hops_platform.migrations import migrate
from hops_platform.mutual_tls import WithCertificate
from hops_platform.security import passwords
from hops_platform.security.browser import SESSION_COOKIE, csrf_token
from hops_platform.testing.factories import TestPlatform, make_platform
from hops_platform.users import service as users

with warnings.catch_warnings():
    # Starlette would rather have httpx2, which this platform has no other use for; goes when it does.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

END = "-----END CERTIFICATE-----"
API = "/services/hops/api/v1/"
PASSWORD = "correct horse battery"
ELSEWHERE = ("testclient", 50_000)
"""Where a client is: by no address of the platform's own machine."""
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Where no statement of the database's own is what is tested."""
ON_POSTGRESQL = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)
"""Where two write at the same moment; on SQLite one does."""


def postgresql_programs() -> Path | None:
    """The folder of the newest PostgreSQL's server programs: Debian's, of whatever version, or that on the PATH."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin/initdb") if path.parts[-3].isdigit()]
    if found:
        return max(found, key=lambda path: int(path.parts[-3])).parent
    program = shutil.which("initdb")
    return Path(program).resolve().parent if program else None


@dataclass
class PlatformUnderTest:
    """A control plane, and the ways to call it."""

    platform: TestPlatform
    portal: BlockingPortal
    """Into the one loop that serves all clients, as in a process that serves; else each request had a loop of its own,
    and whoever waited for another one's turn was never woken."""

    def anonymous(self, address: tuple[str, int] = ELSEWHERE) -> TestClient:
        client = TestClient(
            self.platform.app,
            base_url=f"http://hops.test{API}",
            raise_server_exceptions=False,
            follow_redirects=False,
            client=address,
        )
        client.portal = self.portal
        return client

    def with_token(self, token: str) -> TestClient:
        client = self.anonymous()
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    def user(self, name: str, *, admin: bool = False) -> TestClient:
        self.create_user(name, admin=admin)
        return self.with_token(self.platform.parts.signer.sign_user(name, admin=admin).token)

    def project_user(self, name: str, project: str, role: ProjectRole) -> TestClient:
        signed = self.platform.parts.signer.sign_project_user(name, project=project, role=role)
        return self.with_token(signed.token)

    def notebook_server(self, name: str, project: str, role: ProjectRole) -> TestClient:
        """A project-user on the platform's own machine."""
        client = self.anonymous(("127.0.0.1", 50_000))
        client.headers["Authorization"] = self.project_user(name, project, role).headers["Authorization"]
        return client

    def with_certificate(self, certificate_pem: str) -> TestClient:
        """Over a connection that has proven this certificate; the proof itself is TLS's."""
        client = self.anonymous()
        certificate = ssl.PEM_cert_to_DER_cert(certificate_pem[: certificate_pem.index(END) + len(END)])
        client.app = client._transport.app = WithCertificate(self.platform.app, certificate)
        return client

    def hub(self) -> TestClient:
        return self.with_token(self.platform.parts.hub_credential)

    def browser(self, name: str) -> TestClient:
        client = self.anonymous()
        cookie = f"hub-token-of-{name}"
        self.platform.logins.tokens[cookie] = name
        client.headers["Cookie"] = f"{SESSION_COOKIE}={cookie}"
        client.headers["X-Hops-CSRF"] = csrf_token(cookie)
        return client

    def create_user(self, name: str, *, admin: bool = False, must_change_password: bool = False) -> None:
        with self.platform.parts.database.session() as session:
            users.create_user(
                session,
                name=name,
                title=name.title(),
                password=PASSWORD,
                admin=admin,
                must_change_password=must_change_password,
            )

    def deliver(self) -> int:
        return self.platform.workers.deliver_due()

    def ready_project(self, client: TestClient, name: str = "weather", **more: Any) -> dict[str, Any]:
        answer = client.post("projects", json={"name": name, "title": name.title(), **more})
        assert answer.status_code == 201, answer.text
        self.deliver()
        return dict(answer.json())


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a PostgreSQL of our own, on a socket in a temporary folder."""
    programs = postgresql_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server programs are not installed")
    folder = tmp_path_factory.mktemp("postgresql")
    account: dict[str, Any] = {}
    if os.geteuid() == 0:  # its programs refuse to run as root
        try:
            owner = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        # pytest keeps its folders for itself; this one belongs to another user.
        folder = Path("/tmp") / f"hops-postgresql-{uuid.uuid4().hex[:8]}"
        folder.mkdir(mode=0o700)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        account = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    data = folder / "data"
    try:
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "hops", "--auth=trust", "--no-sync", "-E", "UTF8"],
            check=True, capture_output=True, **account,
        )  # fmt: skip
        settings = ("listen_addresses=", "fsync=off", "autovacuum=off")
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, *(part for each in settings for part in ("-c", each))],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **account,
        )  # fmt: skip
        try:
            _wait_for(folder)
            yield str(folder)
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: what it holds is thrown away
            server.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(folder: Path) -> None:
    for _ in range(200):
        try:
            psycopg.connect(host=str(folder), user="hops", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("PostgreSQL did not start")


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """argon2 at its least: what is tested is who may log in, not how long a thief would need."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def new_postgresql_database(postgresql: str) -> Callable[[str], str]:
    """Makes a database that is a copy of a template, and tells its address."""

    def make(template: str, name: str | None = None) -> str:
        name = name or f"t{uuid.uuid4().hex[:12]}"
        with psycopg.connect(host=postgresql, user="hops", dbname="postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, template))))
        return f"postgresql+psycopg://hops@/{name}?host={postgresql}"

    return make


@pytest.fixture(scope="session")
def migrated_postgresql(new_postgresql_database: Callable[..., str]) -> str:
    """A migrated database, which the tests' own are copies of."""
    migrate(new_postgresql_database("template0", "migrated"))
    return "migrated"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file, which the tests' own are copies of."""
    file = tmp_path_factory.mktemp("migrated") / "control-plane.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """A migrated database of each kind; ``None`` is the embedded one."""
    if request.param == "sqlite":
        (tmp_path / "home").mkdir()
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "home" / "control-plane.db")
        return None
    template = request.getfixturevalue("migrated_postgresql")
    return str(request.getfixturevalue("new_postgresql_database")(template))


@pytest.fixture
def make(tmp_path: Path, database_url: str | None) -> Iterator[Callable[..., PlatformUnderTest]]:
    made: list[TestPlatform] = []
    with start_blocking_portal() as portal:

        def build(**settings: Any) -> PlatformUnderTest:
            platform = make_platform(tmp_path / "home", database_url=database_url, migrated=True, settings=settings)
            made.append(platform)
            return PlatformUnderTest(made[-1], portal)

        yield build
    for platform in made:
        platform.parts.database.close()


@pytest.fixture
def hops(make: Callable[[], PlatformUnderTest]) -> PlatformUnderTest:
    """A control plane with an administrator, ready to be called."""
    return make()


@pytest.fixture
def on_disk(tmp_path: Path, database_url: str | None) -> Iterator[PlatformUnderTest]:
    """A control plane whose projects lie on a disk."""
    with start_blocking_portal() as portal:
        platform = make_platform(
            tmp_path / "home",
            database_url=database_url,
            on_disk=True,
            migrated=True,
            settings={"kafka": "kafka.example.org:9093"},
        )
        yield PlatformUnderTest(platform, portal)
    platform.parts.database.close()
