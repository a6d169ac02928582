"""Certificates of members: made, handed out, taken as a proof of who calls, renewed and revoked."""

from __future__ import annotations

import base64
import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError

from hops_contract.principal import ProjectRole
from hops_platform.certificates import revocations, service
from hops_platform.certificates.authorities import signing_authority
from hops_platform.certificates.building import make_leaf, pem
from hops_platform.certificates.models import AuthorityRow, Certificate, Reason
from hops_platform.database import now
from hops_platform.projects.models import Membership
from hops_platform.security.sealing import SealingError

from .conftest import API, PASSWORD


@pytest.fixture
def ada(hops: Any) -> Any:
    client = hops.user("ada")
    hops.ready_project(client)
    return client


def export(client: Any, project: str = "weather") -> dict[str, Any]:
    answer = client.post(f"projects/{project}/certificate:export")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def listed(client: Any) -> list[dict[str, Any]]:
    return list(client.get("projects/weather/certificates").json()["items"])


def revoked(hops: Any) -> dict[int, x509.RevokedCertificate]:
    answer = hops.anonymous().get("certificate-revocations")
    assert answer.headers["content-type"] == "application/pkix-crl"
    found = x509.load_der_x509_crl(answer.content)
    issuer = x509.load_pem_x509_certificates(hops.anonymous().get("certificate-authorities").content)[0]
    assert found.is_signature_valid(issuer.public_key())
    return {one.serial_number: one for one in found}


def serial_of(files: dict[str, Any]) -> int:
    return x509.load_pem_x509_certificate(files["certificate"].encode()).serial_number


def test_who_joins_has_a_certificate_and_who_owns_the_project_sees_whose_there_are(hops: Any, ada: Any) -> None:
    bob = hops.user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    hops.deliver()
    assert sorted(one["name"] for one in listed(ada)) == ["weather__ada", "weather__bob"]
    assert {one["reason"] for one in listed(ada)} == {None}
    assert "PRIVATE" not in ada.get("projects/weather/certificates").text
    assert bob.get("projects/weather/certificates").status_code == 403
    assert hops.user("eve").get("projects/weather/certificates").status_code == 404


