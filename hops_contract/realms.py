"""The realms of a site, as its file of realms tells them: where else than here people have their accounts.

Read by the control plane, which asks the realms; by the Hub, whose page offers them; and by ``hopslab doctor``.

Laws:

1. No secret stands in the file: it names files with secrets, which nobody but their owner can read.
2. A password and a token travel by TLS with a certificate that is held against its authority; in the clear only to this
   machine itself.
3. Whoever is in a realm is told by the realm's own key for a person, never by a name or an e-mail address.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hops_contract.loopback import is_loopback
from hops_contract.slugs import MAX_SLUG_LENGTH, SLUG_RULE, is_slug

LOCAL = "local"
"""The realm of the platform's own passwords."""
LOCAL_TITLE = "HopsLab"
MAX_USERNAME_LENGTH = 64
MAX_TICKET_LENGTH = 64 * 1024
"""In base64: a ticket of Active Directory holds its owner's groups."""
MAX_ID_TOKEN_LENGTH = 16 * 1024
MIN_NONCE_LENGTH, MAX_NONCE_LENGTH = 32, 128
MOST_REALMS = 20
_MOST_FILE_BYTES = 256 * 1024
_OTHERS = 0o077


class RealmsError(ValueError):
    """The file of realms can't be used; the message says why, without a secret."""


class Admission(StrEnum):
    """When somebody of a realm, who comes for the first time, gets an account."""

    AT_ONCE = "at-once"
    APPROVAL = "approval"
    """When an administrator has said so."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Text = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00-\x1f\x7f]+$")]


def _check_whole(path: Path) -> Path:
    # The Hub, its services and the command line have working folders of their own.
    if not path.is_absolute():
        raise ValueError("It is not a whole path: begin it with /.")
    return path


WholePath = Annotated[Path, AfterValidator(_check_whole)]
Attribute = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z][A-Za-z0-9;-]*$")]


class _Realm(_Settings):
    """What all realms have."""

    name: str = Field(description="Its name in the audit and in addresses; it never changes.")
    title: str = Field(default="", max_length=60, description="What the log-in page calls it; default: its name.")
    admission: Admission = Field(
        default=Admission.AT_ONCE, description="Whether the first log-in makes an account, or an administrator does."
    )
    password_url: str = Field(default="", max_length=1000, description="Where people change their password.")
    administrators: tuple[Text, ...] = Field(
        default=(), description="Groups whose members administrate; empty: the platform's own setting counts."
    )
    auditors: tuple[Text, ...] = Field(
        default=(), description="Groups whose members audit; empty: the platform's own setting counts."
    )
    required_groups: tuple[Text, ...] = Field(default=(), description="Only members of one of these may log in.")

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not is_slug(name) or name == LOCAL:
            raise ValueError(f"A realm's name is {SLUG_RULE}, and not {LOCAL!r}.")
        return name

    @field_validator("password_url")
    @classmethod
    def _check_password_url(cls, url: str) -> str:
        if url and urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("It begins with https:// or http://.")
        return url

    @property
    def shown(self) -> str:
        """What people read."""
        return self.title or self.name


class LdapRealmSettings(_Realm):
    """LDAP or Active Directory."""

    kind: Literal["ldap", "active-directory"]
    servers: tuple[Text, ...] = Field(
        min_length=1, max_length=10, description="ldaps://host or ldap://host, asked in this order."
    )
    start_tls: bool = Field(default=True, description="With ldap://: TLS before anything else is said.")
    ca_file: WholePath | None = Field(default=None, description="PEM file with the authority; default: the system's.")
    base: Text = Field(description="Below which entry people are.")
    bind_template: str = Field(
        default="",
        max_length=1000,
        description="How one binds as {username}: a DN or NAME@DOMAIN. Without one the entry is looked for first.",
    )
    service_dn: str = Field(default="", max_length=1000, description="Whom the entries are looked for as.")
    service_password_file: WholePath | None = Field(default=None, description="File (0600) with its password.")
    username_attribute: Attribute = Field(default="", description="uid, or with Active Directory sAMAccountName.")
    subject_attribute: Attribute = Field(default="", description="entryUUID, or with Active Directory objectGUID.")
    email_attribute: Attribute = "mail"
    title_attribute: Attribute = Field(default="", description="cn, or with Active Directory displayName.")
    user_filter: str = Field(
        default="",
        max_length=1000,
        description="What an entry must be that may log in; with Active Directory: one that is not disabled.",
    )
    group_base: str = Field(default="", max_length=1000, description="Below which entry groups are; else memberOf.")
    timeout_s: int = Field(default=5, ge=1, le=30, description="How long one server may take for one answer.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for server in self.servers:
            parts = urlsplit(server)
            if parts.scheme not in {"ldap", "ldaps"} or not parts.hostname or parts.path.strip("/") or parts.query:
                raise ValueError("A server is ldaps://host, ldaps://host:port or ldap://host.")
            if parts.scheme == "ldap" and not self.start_tls and not is_loopback(parts.hostname):
                raise ValueError(
                    f"Passwords would travel to {parts.hostname} in the clear: use ldaps://, or leave start_tls on."
                )
        if self.bind_template and self.bind_template.count("{username}") != 1:
            raise ValueError("bind_template holds {username} once.")
        if bool(self.service_dn) != (self.service_password_file is not None):
            raise ValueError("service_dn and service_password_file go together.")
        if not self.bind_template and not self.service_dn:
            raise ValueError("Either bind_template or service_dn says how an entry is found.")
        return self

    @property
    def is_active_directory(self) -> bool:
        """Whether Active Directory's ways hold."""
        return self.kind == "active-directory"


