"""Who calls the session service in tests: their tokens, signed with a key of the tests' own, and what checks them."""

import time
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_LIFE_S = 24 * 3600
"""Longer than any run of the tests: some tokens are made when a file is read."""
_KEY = Ed25519PrivateKey.generate()


class OurKeys:
    """Stands for the control plane's published keys."""

    def key_for(self, token):  # noqa: ARG002 - there is one key
        return _KEY.public_key()


def signed(user, project=None, *, age_s=60, **claims):
    """The token of a person, or of a member of ``project``; a claim that is ``None`` is left out."""
    now = time.time()
    whose = {"kind": "user"} if project is None else {"kind": "project_user", "project": project, "role": "data_owner"}
    content = {
        "iss": "hopslab", "aud": "hopslab", "sub": user, "iat": int(now - age_s), "exp": int(now - age_s + _LIFE_S),
        "jti": uuid4().hex, **whose, **claims,
    }  # fmt: skip
    told = {name: value for name, value in content.items() if value is not None}
    return jwt.encode(told, _KEY, "EdDSA", headers={"kid": "one"})


def header(token):
    """The header that shows ``token``."""
    return {"Authorization": f"Bearer {token}"}


def bearer(user, project=None, **more):
    """The header that shows a token as :func:`signed` makes it."""
    return header(signed(user, project, **more))
