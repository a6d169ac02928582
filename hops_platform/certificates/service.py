"""Certificates of members, services and others: made, renewed, handed out, revoked."""

from __future__ import annotations

import base64
import hmac
import secrets
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import SecretStr
from sqlalchemy import ColumnElement, Select, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from hops_contract.certificates import CertificateFiles
from hops_contract.slugs import project_user
from hops_platform.certificates.authorities import certificates_of, signing_authority
from hops_platform.certificates.building import (
    LEAF_LIFETIME,
    Signed,
    UnusableRequestError,
    answers_as,
    key_store,
    load_signed,
    make_leaf,
    pem,
    serial_text,
    sign_request,
    trust_store,
)
from hops_platform.certificates.models import AuthorityRow, Certificate, Kind, Level, Reason
from hops_platform.certificates.schemas import CertificateAnswer, NewCertificate, SignedCertificate
from hops_platform.database import new_id, now
from hops_platform.errors import ConflictError, InvalidRequestError, NotFoundError
from hops_platform.outbox import Task
from hops_platform.projects.models import Membership, Project
from hops_platform.security.sealing import Sealer
from hops_platform.users.models import User

ISSUE = Task("certificates", "certificate.issue")
RENEWED_BEFORE_END = LEAF_LIFETIME / 3
"""So long one is good at least that a server or a session gets at its start."""
_RENEWED_AT_ONCE = 200
REPLACED_A_DAY = 5
KEPT_AFTER_END = timedelta(days=90)
"""How long an administrator still sees what has ended; it proves nothing and stands on no list any more."""
_FORGOTTEN_AT_ONCE = 1000


def certificate_of(session: Session, membership: Membership, sealer: Sealer) -> Certificate:
    """The member's certificate; a new one where there is none that lasts.

    The one before stays good until its end: servers and sessions that run have it.

    Raises:
        NotFoundError: The user is no member any more, or may no longer log in.
    """
    if not _holds_still(session, membership):
        raise NotFoundError("There is no such member (any more).")
    name = project_user(membership.project.name, membership.user.name)
    found = session.scalar(_good(name).where(Certificate.not_after > now() + RENEWED_BEFORE_END).limit(1))
    if found is not None:
        return found
    return _issue(session, sealer, name, Kind.PROJECT_USER, project=membership.project.name, user=membership.user.name)


def replace_certificate(session: Session, membership: Membership, sealer: Sealer, *, reason: Reason) -> Certificate:
    """Revokes all certificates that the member has, ends their older tokens in the project, and makes a new one.

    Raises:
        ConflictError: It was done too often today; each stays on the public revocation list until its end.
    """
    name = project_user(membership.project.name, membership.user.name)
    _lock_for_revocation(session, project=membership.project.name, user=membership.user.name)
    lately = session.scalar(
        select(func.count())
        .select_from(Certificate)
        .where(Certificate.name == name, Certificate.revoked_at > now() - timedelta(days=1))
    )
    if (lately or 0) >= REPLACED_A_DAY:
        raise ConflictError(
            f"This certificate was replaced {lately} times within a day; {REPLACED_A_DAY} are the most.",
            remedy="Wait a day, or ask an administrator.",
        )
    revoke_of_member(session, membership.project.name, membership.user.name, reason=reason)
    # Who has found the key has found what lay beside it.
    membership.tokens_valid_from = now()
    session.flush()
    return certificate_of(session, membership, sealer)


def files_of(session: Session, membership: Membership, sealer: Sealer) -> CertificateFiles:
    """The member's certificate with its key, in the forms that programs read."""
    row = certificate_of(session, membership, sealer)
    signed = load_signed(row.certificate, sealer.open(row.sealed_key or b"", purpose=_purpose(row)))
    issuer = session.get_one(AuthorityRow, row.authority_id)
    intermediate = x509.load_pem_x509_certificate(issuer.certificate.encode())
    trusted = certificates_of(session, Level.ROOT)
    password = secrets.token_urlsafe(24)
    return CertificateFiles(
        name=row.name,
        not_after=row.not_after,
        certificate=row.certificate + issuer.certificate,
        key=SecretStr(signed.key_pem.decode()),
        authorities=pem(*trusted),
        key_store=_text(key_store(signed, [intermediate], row.name, password)),
        trust_store=_text(trust_store(trusted, password)),
        password=SecretStr(password),
    )


def revoke_of_member(session: Session, project: str, user: str, *, reason: Reason) -> None:
    """Revokes all certificates of a member; those that have ended too, which costs nothing."""
    _lock_for_revocation(session, project=project, user=user)
    _revoke(session, Certificate.name == project_user(project, user), reason)


def revoke_of_user(session: Session, user: str, *, reason: Reason) -> None:
    """Revokes all certificates of a user, in all projects."""
    # Whoever makes one of theirs holds the row; weaker than what other tables that name a user would wait for.
    session.execute(select(User.id).where(User.name == user).with_for_update(key_share=True))
    _revoke(session, Certificate.user_name == user, reason)