class KerberosRealmSettings(_Realm):
    """Kerberos, by SPNEGO on the log-in page."""

    kind: Literal["kerberos"]
    principals: Text = Field(description="The Kerberos realm whose people are let in: EXAMPLE.ORG.")
    service: Text = Field(description="This site's own service: HTTP@hops.example.org.")
    keytab: WholePath = Field(description="File (0600) with the service's key.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        kind, separator, host = self.service.partition("@")
        if kind != "HTTP" or not separator or not host or "/" in host:
            raise ValueError("service is HTTP@ and the site's host name.")
        if self.administrators or self.auditors or self.required_groups:
            raise ValueError("Kerberos tells no groups.")
        return self


class OidcRealmSettings(_Realm):
    """OpenID Connect."""

    kind: Literal["oidc"]
    issuer: Text = Field(description="The provider: its configuration lies at /.well-known/openid-configuration.")
    client_id: Text = Field(description="By which the provider knows this site.")
    client_secret_file: WholePath = Field(description="File (0600) with the client's secret.")
    ca_file: WholePath | None = Field(default=None, description="PEM file with the authority; default: the system's.")
    scopes: tuple[Text, ...] = Field(default=("openid", "profile", "email"), description="What is asked for.")
    username_claim: Text = Field(default="preferred_username", description="The claim that a user name is made of.")
    groups_claim: Text = Field(default="groups", description="The claim with the groups.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_web_address(self.issuer)
        if "openid" not in self.scopes:
            raise ValueError("scopes holds openid.")
        return self


RealmSettings = Annotated[LdapRealmSettings | KerberosRealmSettings | OidcRealmSettings, Field(discriminator="kind")]


class _File(_Settings):
    realm: tuple[RealmSettings, ...] = Field(default=(), max_length=MOST_REALMS)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [realm.name for realm in self.realm]
        if len(names) != len(set(names)):
            raise ValueError("Two realms have one name.")
        return self


def load_realms(path: Path | None) -> tuple[LdapRealmSettings | KerberosRealmSettings | OidcRealmSettings, ...]:
    """The realms of the file; none without one.

    Raises:
        RealmsError: The file can't be read, or says what can't be.
    """
    if path is None:
        return ()
    if not path.is_absolute():
        raise RealmsError("HOPS_REALMS is not a whole path: begin it with /.")
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_FILE_BYTES + 1)
        if len(text) > _MOST_FILE_BYTES:
            raise RealmsError("The file of realms (HOPS_REALMS) is larger than 256 KiB.")
        return _File.model_validate(tomllib.loads(text.decode())).realm
    except OSError as error:
        raise RealmsError(f"The file of realms (HOPS_REALMS) can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RealmsError(f"The file of realms (HOPS_REALMS) is not TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise RealmsError(f"The file of realms (HOPS_REALMS), {where or 'as a whole'}: {said}") from None


def check_private(path: Path) -> None:
    """Looks whether ``path`` can be read by the platform, and by nobody else.

    Raises:
        RealmsError: It can't, or others may read it.
    """
    try:
        with path.open("rb") as file:
            others = os.fstat(file.fileno()).st_mode & _OTHERS
    except OSError as error:
        raise RealmsError(f"{path.name} can't be read: {error.strerror}.") from None
    if others:
        raise RealmsError(f"Others can read {path.name}: chmod 600 makes it the platform's own.")


def read_private(path: Path) -> str:
    """The secret in ``path``, without the line's end.

    Raises:
        RealmsError: It is not there, is empty, or others may read it.
    """
    check_private(path)
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(64 * 1024).rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise RealmsError(f"{path.name} can't be read.") from None
    if not text:
        raise RealmsError(f"{path.name} is empty.")
    return text


def check_web_address(url: str) -> str:
    """``url``, if what is sent there can't be read on the way.

    Raises:
        ValueError: It is not https, and not on this machine.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname and is_loopback(parts.hostname):
        return url
    raise ValueError("An address of a provider begins with https://.")


def mark_of_session(identifier: str) -> str:
    """By what the control plane knows one session of a browser at the Hub: a hash (64 hexadecimal digits).

    Args:
        identifier: The Hub's cookie of the session.
    """
    return hashlib.sha256(f"session {identifier}".encode("utf-8", "surrogatepass")).hexdigest()


def ticket_path(realm: str) -> str:
    """Where, below the Hub's own address, browsers log in by a realm of tickets."""
    return f"negotiate/{realm}"


def provider_path(realm: str) -> str:
    """Where, below the Hub's own address, browsers log in by a provider of OpenID Connect.

    With ``?prompt=login`` the provider asks them anew, whatever it remembers.
    """
    return f"oidc/{realm}/login"


def username_of(text: str) -> str:
    """A user name made of what a realm calls somebody; empty where nothing is left.

    ``Ada.Lovelace@example.org`` becomes ``ada-lovelace``.
    """
    kept = text.partition("@")[0].lower()
    parts = "".join(c if c.isascii() and c.isalnum() else "-" for c in kept).split("-")
    made = "-".join(part for part in parts if part).lstrip("-0123456789")[:MAX_SLUG_LENGTH].strip("-")
    return made if is_slug(made) else ""
