"""Settings of the control plane: variables ``HOPS_…``, and those that the Hub gives to its services."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hops_contract.layout import Home
from hops_contract.network import Network as SandboxNetwork
from hops_contract.sandbox import Sandboxing
from hops_platform.audit.source import LOOPBACK, Network, parse_networks

SOURCE = Path(__file__).resolve().parent.parent


class UnsafeBindError(ValueError):
    """The service would answer in the open without TLS."""


class SecondFactorRule(StrEnum):
    """Whom a site asks for a second factor at log-in."""

    OPTIONAL = "optional"
    REQUIRED = "required"


class NetworkRule(StrEnum):
    """Who decides what code in sandboxes reaches of the network."""

    PROJECT = "project"
    """The Data Owners of each project."""
    PLATFORM = "platform"
    """The site: the platform's services, for all projects."""
    OPEN = "open"
    """The site: all that the machine reaches, for all projects."""


class Settings(BaseSettings):
    """Everything that can be set, each with a default that works on one machine."""

    model_config = SettingsConfigDict(env_prefix="HOPS_", extra="ignore", populate_by_name=True)

    home: Path = Field(default=SOURCE / ".hopslab", description="Where all files of the platform lie.")
    source: Path = Field(default=SOURCE, description="Folder with requirements/, user_library/ and kernels/.")
    database_url: str | None = Field(default=None, description="SQLAlchemy's address; default: SQLite below the home.")
    cores: int | None = Field(
        default=None, ge=1, le=4096, description="Cores of the largest host for executors; default: the machine's."
    )
    gpus: int | None = Field(default=None, ge=0, le=1024, description="Number of GPUs; default: counted.")
    gpu_labels: str = Field(default="", description="Labels of GPU hosts, separated by commas.")
    memory_mib: int | None = Field(default=None, ge=1, description="Memory to give out; default: the machine's.")
    token_lifetime_s: int = Field(default=900, ge=60, le=86400, description="How long a token is good for.")
    token_chain_days: int = Field(default=30, ge=1, le=365, description="How long a token can be renewed.")
    control_plane_url: str | None = Field(default=None, description="Address of this service for processes.")
    livy_url: str = Field(default="http://127.0.0.1:8998/services/livy", description="The session service.")
    bind: str = Field(default="127.0.0.1", description="Address to answer on when the Hub gives none.")
    port: int = Field(default=8090, ge=0, le=65535, validation_alias=AliasChoices("HOPS_CONTROL_PLANE_PORT"))
    mutual_tls_port: int | None = Field(
        default=None, ge=0, le=65535, description="Port for those who show a certificate; default: none."
    )
    mutual_tls_bind: str = Field(default="127.0.0.1", description="Address for those who show a certificate.")
    mutual_tls_hosts: str = Field(
        default="", description="Further names and addresses in the certificate of that address, separated by commas."
    )
    tls_cert: Path | None = None
    tls_key: Path | None = None
    second_factor: SecondFactorRule = Field(
        default=SecondFactorRule.OPTIONAL,
        description="Whether everybody must have a second factor (required) or may (optional).",
    )
    sandbox: Sandboxing = Field(
        default=Sandboxing.AUTO, description="Whether files are read for previews in sandboxes: auto, on or off."
    )
    sandbox_network: NetworkRule = Field(
        default=NetworkRule.PROJECT,
        description="What code in sandboxes reaches of the network: the platform's services (platform), all (open), or "
        "as each project's Data Owners set it (project).",
    )
    projects_per_user: int = Field(default=20, ge=1, description="Of how many projects somebody may be Data Owner.")
    deleted_projects_days: int = Field(
        default=7, ge=0, le=3650, description="How long a deleted project can be restored."
    )
    trusted_proxies: str = Field(
        default="",
        description="Further proxies whose word on a caller's address is taken, as addresses or networks.",
    )
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
    body_timeout_s: int = Field(default=30, ge=1, le=600, description="How long a request's body may take to come.")
    bodies_at_once: int = Field(default=200, ge=1, description="How many requests' bodies are waited for at once.")
    service_prefix: str = Field(
        default="/services/hops/", validation_alias=AliasChoices("JUPYTERHUB_SERVICE_PREFIX", "service_prefix")
    )
    service_url: str | None = Field(default=None, validation_alias=AliasChoices("JUPYTERHUB_SERVICE_URL"))
    hub_api_url: str = Field(
        default="http://127.0.0.1:8081/hub/api", validation_alias=AliasChoices("JUPYTERHUB_API_URL", "hub_api_url")
    )
    hub_api_token: SecretStr = Field(
        default=SecretStr(""), validation_alias=AliasChoices("JUPYTERHUB_API_TOKEN", "hub_api_token")
    )
    hub_base_url: str = Field(default="/", validation_alias=AliasChoices("JUPYTERHUB_BASE_URL", "hub_base_url"))

    public_url: str = Field(
        default="",
        validation_alias=AliasChoices("JUPYTERHUB_PUBLIC_URL", "public_url"),
        description="What people type.",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, text: str) -> str:
        parse_networks(text)
        return text

    @cached_property
    def trusted_networks(self) -> tuple[Network, ...]:
        """The proxies whose word on a caller's address is taken; the Hub's, on this machine, is always one."""
        return (*LOOPBACK, *parse_networks(self.trusted_proxies))

    def network_of(self, wanted: SandboxNetwork) -> SandboxNetwork:
        """What code of a project reaches, whose own setting is ``wanted``."""
        return wanted if self.sandbox_network is NetworkRule.PROJECT else SandboxNetwork(self.sandbox_network.value)

    @property
    def deleted_projects_kept(self) -> timedelta:
        """How long a deleted project can be restored."""
        return timedelta(days=self.deleted_projects_days)

    @property
    def second_factor_required(self) -> bool:
        """Whether everybody must have a second factor."""
        return self.second_factor is SecondFactorRule.REQUIRED

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers reach the platform by TLS, so that cookies may demand it."""
        return self.tls_cert is not None or self.public_url.startswith("https:")

    @cached_property
    def layout(self) -> Home:
        """Where things lie below the home."""
        return Home(self.home)

    @property
    def prefix(self) -> str:
        """Path below which the service answers: begins and ends with ``/``."""
        return f"/{self.service_prefix.strip('/')}/"

    @property
    def effective_database_url(self) -> str:
        """The database's address, default included."""
        return self.database_url or f"sqlite:///{self.home / 'control-plane.db'}"

    @property
    def listen(self) -> tuple[str, int]:
        """Host and port to answer on."""
        if self.service_url:
            parts = urlsplit(self.service_url)
            return parts.hostname or "127.0.0.1", parts.port or 80
        return self.bind, self.port

    def public_control_plane_url(self) -> str:
        """The address that notebook servers and sessions are given; ends with ``/``."""
        if self.control_plane_url:
            return self.control_plane_url.rstrip("/") + "/"
        host, port = self.listen
        return f"{'https' if self.tls_cert else 'http'}://{host}:{port}{self.prefix}"

    def labels(self) -> tuple[str, ...]:
        """Labels of GPU hosts."""
        return tuple(label.strip() for label in self.gpu_labels.split(",") if label.strip())


def check_bind(host: str, *, cert: Path | None, key: Path | None) -> None:
    """Refuses to answer in the open without TLS.

    Raises:
        UnsafeBindError: ``host`` is not a loopback address, and certificate or key is missing.
    """
    if _is_loopback(host) or (cert is not None and key is not None):
        return
    raise UnsafeBindError(
        f"The control plane was asked to answer on {host}, which others can reach, without TLS. "
        "Set HOPS_TLS_CERT and HOPS_TLS_KEY, or bind 127.0.0.1."
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
