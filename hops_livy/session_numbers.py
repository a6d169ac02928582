"""The numbers of sessions and batches.

Law: none is given twice, also over restarts: a client of an old session must not meet a new one.
"""

from __future__ import annotations

import logging
from pathlib import Path

from hops_contract.layout import numbered
from hops_contract.private_files import write_private
from hops_livy.errors import CanNotStartError, disk_trouble

LOG = logging.getLogger(__name__)


class SessionNumbers:
    """Counts on from the largest number that was ever given.

    Args:
        sessions: The folder of the sessions' folders, where the last number is written down.
        records: The folder of their records.
    """

    def __init__(self, sessions: Path, records: Path) -> None:
        self._sessions = sessions
        self._records = records
        self._file = sessions / "last-id"
        self._last = -1

    def load(self) -> None:
        """Reads what an earlier service has given, as far as it is known."""
        known = [*numbered(self._sessions), *numbered(self._records)]
        try:
            known.append(int(self._file.read_text()))
        except FileNotFoundError:
            pass
        except (OSError, ValueError):
            LOG.warning("which number a session had last can't be read; numbers go on after those that are left")
        self._last = max(known, default=-1)

    def give(self) -> int:
        """The next number.

        Raises:
            CanNotStartError: It can't be written down.
        """
        self._last += 1
        try:
            write_private(self._file, str(self._last))
        except OSError as error:
            raise CanNotStartError(disk_trouble(error)) from error
        return self._last
