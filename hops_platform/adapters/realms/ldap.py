"""LDAP and Active Directory: somebody is who the directory lets them bind as.

Laws:

1. An empty password never reaches the directory, which would let it bind as nobody and call that success (RFC 4513,
   5.1.2).
2. What was typed is escaped where it becomes part of a filter or of a name.
3. Nothing is said before TLS, whose certificate is held against its authority and the host's name; no referral is
   followed, which would show the password to a host that nobody named.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from ldap3 import BASE, NONE, SIMPLE, SUBTREE, SYNC, Connection, Server, Tls
from ldap3.core.exceptions import LDAPCommunicationError, LDAPException
from ldap3.utils.conv import escape_bytes, escape_filter_chars
from ldap3.utils.dn import escape_rdn

from hops_contract.realms import MAX_USERNAME_LENGTH, LdapRealmSettings, RealmsError, read_private
from hops_platform.adapters.realms.groups import as_entries, check_admitted, flag_of, is_in
from hops_platform.engines.realms import MAX_SUBJECT_LENGTH, GivenPassword, Proof, ProofKind, Proven, RealmIdentity
from hops_platform.errors import BusyError, EngineRefusedError, EngineUnavailableError, WrongCredentialsError

AT_ONCE = 8
"""Each holds one of the threads that serve all requests, for as long as the directory takes."""
_MOST_GROUPS = 5000
_MOST_TITLE, _MOST_EMAIL = 200, 320
_SUCCESS, _MORE, _NO_SUCH_OBJECT, _INVALID_CREDENTIALS = 0, 4, 32, 49
_DAY_S = 24 * 3600
_REFUSED_BINDS = frozenset({_NO_SUCH_OBJECT, 34, 48, _INVALID_CREDENTIALS, 53})
"""noSuchObject, invalidDNSyntax, inappropriateAuthentication, invalidCredentials, and unwillingToPerform, by which
directories tell of accounts that are locked or whose password has expired."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN_NAME = re.compile(r"[\w.-]+\Z")
_NOT_DISABLED = "(!(userAccountControl:1.2.840.113556.1.4.803:=2))"


