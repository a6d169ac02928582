"""The variables ``HOPS_…`` that put a site together, read once, and where its parts answer."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import socket
import stat
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hops_contract.keeping import PROCESSES, read_addresses
from hops_contract.layout import Home
from hops_contract.loopback import is_loopback
from hops_contract.private_files import write_private
from hops_contract.sandbox import Sandboxing, read_paths
from hops_contract.streams import read_brokers

SOURCE = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"
_PORT_PATIENCE_S = 5.0
_MOST_PATH_BYTES = 107
"""Of a socket, on Linux."""
_LONGEST_SOCKET = len("/hops.sock")


class SiteSettings(BaseSettings):
    """Every variable has a default that works on one machine."""

    model_config = SettingsConfigDict(env_prefix="HOPS_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(default=SOURCE / ".hopslab", description="Everything that the platform keeps.")
    bind: str = Field(default=LOOPBACK, description="Address on which people reach the platform.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port on which people reach the platform.")
    tls_cert: Path | None = Field(default=None, description="PEM file with the certificate and its chain.")
    tls_key: Path | None = Field(default=None, description="PEM file with the certificate's key.")
    sandbox: Sandboxing = Field(default=Sandboxing.AUTO, description="Whether users' code runs in sandboxes.")
    sandbox_reads: str = Field(default="", description="Absolute paths, with commas, that all may read in theirs.")
    sandbox_reaches: str = Field(default="", description="Addresses, with commas, that code in sandboxes reaches.")
    kafka: str = Field(default="", description="Brokers of the site's Kafka, with commas, host:port each.")
    sandbox_processes: int = Field(default=PROCESSES, ge=0, description="The most processes of a sandbox.")
    server_memory_mib: int | None = Field(
        default=None, ge=0, description="The most memory of a notebook server and its kernels; 0: no limit."
    )
    profile: Literal["local", "kubernetes"] = Field(default="local", description="Where notebook servers run.")
    proxy_command: str | None = Field(default=None, description="The program configurable-http-proxy.")
    realms: Path | None = Field(default=None, description="TOML file with the realms that people log in by.")
    environment_timeout_s: int = Field(default=900, ge=1, description="How long a start waits for the environment.")
    answer_timeout_s: int = Field(default=90, ge=1, description="How long a new notebook server may take to answer.")
    servers_per_user: int = Field(
        default=1000, ge=1, description="The most projects for which the Hub ever knew a server of one user."
    )
    server_image: str = Field(default="hopslab/server:0.1.0", description="Image of notebook servers on Kubernetes.")
    namespace: str = Field(default="hopslab", description="Kubernetes namespace of notebook servers.")
    public_url: str = Field(default="", description="The site's address, where people open another; pods need it.")
    files_claim: str = Field(default="", description="PersistentVolumeClaim on which the home lies, on Kubernetes.")
    files_path: str = Field(default="", description="Folder of the home on that volume; empty when it is the home.")
    pod_timeout_s: int = Field(default=600, ge=1, description="How long a pod may take until its container runs.")
    control_plane_url: str = Field(default="", description="Where pods reach the control plane.")
    livy_url: str = Field(default="", description="Where pods reach the session service.")

    @field_validator("sandbox_reads")
    @classmethod
    def _paths(cls, text: str) -> str:
        read_paths(text)
        return text

    @field_validator("sandbox_reaches")
    @classmethod
    def _addresses(cls, text: str) -> str:
        read_addresses(text)
        return text

    @field_validator("kafka")
    @classmethod
    def _brokers(cls, text: str) -> str:
        read_brokers(text)
        return text

    @model_validator(mode="after")
    def _no_passwords_in_the_clear(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("A certificate needs its key: set both HOPS_TLS_CERT and HOPS_TLS_KEY, or neither.")
        if not is_loopback(self.bind) and self.tls_cert is None:
            raise ValueError(
                f"HOPS_BIND={self.bind} lets other machines in, and without TLS passwords would travel in the clear. "
                "Set HOPS_TLS_CERT and HOPS_TLS_KEY, or leave HOPS_BIND at 127.0.0.1."
            )
        return self

    @model_validator(mode="after")
    def _what_pods_need(self) -> Self:
        if self.profile != "kubernetes":
            return self
        needed = {
            "HOPS_FILES_CLAIM": self.files_claim,
            "HOPS_PUBLIC_URL": self.public_url,
            "HOPS_CONTROL_PLANE_URL": self.control_plane_url,
            "HOPS_LIVY_URL": self.livy_url,
        }
        missing = [name for name, value in needed.items() if not value]
        if missing:
            raise ValueError(
                f"On Kubernetes {' and '.join(missing)} must be set: pods reach neither the files nor the services of "
                "this machine otherwise. docs/kubernetes.md says what a site brings."
            )
        if not self.public_url.startswith("https://"):
            raise ValueError("HOPS_PUBLIC_URL begins with https://: pods send their tokens there.")
        if ".." in PurePosixPath(self.files_path).parts:
            raise ValueError("HOPS_FILES_PATH is a folder on the volume, and can't lead out of it.")
        return self

    @property
    def layout(self) -> Home:
        """Where things lie below the home."""
        return Home(self.home.expanduser().absolute())

    @property
    def url(self) -> str:
        """The address to open."""
        host = LOOPBACK if self.bind in {"0.0.0.0", "::"} else self.bind  # noqa: S104 - compared, not bound
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{self.port}/"


def secret(file: Path) -> str:
    """The secret kept in ``file``, made when it is not there; only this user can read it."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as sink:
            sink.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return file.read_text().strip()


def socket_folder(home: Home) -> Path:
    """A folder of this user alone for sockets, whose paths have little room.

    Raises:
        FileExistsError: Somebody else made it.
    """
    folder = home.run / "sockets"
    if len(os.fsencode(folder)) > _MOST_PATH_BYTES - _LONGEST_SOCKET:
        name = hashlib.sha256(os.fsencode(home.root)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"hopslab-{os.geteuid()}-{name}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise FileExistsError(f"{folder} is somebody else's: remove it, or set TMPDIR to a folder of your own.")
    folder.chmod(0o700)
    return folder


def choose_ports(names: tuple[str, ...], file: Path) -> dict[str, int]:
    """A port for each of ``names``, the same as at the last start where it is free.

    Notebook servers outlive a Hub that was killed, and know its parts by their ports.
    """
    try:
        earlier = {name: int(port) for name, port in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        earlier = {}
    deadline = time.monotonic() + _PORT_PATIENCE_S
    with ExitStack() as held:  # so that none is chosen twice
        ports = {name: _port(earlier.get(name), deadline, held) for name in names}
    write_private(file, json.dumps(ports))
    return ports


def _port(wanted: int | None, deadline: float, held: ExitStack) -> int:
    while wanted is not None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, wanted))
            except OSError:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.1)  # a service of the killed Hub is still on its way out
            else:
                return wanted
    probe = held.enter_context(socket.socket())
    probe.bind((LOOPBACK, 0))
    port: int = probe.getsockname()[1]
    return port


def find_proxy(settings: SiteSettings) -> str:
    """The program configurable-http-proxy.

    Raises:
        FileNotFoundError: It is not installed.
    """
    name = "configurable-http-proxy"
    places = (settings.proxy_command, str(SOURCE / "node_modules" / ".bin" / name), name)
    found = next((program for place in places if place and (program := shutil.which(place))), None)
    if found is None:
        raise FileNotFoundError("configurable-http-proxy is missing: run `make up`, or set HOPS_PROXY_COMMAND.")
    return found
