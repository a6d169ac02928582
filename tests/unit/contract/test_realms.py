"""The file of realms: what it may say, and what is refused before anybody's password is sent anywhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hops_contract.realms import Admission, LdapRealmSettings, RealmsError, load_realms, read_private, username_of
from hops_contract.slugs import is_slug

ROOT = Path(__file__).resolve().parents[3]
LDAP = """
[[realm]]
kind = "ldap"
name = "staff"
servers = ["ldaps://ldap.example.org"]
base = "dc=example"
bind_template = "uid={username},dc=example"
"""
KERBEROS = '[[realm]]\nkind = "kerberos"\nname = "k"\nprincipals = "X"\nservice = "HTTP@x.org"\nkeytab = "/k"\n'
OIDC = '[[realm]]\nkind = "oidc"\nname = "id"\nissuer = "https://id.org"\nclient_id = "x"\nclient_secret_file = "/s"\n'


def load(tmp_path: Path, text: str) -> tuple[object, ...]:
    file = tmp_path / "realms.toml"
    file.write_text(text)
    return load_realms(file)


def test_every_example_of_the_docs_can_be_used(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "log-in.md").read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    kinds = [load(tmp_path, example)[0].kind for example in examples]  # type: ignore[attr-defined]
    assert kinds == ["ldap", "active-directory", "kerberos", "oidc"]
    assert len(load(tmp_path, "\n".join(examples))) == 4


def test_without_a_file_there_are_no_realms() -> None:
    assert load_realms(None) == ()


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    (realm,) = load(tmp_path, LDAP)
    assert isinstance(realm, LdapRealmSettings)
    assert (realm.shown, realm.admission, realm.start_tls) == ("staff", Admission.AT_ONCE, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LDAP.replace("ldaps://ldap.example.org", "ldap://ldap.example.org") + "start_tls = false", "in the clear"),
        (LDAP.replace("ldaps://ldap.example.org", "http://ldap.example.org"), "A server is ldaps://"),
        (LDAP.replace("ldaps://ldap.example.org", "ldaps://ldap.example.org/dc=x"), "A server is ldaps://"),
        (LDAP.replace("{username}", "ada"), "once"),
        (LDAP.replace("bind_template", "# "), "Either bind_template or service_dn"),
        (LDAP + 'service_dn = "cn=x"', "go together"),
        (LDAP.replace('"staff"', '"local"'), "not 'local'"),
        (LDAP.replace('"staff"', '"Staff"'), "A realm's name"),
        (LDAP + "start_tlss = true", "Extra inputs"),
        (LDAP + 'username_attribute = "uid)(x"', "pattern"),
        (LDAP + 'password_url = "javascript:alert(1)"', "https://"),
        (LDAP + LDAP, "Two realms"),
        (KERBEROS.replace("HTTP@", "ldap@"), "HTTP@"),
        (KERBEROS.replace("/k", "k"), "not a whole path"),
        (KERBEROS + 'administrators = ["x"]', "no groups"),
        (OIDC.replace("https://", "http://"), "begins with https://"),
        (OIDC + 'scopes = ["profile"]', "openid"),
        ('[[realm]]\nkind = "nis"', "nis"),
        ("[[realm", "not TOML"),
        ("#" * (256 * 1024 + 1), "larger than"),
    ],
)
def test_what_can_not_be_is_refused_with_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RealmsError) as refused:
        load(tmp_path, text)
    assert said in str(refused.value)


def test_in_the_clear_only_this_machine_is_asked(tmp_path: Path) -> None:
    here = LDAP.replace("ldaps://ldap.example.org", "ldap://127.0.0.1:389") + "start_tls = false"
    assert load(tmp_path, here)
    assert load(tmp_path, OIDC.replace("https://id.org", "http://localhost:9400"))


def test_the_file_is_named_by_its_whole_path() -> None:
    with pytest.raises(RealmsError, match="whole path"):
        load_realms(Path("realms.toml"))


def test_a_file_that_is_not_there_is_told_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(RealmsError, match="can't be read") as refused:
        load_realms(tmp_path / "absent.toml")
    assert str(tmp_path) not in str(refused.value)


def test_a_secret_is_read_only_where_nobody_else_can(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(" with spaces \n")
    file.chmod(0o600)
    assert read_private(file) == " with spaces "
    for mode in (0o640, 0o604, 0o620):
        file.chmod(mode)
        with pytest.raises(RealmsError, match="chmod 600"):
            read_private(file)
    file.chmod(0o600)
    file.write_text("\n")
    with pytest.raises(RealmsError, match="empty"):
        read_private(file)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("ada", "ada"),
        ("Ada.Lovelace", "ada-lovelace"),
        ("ADA@CORP.EXAMPLE.ORG", "ada"),
        ("a__b--c", "a-b-c"),
        ("42-ada-", "ada"),
        ("x" * 29 + ".y", "x" * 29),
        ("愛", ""),
        ("", ""),
        ("@example.org", ""),
        ("../../etc", "etc"),
    ],
)
def test_a_user_name_is_made_of_what_a_realm_says(told: str, name: str) -> None:
    assert username_of(told) == name
    assert name == "" or is_slug(name)
