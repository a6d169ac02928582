"""What WebAuthn asks of a browser, and the checking of what comes back. Pure: nothing here reads or writes.

Source: https://www.w3.org/TR/webauthn-2/. As a second factor a key proves that it is there and touched; the person was
proven by the password, so no PIN is asked for. Which maker's key it is the platform does not ask.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

SITE = "HopsLab"
_TIMEOUT_MS = 120_000
_LOCALHOST = "localhost"
_TRANSPORTS = frozenset(one.value for one in AuthenticatorTransport)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """This site, as browsers and keys know it.

    Attributes:
        id: Its name; a key made for it answers nobody else.
        origin: The one origin whose pages may ask.
    """

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key that was registered, as far as browsers have to know it.

    Attributes:
        credential_id: What the key itself is known by.
        transports: How it is reached, as the browser said.
    """

    credential_id: bytes
    transports: Sequence[str]


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key that has proven to be one.

    Attributes:
        credential_id: What it is known by.
        public_key: What its answers are checked with.
        sign_count: How often it has answered.
    """

    credential_id: bytes
    public_key: bytes
    sign_count: int


def relying_party(public_url: str) -> RelyingParty | None:
    """The site at an address; ``None`` where browsers know no keys: they need a name, and TLS but on this machine.

    An address of the loopback is taken as ``localhost``, by which people open the site then.
    """
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port is not None else ""
    with suppress(ValueError):  # a name
        host = _LOCALHOST if ipaddress.ip_address(host).is_loopback else ""
    if not host or (parts.scheme != "https" and host != _LOCALHOST):
        return None
    return RelyingParty(id=host, origin=f"{parts.scheme}://{host}{port}")


def ask_to_make(
    party: RelyingParty, challenge: bytes, *, user_id: bytes, user: str, known: Sequence[KnownKey]
) -> dict[str, Any]:
    """Options for ``navigator.credentials.create``, in WebAuthn's JSON."""
    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=SITE,
        user_id=user_id,
        user_name=user,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.DISCOURAGED
        ),
        exclude_credentials=[_descriptor(key) for key in known],
    )
    return options_to_json_dict(options)


def ask_to_answer(party: RelyingParty, challenge: bytes, *, known: Sequence[KnownKey]) -> dict[str, Any]:
    """Options for ``navigator.credentials.get``, in WebAuthn's JSON."""
    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        allow_credentials=[_descriptor(key) for key in known],
        user_verification=UserVerificationRequirement.DISCOURAGED,
    )
    return options_to_json_dict(options)


def check_made(party: RelyingParty, challenge: bytes, credential: Mapping[str, Any]) -> MadeKey | None:
    """The key that a browser says was made; ``None`` unless it was, for this site, and for this challenge."""
    try:
        made = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
        )
    except _NOT_GOOD:
        return None
    return MadeKey(made.credential_id, made.credential_public_key, made.sign_count)


def check_answer(
    party: RelyingParty, challenge: bytes, credential: Mapping[str, Any], *, public_key: bytes, sign_count: int
) -> int | None:
    """How often a key has answered by now; ``None`` unless it is this key's answer, to this site and challenge.

    A number that does not grow is of a copy of the key; keys that don't count say 0.
    """
    try:
        checked = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
        )
    except _NOT_GOOD:
        return None
    return checked.new_sign_count


def challenge_in(client_data: str) -> bytes:
    """The challenge that a browser says to have answered; empty if it says none."""
    try:
        said = json.loads(decode(client_data))["challenge"]
        return decode(said) if isinstance(said, str) else b""
    except (ValueError, KeyError, TypeError, RecursionError):
        return b""


def decode(text: str) -> bytes:
    """Bytes that stand in WebAuthn's JSON (base64url without padding).

    Raises:
        ValueError: They are none.
    """
    try:
        return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("not base64url") from error


def encode(data: bytes) -> str:
    """Bytes as they stand in WebAuthn's JSON."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def known_transports(names: Sequence[str]) -> list[str]:
    """Of what a browser says of how a key is reached, what is known."""
    return sorted(_TRANSPORTS.intersection(names))


# Whatever strangers send is decoded as CBOR and as keys by several libraries, each with errors of its own.
_NOT_GOOD = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, EOFError)


def _descriptor(key: KnownKey) -> PublicKeyCredentialDescriptor:
    transports = [AuthenticatorTransport(name) for name in known_transports(key.transports)]
    return PublicKeyCredentialDescriptor(id=key.credential_id, transports=transports or None)
