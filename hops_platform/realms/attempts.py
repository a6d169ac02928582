"""Under which name failed log-ins by a realm are counted."""

from __future__ import annotations

import hashlib
import unicodedata

_NOT_READ = frozenset({"Cc", "Cf", "Mn"})
"""Controls, characters of format, and accents."""


def attempts_with(realm: str, username: str) -> str:
    """Under which name failed log-ins with ``username`` are counted: of each realm apart, at most 64 characters."""
    # No user is called so.
    digest = hashlib.sha256(_as_directories_read(username).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{realm}/{digest[:32]}"


def _as_directories_read(username: str) -> str:
    """What all ways of writing one name have in common, and some names besides: else each way had guesses of its own.

    Directories make no difference between cases, between full-width letters and others, by characters that nobody
    sees and by how many blanks there are (RFC 4518), and Active Directory none by accents.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", username).casefold())
    seen = "".join(c for c in plain if unicodedata.category(c) not in _NOT_READ)
    return " ".join(seen.split())