def revoke(session: Session, serial: str, *, reason: Reason) -> Certificate:
    """Revokes one certificate.

    Raises:
        NotFoundError: There is none with this serial number.
    """
    row = session.scalar(select(Certificate).where(Certificate.serial == serial))
    if row is None:
        raise NotFoundError("There is no certificate with this serial number.")
    if row.revoked_at is None:
        row.revoked_at, row.reason_name = now(), reason.value
        session.flush()
    return row


def sign(session: Session, request: NewCertificate, sealer: Sealer) -> SignedCertificate:
    """Signs the request of somebody who made the key elsewhere.

    Raises:
        InvalidRequestError: The signing request can't be used.
        ConflictError: A good certificate has this name already.
    """
    if session.scalar(_good(request.name).limit(1)) is not None:
        raise ConflictError(
            f"A certificate of the name {request.name!r} is good still.",
            remedy="Revoke it first, or choose another name.",
        )
    issuer = signing_authority(session, sealer)
    try:
        certificate = sign_request(
            issuer.signed,
            request.request,
            request.name,
            now(),
            lifetime=timedelta(days=request.days),
            hosts=request.hosts,
        )
    except UnusableRequestError as error:
        raise InvalidRequestError(
            str(error), remedy="Make one with: openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 …"
        ) from error
    row = _row(issuer.id, certificate, request.name, Kind.OUTSIDE)
    session.add(row)
    session.flush()
    issued = session.get_one(AuthorityRow, issuer.id)
    return SignedCertificate(**show(row).model_dump(), certificate=row.certificate + issued.certificate)


def server_certificate(session: Session, name: str, hosts: Sequence[str], sealer: Sealer) -> tuple[str, str]:
    """The certificate with which one of the platform's services answers under ``hosts``; a new one where none lasts.

    Returns:
        The certificate and the intermediate authority, and the private key, both in PEM.

    Raises:
        UnusableRequestError: One of the hosts is none.
    """
    lasting = _good(name).where(
        Certificate.kind_name == Kind.SERVICE.value, Certificate.not_after > now() + RENEWED_BEFORE_END
    )
    rows = session.scalars(lasting).all()
    row = next((row for row in rows if answers_as(_loaded(row), hosts)), None)
    if row is None:
        issuer = signing_authority(session, sealer)
        signed = make_leaf(issuer.signed, name, now(), hosts=hosts)
        row = _sealed_row(issuer.id, signed, name, Kind.SERVICE, sealer)
        session.add(row)
        session.flush()
    key = sealer.open(row.sealed_key or b"", purpose=_purpose(row))
    return row.certificate + session.get_one(AuthorityRow, row.authority_id).certificate, key.decode()


def chain(session: Session) -> str:
    """All authorities in PEM: the intermediates, then the roots."""
    return pem(*certificates_of(session, Level.INTERMEDIATE), *certificates_of(session, Level.ROOT))


def roots(session: Session) -> str:
    """The root authorities in PEM, to check others' certificates with."""
    return pem(*certificates_of(session, Level.ROOT))


def holder_of(session: Session, presented: bytes) -> Membership | None:
    """The membership whose certificate this is, if it may be used; ``None`` says nothing about why not.

    Args:
        session: The database.
        presented: The certificate in DER, of which the connection has proven that the caller holds its key.
    """
    try:
        certificate = x509.load_der_x509_certificate(presented)
        serial = serial_text(certificate)
    except ValueError:
        return None
    row = session.scalar(select(Certificate).where(Certificate.serial == serial))
    if row is None or row.revoked_at is not None or row.kind is not Kind.PROJECT_USER:
        return None
    known = _loaded(row).public_bytes(Encoding.DER)
    if not hmac.compare_digest(known, presented) or not certificate.not_valid_before_utc <= now() < row.not_after:
        return None
    return session.scalar(
        select(Membership)
        .join(User, User.id == Membership.user_id)
        .join(Project, Project.id == Membership.project_id)
        .where(User.name == row.user_name, User.active.is_(True), Project.name == row.project_name)
    )


def renew_due(session: Session, sealer: Sealer) -> list[str]:
    """Makes a new certificate for members who have none that lasts, some at a time; the names."""
    lasting = (
        select(Certificate.id)
        .where(
            Certificate.project_name == Project.name,
            Certificate.user_name == User.name,
            Certificate.revoked_at.is_(None),
            Certificate.not_after > now() + RENEWED_BEFORE_END,
        )
        .exists()
    )
    due = session.scalars(
        select(Membership)
        .join(User, User.id == Membership.user_id)
        .join(Project, Project.id == Membership.project_id)
        .where(User.active.is_(True), ~lasting)
        .limit(_RENEWED_AT_ONCE)
    )
    renewed = []
    for membership in due.all():
        with suppress(NotFoundError):  # gone since a moment ago
            renewed.append(certificate_of(session, membership, sealer).name)
    return renewed