class LdapRealm:
    """One directory, with its servers.

    Args:
        settings: What the site's file of realms says of it.
    """

    def __init__(self, settings: LdapRealmSettings) -> None:
        self._settings = settings
        self._places = threading.BoundedSemaphore(AT_ONCE)
        ad = settings.is_active_directory
        self._username = settings.username_attribute or ("sAMAccountName" if ad else "uid")
        self._subject = settings.subject_attribute or ("objectGUID" if ad else "entryUUID")
        self._title = settings.title_attribute or ("displayName" if ad else "cn")
        self._filter = settings.user_filter or (f"(&(objectCategory=person){_NOT_DISABLED})" if ad else "")

    @property
    def proof(self) -> ProofKind:
        """See :class:`~hops_platform.engines.realms.Realm`."""
        return ProofKind.PASSWORD

    def authenticate(self, proof: Proof) -> Proven:
        """See :class:`~hops_platform.engines.realms.Realm`."""
        if not isinstance(proof, GivenPassword) or not proof.password or not _may_be_a_name(proof.username):
            raise self._wrong()
        with self._place():
            entry, groups = (
                self._bind_by_template(proof) if self._settings.bind_template else self._bind_by_search(proof)
            )
        check_admitted(self._settings, groups, by=as_entries)
        return Proven(identity=self._identity(entry, groups))

    def standing(self, subjects: Sequence[str]) -> Mapping[str, bool] | None:
        """See :class:`~hops_platform.engines.realms.Realm`."""
        if not self._settings.service_dn:
            return None
        with self._place(), self._as_service() as connection:
            return {subject: self._stands(connection, subject) for subject in subjects}

    def check(self) -> float | None:
        """Looks whether every server answers, and takes the platform's own credentials where there are some.

        Returns:
            For how many days the first certificate to end is good; ``None`` without TLS.

        Raises:
            EngineRefusedError: It does not take them, or is not set up as is told.
            EngineUnavailableError: A server does not answer; says which, and why.
        """
        days = [self._check_server(url) for url in self._settings.servers]
        if self._settings.service_dn:
            with self._as_service() as connection:
                self._search(connection, self._settings.base, "(objectClass=*)", scope=BASE, must_be_there=True)
        return min((one for one in days if one is not None), default=None)

    def _check_server(self, url: str) -> float | None:
        try:
            connection = self._connect(url)
        except LDAPException as error:
            raise EngineUnavailableError(
                f"{url} does not answer, or does not prove who it is: {error}.",
                remedy="Look at the server, at ca_file, and whether its certificate names this host.",
            ) from None
        try:
            told = connection.socket.getpeercert() if isinstance(connection.socket, ssl.SSLSocket) else None
            return (ssl.cert_time_to_seconds(str(told["notAfter"])) - time.time()) / _DAY_S if told else None
        finally:
            _close(connection)

    def _bind_by_template(self, proof: GivenPassword) -> tuple[Mapping[str, Any], Sequence[str]]:
        template, name = self._settings.bind_template, proof.username
        is_dn = "=" in template
        if not is_dn and not _PLAIN_NAME.match(name):
            raise self._wrong()
        bound_as = template.replace("{username}", escape_rdn(name) if is_dn else name)
        with self._bound(bound_as, proof.password) as connection:
            if is_dn:
                # The entry that was bound as, and no other one that a filter could find.
                found = self._search(connection, bound_as, self._all_of(""), scope=BASE)
            else:
                found = self._search(
                    connection, self._settings.base, self._all_of(self._bound_or_named(bound_as, name))
                )
            return self._only(connection, found)

    def _bind_by_search(self, proof: GivenPassword) -> tuple[Mapping[str, Any], Sequence[str]]:
        with self._as_service() as connection:
            base = self._settings.base
            found = self._search(connection, base, self._all_of(self._named(proof.username)))
            # Whoever is not there is refused by the same steps as whoever is: else the time tells who is.
            nobody = {"dn": f"cn={secrets.token_hex(16)},{base}"}
            entry = found[0] if len(found) == 1 else nobody
            groups = self._groups(connection, entry)
        with self._bound(str(entry["dn"]), proof.password):
            if entry is nobody:
                raise self._wrong()
            return entry, groups

    def _stands(self, connection: Connection, subject: str) -> bool:
        try:
            wanted = f"({self._subject}={_filter_value(subject, binary=self._settings.is_active_directory)})"
        except ValueError:
            return False
        found = self._search(connection, self._settings.base, self._all_of(wanted))
        if len(found) != 1:
            return False
        required = self._settings.required_groups
        return not required or is_in(self._groups(connection, found[0]), required, by=as_entries)

    def _named(self, name: str) -> str:
        escaped = escape_filter_chars(name)
        if self._settings.is_active_directory and "@" in name:
            return f"(userPrincipalName={escaped})"
        return f"({self._username}={escaped})"

    def _bound_or_named(self, bound_as: str, name: str) -> str:
        """Finds whom Active Directory may have bound as ``bound_as``: two are nobody.

        It takes a userPrincipalName first, and for want of one NAME@DOMAIN for the account called NAME. One person's
        userPrincipalName may begin as another's account is called.
        """
        if "@" not in bound_as:
            return self._named(name)
        return f"(|(userPrincipalName={escape_filter_chars(bound_as)}){self._named(name)})"

    def _all_of(self, wanted: str) -> str:
        return f"(&(objectClass=*){wanted}{self._filter})"

    def _only(
        self, connection: Connection, found: Sequence[Mapping[str, Any]]
    ) -> tuple[Mapping[str, Any], Sequence[str]]:
        if len(found) != 1:
            raise self._wrong()
        return found[0], self._groups(connection, found[0])

    def _groups(self, connection: Connection, entry: Mapping[str, Any]) -> Sequence[str]:
        settings = self._settings
        if not (settings.required_groups or settings.administrators or settings.auditors):
            return ()
        if not settings.group_base:
            return _texts(entry, "memberOf")[:_MOST_GROUPS]
        member = escape_filter_chars(str(entry["dn"]))
        found = self._search(connection, settings.group_base, f"(|(member={member})(uniqueMember={member}))")
        return [str(group["dn"]) for group in found]

    def _identity(self, entry: Mapping[str, Any], groups: Sequence[str]) -> RealmIdentity:
        subject = _subject_of(entry, self._subject, binary=self._settings.is_active_directory)
        if not subject:
            raise EngineRefusedError(
                f"{self._settings.shown} shows no attribute {self._subject} of its people.",
                remedy="An administrator corrects subject_attribute in the file of realms.",
            )
        return RealmIdentity(
            subject=subject,
            username=_first(entry, self._username)[:MAX_USERNAME_LENGTH],
            email=_first(entry, self._settings.email_attribute)[:_MOST_EMAIL],
            title=_first(entry, self._title)[:_MOST_TITLE],
            admin=flag_of(groups, self._settings.administrators, by=as_entries),
            auditor=flag_of(groups, self._settings.auditors, by=as_entries),
        )

    def _search(
        self, connection: Connection, base: str, wanted: str, *, scope: str = SUBTREE, must_be_there: bool = False
    ) -> list[Mapping[str, Any]]:
        wished = [self._username, self._subject, self._title, self._settings.email_attribute, "memberOf"]
        limit = _MOST_GROUPS if base == self._settings.group_base else 2
        try:
            connection.search(
                base, wanted, search_scope=scope, attributes=sorted(set(wished)), size_limit=limit,
                time_limit=self._settings.timeout_s,
            )  # fmt: skip
        except LDAPCommunicationError as error:
            raise self._away() from error
        except LDAPException as error:
            raise self._misconfigured() from error
        code = connection.result["result"]
        # More than the limit is more than one; and whose own entry is not there is nobody.
        if code not in (_SUCCESS, _MORE) and not (code == _NO_SUCH_OBJECT and scope == BASE and not must_be_there):
            raise self._misconfigured()
        return [entry for entry in connection.response or [] if entry.get("type") == "searchResEntry"]

    @contextmanager
    def _as_service(self) -> Iterator[Connection]:
        try:
            file = self._settings.service_password_file
            password = read_private(file) if file is not None else ""
            with self._bound(self._settings.service_dn, password) as connection:
                yield connection
        except _NotBoundError as error:
            raise EngineRefusedError(
                f"{self._settings.shown} does not let this platform look people up.",
                remedy="An administrator corrects service_dn and its password in the file of realms.",
            ) from error
        except RealmsError as error:
            raise EngineRefusedError(
                f"{self._settings.shown} can't be asked: {error}",
                remedy="An administrator corrects service_password_file.",
            ) from error

    @contextmanager
    def _bound(self, dn: str, password: str) -> Iterator[Connection]:
        connection = self._connected()
        try:
            self._bind(connection, dn, password)
            yield connection
        finally:
            _close(connection)

    def _bind(self, connection: Connection, dn: str, password: str) -> None:
        connection.user, connection.password, connection.authentication = dn, password, SIMPLE
        try:
            done = connection.bind()
        except LDAPCommunicationError as error:
            raise self._away() from error
        except LDAPException:
            raise _NotBoundError from None
        if done and connection.result["result"] == _SUCCESS:
            return
        if connection.result["result"] in _REFUSED_BINDS:
            raise _NotBoundError
        raise self._away()

    def _connected(self) -> Connection:
        """A connection to the first server that answers, with TLS where it is asked for."""
        failures = []
        for url in self._settings.servers:
            connection = None
            try:
                connection = self._connect(url)
            except LDAPException as error:
                failures.append(error)
            else:
                return connection
        raise self._away() from failures[-1]

    def _connect(self, url: str) -> Connection:
        parts, settings = urlsplit(url), self._settings
        secure = parts.scheme == "ldaps"
        server = Server(
            parts.hostname, port=parts.port or (636 if secure else 389), use_ssl=secure, get_info=NONE,
            connect_timeout=settings.timeout_s,
            tls=_StandardTls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(settings.ca_file or "") or None),
        )  # fmt: skip
        connection = Connection(
            server, client_strategy=SYNC, read_only=True, auto_referrals=False, check_names=False,
            receive_timeout=settings.timeout_s, raise_exceptions=False, return_empty_attributes=False,
        )  # fmt: skip
        try:
            connection.open(read_server_info=False)
            # What the server refuses is raised.
            if not secure and settings.start_tls:
                connection.start_tls(read_server_info=False)
        except LDAPException:
            _close(connection)
            raise
        if not secure and settings.start_tls and not connection.tls_started:
            _close(connection)
            raise LDAPCommunicationError("no TLS")
        return connection

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise BusyError(
                f"Too many people log in by {self._settings.shown} at this moment.",
                remedy="Try again in a moment.",
                retry_after_s=2,
            )
        try:
            yield
        except _NotBoundError:
            raise self._wrong() from None
        finally:
            self._places.release()

    def _wrong(self) -> WrongCredentialsError:
        return WrongCredentialsError(
            f"The user name or the password is wrong, or the account of {self._settings.shown} may not be used.",
            remedy="After some failed attempts the name is locked for a while.",
        )

    def _away(self) -> EngineUnavailableError:
        return EngineUnavailableError(
            f"{self._settings.shown} does not answer, or does not prove who it is.",
            remedy="Try again in a minute. If this lasts, tell an administrator, for whom `hopslab doctor` says more.",
        )

    def _misconfigured(self) -> EngineRefusedError:
        return EngineRefusedError(
            f"{self._settings.shown} does not answer what this platform asks.",
            remedy="An administrator corrects base, group_base and user_filter in the file of realms.",
        )


