"""The second factor on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from hops_platform.users.schemas import Code, GivenPassword, Strict


class SecondFactorAnswer(BaseModel):
    """Where somebody stands with the second factor."""

    on: bool = Field(description="Whether a code is asked for at each log-in.", examples=[True])
    since: datetime | None = Field(default=None, examples=["2026-05-04T10:00:00Z"])
    recovery_codes_left: int = Field(examples=[10])
    required: bool = Field(description="Whether this site asks everybody for one.", examples=[False])


class Beginning(Strict):
    """A second factor to begin."""

    password: GivenPassword


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


class ProofOfBoth(Strict):
    """The password and a code, of whoever wants to change the second factor."""

    password: GivenPassword
    code: Code


class RecoveryCodes(BaseModel):
    """Codes for whoever lost the authenticator app, each good once; shown this once."""

    recovery_codes: list[str] = Field(examples=[["k3nq-7xwd-aa2m-p5rt"]])
