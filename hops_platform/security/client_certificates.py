"""The certificate that a connection has proven to hold the key of, as ASGI's TLS extension tells it."""

from __future__ import annotations

import ssl
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
