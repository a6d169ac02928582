"""Settings of the control plane: variables ``HOPS_…``, and those that the Hub gives to its services."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from hops_contract.layout import Home
from hops_contract.loopback import is_loopback
from hops_contract.network import Network as SandboxNetwork
from hops_contract.origins import Network, parse_networks
from hops_contract.sandbox import Sandboxing
from hops_contract.storage import StorageAddress, StorageKind, parse_storage
from hops_contract.streams import read_brokers
from hops_platform.mail.addresses import is_address

SOURCE = Path(__file__).resolve().parent.parent


class UnsafeBindError(ValueError):
    """The service would answer in the open without TLS."""


class SecondFactorRule(StrEnum):
    """Whom a site asks for a second factor at log-in."""

    OPTIONAL = "optional"
    REQUIRED = "required"


class MailTls(StrEnum):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"
    """Only to this machine itself."""


class RegistrationRule(StrEnum):
    """Who gets an account without an administrator having made it."""

    OFF = "off"
    INVITATION = "invitation"
    APPROVAL = "approval"


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
    storage: str = Field(
        default="local", description="Where datasets lie: local, hdfs://host:port/folder or s3://bucket/folder."
    )
    webhdfs_address: str | None = Field(
        default=None, description="HDFS's HTTP interface: host:port or https://host:port; without TLS on loopback only."
    )
    hdfs_user: str = Field(
        default="hops", pattern=r"^[A-Za-z_][A-Za-z0-9._-]{0,63}$", description="Who the platform is on HDFS."
    )
    s3_endpoint: str | None = Field(
        default=None, description="Address of the service with the bucket; http:// on loopback only."
    )
    s3_region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,64}$", description="The bucket's region.")
    s3_credentials: Path | None = Field(
        default=None,
        description="File of mode 0600 with the bucket's access_key and secret_key as JSON; default: secrets/s3.json.",
    )
    storage_ca: Path | None = Field(
        default=None, description="PEM file of who vouches for the storage's certificate; default: public authorities."
    )
    kafka: str = Field(
        default="", description="Brokers of the site's Kafka with commas, host:port each; empty: there are no topics."
    )
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
    realms: Path | None = Field(
        default=None, description="TOML file with the realms that people log in by: LDAP, Kerberos, OpenID Connect."
    )
    realm_check_s: int = Field(
        default=600, ge=10, le=86400, description="How often realms are asked whether their people are still there."
    )
    trusted_proxies: str = Field(
        default="",
        description="Further proxies whose word on a caller's address is taken, as addresses or networks.",
    )
    proxy_socket: Path | None = Field(
        default=None,
        description="Path of the socket, in a folder of this user alone, by which the platform's own proxy comes.",
    )
    mail_host: str = Field(default="", description="Name of the mail server; empty: the site has no mail.")
    mail_port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    mail_tls: MailTls = Field(
        default=MailTls.STARTTLS, description="How the mail server is reached: starttls, implicit, or none on loopback."
    )
    mail_from: str = Field(default="", description="The address that mail comes from.")
    mail_user: str = Field(default="", description="Name of the log-in at the mail server; empty for none.")
    mail_password_file: Path | None = Field(default=None, description="File (0600) with the password of that log-in.")
    mail_authorities: Path | None = Field(
        default=None,
        description="PEM file of the authorities by which the mail server is known; default: the system's.",
    )
    registration: RegistrationRule = Field(
        default=RegistrationRule.OFF,
        description="Who may make an account: nobody (off), who is invited (invitation), or anybody, with an "
        "administrator's approval (approval).",
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

    @field_validator("kafka")
    @classmethod
    def _check_brokers(cls, text: str) -> str:
        read_brokers(text)
        return text

    @model_validator(mode="after")
    def _check_mail(self) -> Self:
        if not self.mail_host:
            if self.registration is RegistrationRule.APPROVAL:
                raise ValueError(
                    "HOPS_REGISTRATION=approval needs mail, by which addresses are proven: HOPS_MAIL_HOST."
                )
            return self
        if not is_address(self.mail_from):
            raise ValueError("HOPS_MAIL_HOST needs HOPS_MAIL_FROM, the address that mail comes from.")
        if self.mail_tls is MailTls.NONE and not is_loopback(self.mail_host):
            raise ValueError("HOPS_MAIL_TLS=none is for a mail server on this machine alone.")
        if bool(self.mail_user) != (self.mail_password_file is not None):
            raise ValueError("A log-in at the mail server needs both HOPS_MAIL_USER and HOPS_MAIL_PASSWORD_FILE.")
        return self

    @property
    def has_mail(self) -> bool:
        """Whether the platform sends mail."""
        return bool(self.mail_host)

    @property
    def pages_url(self) -> str:
        """The address of the pages, as people open it; ends with ``/``."""
        if self.public_url:
            return self.public_url.rstrip("/") + self.prefix
        host, port = self.listen
        return f"{'https' if self.tls_cert else 'http'}://{host}:{port}{self.prefix}"

    @model_validator(mode="after")
    def _check_storage(self) -> Self:
        kind = parse_storage(self.storage).kind
        name = {StorageKind.HDFS: "HOPS_WEBHDFS_ADDRESS", StorageKind.S3: "HOPS_S3_ENDPOINT"}.get(kind)
        if name is None:
            return self
        try:
            found = urlsplit(self.storage_endpoint)
            host, _port = found.hostname or "", found.port
        except ValueError:
            host = ""
        if not host or found.username is not None or found.query:
            raise ValueError(
                f"HOPS_STORAGE needs {name}, the address of its HTTP interface, without credentials in it."
            )
        if found.scheme != "https" and not (found.scheme == "http" and is_loopback(host)):
            raise ValueError(f"{name} must begin with https://: others can reach it, and TLS is not left out there.")
        return self

    @cached_property
    def storage_address(self) -> StorageAddress:
        """Where datasets lie."""
        return parse_storage(self.storage)

    @property
    def storage_endpoint(self) -> str:
        """Address of the storage's HTTP interface; empty where datasets lie on the machine's disk."""
        kind = parse_storage(self.storage).kind
        if kind is StorageKind.HDFS:
            address = self.webhdfs_address or ""
            return address if "://" in address or not address else f"http://{address}"
        return (self.s3_endpoint or "") if kind is StorageKind.S3 else ""

    @property
    def brokers(self) -> tuple[str, ...]:
        """The brokers of the site's Kafka, ``host:port`` each; none where it has no Kafka."""
        return read_brokers(self.kafka)

    @cached_property
    def trusted_networks(self) -> tuple[Network, ...]:
        """Further proxies whose word on a caller's address is taken; the platform's own is known by its socket."""
        return parse_networks(self.trusted_proxies)

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
    if is_loopback(host) or (cert is not None and key is not None):
        return
    raise UnsafeBindError(
        f"The control plane was asked to answer on {host}, which others can reach, without TLS. "
        "Set HOPS_TLS_CERT and HOPS_TLS_KEY, or bind 127.0.0.1."
    )


def check_database_url(url: str | None) -> None:
    """Refuses an address of a database that is none; it may hold a password, which is not told.

    Raises:
        ValueError: It is none.
    """
    if url is None:
        return
    try:
        make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError(
            "HOPS_DATABASE_URL can't be used: it is no address like postgresql+psycopg://user:password@host/database."
        ) from None
