"""A security key in software, for tests: it does what a key does, and what a thief's would.

Format: https://www.w3.org/TR/webauthn-2/#sctn-authenticator-data
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = "https://hops.example.org"
_PRESENT, _ATTESTED = 0x01, 0x40


def encode(data: bytes) -> str:
    """Bytes as they stand in WebAuthn's JSON."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class SoftKey:
    """One P-256 key.

    Args:
        origin: Of the page that asks it, as the browser says.
    """

    def __init__(self, origin: str = ORIGIN) -> None:
        self.origin = origin
        self.credential_id = secrets.token_bytes(32)
        self.count = 0
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: dict[str, Any], **changed: Any) -> dict[str, Any]:
        """Answers ``navigator.credentials.create``; ``changed`` is said in place of what is true."""
        said = {"rp_id": options["rp"]["id"], "challenge": options["challenge"], "origin": self.origin} | changed
        numbers = self._key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor2.dumps(public)
        data = self._data(said["rp_id"], _PRESENT | _ATTESTED) + attested
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        response = {
            "clientDataJSON": encode(self._client("webauthn.create", said)),
            "attestationObject": encode(made),
            "transports": ["usb"],
        }
        return self._credential(response)

    def answer(self, options: dict[str, Any], **changed: Any) -> dict[str, Any]:
        """Answers ``navigator.credentials.get``; ``changed`` is said in place of what is true."""
        said = {"rp_id": options["rpId"], "challenge": options["challenge"], "origin": self.origin} | changed
        self.count = changed.get("count", self.count + 1)
        data = self._data(said["rp_id"], changed.get("flags", _PRESENT))
        client = self._client(changed.get("type", "webauthn.get"), said)
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": encode(client),
            "authenticatorData": encode(data),
            "signature": encode(signature),
            "userHandle": None,
        }
        return self._credential(response)

    def _data(self, rp_id: str, flags: int) -> bytes:
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _client(self, kind: str, said: dict[str, Any]) -> bytes:
        content = {"type": kind, "challenge": said["challenge"], "origin": said["origin"], "crossOrigin": False}
        return json.dumps(content).encode()

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        name = encode(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}
