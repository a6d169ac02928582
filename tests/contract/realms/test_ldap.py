"""LDAP against a real slapd: the contract, the ways to bind, TLS, and the attacks."""

from __future__ import annotations

import base64
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hops_contract.realms import LdapRealmSettings
from hops_platform.adapters.realms.ldap import LdapRealm
from hops_platform.engines.realms import GivenPassword, Proof
from hops_platform.errors import (
    EngineRefusedError,
    EngineUnavailableError,
    ForbiddenError,
    PlatformError,
    WrongCredentialsError,
)
from hops_platform.testing.contracts.realms import RealmContract
from tests.ports import free_port

from .slapd import BASE, GROUPS, PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd, make_certificates, missing_program

pytestmark = pytest.mark.ldap
NOT_DISABLED = "(!(employeeType=disabled))"


@pytest.fixture(scope="module")
def slapd() -> Iterator[Slapd]:
    if missing_program():
        pytest.skip("OpenLDAP's server slapd is not installed")
    folder = Path(tempfile.mkdtemp(prefix="slapd-"))
    running = Slapd(folder).start()
    secret = folder / "service-password"
    secret.write_text(SERVICE_PASSWORD + "\n")
    secret.chmod(0o600)
    yield running
    running.stop()
    shutil.rmtree(folder)


class Directory:
    """The people of slapd."""

    tells_more = can_go = True

    def __init__(self, slapd: Slapd) -> None:
        self.slapd = slapd

    def add(self, name: str) -> None:
        title = "Ada Lovelace" if name == "ada" else name.title()
        self.slapd.person(name, f"heron teapot {name}", title=title, email=f"{name}@example.org")

    def remove(self, name: str) -> None:
        self.slapd.remove(name)

    def disable(self, name: str) -> None:
        self.slapd.set_kind(name, "disabled")

    def proof(self, name: str) -> Proof:
        return GivenPassword(username=name, password=f"heron teapot {name}")

    def bad_proof(self, name: str) -> Proof:
        return GivenPassword(username=name, password="heron teapot of somebody else")

    @contextmanager
    def away(self) -> Iterator[None]:
        self.slapd.stop()
        try:
            yield
        finally:
            self.slapd.start()


@pytest.fixture
def people(slapd: Slapd) -> Directory:
    return Directory(slapd)


@pytest.fixture
def realm(slapd: Slapd) -> Callable[..., LdapRealm]:
    """A realm that looks people up with the service's account, by StartTLS; or as is said."""

    def make(**changed: Any) -> LdapRealm:
        given: dict[str, Any] = {
            "kind": "ldap", "name": "staff", "title": "Staff", "servers": [slapd.urls[0]], "ca_file": slapd.ca_file,
            "base": PEOPLE, "service_dn": SERVICE, "service_password_file": slapd.folder / "service-password",
            "user_filter": NOT_DISABLED, "timeout_s": 10,
        }  # fmt: skip
        return LdapRealm(LdapRealmSettings.model_validate(given | changed))

    return make


BY_TEMPLATE = {"bind_template": f"uid={{username}},{PEOPLE}"}


class TestBySearch(RealmContract):
    @pytest.fixture
    def engine(self, realm: Callable[..., LdapRealm]) -> LdapRealm:
        return realm()


class TestByTemplateAndLdaps(RealmContract):
    @pytest.fixture
    def engine(self, realm: Callable[..., LdapRealm], slapd: Slapd) -> LdapRealm:
        return realm(servers=[slapd.urls[1]], **BY_TEMPLATE)


@pytest.mark.parametrize("way", [{}, BY_TEMPLATE], ids=["search", "template"])
@pytest.mark.parametrize(
    "name",
    ["*", "a*", "ada)(uid=*", "*)(objectClass=*", "ada)(|(uid=*", "ada\\2a", f"ada,{PEOPLE}", f"ada,{PEOPLE}+x=", "",
     " ada", "ada\x00", "ada\n", "a" * 65, "ada,ou=people", "\\61da", '"ada"', "#616461"],
)  # fmt: skip
def test_nothing_that_is_typed_as_a_name_changes_what_is_asked(
    realm: Callable[..., LdapRealm], people: Directory, way: dict[str, str], name: str
) -> None:
    people.add("ada")
    engine = realm(**way)
    engine.authenticate(people.proof("ada"))
    with pytest.raises(WrongCredentialsError):
        engine.authenticate(GivenPassword(username=name, password="heron teapot ada"))


@pytest.mark.parametrize("way", [{}, BY_TEMPLATE], ids=["search", "template"])
def test_an_empty_password_lets_nobody_in_though_the_directory_would(
    realm: Callable[..., LdapRealm], slapd: Slapd, people: Directory, way: dict[str, str]
) -> None:
    from ldap3 import Connection, Server  # noqa: PLC0415 - where it is missing this is skipped

    people.add("ada")
    with Connection(Server(slapd.urls[0])) as anonymous:
        assert anonymous.bound, "else this test shows nothing"
    with pytest.raises(WrongCredentialsError):
        realm(**way).authenticate(GivenPassword(username="ada", password=""))


def test_a_key_that_is_no_text_is_found_again_as_active_directorys_is(
    realm: Callable[..., LdapRealm], people: Directory
) -> None:
    people.add("ada")
    people.add("grace")
    engine = realm(kind="active-directory", username_attribute="uid", subject_attribute="entryUUID")
    subjects = [engine.authenticate(people.proof(name)).identity.subject for name in ("ada", "grace")]
    assert len(base64.b64decode(subjects[0], validate=True)) == 36
    people.remove("grace")
    assert engine.standing([*subjects, "no base64!"]) == {subjects[0]: True, subjects[1]: False, "no base64!": False}


