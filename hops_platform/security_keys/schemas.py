"""Security keys on the wire; what browsers send and take is WebAuthn's own JSON."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hops_platform.security_keys.models import MAX_NAME_LENGTH

_Text = Annotated[str, Field(max_length=12_000, pattern=r"^[A-Za-z0-9_-]*$")]


class _Credential(BaseModel):
    """What of a browser's ``PublicKeyCredential`` is looked at; what else is in it is left out."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class KeyAnswerResponse(_Credential):
    """What a key has signed."""

    client_data_json: _Text = Field(alias="clientDataJSON", examples=["eyJ0eXBlIjoid2ViYXV0aG4uZ2V0Ii…"])
    authenticator_data: _Text = Field(alias="authenticatorData", examples=["SZYN5YgOjGh0NBcPZHZgW4…"])
    signature: _Text = Field(examples=["MEUCIQDf0Q…"])
    user_handle: _Text | None = Field(default=None, alias="userHandle", examples=[None])


class KeyAnswer(_Credential):
    """A key's answer at a log-in, as ``PublicKeyCredential.toJSON()`` gives it."""

    id: _Text = Field(max_length=1400, examples=["q83vEjRWeJo…"])
    raw_id: _Text = Field(max_length=1400, alias="rawId", examples=["q83vEjRWeJo…"])
    type: Literal["public-key"] = Field(examples=["public-key"])
    response: KeyAnswerResponse


class MadeKeyResponse(_Credential):
    """What a new key says of itself."""

    client_data_json: _Text = Field(alias="clientDataJSON", examples=["eyJ0eXBlIjoid2ViYXV0aG4uY3JlYX…"])
    attestation_object: _Text = Field(alias="attestationObject", examples=["o2NmbXRkbm9uZWdhdHRTdG10oG…"])
    transports: list[Annotated[str, Field(max_length=32)]] = Field(default=[], max_length=10, examples=[["usb"]])


class MadeKeyCredential(_Credential):
    """A new key, as ``PublicKeyCredential.toJSON()`` gives it."""

    id: _Text = Field(max_length=1400, examples=["q83vEjRWeJo…"])
    raw_id: _Text = Field(max_length=1400, alias="rawId", examples=["q83vEjRWeJo…"])
    type: Literal["public-key"] = Field(examples=["public-key"])
    response: MadeKeyResponse


class NewSecurityKey(BaseModel):
    """A key to register; begin first."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[
        str,
        Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["On my key ring"]),
    ]
    credential: MadeKeyCredential


class SecurityKeyAnswer(BaseModel):
    """A key."""

    id: uuid.UUID = Field(examples=["01969b1e-6f00-7000-8000-000000000000"])
    name: str = Field(examples=["On my key ring"])
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])
    last_used_at: datetime | None = Field(examples=["2026-05-04T10:00:00Z"])


class SecurityKeys(BaseModel):
    """My keys; at most 10, so they come at once."""

    items: list[SecurityKeyAnswer]
    origin: str | None = Field(
        description="The address at which keys work; null where this site has none at which they do.",
        examples=["https://hops.example.org"],
    )


class KeyOptions(BaseModel):
    """What to give to ``navigator.credentials.create``, after ``PublicKeyCredential.parseCreationOptionsFromJSON``."""

    options: dict[str, Any] = Field(examples=[{"challenge": "q83vEjRW…", "rp": {"id": "hops.example.org"}}])


class AddedSecurityKey(SecurityKeyAnswer):
    """A key that was registered."""

    recovery_codes: list[str] = Field(
        description="With the first second factor: codes for whoever lost it, shown this once; else empty.",
        examples=[["k3nq-7xwd-aa2m-p5rt"]],
    )
