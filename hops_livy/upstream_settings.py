"""Settings of a site's own Apache Livy: where it is, how the platform shows who it is, what stands behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from hops_contract.loopback import is_loopback
from hops_livy.variables import SettingsError, Variables, address_parts

_NAME = r"[a-z][a-z0-9-]{0,30}"
_PRINCIPAL = r"[^\s@/]+(/[^\s@/]+)?(@[^\s@/]+)?"
_PREFIX = "HOPS_LIVY_UPSTREAM_"


class Authentication(StrEnum):
    """How the platform shows Apache Livy who it is."""

    NONE = "none"
    TRUSTED = "trusted"
    """Not at all, though it is another machine: nothing but the platform reaches it."""
    BASIC = "basic"
    BEARER = "bearer"
    KERBEROS = "kerberos"
    """By a ticket of a principal (SPNEGO); its key lies in a keytab."""

    @property
    def has_secret(self) -> bool:
        """Whether a file with a password, a token or a key belongs to it."""
        return self in {Authentication.BASIC, Authentication.BEARER, Authentication.KERBEROS}


class Cluster(StrEnum):
    """What Apache Livy starts drivers on."""

    YARN = "yarn"
    KUBERNETES = "kubernetes"
    STANDALONE = "standalone"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamSettings:
    """A site's Apache Livy.

    Attributes:
        url: Its address, without a slash at the end.
        authentication: How the platform shows who it is.
        user: The platform's account, for ``basic``; its principal, for ``kerberos``.
        secret_file: Holds the password, the token or, as a keytab, the key; nobody else may read it.
        authorities: PEM file with the authorities that its certificate is checked with; default: those of the system.
        name: What the names of the platform's sessions there begin with.
        cluster: What it starts drivers on.
        files: Where the cluster finds the folder of the projects, as a URI; without it no batches run.
    """

    url: str
    authentication: Authentication = Authentication.NONE
    user: str = ""
    secret_file: Path | None = None
    authorities: Path | None = None
    name: str = "hopslab"
    cluster: Cluster = Cluster.YARN
    files: str | None = None


def read_upstream(source: Mapping[str, str]) -> UpstreamSettings | None:
    """The Apache Livy that ``source`` names, if any.

    Args:
        source: The variables ``HOPS_LIVY_UPSTREAM_…``.

    Raises:
        SettingsError: One of them can't be used; the message says which, and what to do.
    """
    variables = Variables(source, prefix=_PREFIX)
    url = variables.text("URL")
    if url is None:
        if given := variables.given():
            raise SettingsError(f"{given[0]} is set, but not {_PREFIX}URL, the address of Apache Livy.")
        return None
    authentication = variables.choice("AUTH", Authentication, Authentication.NONE)
    settings = UpstreamSettings(
        url=_url(url, secret=authentication.has_secret),
        authentication=authentication,
        user=variables.text("USER") or "",
        secret_file=variables.path("SECRET_FILE"),
        authorities=variables.path("CA"),
        name=variables.text("NAME") or "hopslab",
        cluster=variables.choice("CLUSTER", Cluster, Cluster.YARN),
        files=_files(variables.text("FILES")),
    )
    _check_secret(settings)
    if not re.fullmatch(_NAME, settings.name):
        raise SettingsError(
            f"{_PREFIX}NAME is {settings.name!r}; it must be a letter, then at most 30 small letters, digits, hyphens."
        )
    return settings


def _check_secret(settings: UpstreamSettings) -> None:
    if settings.authentication is Authentication.NONE and not is_loopback(urlsplit(settings.url).hostname or ""):
        raise SettingsError(
            f"{_PREFIX}AUTH is none, and {_PREFIX}URL is another machine: whoever reaches a Livy that asks nobody who "
            "they are, such as code of any session on the cluster, starts sessions as anybody. Let Livy ask "
            f"({_PREFIX}AUTH=basic, bearer or kerberos), or, if nothing but the platform reaches it, set "
            f"{_PREFIX}AUTH=trusted."
        )
    if settings.authentication is Authentication.BASIC and (not settings.user or ":" in settings.user):
        raise SettingsError(f"{_PREFIX}AUTH is basic: {_PREFIX}USER must name the platform's account, without a colon.")
    if settings.authentication is Authentication.KERBEROS and not re.fullmatch(_PRINCIPAL, settings.user):
        raise SettingsError(
            f"{_PREFIX}AUTH is kerberos: {_PREFIX}USER must name the platform's principal, like "
            "hopslab/notebooks.example.org@EXAMPLE.ORG."
        )
    if settings.authentication.has_secret and settings.secret_file is None:
        raise SettingsError(
            f"{_PREFIX}AUTH is {settings.authentication}: {_PREFIX}SECRET_FILE must name the file that holds the "
            "password, the token or, with kerberos, the principal's key (a keytab)."
        )


def _url(text: str, *, secret: bool) -> str:
    parts = address_parts(text, {"http", "https"})
    # The text itself is not told: someone may have written a password into it.
    if parts is None or parts.query or parts.fragment:
        raise SettingsError(f"{_PREFIX}URL is no address; it must be like https://livy.example.org:8998.")
    if parts.username is not None or parts.password is not None:
        raise SettingsError(
            f"{_PREFIX}URL holds a name or a password; use {_PREFIX}USER and {_PREFIX}SECRET_FILE for them."
        )
    if secret and parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SettingsError(
            f"{_PREFIX}URL begins with http: what shows who the platform is, and all code, would be sent to another "
            "machine unencrypted. Use https."
        )
    return text.rstrip("/")


def _files(text: str | None) -> str | None:
    if text is not None and not re.match(r"[a-z][a-z0-9+.-]*:/", text):
        raise SettingsError(f"{_PREFIX}FILES is {text!r}; it must be a URI like hdfs://name-node/Projects.")
    return None if text is None else text.rstrip("/")
