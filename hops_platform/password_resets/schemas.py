"""A forgotten password on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from hops_platform.links.schemas import LinkToken
from hops_platform.mail.addresses import MAX_ADDRESS_LENGTH
from hops_platform.users.schemas import NewPassword, Strict


class ResetRequest(Strict):
    """Who forgot a password."""

    who: str = Field(
        min_length=1,
        max_length=MAX_ADDRESS_LENGTH,
        pattern=r"^[^\x00]*$",
        description="A user name, or the mail address of one.",
        examples=["ada"],
    )


class ResetAnswer(BaseModel):
    """The same for everybody."""

    detail: str = Field(examples=["If there is such a user with a mail address, a link is on its way there."])


class NewPasswordByLink(Strict):
    """A new password, with the link that was sent or handed over."""

    token: LinkToken
    password: NewPassword
    end_keys: bool = Field(
        default=False, description="Whether API keys end too; log-ins and tokens do anyhow.", examples=[False]
    )


class ResetDone(BaseModel):
    """Whose password it is."""

    user: str = Field(examples=["ada"])


class ResetLink(BaseModel):
    """A link to hand over, shown this once."""

    link: str = Field(examples=["https://hops.example.org/services/hops/reset-password#q83vEjRWeJoLw0xk…"])
    expires_at: datetime = Field(examples=["2026-05-05T10:00:00Z"])
