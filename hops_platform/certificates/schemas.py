"""Certificates on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from hops_platform.certificates.models import MAX_NAME_LENGTH, Kind, Reason
from hops_platform.users.schemas import Strict

MAX_REQUEST_LENGTH = 16 * 1024
MAX_HOSTS = 20
MAX_DAYS = 365
# No name of a project-user, which alone holds "__".
OutsideName = Annotated[
    str, StringConstraints(max_length=MAX_NAME_LENGTH, pattern=r"^[A-Za-z0-9](?:_?[A-Za-z0-9.-])*$")
]
Host = Annotated[str, StringConstraints(min_length=1, max_length=253)]


class CertificateAnswer(BaseModel):
    """A certificate, without its key."""

    serial: str = Field(description="Hexadecimal digits.", examples=["5c1f0b7a9d"])
    kind: Kind = Field(examples=["project_user"])
    name: str = Field(description="Common name.", examples=["weather__ada"])
    project: str | None = Field(default=None, examples=["weather"])
    user: str | None = Field(default=None, examples=["ada"])
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])
    not_after: datetime = Field(description="When it ends.", examples=["2026-10-31T10:00:00Z"])
    revoked_at: datetime | None = Field(default=None, examples=[None])
    reason: Reason | None = Field(default=None, description="Why it was revoked.", examples=[None])


class NewCertificate(Strict):
    """A signing request of somebody outside of the platform."""

    name: OutsideName = Field(
        description="Common name; what the request says is not taken.", examples=["sensors.example.org"]
    )
    request: str = Field(
        max_length=MAX_REQUEST_LENGTH, description="PEM (PKCS#10).", examples=["-----BEGIN CERTIFICATE REQUEST-----…"]
    )
    hosts: list[Host] = Field(
        default_factory=list,
        max_length=MAX_HOSTS,
        description="Names and addresses under which its holder answers; empty for one that only calls.",
        examples=[["sensors.example.org"]],
    )
    days: int = Field(default=90, ge=1, le=MAX_DAYS, description="How long it is good.", examples=[90])


class SignedCertificate(CertificateAnswer):
    """What was signed."""

    certificate: str = Field(
        description="PEM: the certificate and the intermediate authority.", examples=["-----BEGIN CERTIFICATE-----…"]
    )


class Revocation(Strict):
    """Why a certificate shall be good no longer."""

    reason: Reason = Field(default=Reason.KEY_COMPROMISE, examples=["key_compromise"])
