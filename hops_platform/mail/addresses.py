"""Mail addresses as the platform takes them: those of HTML's ``<input type=email>``, in ASCII.

Letters that look alike, and names that would need quoting, are thereby none; a domain in another script is written as
``xn--…``. Source of the pattern: https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

MAX_ADDRESS_LENGTH = 254
_MAX_LOCAL_LENGTH = 64
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*\Z")
_RULE = "A mail address is of the form name@example.org, in plain letters."


def is_address(text: str) -> bool:
    """Whether ``text`` is a mail address."""
    local = text.partition("@")[0]
    return len(text) <= MAX_ADDRESS_LENGTH and len(local) <= _MAX_LOCAL_LENGTH and _ADDRESS.match(text) is not None


def folded(address: str) -> str:
    """By what two addresses are compared: no mail server in use tells them apart by capital letters."""
    return address.lower()


def _check(text: str) -> str:
    text = text.strip()
    if not is_address(text):
        raise ValueError(_RULE)
    return text


MailAddress = Annotated[
    str, Field(max_length=MAX_ADDRESS_LENGTH, examples=["grace@example.org"]), AfterValidator(_check)
]
