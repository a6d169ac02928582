"""What the platform's sessions are called in Apache Livy.

Laws:

1. A name means one session: no platform gives it twice, and no two platforms give the same one, however many share a
   Livy.
2. From a name it can be told whether the session is this platform's, and which.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from hops_contract.private_files import write_private

_SITE = r"[0-9a-f]{12}"


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one platform's sessions.

    Attributes:
        prefix: What they begin with, for people who look at Livy's own pages.
        site: Tells platforms apart that share a Livy.
    """

    prefix: str
    site: str

    def name(self, application: str) -> str:
        """The name of the session whose application is called so (``application_<milliseconds>_<id>``)."""
        return f"{self.prefix}-{self.site}-{application}"

    def session_id(self, name: str) -> int | None:
        """The platform's own id of the session with that name; ``None`` if it is not this platform's."""
        match = re.fullmatch(rf"{re.escape(self.prefix)}-{self.site}-application_[0-9]+_([0-9]{{1,12}})", name)
        return None if match is None else int(match[1])


def site_of(file: Path) -> str:
    """The platform's mark, made once and kept in ``file``.

    Raises:
        OSError: It can't be written.
    """
    try:
        text = file.read_text(encoding="ascii").strip()
        if re.fullmatch(_SITE, text):
            return text
    except (FileNotFoundError, UnicodeDecodeError):
        pass
    site = secrets.token_hex(6)
    write_private(file, site)
    return site
