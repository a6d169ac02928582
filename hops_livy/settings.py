"""The service's settings: environment variables, each with a default that works."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from hops_contract.keeping import PROCESSES, Address
from hops_contract.layout import Home
from hops_contract.loopback import is_loopback
from hops_contract.origins import Network, parse_networks
from hops_contract.sandbox import Sandboxing
from hops_contract.serving import NOT_OWN_FOLDER, is_own_folder
from hops_contract.storage import StorageAddress, StorageAddressError, StorageKind, parse_storage
from hops_livy.masters.settings import MasterSettings, read_master
from hops_livy.upstream_settings import UpstreamSettings, read_upstream
from hops_livy.variables import SettingsError, Variables, address_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of what one request, statement or session may take."""

    body_bytes: int = 2 * 1024 * 1024
    body_patience_s: int = 30
    """How long a request's body may take to come."""
    bodies_at_once: int = 200
    """How many bodies are waited for at the same moment; one more ends the waiting for the first."""
    code_characters: int = 1024 * 1024
    output_bytes: int = 16 * 1024 * 1024
    """Per statement; what comes after is cut off with a sentence."""
    session_output_bytes: int = 64 * 1024 * 1024
    """Per session; beyond it the output of the oldest statements is dropped, with a sentence."""
    ended_output_bytes: int = 256 * 1024 * 1024
    """Of all sessions that have ended; beyond it that of those that ended first is dropped, with a sentence."""
    statements_kept: int = 500
    """Per session; the outputs of the oldest are dropped."""
    session_code_characters: int = 32 * 1024 * 1024
    """Per session; beyond it the oldest statements are forgotten."""
    statements_waiting: int = 100
    log_lines: int = 2000
    sessions_per_owner: int = 10
    sessions_per_person: int = 20
    """Of one person in all projects together."""
    sessions: int = 200
    queue: int = 200
    """How many may wait for room; 0: nobody waits."""
    queue_per_person: int = 20
    """How many sessions of one person may wait, whatever their number of projects: nobody fills the queue alone."""
    queue_wait_s: float = 3600.0
    """How long one may wait."""
    overviews_held: int = 8
    """Per person: requests for an overview that wait for news at the same moment."""
    held_open: int = 64
    """Per person: requests that wait for news of one session, and streams of events, at the same moment."""
    large_answers: int = 4
    """Per person: answers with much output that are on their way at the same moment."""
    large_answer_wait_s: float = 20.0
    """How long one more of these waits."""
    hold_s: float = 20.0
    """How long a request may wait for news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the session service.

    =============================  ===========================================================================
    ``HOPS_HOME``                  the platform's home; default ``.hopslab`` in the current folder
    ``HOPS_BIND``                  address to listen on; one that is not loopback needs TLS
    ``HOPS_TLS_CERT``, ``…_KEY``   PEM files for TLS
    ``HOPS_PROXY_SOCKET``          path of the socket, in a folder of this user alone, by which the platform's own proxy
                                   comes
    ``HOPS_TRUSTED_PROXIES``       further proxies whose word on a caller's address is taken: addresses or networks,
                                   separated by commas
    ``HOPS_CONTROL_PLANE_URL``     publishes tokens' keys and projects' limits, renews tokens; ends with ``/``
    ``HOPS_GPUS``                  number of GPUs; default: counted with ``nvidia-smi``
    ``HOPS_GPU_LABELS``            labels of this machine's GPUs, separated by commas
    ``HOPS_MEMORY_MIB``            the most memory for all sessions together; default: all that is free. With a cluster
                                   it tells the start form of the cluster's, and bounds nothing here
    ``HOPS_SESSION_START_S``       seconds after which a start has failed (180)
    ``HOPS_STARTS_AT_ONCE``        sessions and batches that are started at the same moment (two for each processor)
    ``HOPS_DESERTED_S``            seconds without a session service after which sessions end by themselves (600)
    ``HOPS_SESSIONS``              sessions and batches that may run at the same time (200)
    ``HOPS_SESSIONS_PER_OWNER``    the same for one member of one project (10)
    ``HOPS_SESSIONS_PER_PERSON``   the same for one person, in all projects together (twice as
                                   many)
    ``HOPS_QUEUE``                 sessions and batches that may wait for room (200); 0: nobody waits, all are refused
    ``HOPS_QUEUE_PER_PERSON``      how many of these of one person, whatever their number of projects (as many as
                                   they may have: ``HOPS_SESSIONS_PER_PERSON``)
    ``HOPS_QUEUE_WAIT_S``          seconds that one may wait (3600)
    ``HOPS_WARM_SESSIONS``         sessions that may be kept ready for those who will ask for them (8, or none with
                                   Apache Livy or a cluster); 0: none
    ``HOPS_WARM_PER_PERSON``       how many of these for one person, whatever their number of projects (2)
    ``HOPS_WARM_LEAVES_MIB``       memory that stays free beside them (a quarter of all that there is)
    ``HOPS_BODY_TIMEOUT_S``        seconds that a request's body may take to come (30)
    ``HOPS_BODIES_AT_ONCE``        how many bodies are waited for at the same moment (200)
    ``HOPS_WEBHDFS_ADDRESS``       HDFS's HTTP interface, told to sessions: ``host:port`` or ``https://host:port``
    ``HOPS_STORAGE``               where datasets lie: see :mod:`hops_contract.storage`. On HDFS sessions are told that
                                   address as ``HOPS_PROJECT_PATH``, and tables of Spark's own lie there
    ``HOPS_SANDBOX``               ``auto``: sessions run in sandboxes where this machine can make them (the default);
                                   ``on``: nothing starts without; ``off``
    ``HOPS_SANDBOX_READS``         absolute paths, separated by commas, that all sessions may read in theirs besides
    ``HOPS_SANDBOX_REACHES``       addresses, separated by commas, that code in sandboxes reaches besides the platform's
                                   services; each an IPv4 address, a colon and a port
    ``HOPS_KAFKA``                 brokers of the site's Kafka, separated by commas, ``host:port`` each, which code in
                                   sandboxes reaches too
    ``HOPS_SANDBOX_PROCESSES``     the most processes of a sandbox, of which each thread is one (4096); 0: no limit
    ``HOPS_SANDBOX_MEMORY_PERCENT``  how much memory all processes of a session may have, in percent of what it was
                                   granted, and 1 GiB besides (200); 0: no limit
    ``HOPS_JAVA_HOME``             the Java to use; default: see :mod:`hops_livy.java`
    ``HOPS_LIVY_UPSTREAM_URL``     a site's own Apache Livy, which runs all sessions then; what belongs to it: see
                                   :mod:`hops_livy.upstream_settings`
    ``HOPS_SPARK_MASTER``          where executors run, with what that needs: see :mod:`hops_livy.masters.settings`
    ``JUPYTERHUB_SERVICE_URL``     address to listen on, when the Hub starts the service
    ``JUPYTERHUB_SERVICE_PREFIX``  path of the service (``/services/livy/``)
    =============================  ===========================================================================
    """

    home: Home
    host: str = "127.0.0.1"
    port: int = 0
    prefix: str = "/services/livy/"
    tls_cert: Path | None = None
    tls_key: Path | None = None
    proxy_socket: Path | None = None
    trusted_networks: tuple[Network, ...] = ()
    control_plane_url: str = "http://127.0.0.1:8000/services/hops/"
    gpus: int | None = None
    gpu_labels: tuple[str, ...] = ()
    memory_mib: int | None = None
    session_start_s: float = 180.0
    starts_at_once: int = field(default_factory=lambda: 2 * (os.cpu_count() or 1))
    deserted_s: float = 600.0
    warm_sessions: int = 8
    warm_per_person: int = 2
    warm_leaves_mib: int | None = None
    webhdfs_address: str | None = None
    storage: StorageAddress = field(default_factory=lambda: StorageAddress(StorageKind.LOCAL))
    sandbox: Sandboxing = Sandboxing.AUTO
    sandbox_reads: tuple[Path, ...] = ()
    sandbox_reaches: tuple[Address, ...] = ()
    kafka: tuple[str, ...] = ()
    sandbox_processes: int = PROCESSES
    sandbox_memory_percent: int = 200
    upstream: UpstreamSettings | None = None
    master: MasterSettings | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def key_set_url(self) -> str:
        """Where the control plane publishes its public keys."""
        return f"{self.control_plane_url}.well-known/jwks.json"

    @property
    def renewal_url(self) -> str:
        """Where a token is renewed."""
        return f"{self.control_plane_url}api/v1/tokens:renew"

    @property
    def me_url(self) -> str:
        """Where the control plane tells who the caller is."""
        return f"{self.control_plane_url}api/v1/me"

    @property
    def projects_url(self) -> str:
        """Where the control plane tells of projects."""
        return f"{self.control_plane_url}api/v1/projects/"


