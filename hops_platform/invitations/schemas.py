"""Invitations on the wire."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from hops_contract.principal import ProjectRole
from hops_platform.invitations.models import Kind
from hops_platform.joining.schemas import Message
from hops_platform.links.schemas import LinkToken
from hops_platform.mail.addresses import MailAddress
from hops_platform.users.schemas import NewPassword, Slug, Strict, Title

MOST_DAYS = 30
MOST_USES = 100


class NewInvitation(Strict):
    """An invitation to make: of a user, of a mail address, or, without both, a link for whoever has it."""

    user: Annotated[Slug, Field(examples=["grace"])] | None = None
    address: MailAddress | None = None
    role: ProjectRole = Field(default=ProjectRole.DATA_SCIENTIST, examples=["data_scientist"])
    days: int = Field(default=7, ge=1, le=MOST_DAYS, description="How long it is good.", examples=[7])
    uses: int = Field(
        default=1, ge=1, le=MOST_USES, description="How many people a link lets in; of the others one.", examples=[1]
    )

    @model_validator(mode="after")
    def _check_one_invitee(self) -> Self:
        if self.user is not None and self.address is not None:
            raise ValueError("An invitation is of a user or of an address.")
        if self.uses > 1 and self.kind is not Kind.LINK:
            raise ValueError("Only a link lets several people in.")
        return self

    @property
    def kind(self) -> Kind:
        """Whom it is for."""
        if self.user is not None:
            return Kind.USER
        return Kind.LINK if self.address is None else Kind.ADDRESS


class InvitationAnswer(BaseModel):
    """An invitation, as the project's Data Owners see it."""

    id: uuid.UUID = Field(examples=["01969b1e-6f00-7000-8000-000000000000"])
    kind: Kind = Field(examples=["address"])
    user: str | None = Field(examples=[None])
    address: str | None = Field(examples=["grace@example.org"])
    role: ProjectRole = Field(examples=["data_scientist"])
    inviter: str = Field(examples=["ada"])
    uses_left: int = Field(examples=[1])
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])
    expires_at: datetime = Field(examples=["2026-05-11T10:00:00Z"])


class NewInvitationAnswer(InvitationAnswer):
    """An invitation that was made."""

    link: str | None = Field(
        description="To hand over, shown this once; null where the platform tells the person itself.",
        examples=["https://hops.example.org/services/hops/invitation#q83vEjRWeJoLw0xk…"],
    )


class MyInvitation(BaseModel):
    """An invitation of mine."""

    id: uuid.UUID = Field(examples=["01969b1e-6f00-7000-8000-000000000000"])
    project: str = Field(examples=["weather"])
    title: str = Field(examples=["Weather of the coast"])
    role: ProjectRole = Field(examples=["data_scientist"])
    inviter: str = Field(examples=["ada"])
    expires_at: datetime = Field(examples=["2026-05-11T10:00:00Z"])


class InvitationLink(Strict):
    """A link that somebody was given."""

    token: LinkToken


class OpenedInvitation(BaseModel):
    """What a link invites into."""

    project: str = Field(examples=["weather"])
    title: str = Field(examples=["Weather of the coast"])
    role: ProjectRole = Field(examples=["data_scientist"])
    inviter: str = Field(examples=["ada"])
    expires_at: datetime = Field(examples=["2026-05-11T10:00:00Z"])
    registers: bool = Field(description="Whether somebody without an account can make one with it.", examples=[True])
    approval: bool = Field(description="Whether an administrator has to approve that.", examples=[False])


class RegistrationByInvitation(Strict):
    """An account for one who is invited."""

    token: LinkToken
    name: Annotated[Slug, Field(examples=["grace"])]
    title: Title = ""
    password: NewPassword
    message: Message = ""


class Registered(BaseModel):
    """What became of a registration."""

    user: str = Field(examples=["grace"])
    waiting: bool = Field(description="Whether an administrator has to approve it first.", examples=[False])