def test_of_my_certificates_i_see_the_one_that_counts_in_each_project(hops: Any, ada: Any) -> None:
    def mine(client: Any, **query: Any) -> Any:
        answer = client.get("me/certificates", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    hops.ready_project(ada, "tides")
    bob = hops.user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    hops.deliver()
    assert [(one["project"], one["name"]) for one in mine(ada)["items"]] == [
        ("tides", "tides__ada"),
        ("weather", "weather__ada"),
    ]
    first = mine(ada, limit=1)
    assert [one["project"] for one in mine(ada, limit=1, after=first["next"])["items"]] == ["weather"]
    assert "PRIVATE" not in ada.get("me/certificates").text

    # One that is renewed stands beside the one before, which runs out.
    with hops.platform.parts.database.session() as session:
        before = session.scalars(select(Certificate).where(Certificate.name == "tides__ada")).one()
        before.not_after = now() + timedelta(days=9)
    renewed = f"{serial_of(export(ada, 'tides')):x}"
    replaced = ada.post("projects/weather/certificate:replace").json()["serial"]
    assert [one["serial"] for one in mine(ada)["items"]] == [renewed, replaced]

    assert [one["name"] for one in mine(bob)["items"]] == ["weather__bob"]
    ada.delete("projects/weather/members/bob").raise_for_status()
    assert mine(bob)["items"] == []
    code = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    assert code.get("me/certificates").status_code == 403


def test_what_is_handed_out_is_one_certificate_in_the_forms_that_programs_read(hops: Any, ada: Any) -> None:
    files = export(ada)
    leaf, intermediate = x509.load_pem_x509_certificates(files["certificate"].encode())
    roots = x509.load_pem_x509_certificates(files["authorities"].encode())
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "weather__ada" == files["name"]
    assert isinstance(leaf.public_key().curve, ec.SECP256R1)
    key = serialization.load_pem_private_key(files["key"].encode(), password=None)
    assert key.public_key() == leaf.public_key()
    password = files["password"].encode()
    store = pkcs12.load_pkcs12(base64.b64decode(files["key_store"]), password)
    assert store.key is not None
    assert store.key.public_key() == leaf.public_key()
    assert [one.certificate for one in store.additional_certs] == [intermediate]
    trusted = pkcs12.load_pkcs12(base64.b64decode(files["trust_store"]), password)
    assert [one.certificate for one in trusted.additional_certs] == roots
    with pytest.raises(ValueError, match="password"):
        pkcs12.load_pkcs12(base64.b64decode(files["key_store"]), b"another")
    again = export(ada)
    assert again["certificate"] == files["certificate"]
    assert again["password"] != files["password"]
    code = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    assert export(code)["certificate"] == files["certificate"]


def test_a_certificate_is_good_as_others_check_it(ada: Any) -> None:
    files = export(ada)
    leaf, intermediate = x509.load_pem_x509_certificates(files["certificate"].encode())
    leaf.verify_directly_issued_by(intermediate)
    intermediate.verify_directly_issued_by(x509.load_pem_x509_certificates(files["authorities"].encode())[0])
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False


def test_a_certificate_is_a_project_users_proof_and_gives_what_its_token_gives(hops: Any, ada: Any) -> None:
    program = hops.with_certificate(export(ada)["certificate"])
    me = program.get("me").json()
    assert (me["kind"], me["name"]) == ("project_user", "ada")
    assert program.get("projects/weather").status_code == 200
    assert program.get("projects/weather/members").status_code == 200
    assert program.patch("projects/weather", json={"title": "x"}, headers={"If-Match": "*"}).status_code == 403
    assert program.post("projects/weather/certificate:replace").status_code == 403
    assert program.post(f"http://hops.test{API}tokens:renew").status_code == 401
    hops.ready_project(ada, "tides")
    assert program.get("projects/tides").status_code == 404


def test_who_is_removed_is_refused_with_the_next_call_and_stands_on_the_list(hops: Any, ada: Any) -> None:
    bob = hops.user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    files = export(bob)
    program = hops.with_certificate(files["certificate"])
    assert program.get("me").status_code == 200
    ada.delete("projects/weather/members/bob").raise_for_status()
    refused = program.get("me")  # nothing was delivered yet
    assert refused.status_code == 401
    assert "revoked" in refused.json()["detail"]
    entry = revoked(hops)[serial_of(files)]
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is (
        x509.ReasonFlags.cessation_of_operation
    )
    hops.deliver()  # what was to be made for one who has gone
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    assert program.get("me").status_code == 401
    assert export(bob)["certificate"] != files["certificate"]


def test_the_certificates_of_a_deleted_project_open_no_new_one_of_its_name(hops: Any, ada: Any) -> None:
    program = hops.with_certificate(export(ada)["certificate"])
    for route in ("projects/weather", "deleted-projects/weather"):
        ada.request("DELETE", route, json={"name": "weather"}).raise_for_status()
        hops.deliver()
    hops.ready_project(ada)
    assert program.get("me").status_code == 401


@pytest.mark.parametrize("how", ["password", "deactivated", "replaced"])
def test_old_certificates_end_with_a_changed_password_a_deactivation_and_a_replacement(
    hops: Any, ada: Any, how: str
) -> None:
    files = export(ada)
    program = hops.with_certificate(files["certificate"])
    root = hops.user("root-ada", admin=True)
    if how == "password":
        new = {"old_password": PASSWORD, "new_password": "battery staple horse"}
        ada.put("me/password", json=new).raise_for_status()
    elif how == "deactivated":
        for active in (False, True):
            root.patch("users/ada", json={"active": active}).raise_for_status()
    else:
        ada.post("projects/weather/certificate:replace").raise_for_status()
    assert program.get("me").status_code == 401
    assert serial_of(files) in revoked(hops)
    again = export(hops.with_token(hops.platform.parts.signer.sign_user("ada", admin=False).token))
    assert hops.with_certificate(again["certificate"]).get("me").status_code == 200


def test_a_browser_that_holds_a_certificate_is_refused(hops: Any, ada: Any) -> None:
    program = hops.with_certificate(export(ada)["certificate"])
    for header in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Cookie": "a=b"}):
        assert program.get("me", headers=header).status_code == 403, header


@pytest.mark.parametrize("header", ["X-Client-Cert", "X-SSL-Client-S-DN", "X-Forwarded-Client-Cert", "Ssl-Client-Cert"])
def test_no_header_makes_a_certificate(hops: Any, ada: Any, header: str) -> None:
    shown = export(ada)["certificate"].replace("\n", " ")
    assert hops.anonymous().get("me", headers={header: shown}).status_code == 401


def test_the_same_name_and_number_from_another_authority_are_nobody(hops: Any, ada: Any) -> None:
    """TLS would refuse it before; this is what stands behind TLS."""
    real = x509.load_pem_x509_certificate(export(ada)["certificate"].encode())
    key = ec.generate_private_key(ec.SECP256R1())
    forged = (
        x509.CertificateBuilder()
        .subject_name(real.subject).issuer_name(real.issuer).public_key(key.public_key())
        .serial_number(real.serial_number).not_valid_before(real.not_valid_before_utc)
        .not_valid_after(real.not_valid_after_utc).sign(key, hashes.SHA256())
    )  # fmt: skip
    assert hops.with_certificate(pem(forged)).get("me").status_code == 401


def test_a_certificate_that_no_row_knows_is_nobody(hops: Any, ada: Any) -> None:
    assert export(ada)
    with hops.platform.parts.database.session() as session:
        issuer = signing_authority(session, hops.platform.parts.sealer)
    own = make_leaf(issuer.signed, "weather__ada", now())
    assert hops.with_certificate(pem(own.certificate)).get("me").status_code == 401


def test_certificates_are_renewed_before_they_end_and_the_old_ones_stay_good(hops: Any, ada: Any) -> None:
    files = export(ada)
    parts = hops.platform.parts
    with parts.database.session() as session:
        assert service.renew_due(session, parts.sealer) == []
        row = session.scalars(select(Certificate)).one()
        row.not_after = now() + service.RENEWED_BEFORE_END - timedelta(minutes=1)
    with parts.database.session() as session:
        assert service.renew_due(session, parts.sealer) == ["weather__ada"]
        assert service.renew_due(session, parts.sealer) == []
    assert export(ada)["certificate"] != files["certificate"]
    assert hops.with_certificate(files["certificate"]).get("me").status_code == 200
    with parts.database.session() as session:
        row = session.scalars(select(Certificate).where(Certificate.serial == f"{serial_of(files):x}")).one()
        row.not_after = now() - timedelta(seconds=1)
    assert hops.with_certificate(files["certificate"]).get("me").status_code == 401


def test_no_key_stands_in_the_database_and_none_can_be_moved_to_another_row(hops: Any, ada: Any) -> None:
    export(ada)
    hops.ready_project(ada, "tides")
    parts = hops.platform.parts
    with parts.database.session() as session:
        rows = session.scalars(select(Certificate)).all()
        assert len(rows) == 2
        for row in (*rows, *session.scalars(select(AuthorityRow))):
            assert row.sealed_key
            assert b"PRIVATE" not in row.sealed_key
        rows[0].sealed_key, rows[1].sealed_key = rows[1].sealed_key, rows[0].sealed_key
    with parts.database.session() as session:
        membership = session.scalars(select(Membership)).first()
        with pytest.raises(SealingError, match="was that file replaced"):
            service.files_of(session, membership, parts.sealer)


def test_no_key_is_logged(hops: Any, ada: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        files = export(ada)
    assert files["password"] not in caplog.text
    assert "PRIVATE KEY" not in caplog.text


def test_authorities_are_made_once_by_however_many_need_them_first(hops: Any) -> None:
    for name in ("ada", "bob", "cyd", "dan"):
        client = hops.user(name)
        client.post("projects", json={"name": f"of-{name}"}).raise_for_status()
    parts = hops.platform.parts
    with parts.database.session() as session:
        session.query(Certificate).delete()
        session.query(AuthorityRow).delete()
    failed: list[Exception] = []

    def need(name: str) -> None:
        for _ in range(5):
            try:
                with parts.database.session() as session:
                    members = session.scalars(select(Membership)).all()
                    row = next(one for one in members if one.user.name == name)
                    service.certificate_of(session, row, parts.sealer)
            except (OperationalError, IntegrityError) as error:
                failed.append(error)
            else:
                return

    threads = [threading.Thread(target=need, args=(name,)) for name in ("ada", "bob", "cyd", "dan")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    with parts.database.session() as session:
        assert session.query(AuthorityRow).count() == 2, failed
        assert session.query(Certificate).count() == 4, failed


# Others' requests.


def request_for(name: str, key: Any = None) -> str:
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signed = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def test_a_request_is_signed_for_the_name_that_the_administrator_says(hops: Any) -> None:
    root = hops.user("root-ada", admin=True)
    key = ec.generate_private_key(ec.SECP256R1())
    hosts = ["sensors.example.org", "10.0.0.7"]
    body = {"name": hosts[0], "request": request_for("weather__ada", key), "hosts": hosts}
    answer = root.post("certificates", json=body)
    assert answer.status_code == 201, answer.text
    leaf = x509.load_pem_x509_certificate(answer.json()["certificate"].encode())
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "sensors.example.org"
    assert leaf.public_key() == key.public_key()
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["sensors.example.org"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.7"]
    assert (leaf.not_valid_after_utc - now()).days in (89, 90)
    assert root.post("certificates", json=body).status_code == 409
    assert hops.with_certificate(answer.json()["certificate"]).get("me").status_code == 401
    serial = answer.json()["serial"]
    gone = root.post(f"certificates/{serial}:revoke", json={"reason": "key_compromise"})
    assert (gone.status_code, gone.json()["reason"]) == (200, "key_compromise")
    assert int(serial, 16) in revoked(hops)
    assert root.post("certificates/abc:revoke", json={}).status_code == 404
    assert hops.user("ada").post("certificates", json=body).status_code == 403


def test_a_request_signed_twice_with_one_key_of_idempotency_is_one_certificate(hops: Any) -> None:
    root = hops.user("root-ada", admin=True)
    body = {"name": "sensors", "request": request_for("sensors")}
    answers = [root.post("certificates", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "weather__ada"}, "name"),
        ({"name": "a" * 65}, "name"),
        ({"request": "no request"}, "no certificate signing request"),
        ({"request": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"}, "no certificate"),
        ({"hosts": ["not a host"]}, "no name of a host"),
        ({"hosts": ["-x.example.org"]}, "no name of a host"),
        ({"days": 366}, "days"),
        ({"days": 0}, "days"),
    ],
)
def test_what_cant_be_signed_is_refused_in_words(hops: Any, change: dict[str, Any], words: str) -> None:
    root = hops.user("root-ada", admin=True)
    answer = root.post("certificates", json={"name": "sensors", "request": request_for("sensors")} | change)
    assert answer.status_code == 422
    assert words in answer.text


def test_a_weak_key_is_not_signed(hops: Any) -> None:
    root = hops.user("root-ada", admin=True)
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    answer = root.post("certificates", json={"name": "sensors", "request": request_for("sensors", weak)})
    assert answer.status_code == 422
    assert "1024 bits; 2048 are the least" in answer.text


def test_administrators_see_what_ends_soon(hops: Any, ada: Any) -> None:
    root = hops.user("root-ada", admin=True)
    root.post("certificates", json={"name": "sensors", "request": request_for("s"), "days": 5}).raise_for_status()
    everything = root.get("certificates").json()["items"]
    assert sorted(one["name"] for one in everything) == ["sensors", "weather__ada"]
    soon = root.get("certificates", params={"ending_within_days": 30}).json()["items"]
    assert [one["name"] for one in soon] == ["sensors"]
    assert ada.get("certificates").status_code == 403


def test_a_grant_of_a_server_brings_its_owners_certificate(hops: Any, ada: Any) -> None:
    granted = hops.hub().post("projects/weather/server-grants", json={"user": "ada"})
    assert granted.status_code == 201, granted.text
    files = granted.json()["certificate"]
    assert files["certificate"] == export(ada)["certificate"]
    assert files["key"].startswith("-----BEGIN PRIVATE KEY-----")


def test_replacing_is_for_people_and_tells_why_in_the_list(hops: Any, ada: Any) -> None:
    old = serial_of(export(ada))
    answer = ada.post("projects/weather/certificate:replace")
    assert int(answer.json()["serial"], 16) != old
    reasons = {one["serial"]: one["reason"] for one in listed(ada)}
    assert reasons[f"{old:x}"] == Reason.KEY_COMPROMISE.value


def test_what_lay_beside_a_replaced_key_is_of_no_use_any_more(hops: Any, ada: Any) -> None:
    code = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    elsewhere = hops.project_user("ada", "tides", ProjectRole.DATA_OWNER)
    hops.ready_project(ada, "tides")
    export(code)
    hops.deliver()
    hops.platform.sessions.ended.clear()
    ada.post("projects/weather/certificate:replace").raise_for_status()
    refused = code.post("projects/weather/certificate:export")
    assert refused.status_code == 401
    assert "Start the notebook server again" in refused.json()["remedy"]
    assert code.post(f"http://hops.test{API}tokens:renew").status_code == 401
    assert elsewhere.get("projects/tides").status_code == 200
    assert ada.get("projects/weather").status_code == 200
    hops.deliver()
    assert hops.platform.sessions.ended == ["weather__ada"], "those that are kept ready as well"
    assert export(hops.project_user("ada", "weather", ProjectRole.DATA_OWNER))


@pytest.mark.parametrize("how", ["added again", "restored"])
def test_a_token_of_before_does_not_come_back_with_a_membership(hops: Any, ada: Any, how: str) -> None:
    hops.create_user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    code = hops.project_user("bob", "weather", ProjectRole.DATA_SCIENTIST)
    assert code.get("projects/weather").status_code == 200
    if how == "added again":
        ada.delete("projects/weather/members/bob").raise_for_status()
        assert code.get("projects/weather").status_code == 404
        ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    else:
        ada.request("DELETE", "projects/weather", json={"name": "weather"}).raise_for_status()
        hops.deliver()
        ada.post("deleted-projects/weather:restore").raise_for_status()
    assert code.get("projects/weather").status_code == 401
    assert hops.project_user("bob", "weather", ProjectRole.DATA_SCIENTIST).get("projects/weather").status_code == 200


def test_a_certificate_exports_no_successor(hops: Any, ada: Any) -> None:
    program = hops.with_certificate(export(ada)["certificate"])
    assert program.post("projects/weather/certificate:export").status_code == 403


def test_nobody_fills_the_revocation_list_by_replacing(ada: Any) -> None:
    export(ada)
    codes = [ada.post("projects/weather/certificate:replace").status_code for _ in range(service.REPLACED_A_DAY + 1)]
    assert codes == [200] * service.REPLACED_A_DAY + [409]


def test_a_new_project_shows_nothing_of_an_old_one_of_its_name(hops: Any, ada: Any) -> None:
    export(ada)
    for route in ("projects/weather", "deleted-projects/weather"):
        ada.request("DELETE", route, json={"name": "weather"}).raise_for_status()
        hops.deliver()
    eve = hops.user("eve")
    hops.ready_project(eve)
    assert [one["name"] for one in listed(eve)] == ["weather__eve"]


@pytest.fixture
def signatures(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the lists that are signed from now on."""
    numbers: list[int] = []
    signing = revocations.make_revocation_list

    def counted(*given: Any, number: int) -> x509.CertificateRevocationList:
        numbers.append(number)
        return signing(*given, number=number)

    monkeypatch.setattr(revocations, "make_revocation_list", counted)
    return numbers


def test_a_list_is_signed_once_for_all_who_ask_and_anew_when_it_says_something_else(
    hops: Any, ada: Any, signatures: list[int]
) -> None:
    first = serial_of(export(ada))
    assert revoked(hops) == {}
    assert (revoked(hops), len(signatures)) == ({}, 1)
    hops.anonymous().get("certificate-revocations?encoding=pem").raise_for_status()
    assert len(signatures) == 1
    second = int(ada.post("projects/weather/certificate:replace").json()["serial"], 16)
    assert (set(revoked(hops)), len(signatures)) == ({first}, 2)
    ada.post("projects/weather/certificate:replace").raise_for_status()
    assert (set(revoked(hops)), len(signatures)) == ({first, second}, 3)
    with hops.platform.parts.database.session() as session:
        row = session.scalars(select(Certificate).where(Certificate.serial == f"{first:x}")).one()
        row.not_after = now() - timedelta(seconds=1)
    assert (set(revoked(hops)), len(signatures)) == ({second}, 4)


def test_a_list_is_signed_anew_long_before_it_ends(
    hops: Any, ada: Any, signatures: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    export(ada)
    revoked(hops)
    later = now() + revocations.SIGNED_ANEW_AFTER
    monkeypatch.setattr(revocations, "now", lambda: later)
    revoked(hops)
    revoked(hops)
    assert len(signatures) == 2


def test_certificates_that_ended_long_ago_are_forgotten_and_no_others(hops: Any, ada: Any) -> None:
    old = f"{serial_of(export(ada)):x}"
    kept = ada.post("projects/weather/certificate:replace").json()["serial"]
    with hops.platform.parts.database.session() as session:
        row = session.scalars(select(Certificate).where(Certificate.serial == old)).one()
        row.not_after = now() - service.KEPT_AFTER_END + timedelta(minutes=1)
    with hops.platform.parts.database.session() as session:
        assert service.forget_ended(session) == 0
        session.scalars(select(Certificate).where(Certificate.serial == old)).one().not_after -= timedelta(minutes=2)
    with hops.platform.parts.database.session() as session:
        assert service.forget_ended(session) == 1
    assert [one["serial"] for one in listed(ada)] == [kept]