def read_settings(environment: Mapping[str, str] | None = None, *, port: int | None = None) -> Settings:
    """The settings of ``environment`` (default: this process's).

    Raises:
        SettingsError: One of them can't be used.
    """
    source = os.environ if environment is None else environment
    variables = Variables(source)
    host, service_port = _address(variables)
    upstream = read_upstream(source)
    home = Home(Path(variables.text("HOPS_HOME") or ".hopslab").resolve())
    gpu_labels = variables.names("HOPS_GPU_LABELS")
    master = read_master(source, home=home.root, gpu_labels=gpu_labels)
    if upstream is not None and master is not None:
        raise SettingsError("HOPS_LIVY_UPSTREAM_URL and HOPS_SPARK_MASTER are both set; one of them runs the sessions.")
    prefix = "/" + source.get("JUPYTERHUB_SERVICE_PREFIX", "/services/livy/").strip("/") + "/"
    control_plane = variables.text("HOPS_CONTROL_PLANE_URL") or "http://127.0.0.1:8000/services/hops/"
    settings = Settings(
        home=home,
        host=host,
        port=service_port if port is None else port,
        prefix="/" if prefix == "//" else prefix,
        tls_cert=variables.path("HOPS_TLS_CERT"),
        tls_key=variables.path("HOPS_TLS_KEY"),
        proxy_socket=_proxy_socket(variables),
        trusted_networks=_trusted_networks(variables),
        control_plane_url=control_plane.rstrip("/") + "/",
        gpus=variables.number("HOPS_GPUS"),
        gpu_labels=gpu_labels,
        memory_mib=variables.number("HOPS_MEMORY_MIB"),
        session_start_s=float(variables.positive("HOPS_SESSION_START_S") or 180),
        starts_at_once=variables.positive("HOPS_STARTS_AT_ONCE") or 2 * (os.cpu_count() or 1),
        deserted_s=float(variables.positive("HOPS_DESERTED_S") or 600),
        warm_sessions=_warm_sessions(variables, alone=upstream is None and master is None),
        warm_per_person=variables.positive("HOPS_WARM_PER_PERSON") or 2,
        warm_leaves_mib=variables.number("HOPS_WARM_LEAVES_MIB"),
        webhdfs_address=_web_address(variables, "HOPS_WEBHDFS_ADDRESS"),
        storage=_storage(variables),
        sandbox=variables.choice("HOPS_SANDBOX", Sandboxing, Sandboxing.AUTO),
        sandbox_reads=variables.places("HOPS_SANDBOX_READS"),
        sandbox_reaches=variables.addresses("HOPS_SANDBOX_REACHES"),
        kafka=variables.brokers("HOPS_KAFKA"),
        sandbox_processes=_or(variables.number("HOPS_SANDBOX_PROCESSES"), PROCESSES),
        sandbox_memory_percent=_or(variables.number("HOPS_SANDBOX_MEMORY_PERCENT"), 200),
        upstream=upstream,
        master=master,
        limits=_limits(variables),
    )
    if not is_loopback(settings.host) and not (settings.tls_cert and settings.tls_key):
        raise SettingsError(
            f"The session service would listen on {settings.host}, which other machines reach, without encryption. "
            "Set HOPS_TLS_CERT and HOPS_TLS_KEY, or let it listen on 127.0.0.1."
        )
    return settings


