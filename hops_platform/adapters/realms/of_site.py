"""The realms of a site, made from its file."""

from __future__ import annotations

from collections.abc import Mapping

from hops_contract.realms import (
    Admission,
    LdapRealmSettings,
    OidcRealmSettings,
    RealmSettings,
)
from hops_platform.engines.realms import Realm, SiteRealm


def realms_of(settings: tuple[RealmSettings, ...]) -> Mapping[str, SiteRealm]:
    """One realm for each that the file names, by name. Nothing is asked of any."""
    return {
        one.name: SiteRealm(
            name=one.name,
            title=one.shown,
            engine=_engine(one),
            approval=one.admission is Admission.APPROVAL,
            password_url=one.password_url,
        )
        for one in settings
    }


def _engine(settings: RealmSettings) -> Realm:
    # Each with libraries that most sites have no use for.
    if isinstance(settings, LdapRealmSettings):
        from hops_platform.adapters.realms.ldap import LdapRealm  # noqa: PLC0415

        return LdapRealm(settings)
    if isinstance(settings, OidcRealmSettings):
        from hops_platform.adapters.realms.oidc import OidcRealm  # noqa: PLC0415

        return OidcRealm(settings)
    from hops_platform.adapters.realms.kerberos import KerberosRealm  # noqa: PLC0415

    return KerberosRealm(settings)
