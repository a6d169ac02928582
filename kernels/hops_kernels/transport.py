"""How requests to the session service travel: with time limits, and with patience while the service restarts."""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.util import Retry

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 120.0
CONNECT_RETRIES = 6
BACKOFF_S = 0.25


class PatientAdapter(HTTPAdapter):
    """Tries again while no connection can be made (nothing was sent then, so nothing happens twice), about 16 s in all.

    sparkmagic retries answers of 500 and above by itself; it sets no time limits and gives up on a refused connection.
    """

    def __init__(self) -> None:
        retries = Retry(
            total=None, connect=CONNECT_RETRIES, read=0, status=0, redirect=0, other=0, backoff_factor=BACKOFF_S
        )
        super().__init__(max_retries=retries)

    def send(self, request: Any, stream: bool = False, timeout: Any = None, **options: Any) -> Any:  # type: ignore[override]  # noqa: FBT001, FBT002 - signature of requests
        """Sends ``request`` under the time limits, where the caller sets none."""
        limit = timeout if timeout is not None else (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        return super().send(request, stream=stream, timeout=limit, **options)