def _proxy_socket(variables: Variables) -> Path | None:
    path = variables.path("HOPS_PROXY_SOCKET")
    if path is not None and not is_own_folder(path.parent):
        raise SettingsError(NOT_OWN_FOLDER)
    return path


def _trusted_networks(variables: Variables) -> tuple[Network, ...]:
    try:
        return parse_networks(variables.text("HOPS_TRUSTED_PROXIES") or "")
    except ValueError as error:
        raise SettingsError(f"HOPS_TRUSTED_PROXIES holds what is no address or network: {error}") from error


def _storage(variables: Variables) -> StorageAddress:
    try:
        return parse_storage(variables.text("HOPS_STORAGE") or "")
    except StorageAddressError as error:
        raise SettingsError(str(error)) from error


def _or(number: int | None, default: int) -> int:
    return default if number is None else number


def _warm_sessions(variables: Variables, *, alone: bool) -> int:
    number = variables.number("HOPS_WARM_SESSIONS")
    if number is not None:
        return number
    # On a cluster one that is kept ready holds what others wait for.
    return 8 if alone else 0


def _limits(variables: Variables) -> Limits:
    given = {
        "sessions": variables.number("HOPS_SESSIONS"),
        "queue": variables.number("HOPS_QUEUE"),
        "queue_per_person": variables.positive("HOPS_QUEUE_PER_PERSON"),
        "queue_wait_s": variables.positive("HOPS_QUEUE_WAIT_S"),
        "sessions_per_owner": variables.number("HOPS_SESSIONS_PER_OWNER"),
        "sessions_per_person": variables.number("HOPS_SESSIONS_PER_PERSON"),
        "body_patience_s": variables.positive("HOPS_BODY_TIMEOUT_S"),
        "bodies_at_once": variables.positive("HOPS_BODIES_AT_ONCE"),
    }
    if given["sessions_per_person"] is None and given["sessions_per_owner"] is not None:
        given["sessions_per_person"] = 2 * given["sessions_per_owner"]
    if given["queue_per_person"] is None and given["sessions_per_person"] is not None:
        # Who may have so many may ask for all of them at once.
        given["queue_per_person"] = max(1, given["sessions_per_person"])
    return Limits(**{name: number for name, number in given.items() if number is not None})


def _address(variables: Variables) -> tuple[str, int]:
    parts = urlsplit(variables.text("JUPYTERHUB_SERVICE_URL") or "")
    try:
        return parts.hostname or variables.text("HOPS_BIND") or "127.0.0.1", parts.port or 0
    except ValueError as error:
        raise SettingsError("JUPYTERHUB_SERVICE_URL holds no usable port.") from error


def _web_address(variables: Variables, name: str) -> str | None:
    text = variables.text(name)
    if text is not None and address_parts(text if "://" in text else f"http://{text}", {"http", "https"}) is None:
        raise SettingsError(f"{name} is {text!r}; it must be host:port or https://host:port.")
    return text
