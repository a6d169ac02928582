"""A certificate's files for tests that need some and look at none."""

from __future__ import annotations

from hops_contract.certificates import CertificateFiles

SAMPLE = CertificateFiles(
    name="weather__ada", not_after="2027-05-04T10:00:00Z", certificate="a certificate", key="a key",
    authorities="authorities", key_store="a2V5cw==", trust_store="dHJ1c3Q=", password="a password",
)  # fmt: skip