def forget_ended(session: Session) -> int:
    """Deletes the rows of certificates that have ended long ago, some at a time; how many."""
    old = (
        select(Certificate.id)
        .where(Certificate.not_after < now() - KEPT_AFTER_END)
        .order_by(Certificate.not_after)
        .limit(_FORGOTTEN_AT_ONCE)
    )
    return len(session.scalars(delete(Certificate).where(Certificate.id.in_(old)).returning(Certificate.id)).all())


def of_project(project: Project) -> Select[Certificate]:
    """The query of a project's certificates."""
    # Another project may have had this name before: whose members were in it is nothing of this one's.
    return select(Certificate).where(
        Certificate.project_name == project.name, Certificate.created_at >= project.created_at
    )


def of_user(user: User) -> Select[Certificate]:
    """The query of the certificates that a user has now: in each project the one that would be handed out."""
    newer = aliased(Certificate)
    replaced = exists().where(newer.name == Certificate.name, newer.revoked_at.is_(None), newer.id > Certificate.id)
    return (
        select(Certificate)
        .join(Project, Project.name == Certificate.project_name)
        .join(Membership, Membership.project_id == Project.id)
        .where(
            Membership.user_id == user.id,
            Certificate.user_name == user.name,
            Certificate.revoked_at.is_(None),
            Certificate.not_after > now(),
            ~replaced,
        )
    )


def of_site(*, ending_within: timedelta | None) -> Select[Certificate]:
    """The query of all certificates; of those that are good and end within a time, where one is given."""
    query = select(Certificate)
    if ending_within is None:
        return query
    moment = now()
    return query.where(
        Certificate.revoked_at.is_(None),
        Certificate.not_after > moment,
        Certificate.not_after < moment + ending_within,
    )


def show(row: Certificate) -> CertificateAnswer:
    """A certificate on the wire, without its key."""
    return CertificateAnswer(
        serial=row.serial,
        kind=row.kind,
        name=row.name,
        project=row.project_name,
        user=row.user_name,
        created_at=row.created_at,
        not_after=row.not_after,
        revoked_at=row.revoked_at,
        reason=row.reason,
    )


def _holds_still(session: Session, membership: Membership) -> bool:
    """Whether a certificate may be made now; until the transaction ends, nobody revokes what is made in it unseen.

    Who revokes locks the same rows first. So either this is seen there, or what was done there is seen here.
    """
    active = session.scalar(select(User.active).where(User.id == membership.user_id).with_for_update(read=True))
    member = session.scalar(
        select(Membership.user_id)
        .where(Membership.project_id == membership.project_id, Membership.user_id == membership.user_id)
        .with_for_update(read=True)
    )
    return bool(active) and member is not None


def _lock_for_revocation(session: Session, *, project: str, user: str) -> None:
    session.execute(
        select(Membership.user_id)
        .join(User, User.id == Membership.user_id)
        .join(Project, Project.id == Membership.project_id)
        .where(Project.name == project, User.name == user)
        .with_for_update(of=Membership)
    )


def _good(name: str) -> Select[Certificate]:
    return (
        select(Certificate)
        .where(Certificate.name == name, Certificate.revoked_at.is_(None), Certificate.not_after > now())
        .order_by(Certificate.not_after.desc())
    )


def _issue(session: Session, sealer: Sealer, name: str, kind: Kind, *, project: str, user: str) -> Certificate:
    issuer = signing_authority(session, sealer)
    row = _sealed_row(issuer.id, make_leaf(issuer.signed, name, now()), name, kind, sealer)
    row.project_name, row.user_name = project, user
    session.add(row)
    session.flush()
    return row


def _sealed_row(authority_id: uuid.UUID, signed: Signed, name: str, kind: Kind, sealer: Sealer) -> Certificate:
    row = _row(authority_id, signed.certificate, name, kind)
    row.sealed_key = sealer.seal(signed.key_pem, purpose=_purpose(row))
    return row


def _row(authority_id: uuid.UUID, certificate: x509.Certificate, name: str, kind: Kind) -> Certificate:
    return Certificate(
        id=new_id(),
        authority_id=authority_id,
        serial=serial_text(certificate),
        kind_name=kind.value,
        name=name,
        certificate=pem(certificate),
        not_after=certificate.not_valid_after_utc,
        created_at=now(),
    )


def _revoke(session: Session, whose: ColumnElement[bool], reason: Reason) -> None:
    session.execute(
        update(Certificate)
        .where(whose, Certificate.revoked_at.is_(None))
        .values(revoked_at=now(), reason_name=reason.value)
    )


def _loaded(row: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(row.certificate.encode())


def _purpose(row: Certificate) -> str:
    return f"certificate {row.id}"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
