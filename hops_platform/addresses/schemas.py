"""A user's mail address on the wire."""

from __future__ import annotations

from pydantic import BaseModel, Field

from hops_platform.links.schemas import LinkToken
from hops_platform.mail.addresses import MailAddress
from hops_platform.users.schemas import GivenPassword, Strict


class AddressAnswer(BaseModel):
    """Where mail for somebody goes."""

    address: str | None = Field(description="Proven; null for none.", examples=["ada@example.org"])
    mail: bool = Field(description="Whether this site sends mail.", examples=[True])


class NewAddress(Strict):
    """An address to prove."""

    address: MailAddress
    password: GivenPassword


class AddressRemoval(Strict):
    """Says that it is the person who asks."""

    password: GivenPassword


class AddressConfirmation(Strict):
    """The link that was sent to an address."""

    token: LinkToken


class ConfirmedAddress(BaseModel):
    """Whose address it is from now on."""

    user: str = Field(examples=["ada"])
    address: str = Field(examples=["ada@example.org"])
