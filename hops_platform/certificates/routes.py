from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import APIRouter, Depends, Path, Query, Response

from hops_contract.certificates import CertificateFiles
from hops_contract.principal import PrincipalKind
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import CALLER, Known, records
from hops_platform.certificates import service
from hops_platform.certificates.models import Certificate, Reason
from hops_platform.certificates.schemas import CertificateAnswer, NewCertificate, Revocation, SignedCertificate
from hops_platform.errors import ForbiddenError
from hops_platform.http import After, DatabaseSession, IdempotencyKeyHeader, Limit, PartsOf, in_one_step
from hops_platform.idempotency import create_once
from hops_platform.paging import DEFAULT_LIMIT, Page, fetch_page
from hops_platform.projects.service import end_sessions_of
from hops_platform.security.authentication import Caller, ProjectAccess
from hops_platform.security.guard import Public, Requires, RequiresInProject
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["certificates"])
PEM = "application/x-pem-file"
REVOCATION_LIST = "application/pkix-crl"
Serial = Annotated[str, Path(max_length=40, pattern="^[0-9a-f]+$", examples=["5c1f0b7a9d"])]
_AS_PEM: dict[int | str, dict[str, Any]] = {
    200: {"content": {PEM: {"schema": {"type": "string"}, "example": "-----BEGIN CERTIFICATE-----…"}}}
}
_AS_LIST: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            REVOCATION_LIST: {"schema": {"type": "string", "format": "binary"}, "example": "(DER)"},
            PEM: {"schema": {"type": "string"}, "example": "-----BEGIN X509 CRL-----…"},
        }
    }
}
# Described by its wire type, which would hide the secrets if it also made the answer.
_FILES: dict[int | str, dict[str, Any]] = {200: {"model": CertificateFiles}}


@router.get(
    "/certificate-authorities",
    dependencies=[Depends(Public(Permission.CERTIFICATES_CHECK))],
    response_class=Response,
    responses=_AS_PEM,
)
def read_authorities(session: DatabaseSession) -> Response:
    """The authorities of this platform in PEM: the intermediates, then the roots."""
    return Response(service.chain(session), media_type=PEM)


@router.get(
    "/certificate-revocations",
    dependencies=[Depends(Public(Permission.CERTIFICATES_CHECK))],
    response_class=Response,
    responses=_AS_LIST,
)
def read_revocations(
    session: DatabaseSession,
    parts: PartsOf,
    encoding: Annotated[str, Query(pattern="^(der|pem)$", description="How it is written.", examples=["pem"])] = "der",
) -> Response:
    """The revocation list: in DER that of the authority that signs now, in PEM those of all that have not ended."""
    lists = parts.revocation_lists.current(session, parts.sealer)
    if encoding == "der":
        return Response(lists[0].public_bytes(Encoding.DER) if lists else b"", media_type=REVOCATION_LIST)
    return Response(b"".join(one.public_bytes(Encoding.PEM) for one in lists), media_type=PEM)


@router.get("/certificates")
@in_one_step
def list_certificates(
    _caller: Annotated[Caller, Depends(Requires(Permission.CERTIFICATES_OVERSEE))],
    session: DatabaseSession,
    ending_within_days: Annotated[
        int | None, Query(ge=1, le=3650, description="Only good ones that end so soon.", examples=[30])
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[CertificateAnswer]:
    """All certificates, for administrators."""
    within = timedelta(days=ending_within_days) if ending_within_days is not None else None
    query = service.of_site(ending_within=within)
    rows, following = fetch_page(session, query, key=Certificate.serial, limit=limit, after=after)
    return Page(items=[service.show(row[0]) for row in rows], next=following)


@router.post(
    "/certificates",
    status_code=201,
    response_model=SignedCertificate,
    dependencies=[records(Action.CERTIFICATE_SIGN)],
)
def sign_certificate(  # noqa: PLR0917 - the request, and parts
    request: NewCertificate,
    caller: Annotated[Caller, Depends(Requires(Permission.CERTIFICATES_SIGN))],
    session: DatabaseSession,
    parts: PartsOf,
    known: Known,
    key: IdempotencyKeyHeader = None,
) -> dict[str, Any]:
    """Signs the request of somebody outside, who made the key and keeps it."""
    known.thing, known.details["days"] = request.name, request.days
    return create_once(
        session,
        user_id=caller.person.id,
        key=key,
        route="POST certificates",
        request=request,
        create=lambda: service.sign(session, request, parts.sealer),
    )


@router.post("/certificates/{serial}:revoke", dependencies=[records(Action.CERTIFICATE_REVOKE, "serial")])
def revoke_certificate(
    serial: Serial,
    request: Revocation,
    _caller: Annotated[Caller, Depends(Requires(Permission.CERTIFICATES_REVOKE))],
    session: DatabaseSession,
    known: Known,
) -> CertificateAnswer:
    """Revokes a certificate, for administrators; one that is revoked stays as it is."""
    revoked = service.show(service.revoke(session, serial, reason=request.reason))
    known.project = revoked.project
    known.thing = revoked.name
    known.details.update({"serial": serial, "reason": request.reason.value})
    return revoked


@router.get("/me/certificates")
@in_one_step
def list_my_certificates(
    caller: Annotated[Caller, Depends(Requires(Permission.ME_CERTIFICATES))],
    session: DatabaseSession,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[CertificateAnswer]:
    """My certificates that are good, one of each project, by their names."""
    query = service.of_user(caller.person)
    rows, following = fetch_page(session, query, key=Certificate.name, limit=limit, after=after)
    return Page(items=[service.show(row[0]) for row in rows], next=following)


@router.get("/projects/{project}/certificates")
@in_one_step
def list_project_certificates(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.CERTIFICATES_LIST))],
    session: DatabaseSession,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[CertificateAnswer]:
    """The certificates of all who are or were members, for Data Owners."""
    query = service.of_project(access.project)
    rows, following = fetch_page(session, query, key=Certificate.serial, limit=limit, after=after)
    return Page(items=[service.show(row[0]) for row in rows], next=following)


@router.post(
    "/projects/{project}/certificate:export",
    responses=_FILES,
    dependencies=[records(Action.CERTIFICATE_EXPORT, CALLER)],
)
def export_certificate(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.CERTIFICATE_EXPORT))],
    session: DatabaseSession,
    parts: PartsOf,
) -> dict[str, Any]:
    """My certificate in this project with its key, as PEM and PKCS#12; a new one where there is none that lasts.

    Not with a certificate: whoever has found a key would have its successors too.
    """
    # Of a project-user every token has a chain of renewals.
    if access.caller.principal.kind is PrincipalKind.PROJECT_USER and access.caller.chain is None:
        raise ForbiddenError("A certificate exports no other.", remedy="Call with a token.")
    return service.files_of(session, access.member, parts.sealer).on_the_wire()


@router.post("/projects/{project}/certificate:replace", dependencies=[records(Action.CERTIFICATE_REPLACE, CALLER)])
def replace_certificate(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.CERTIFICATE_REPLACE))],
    session: DatabaseSession,
    parts: PartsOf,
) -> CertificateAnswer:
    """Revokes my certificates in this project, makes a new one, and ends my sessions; my server has to start again."""
    member = access.member
    made = service.replace_certificate(session, member, parts.sealer, reason=Reason.KEY_COMPROMISE)
    end_sessions_of(session, member.project.name, member.user.name)
    return service.show(made)
