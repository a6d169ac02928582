"""Pure builders of X.509: authorities, certificates, revocation lists, key stores (RFC 5280; EC P-256).

Laws:

1. root → intermediate → leaf. The root signs intermediates, an intermediate leaves and their list.
2. What stands in a certificate comes from the arguments. Of a signing request only the public key is taken.
3. A leaf is good for logging in as its common name, a service's also for answering under its addresses.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hops_platform.certificates.models import Reason

ORGANISATION = "HopsLab"
ROOT_LIFETIME = timedelta(days=20 * 365)
INTERMEDIATE_LIFETIME = timedelta(days=10 * 365)
LEAF_LIFETIME = timedelta(days=180)
LIST_LIFETIME = timedelta(days=1)
_SKEW = timedelta(minutes=5)
"""Clocks of two machines differ."""
_SMALLEST_RSA_BITS = 2048
_HOST = re.compile(r"(?=.{1,253}\Z)(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*\Z")


class UnusableRequestError(ValueError):
    """A signing request, or what was asked for with it, can't be signed; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def key_pem(self) -> bytes:
        """The key as PKCS#8 in PEM, not encrypted."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A certificate on a revocation list."""

    serial: int
    at: datetime
    reason: Reason


def make_root(moment: datetime, *, lifetime: timedelta = ROOT_LIFETIME) -> Signed:
    """A new root authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named(f"{ORGANISATION} root authority")
    builder = _as_authority(_builder(name, key.public_key(), moment, lifetime), key, path_length=1)
    return Signed(certificate=builder.issuer_name(name).sign(key, hashes.SHA256()), key=key)


def make_intermediate(root: Signed, moment: datetime, *, lifetime: timedelta = INTERMEDIATE_LIFETIME) -> Signed:
    """A new intermediate authority below ``root``; it ends no later."""
    key = ec.generate_private_key(ec.SECP256R1())
    lifetime = min(lifetime, root.certificate.not_valid_after_utc - moment)
    name = _named(f"{ORGANISATION} intermediate authority")
    builder = _as_authority(_builder(name, key.public_key(), moment, lifetime), key, path_length=0)
    return Signed(certificate=_signed_by(root, builder), key=key)


def make_leaf(
    issuer: Signed, name: str, moment: datetime, *, lifetime: timedelta = LEAF_LIFETIME, hosts: Sequence[str] = ()
) -> Signed:
    """A certificate with a new key.

    Args:
        issuer: The intermediate authority.
        name: The common name.
        moment: From when on it is good.
        lifetime: How long; it ends no later than its issuer.
        hosts: Names and addresses under which a service answers; empty for one that only calls.

    Raises:
        UnusableRequestError: One of the hosts is none.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _leaf(issuer, name, key.public_key(), moment=moment, lifetime=lifetime, hosts=hosts)
    return Signed(certificate=certificate, key=key)


def sign_request(
    issuer: Signed, request_pem: str, name: str, moment: datetime, *, lifetime: timedelta, hosts: Sequence[str] = ()
) -> x509.Certificate:
    """A certificate for the key of a signing request; see :func:`make_leaf`.

    Raises:
        UnusableRequestError: The request is no PEM, is not signed with its own key, or the key is weak.
    """
    try:
        request = x509.load_pem_x509_csr(request_pem.encode())
        proven, public = request.is_signature_valid, request.public_key()
    except Exception as error:
        # The library's parser has errors of many kinds for what others have written.
        raise UnusableRequestError("This is no certificate signing request in PEM.") from error
    if not proven:
        raise UnusableRequestError("The request is not signed with its own key.")
    if not isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise UnusableRequestError("The request's key is neither EC nor RSA.")
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < _SMALLEST_RSA_BITS:
        raise UnusableRequestError(f"The request's key has {public.key_size} bits; {_SMALLEST_RSA_BITS} are the least.")
    return _leaf(issuer, name, public, moment=moment, lifetime=lifetime, hosts=hosts)


def make_revocation_list(
    issuer: Signed, revocations: Iterable[Revocation], moment: datetime, *, number: int
) -> x509.CertificateRevocationList:
    """The revocation list of ``issuer``; ``number`` grows from one list to the next."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(moment - _SKEW)
        .next_update(moment + LIST_LIFETIME)
        .add_extension(_authority_key(issuer.certificate), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for revocation in revocations:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(revocation.serial)
            .revocation_date(revocation.at)
            .add_extension(x509.CRLReason(_REASONS[revocation.reason]), critical=False)
            .build()
        )
    return builder.sign(issuer.key, hashes.SHA256())


def key_store(signed: Signed, chain: Sequence[x509.Certificate], name: str, password: str) -> bytes:
    """Certificate, key and chain as PKCS#12, as Java and others read it."""
    return pkcs12.serialize_key_and_certificates(
        name.encode(), signed.key, signed.certificate, list(chain), BestAvailableEncryption(password.encode())
    )


def trust_store(authorities: Sequence[x509.Certificate], password: str) -> bytes:
    """Authorities to trust, as PKCS#12 with the mark that Java asks for."""
    entries = [pkcs12.PKCS12Certificate(one, one.subject.rfc4514_string().encode()) for one in authorities]
    return pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(password.encode()))


def pem(*certificates: x509.Certificate) -> str:
    """Certificates one after the other in PEM."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def load_signed(certificate_pem: str, key_pem: bytes) -> Signed:
    """What :attr:`Signed.key_pem` and :func:`pem` wrote."""
    key = load_pem_private_key(key_pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("The key is no EC key.")
    return Signed(certificate=x509.load_pem_x509_certificate(certificate_pem.encode()), key=key)


def answers_as(certificate: x509.Certificate, hosts: Sequence[str]) -> bool:
    """Whether a service with this certificate may answer under just these ``hosts``."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names) == {_general_name(host) for host in hosts}


def serial_text(certificate: x509.Certificate) -> str:
    """The serial number as it stands in tables and addresses: lower-case hexadecimal digits."""
    return f"{certificate.serial_number:x}"


_REASONS = {
    Reason.CESSATION_OF_OPERATION: x509.ReasonFlags.cessation_of_operation,
    Reason.KEY_COMPROMISE: x509.ReasonFlags.key_compromise,
    Reason.SUPERSEDED: x509.ReasonFlags.superseded,
}


def _leaf(
    issuer: Signed,
    name: str,
    public: CertificatePublicKeyTypes,
    *,
    moment: datetime,
    lifetime: timedelta,
    hosts: Sequence[str],
) -> x509.Certificate:
    lifetime = min(lifetime, issuer.certificate.not_valid_after_utc - moment)
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if hosts else [])]
    builder = (
        _builder(_named(name), public, moment, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    if hosts:
        names = [_general_name(host) for host in hosts]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return _signed_by(issuer, builder)


def _signed_by(issuer: Signed, builder: x509.CertificateBuilder) -> x509.Certificate:
    named = builder.issuer_name(issuer.certificate.subject)
    return named.add_extension(_authority_key(issuer.certificate), critical=False).sign(issuer.key, hashes.SHA256())


def _named(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    name: x509.Name, public: CertificatePublicKeyTypes, moment: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - _SKEW)
        .not_valid_after(moment + lifetime)
    )


def _as_authority(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, *, path_length: int
) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _authority_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier.value)


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        if _HOST.match(host) is None:
            raise UnusableRequestError(f"{host!r} is no name of a host and no address.") from None
        return x509.DNSName(host.lower())