def test_two_entries_of_one_name_are_nobody(realm: Callable[..., LdapRealm], slapd: Slapd, people: Directory) -> None:
    people.add("ada")
    slapd.person("ada", "heron teapot ada", dn=f"cn=another,{PEOPLE}")
    try:
        with pytest.raises(WrongCredentialsError):
            realm().authenticate(people.proof("ada"))
    finally:
        with slapd.administrated() as connection:
            connection.delete(f"cn=another,{PEOPLE}")


def test_groups_let_in_and_make_administrators_and_auditors(
    realm: Callable[..., LdapRealm], slapd: Slapd, people: Directory
) -> None:
    for name in ("ada", "grace", "eve"):
        people.add(name)
    slapd.group("notebooks", "ada", "grace")
    slapd.group("chiefs", "ada")
    slapd.group("readers", "grace")
    engine = realm(
        group_base=GROUPS, required_groups=[f"CN=Notebooks, {GROUPS}"], administrators=[f"cn=chiefs,{GROUPS}"],
        auditors=[f"cn=readers,{GROUPS}"],
    )  # fmt: skip
    ada, grace = (engine.authenticate(people.proof(name)).identity for name in ("ada", "grace"))
    assert (ada.admin, ada.auditor, grace.admin, grace.auditor) == (True, False, False, True)
    with pytest.raises(ForbiddenError, match="in no group"):
        engine.authenticate(people.proof("eve"))
    assert realm().authenticate(people.proof("ada")).identity.admin is None, "no group is named: nothing is decided"
    slapd.group("notebooks", "grace")
    assert engine.standing([ada.subject, grace.subject]) == {ada.subject: False, grace.subject: True}


def test_a_server_that_does_not_answer_is_passed_over(
    realm: Callable[..., LdapRealm], slapd: Slapd, people: Directory
) -> None:
    people.add("ada")
    away = f"ldap://127.0.0.1:{free_port()}"
    assert realm(servers=[away, *slapd.urls]).authenticate(people.proof("ada")).identity.username == "ada"
    with pytest.raises(EngineUnavailableError):
        realm(servers=[away]).authenticate(people.proof("ada"))


@pytest.mark.parametrize("url", [0, 1], ids=["StartTLS", "LDAPS"])
def test_a_server_of_another_authority_or_name_hears_no_password(
    realm: Callable[..., LdapRealm], slapd: Slapd, people: Directory, tmp_path: Path, url: int
) -> None:
    people.add("ada")
    make_certificates(tmp_path)
    with pytest.raises(EngineUnavailableError):
        realm(servers=[slapd.urls[url]], ca_file=tmp_path / "ca.pem").authenticate(people.proof("ada"))
    other_name = slapd.urls[url].replace("127.0.0.1", "localhost")
    with pytest.raises(EngineUnavailableError):
        realm(servers=[other_name]).authenticate(people.proof("ada"))
    assert realm(servers=[slapd.urls[url]]).authenticate(people.proof("ada"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"base": f"ou=nowhere,{BASE}"}, "does not answer what"),
        ({"service_dn": f"cn=nobody,{BASE}"}, "does not let this platform"),
        ({"subject_attribute": "employeeNumber"}, "shows no attribute"),
    ],
)
def test_what_is_set_up_wrongly_is_told_and_nobody_is_gone_by_it(
    realm: Callable[..., LdapRealm], people: Directory, changed: dict[str, str], said: str
) -> None:
    people.add("ada")
    engine = realm(**changed)
    with pytest.raises(EngineRefusedError, match=said):
        engine.authenticate(people.proof("ada"))
    if "subject_attribute" not in changed:
        with pytest.raises(EngineRefusedError):
            engine.standing(["somebody"])


def test_a_secret_that_others_can_read_is_not_used(
    realm: Callable[..., LdapRealm], people: Directory, tmp_path: Path
) -> None:
    secret = tmp_path / "open"
    secret.write_text(SERVICE_PASSWORD)
    secret.chmod(0o644)
    with pytest.raises(EngineRefusedError, match="chmod 600"):
        realm(service_password_file=secret).authenticate(people.bad_proof("ada"))


def test_without_a_services_account_nobody_can_be_looked_up(realm: Callable[..., LdapRealm], people: Directory) -> None:
    people.add("ada")
    engine = realm(service_dn="", service_password_file=None, **BY_TEMPLATE)
    assert engine.authenticate(people.proof("ada")).identity.username == "ada"
    assert engine.standing(["somebody"]) is None


def test_no_password_stands_in_an_error_or_its_causes(
    realm: Callable[..., LdapRealm], slapd: Slapd, people: Directory
) -> None:
    people.add("ada")
    proof = GivenPassword(username="ada", password="heron-in-the-clear")
    away = realm(servers=[f"ldap://127.0.0.1:{free_port()}"])
    for engine in (realm(), realm(**BY_TEMPLATE), away):
        with pytest.raises(PlatformError) as refused:
            engine.authenticate(proof)
        error: BaseException | None = refused.value
        while error is not None:
            assert "in-the-clear" not in f"{error!r} {error}"
            assert SERVICE_PASSWORD not in f"{error!r} {error}"
            error = error.__cause__ or error.__context__
    assert "in-the-clear" not in repr(proof)
