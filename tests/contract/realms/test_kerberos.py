"""Kerberos against a real KDC: the contract, and the attacks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from hops_contract.gssapi import GssError, Initiation, ServiceTicket
from hops_contract.realms import KerberosRealmSettings
from hops_platform.adapters.realms.kerberos import KerberosRealm
from hops_platform.engines.realms import GivenTicket, Proof
from hops_platform.errors import EngineRefusedError, ForbiddenError, WrongCredentialsError
from hops_platform.testing.contracts.realms import RealmContract
from tests.integration.livy.kdc import REALM, Kdc, missing_programs

pytestmark = pytest.mark.kerberos


@pytest.fixture(scope="module")
def kdc() -> Iterator[Kdc]:
    if missing := missing_programs():
        pytest.skip(f"MIT Kerberos' server programs are not installed: {', '.join(missing)}")
    folder = Path(tempfile.mkdtemp(prefix="kdc-"))
    running = Kdc(folder).start()
    # Two services of one machine in one keytab, as there often are.
    running.keytab("HTTP/localhost", "site.keytab")
    running.admin("addprinc", "-randkey", "ftp/localhost")
    running.admin("ktadd", "-k", str(folder / "site.keytab"), "ftp/localhost")
    yield running
    running.stop()
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def environ(kdc: Kdc, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in kdc.environ.items():
        monkeypatch.setenv(name, value)


class Principals:
    """The people of the KDC."""

    tells_more = can_go = False

    def __init__(self, kdc: Kdc) -> None:
        self.kdc = kdc
        self.keytabs: dict[str, Path] = {}

    def add(self, name: str) -> None:
        self.keytabs[name] = self.kdc.keytab(f"{name}@{REALM}", f"{name.replace('/', '-')}.keytab")

    def remove(self, name: str) -> None:
        self.keytabs.pop(name, None)

    def disable(self, name: str) -> None:
        raise AssertionError(name)

    def begun(self, name: str, *, service: str = "HTTP@localhost") -> Initiation:
        return ServiceTicket(f"{name}@{REALM}", self.keytabs[name], service).begin()

    def proof(self, name: str) -> Proof:
        return GivenTicket(token=self.begun(name).token)

    def bad_proof(self, name: str) -> Proof:
        return GivenTicket(token=f"heron {name}".encode())

    def away(self) -> AbstractContextManager[None]:
        return nullcontext()


@pytest.fixture
def people(kdc: Kdc) -> Principals:
    return Principals(kdc)


@pytest.fixture
def realm(kdc: Kdc) -> Callable[..., KerberosRealm]:
    def make(**changed: Any) -> KerberosRealm:
        given = {
            "kind": "kerberos", "name": "tickets", "principals": REALM, "service": "HTTP@localhost",
            "keytab": kdc.folder / "site.keytab",
        }  # fmt: skip
        return KerberosRealm(KerberosRealmSettings.model_validate(given | changed))

    return make


class TestKerberos(RealmContract):
    @pytest.fixture
    def engine(self, realm: Callable[..., KerberosRealm]) -> KerberosRealm:
        return realm()


def test_the_platform_proves_itself_too(realm: Callable[..., KerberosRealm], people: Principals) -> None:
    people.add("ada")
    begun = people.begun("ada")
    proven = realm().authenticate(GivenTicket(token=begun.token))
    begun.finish(proven.answer)
    with pytest.raises(GssError):
        people.begun("ada").finish(proven.answer)


def test_a_ticket_for_another_service_is_refused_though_its_key_is_there(
    realm: Callable[..., KerberosRealm], people: Principals
) -> None:
    people.add("ada")
    with pytest.raises(WrongCredentialsError):
        realm().authenticate(GivenTicket(token=people.begun("ada", service="ftp@localhost").token))
    assert realm().authenticate(people.proof("ada"))


def test_a_ticket_that_was_overheard_is_good_no_second_time(
    realm: Callable[..., KerberosRealm], people: Principals
) -> None:
    people.add("ada")
    proof = people.proof("ada")
    realm().authenticate(proof)
    with pytest.raises(WrongCredentialsError):
        realm().authenticate(proof)


@pytest.mark.parametrize("name", ["ada/admin", "HTTP/elsewhere"])
def test_only_people_are_let_in(realm: Callable[..., KerberosRealm], people: Principals, name: str) -> None:
    people.add(name)
    with pytest.raises(ForbiddenError):
        realm().authenticate(people.proof(name))


def test_people_of_another_kerberos_realm_are_not_let_in(
    realm: Callable[..., KerberosRealm], people: Principals
) -> None:
    people.add("ada")
    with pytest.raises(ForbiddenError, match=REALM):
        realm(principals="OTHER.TEST").authenticate(people.proof("ada"))


@pytest.mark.parametrize("token", [b"", b"NTLMSSP\x00\x01\x00\x00\x00", b"x" * 100_000], ids=["none", "NTLM", "huge"])
def test_what_is_no_ticket_is_refused(realm: Callable[..., KerberosRealm], token: bytes) -> None:
    with pytest.raises(WrongCredentialsError):
        realm().authenticate(GivenTicket(token=token))


def test_a_keytab_that_others_can_read_or_that_is_not_there_is_not_used(
    realm: Callable[..., KerberosRealm], people: Principals, kdc: Kdc, tmp_path: Path
) -> None:
    people.add("ada")
    copy = tmp_path / "open.keytab"
    shutil.copy(kdc.folder / "site.keytab", copy)
    copy.chmod(0o640)
    only_other = kdc.keytab("imap/localhost", "imap.keytab")
    for keytab in (copy, tmp_path / "absent", only_other):
        engine = realm(keytab=keytab)
        with pytest.raises(EngineRefusedError):
            engine.check()
        with pytest.raises(EngineRefusedError):
            engine.authenticate(people.proof("ada"))
    realm().check()
