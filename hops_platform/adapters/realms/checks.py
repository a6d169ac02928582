"""Looks at each realm of a site, for `hopslab doctor`: whether it answers, and whether its secrets can be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from hops_contract.realms import (
    KerberosRealmSettings,
    LdapRealmSettings,
    OidcRealmSettings,
    RealmsError,
    RealmSettings,
    read_private,
)
from hops_platform.adapters.realms.kerberos import KerberosRealm
from hops_platform.adapters.realms.ldap import LdapRealm
from hops_platform.adapters.realms.oidc import OidcRealm
from hops_platform.errors import PlatformError

SOON_DAYS = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found about one realm.

    Attributes:
        realm: Its title and kind.
        works: Whether people can log in by it.
        detail: What was found.
        remedy: What to do; empty when nothing is.
    """

    realm: str
    works: bool
    detail: str
    remedy: str = ""


def look_at(settings: RealmSettings) -> Look:
    """One realm. Takes as long as its servers take to answer, or not to."""
    named = f"Realm {settings.shown}"
    try:
        detail, remedy = _found(settings)
    except RealmsError as error:
        return Look(realm=named, works=False, detail=str(error), remedy="Correct the file of realms (HOPS_REALMS).")
    except PlatformError as error:
        cause = f" ({error.__cause__})" if error.__cause__ is not None else ""
        return Look(realm=named, works=False, detail=f"{error.detail}{cause}", remedy=error.remedy or "")
    return Look(realm=named, works=True, detail=detail, remedy=remedy)


def _found(settings: RealmSettings) -> tuple[str, str]:
    if isinstance(settings, LdapRealmSettings):
        return _found_of_directory(settings)
    if isinstance(settings, KerberosRealmSettings):
        KerberosRealm(settings).check()
        return f"the keytab holds a key of {settings.service}", ""
    if isinstance(settings, OidcRealmSettings):
        read_private(settings.client_secret_file)
        OidcRealm(settings).check()
        return f"{settings.issuer} answers", ""
    assert_never(settings)


def _found_of_directory(settings: LdapRealmSettings) -> tuple[str, str]:
    days = LdapRealm(settings).check()
    found = f"{len(settings.servers)} of {len(settings.servers)} servers answer"
    if days is None:
        return f"{found}, without TLS", ""
    found = f"{found}, certificates good for {days:.0f} days"
    return found, "Renew the servers' certificates." if days < SOON_DAYS else ""