class _StandardTls(Tls):  # type: ignore[misc]  # published without type information
    """TLS as Python itself checks it: ldap3's own check of a host's name (2.9) asks what Python 3.12 has no more."""

    def wrap_socket(self, connection: Connection, do_handshake: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Puts TLS in the place of the connection's socket."""
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        connection.socket = context.wrap_socket(connection.socket, server_hostname=connection.server.host)


class _NotBoundError(Exception):
    """The directory does not let somebody in."""


def _may_be_a_name(text: str) -> bool:
    return 0 < len(text) <= MAX_USERNAME_LENGTH and text == text.strip() and not _CONTROLS.search(text)


def _subject_of(entry: Mapping[str, Any], attribute: str, *, binary: bool) -> str:
    """The key of an entry's person; empty where there is none that can be asked for again."""
    values = entry.get("raw_attributes", {}).get(attribute) or [b""]
    raw: bytes = values[0]
    if binary:
        return base64.b64encode(raw).decode()
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() and len(text) <= MAX_SUBJECT_LENGTH else ""


def _filter_value(subject: str, *, binary: bool) -> str:
    """A subject as part of a filter.

    Raises:
        ValueError: It is none of this kind.
    """
    if not binary:
        return str(escape_filter_chars(subject))
    try:
        return str(escape_bytes(base64.b64decode(subject, validate=True)))
    except binascii.Error as error:
        raise ValueError("no binary subject") from error


def _texts(entry: Mapping[str, Any], attribute: str) -> list[str]:
    values = entry.get("raw_attributes", {}).get(attribute) or []
    return [value.decode("utf-8", "replace") for value in values]


def _first(entry: Mapping[str, Any], attribute: str) -> str:
    values = _texts(entry, attribute)
    return "".join(c for c in values[0] if c.isprintable()).strip() if values else ""


def _close(connection: Connection) -> None:
    taken = connection.socket
    # A connection that is gone already is what was wanted.
    with suppress(LDAPException, OSError):
        connection.unbind()
    if taken is not None:
        # ldap3 (2.9) leaves it open where TLS has failed.
        taken.close()
