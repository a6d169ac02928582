"""Registrations on the wire."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from hops_platform.joining.schemas import Message
from hops_platform.links.schemas import LinkToken
from hops_platform.mail.addresses import MailAddress
from hops_platform.users.schemas import NewPassword, Slug, Strict, Title

MAX_REASON_LENGTH = 500


class RegistrationRequest(Strict):
    """Whoever wants an account."""

    address: MailAddress


class RegistrationAnswer(BaseModel):
    """The same for everybody."""

    detail: str = Field(examples=["A link is on its way to this address."])


class RegistrationToFinish(Strict):
    """The account that whoever opened the link wants."""

    token: LinkToken
    name: Annotated[Slug, Field(examples=["grace"])]
    title: Title = ""
    password: NewPassword
    message: Message = ""


class WaitingRegistration(BaseModel):
    """An account that waits for approval, as administrators see it."""

    id: uuid.UUID = Field(examples=["01969b1e-6f00-7000-8000-000000000000"])
    name: str = Field(examples=["grace"])
    title: str = Field(examples=["Grace Hopper"])
    address: str | None = Field(description="Proven; null where no mail was sent.", examples=["grace@example.org"])
    message: str = Field(examples=["I would like to look at the tides."])
    project: str | None = Field(description="The project that an invitation is into.", examples=["weather"])
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])


class Approved(BaseModel):
    """An account that was approved."""

    user: str = Field(examples=["grace"])
    project: str | None = Field(description="The project that it is a member of by that.", examples=["weather"])


class Declining(Strict):
    """Why an account is declined, which is sent to whoever wanted it."""

    reason: Annotated[
        str,
        Field(
            max_length=MAX_REASON_LENGTH,
            pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$",
            examples=["Accounts are for members of the institute."],
        ),
    ] = ""
