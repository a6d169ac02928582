"""What `hopslab doctor` is told of realms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hops_contract.realms import KerberosRealmSettings, LdapRealmSettings, OidcRealmSettings
from hops_platform.adapters.realms.checks import look_at
from tests.ports import free_port

from .slapd import BASE, PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd, make_certificates, missing_program

pytestmark = pytest.mark.ldap


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if missing_program():
        pytest.skip("OpenLDAP's server slapd is not installed")
    running = Slapd(tmp_path_factory.mktemp("slapd")).start()
    yield running
    running.stop()


@pytest.fixture
def directory(slapd: Slapd, tmp_path: Path) -> Callable[..., LdapRealmSettings]:
    secret = tmp_path / "password"
    secret.write_text(SERVICE_PASSWORD)
    secret.chmod(0o600)

    def make(**changed: Any) -> LdapRealmSettings:
        given = {
            "kind": "ldap", "name": "staff", "title": "Staff", "servers": list(slapd.urls), "ca_file": slapd.ca_file,
            "base": PEOPLE, "service_dn": SERVICE, "service_password_file": secret,
        }  # fmt: skip
        return LdapRealmSettings.model_validate(given | changed)

    return make


def test_a_directory_that_answers_is_told_with_how_long_its_certificate_is_good(
    directory: Callable[..., LdapRealmSettings],
) -> None:
    look = look_at(directory())
    assert (look.realm, look.works) == ("Realm Staff", True)
    assert look.detail == "2 of 2 servers answer, certificates good for 2 days"
    assert look.remedy == "Renew the servers' certificates."


def test_what_is_wrong_with_a_directory_is_told(
    directory: Callable[..., LdapRealmSettings], slapd: Slapd, tmp_path: Path
) -> None:
    make_certificates(tmp_path)
    open_secret = tmp_path / "open"
    open_secret.write_text("x")
    open_secret.chmod(0o644)
    away = f"ldap://127.0.0.1:{free_port()}"
    for changed, said in (
        ({"servers": [slapd.urls[0], away]}, away),
        ({"ca_file": tmp_path / "ca.pem"}, "does not prove who it is"),
        ({"ca_file": tmp_path / "absent.pem"}, "does not answer, or"),
        ({"service_dn": f"cn=nobody,{BASE}"}, "does not let this platform"),
        ({"service_password_file": open_secret}, "chmod 600"),
        ({"base": f"ou=nowhere,{BASE}"}, "does not answer what"),
    ):
        look = look_at(directory(**changed))
        assert (look.works, said in look.detail) == (False, True), look
        assert look.remedy
        assert SERVICE_PASSWORD not in repr(look)


def test_what_is_wrong_with_the_others_is_told(tmp_path: Path) -> None:
    keytab = tmp_path / "site.keytab"
    keytab.write_bytes(b"nothing")
    keytab.chmod(0o600)
    kerberos = {"kind": "kerberos", "name": "k", "principals": "X.TEST", "service": "HTTP@localhost", "keytab": keytab}
    look = look_at(KerberosRealmSettings.model_validate(kerberos))
    assert (look.works, "the key of this site's service" in look.detail) == (False, True), look
    secret = tmp_path / "secret"
    oidc = {"kind": "oidc", "name": "o", "issuer": f"http://127.0.0.1:{free_port()}", "client_id": "x"}
    settings = OidcRealmSettings.model_validate(oidc | {"client_secret_file": secret})
    assert "can't be read" in look_at(settings).detail
    secret.write_text("x")
    secret.chmod(0o600)
    assert "does not answer" in look_at(settings).detail
