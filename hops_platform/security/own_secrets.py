"""The platform's own keys and credentials, made once for each home."""

from __future__ import annotations

import secrets

from hops_contract.layout import Home
from hops_platform.audit.trail import AUDIT_KEY, ensure_audit_key
from hops_platform.security.sealing import SEALING_KEY, ensure_sealing_key
from hops_platform.security.tokens import HUB_CREDENTIAL, SIGNING_KEY, ensure_secret, ensure_signing_key


def ensure_secrets(home: Home) -> None:
    """Makes those that are missing; leaves the others as they are."""
    ensure_signing_key(home.secret(SIGNING_KEY))
    ensure_secret(home.secret(HUB_CREDENTIAL), secrets.token_urlsafe(32))
    ensure_sealing_key(home.secret(SEALING_KEY))
    ensure_audit_key(home.secret(AUDIT_KEY))
