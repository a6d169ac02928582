"""Looks at the site: its environments, its database, what answers, and how it is reached."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from hops_contract.certificates import AUTHORITIES, CONTROL_PLANE
from hopslab.commands import run_quietly
from hopslab.doctor.findings import Finding, better, good, missing
from hopslab.errors import SiteError
from hopslab.prepare.front_end import BUILT
from hopslab.settings import CHECKOUT, SiteSettings
from hopslab.site.answers import ask_all
from hopslab.site.state import running_hub
from hopslab.surroundings import VENV_BIN

DAY_S = 24 * 3600
SOON_DAYS = 21
REALMS_S = 120.0
_STORAGE_S = 120.0
_KAFKA_S = 60.0


def look_at_site(settings: SiteSettings, env: Mapping[str, str]) -> list[Finding]:
    """Everything about the site.

    Args:
        settings: Which site.
        env: The environment that its services are started with.
    """
    database_url = env.get("HOPS_DATABASE_URL")
    return [
        *look_at_prepared(settings),
        look_at_database(settings, database_url),
        look_at_storage(env),
        *look_at_kafka(env),
        look_at_address(settings),
        look_at_authorities(settings),
        *look_at_realms(settings, env),
        *look_at_services(settings),
    ]


def look_at_prepared(settings: SiteSettings) -> list[Finding]:
    """What ``make up`` prepares."""
    home = settings.layout
    things = {
        "uv": VENV_BIN / "uv",
        "Proxy": CHECKOUT / "node_modules" / ".bin" / "configurable-http-proxy",
        "Lab extension": BUILT / "package.json",
        "Project environment": home.base_environment / "bin" / "python",
    }
    findings = [
        good(subject, "ready") if place.exists() else missing(subject, "not made yet", "`make up` makes it.")
        for subject, place in things.items()
    ]
    if any(home.archives.glob("*.jsa")):
        findings.append(good("Archive for fast starts of Spark", "ready"))
    else:
        remedy = "With it sessions start sooner; `make up` makes it."
        findings.append(better("Archive for fast starts of Spark", "none", remedy))
    return findings


def look_at_database(settings: SiteSettings, database_url: str | None) -> Finding:
    """Where the control plane keeps its tables; a password in the address is never shown."""
    if not database_url:
        made = (settings.layout.root / "control-plane.db").exists()
        return good("Database", "SQLite") if made else missing("Database", "not made yet", "`make up` makes it.")
    parts = urlsplit(database_url)
    return good("Database", f"{parts.scheme.partition('+')[0]} at {parts.hostname or 'a local socket'}")


def look_at_storage(env: Mapping[str, str]) -> Finding:
    """Whether a file can be written and removed where datasets lie, with the rights and the key of the platform."""
    if env.get("HOPS_STORAGE", "").strip() in {"", "local"}:
        return good("Storage", "the machine's disk")
    command: list[str | Path] = [VENV_BIN / "python", "-m", "hops_platform", "storage", "check"]
    try:
        said = run_quietly(command, what="Looking at the storage", env=env, cwd=CHECKOUT, timeout_s=_STORAGE_S)
    except SiteError as error:
        remedy = "Correct HOPS_STORAGE and what belongs to it (docs/storage.md), or start the storage; then look again."
        return missing("Storage", str(error), remedy)
    return good("Storage", said.strip())


def look_at_kafka(env: Mapping[str, str]) -> list[Finding]:
    """Whether the brokers answer, and let the platform manage topics and rights; nothing where the site has none."""
    if not env.get("HOPS_KAFKA", "").strip():
        return []
    command: list[str | Path] = [VENV_BIN / "python", "-m", "hops_platform", "kafka", "check"]
    try:
        said = run_quietly(command, what="Looking at Kafka", env=env, cwd=CHECKOUT, timeout_s=_KAFKA_S)
    except SiteError as error:
        remedy = "Correct HOPS_KAFKA and the cluster's own settings (docs/topics.md), or start it; then look again."
        return [missing("Kafka", str(error), remedy)]
    return [good("Kafka", said.strip())]


def look_at_address(settings: SiteSettings) -> Finding:
    """How people reach the site, and whether its certificate is good."""
    if settings.tls_cert is None or settings.tls_key is None:
        return good("Address", f"{settings.url} (this machine only, without TLS)")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
        days = (_expiry(settings.tls_cert) - time.time()) / DAY_S
    except (OSError, ValueError, ssl.SSLError):
        what = "does not go with its key, or is no PEM file"
        return missing("Certificate", what, "Correct HOPS_TLS_CERT and HOPS_TLS_KEY.")
    if days < 0:
        return missing("Certificate", "has expired", "Put a new one in its place and restart.")
    if days < SOON_DAYS:
        return better("Certificate", f"expires in {days:.0f} days", "Renew it.")
    return good("Address", f"{settings.url} (TLS, certificate good for {days:.0f} days)")


def look_at_authorities(settings: SiteSettings) -> Finding:
    """What ends next of the platform's own certificates: its authorities and its second address's.

    Those of members are renewed in the database, and stand in ``GET certificates``.
    """
    subject, folder = "Own certificates", settings.layout.own_tls
    try:
        ends = [
            certificate.not_valid_after_utc.timestamp()
            for name in (AUTHORITIES, f"{CONTROL_PLANE}.pem")
            for certificate in x509.load_pem_x509_certificates((folder / name).read_bytes())
        ]
    except FileNotFoundError:
        return better(subject, "not written yet", "`make up` writes them when it starts the control plane.")
    except (OSError, ValueError):
        return missing(subject, "can't be read", "Restart the platform, which writes them anew: secrets/tls.")
    days = (min(ends) - time.time()) / DAY_S
    if days < 0:
        return missing(subject, "one has expired", "Restart the platform: it makes a new one.")
    if days < SOON_DAYS:
        return better(subject, f"one ends in {days:.0f} days", "Restart the platform: it makes a new one.")
    return good(subject, f"good for {days:.0f} days")


def look_at_realms(settings: SiteSettings, env: Mapping[str, str]) -> list[Finding]:
    """The realms that people log in by; the control plane's own command looks at them."""
    if settings.realms is None:
        return []
    command: list[str | Path] = [VENV_BIN / "python", "-m", "hops_platform", "realms", "check"]
    try:
        told = json.loads(run_quietly(command, what="Looking at the realms", env=env, cwd=CHECKOUT, timeout_s=REALMS_S))
    except (SiteError, ValueError) as error:
        return [missing("Realms", str(error), "Correct the file of realms (HOPS_REALMS); docs/log-in.md tells it.")]
    return [_finding_of(look) for look in told]


def _finding_of(look: Mapping[str, Any]) -> Finding:
    subject, detail, remedy = str(look["realm"]), str(look["detail"]), str(look["remedy"])
    if not look["works"]:
        return missing(subject, detail, remedy)
    return better(subject, detail, remedy) if remedy else good(subject, detail)


def look_at_services(settings: SiteSettings) -> list[Finding]:
    """Whether Hub, control plane and session service answer."""
    if running_hub(settings.layout) is None:
        return [better("Services", "nothing is running", "`make up` starts everything.")]
    return [
        good(service, f"answers in {answer.seconds * 1000:.0f} ms")
        if answer.healthy
        else missing(service, f"does not answer ({answer.detail})", f"Look at `hopslab logs {service}`.")
        for service, answer in ask_all(settings).items()
    ]


def _expiry(certificate: Path) -> float:
    """When ``certificate`` expires, in seconds since the epoch."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc.timestamp()
