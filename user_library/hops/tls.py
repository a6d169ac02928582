"""The certificate of this project-user: for Kafka, for the platform's REST, for whatever asks who is calling.

Every notebook server and every session has its own copy, which goes with it. On executors of a cluster it lies in the
folder that Spark unpacks for the session.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = [
    "get_ca_chain_location",
    "get_client_certificate_location",
    "get_client_key_location",
    "get_key_store",
    "get_key_store_cert",
    "get_key_store_pwd",
    "get_trust_store",
    "get_trust_store_pwd",
]

CERTIFICATES_VARIABLE = "HOPS_CERTIFICATES"


def get_key_store() -> str:
    """Path of the key store (PKCS#12): certificate, private key and chain; its password is :func:`get_key_store_pwd`.

    Raises:
        FileNotFoundError: This session has no certificate.
    """
    return _file("keystore.p12")


def get_trust_store() -> str:
    """Path of the trust store (PKCS#12): whom to believe; its password is :func:`get_trust_store_pwd`.

    Raises:
        FileNotFoundError: This session has no certificate.
    """
    return _file("truststore.p12")


def get_key_store_cert() -> bytes:
    """What the key store holds.

    Raises:
        FileNotFoundError: This session has no certificate.
    """
    return Path(get_key_store()).read_bytes()


def get_key_store_pwd() -> str:
    """Password of the key store; another one in each session.

    Raises:
        FileNotFoundError: This session has no certificate.
    """
    return Path(_file("password")).read_text(encoding="utf-8")


def get_trust_store_pwd() -> str:
    """Password of the trust store.

    Raises:
        FileNotFoundError: This session has no certificate.
    """
    return get_key_store_pwd()


def get_client_certificate_location() -> str:
    """Path of the certificate (PEM), followed by the authority that signed it.

    Raises:
        FileNotFoundError: This session has no certificate.

    Example:
        >>> requests.get(url, cert=(tls.get_client_certificate_location(), tls.get_client_key_location()),
        ...              verify=tls.get_ca_chain_location())
    """
    return _file("certificate.pem")


def get_client_key_location() -> str:
    """Path of the private key (PEM, not encrypted).

    Raises:
        FileNotFoundError: This session has no certificate.
    """
    return _file("key.pem")


def get_ca_chain_location() -> str:
    """Path of the platform's root authorities (PEM), to check others' certificates with.

    Raises:
        FileNotFoundError: This session has no certificate.
    """
    return _file("authorities.pem")


def _file(name: str) -> str:
    # Nowhere else: in a folder that members share somebody could have put another one's authorities.
    told = os.environ.get(CERTIFICATES_VARIABLE)
    if told and (Path(told) / name).is_file():
        return str((Path(told) / name).absolute())
    raise FileNotFoundError(
        "This session has no certificate: the control plane gave none when it started. Start the session again; if that"
        " does not help, tell an administrator."
    )
