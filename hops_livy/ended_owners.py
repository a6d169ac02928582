"""Owners whose work was ended because they are no longer members, or may no longer log in.

A token is good until it expires, whatever has become of its owner. The control plane, which looks members up at every
call, tells this service once when somebody goes; from then on what was signed before that moment is refused here. Who
comes back gets a new token, and with it is let in.
"""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

import jwt

from hops_contract.principal import Principal
from hops_contract.private_files import write_private
from hops_livy.errors import NotAuthenticatedError

LOG = logging.getLogger(__name__)
_KEPT_S = 25 * 3600.0
"""Longer than any token lives."""


class EndedOwners:
    """When whose work was ended.

    Args:
        file: Where it is kept, for the next start of the service.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ended: dict[str, float] = {}

    def load(self) -> None:
        """Reads what an earlier service knew."""
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
            self._ended = {str(owner): float(moment) for owner, moment in known.items()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, AttributeError):
            LOG.warning("who was ended before this start can't be read; tokens of before are good until they expire")

    def note(self, project_user: str) -> None:
        """The work of ``project_user`` ends now."""
        now = time.time()
        self._ended = {owner: moment for owner, moment in self._ended.items() if moment > now - _KEPT_S}
        self._ended[project_user] = now
        try:
            write_private(self._file, json.dumps(self._ended))
        except OSError as error:
            LOG.warning("that %s was ended can't be written down: %s", project_user, error.strerror)

    def check_welcome(self, principal: Principal, token: str) -> None:
        """Checks that the caller's work was not ended after ``token``, which was verified already, was signed.

        Raises:
            NotAuthenticatedError: It was.
        """
        moment = self._ended.get(principal.project_user)
        if moment is None or float(jwt.decode(token, options={"verify_signature": False})["iat"]) > moment:
            return
        raise NotAuthenticatedError(
            f"You are no longer a member of project {principal.project}, or were not when this token was signed.",
            remedy="Start the notebook server again; if that is refused, ask a Data Owner of the project.",
        )
