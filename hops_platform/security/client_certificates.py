"""The certificate that a connection has proven to hold the key of, as ASGI's TLS extension tells it."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections import OrderedDict
from collections.abc import Mapping, MutableMapping
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

EXTENSION = "tls"
_CHAIN = "client_cert_chain"


def tell_certificate(scope: MutableMapping[str, Any], certificate: bytes) -> None:
    """Writes the client's certificate (DER) into a request's ``scope``; only who ends TLS may call it."""
    chain = {_CHAIN: (ssl.DER_cert_to_PEM_cert(certificate),)}
    scope["extensions"] = {**scope.get("extensions", {}), EXTENSION: chain}


def presented_certificate(scope: Mapping[str, Any]) -> bytes | None:
    """The client's certificate in DER; ``None`` where the connection has none. No header has any part in it."""
    chain = scope.get("extensions", {}).get(EXTENSION, {}).get(_CHAIN, ())
    return ssl.PEM_cert_to_DER_cert(chain[0]) if chain else None


def common_name(certificate: bytes) -> str:
    """The common name in a certificate; empty if it has none."""
    try:
        names = x509.load_der_x509_certificate(certificate).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return ""
    return str(names[0].value) if names else ""


class RefusedCertificates:
    """Those that were shown and are no member's, or were revoked; they never are good again. Thread-safe.

    TLS knows nothing of that: it has held them against the authority alone.

    Args:
        most: How many are remembered; those that were refused longest ago are forgotten.
    """

    def __init__(self, *, most: int = 10_000) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._refused: OrderedDict[bytes, None] = OrderedDict()

    def note(self, certificate: bytes) -> None:
        """Remembers one (DER)."""
        with self._lock:
            self._refused[_digest(certificate)] = None
            if len(self._refused) > self._most:
                self._refused.popitem(last=False)

    def __contains__(self, certificate: bytes) -> bool:
        return _digest(certificate) in self._refused


def _digest(certificate: bytes) -> bytes:
    return hashlib.sha256(certificate).digest()
