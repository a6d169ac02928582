"""A project-user's certificate as files: what the control plane hands out, and how it lies in a folder.

Notebook servers and Spark sessions have it in ``certificates/`` of their own folder (0700, files 0600), named by
:data:`CERTIFICATES_VARIABLE`; it goes with the folder.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from hops_contract.descriptions import given_out

CERTIFICATES_FOLDER = "certificates"
CERTIFICATES_VARIABLE = "HOPS_CERTIFICATES"
"""The folder's path, for programs."""

CERTIFICATE = "certificate.pem"
"""The certificate, then the intermediate authority that signed it."""
KEY = "key.pem"
"""Its private key (PKCS#8, not encrypted)."""
AUTHORITIES = "authorities.pem"
"""The root authorities, which others' certificates are checked against."""
KEY_STORE = "keystore.p12"
TRUST_STORE = "truststore.p12"
PASSWORD = "password"  # noqa: S105 - the file's name
"""Of both stores; Java asks for one."""


CONTROL_PLANE = "control-plane"
"""The common name of the control plane's own certificate, and what its files are called."""


class CertificateFiles(BaseModel):
    """A certificate with its key, in the forms that programs read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="Common name: the project-user.", examples=["weather__ada"])
    not_after: datetime = Field(description="When it ends (UTC).", examples=["2027-05-04T10:00:00Z"])
    certificate: str = Field(
        description="PEM: the certificate and the intermediate authority.", examples=["-----BEGIN CERTIFICATE-----…"]
    )
    key: SecretStr = Field(
        description="PEM: the private key.", examples=["-----BEGIN PRIVATE KEY-----…"], json_schema_extra=given_out
    )
    authorities: str = Field(description="PEM: the root authorities.", examples=["-----BEGIN CERTIFICATE-----…"])
    key_store: str = Field(description="PKCS#12 in base64: certificate, key and chain.", examples=["MIIJ…"])
    trust_store: str = Field(description="PKCS#12 in base64: the root authorities.", examples=["MIIE…"])
    password: SecretStr = Field(
        description="Of both stores; another one each time.", examples=["k3fL…"], json_schema_extra=given_out
    )

    def on_the_wire(self) -> dict[str, Any]:
        """With its secrets, which are hidden wherever else it is shown."""
        secrets = {"key": self.key.get_secret_value(), "password": self.password.get_secret_value()}
        return self.model_dump(mode="json") | secrets

    def files(self) -> dict[str, bytes]:
        """The files by their names."""
        return {
            CERTIFICATE: self.certificate.encode(),
            KEY: self.key.get_secret_value().encode(),
            AUTHORITIES: self.authorities.encode(),
            KEY_STORE: base64.b64decode(self.key_store),
            TRUST_STORE: base64.b64decode(self.trust_store),
            PASSWORD: self.password.get_secret_value().encode(),
        }
