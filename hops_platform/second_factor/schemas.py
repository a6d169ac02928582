"""The second factor on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hops_platform.users.schemas import WAYS_TO_PROVE, Challenge, Code, GivenPassword, KeyAnswerField, Strict, ways_in


class SecondFactorAnswer(BaseModel):
    """Where somebody stands with the authenticator app, and with recovery codes."""

    on: bool = Field(description="Whether codes of an authenticator app are taken at each log-in.", examples=[True])
    since: datetime | None = Field(default=None, examples=["2026-05-04T10:00:00Z"])
    recovery_codes_left: int = Field(examples=[10])
    required: bool = Field(description="Whether this site asks everybody for one.", examples=[False])


class SetUp(BaseModel):
    """A new second factor, shown this once; it counts when a code has confirmed it."""

    secret: str = Field(description="For typing, in base32.", examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])
    address: str = Field(
        description="What the QR code holds.",
        examples=["otpauth://totp/HopsLab:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=HopsLab"],
    )
    qr_code: str = Field(description="An SVG.", examples=["<svg xmlns='http://www.w3.org/2000/svg'>…</svg>"])


class Confirmation(Strict):
    """The first code of a new second factor."""

    code: Code


class Proof(Strict):
    """Proves again who it is that wants to change what log-ins need.

    The password, with a code where there is a second factor; or what the answer to the password alone asks for.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"password": "correct horse battery staple", "code": "492039"}]}
    )

    password: GivenPassword | None = None
    code: Code | None = None
    challenge: Challenge | None = None
    assertion: KeyAnswerField | None = None

    @model_validator(mode="after")
    def _check_one_way(self) -> Self:
        if ways_in(self) not in _WAYS:
            raise ValueError(WAYS_TO_PROVE)
        return self


_WAYS = frozenset(
    {
        frozenset({"password"}),
        frozenset({"password", "code"}),
        frozenset({"challenge", "code"}),
        frozenset({"challenge", "assertion"}),
    }
)


class RecoveryCodes(BaseModel):
    """Codes for whoever lost the authenticator app, each good once; shown this once."""

    recovery_codes: list[str] = Field(examples=[["k3nq-7xwd-aa2m-p5rt"]])
