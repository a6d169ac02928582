"""Keeping ``token.jwt`` fresh, for as long as the control plane lets this project-user in."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from jupyterlab_hops.platform_client import PlatformClient
from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.server_folder import ServerFolder, ServerFolderError, times_of, usable_token

FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 60.0
SHORTEST_WAIT_S = 1.0
LONGEST_STEP_S = 15.0
"""The event loop's clock stands still while the machine sleeps; so long after its waking the wall clock is read."""
REFUSALS = frozenset({401, 403, 404})


@dataclass(slots=True)
class RenewalState:
    """What became of the token.

    Attributes:
        refusal: Problem details with which the control plane refused a new token; the token then runs out.
        trouble: Problem details of the last attempt that failed and is tried again.
    """

    refusal: dict[str, Any] | None = None
    trouble: dict[str, Any] | None = None


def seconds_until_renewal(token: str, now: float) -> float:
    """How long to wait until half of the token's life is over.

    Raises:
        ValueError: The token says nothing about its life.
    """
    times = times_of(token)
    return max(SHORTEST_WAIT_S, (times.issued + times.expires) / 2 - now)


def seconds_until_retry(failures: int, spread: float) -> float:
    """How long to wait after so many failures in a row; ``spread`` (0 to 1) keeps many servers from calling at once."""
    return min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures - 1, 10)) * (0.5 + spread / 2)


class TokenRenewal:
    """Renews one server's token until it is cancelled or the control plane refuses.

    While the control plane is away it is asked again and again, also when the token has expired meanwhile: then it is
    still renewed for a while.

    Args:
        folder: Where the token lies.
        control_plane: Who signs new ones.
        sleep: Waits; replaced in tests.
        clock: Seconds since the epoch, which go on while the machine sleeps.
    """

    def __init__(
        self,
        folder: ServerFolder,
        control_plane: PlatformClient,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._control_plane = control_plane
        self._sleep = sleep
        self._clock = clock
        self.state = RenewalState()

    async def run(self) -> None:
        """Renews at half of each token's life; an attempt that fails is tried again with growing pauses."""
        failures = 0
        while self.state.refusal is None:
            try:
                wait_s = seconds_until_renewal(self._folder.token(), self._clock())
            except (ServerFolderError, ValueError) as error:
                self.state.refusal = ProblemError(503, "no-token", "No token", str(error)).body
                return
            await self._wait(seconds_until_retry(failures, random.random()) if failures else wait_s)  # noqa: S311 - a pause
            failures = 0 if await self.renew() else failures + 1

    async def _wait(self, seconds: float) -> None:
        moment = self._clock() + seconds
        while (left_s := moment - self._clock()) > 0:
            await self._sleep(min(left_s, LONGEST_STEP_S))

    async def renew(self) -> bool:
        """Asks for a new token once, and puts it in its place; whether that worked."""
        try:
            token = await self._control_plane.read(
                "api/v1/tokens:renew", lambda answer: usable_token(answer["token"]), method="POST"
            )
            self._folder.replace_token(token)
        except ProblemError as error:
            self.state.trouble = error.body
            if error.status in REFUSALS:
                self.state.refusal = error.body
            return False
        except OSError:
            self.state.trouble = ProblemError(
                503,
                "token-not-kept",
                "Token not renewed",
                "The new token could not be written to this server's folder.",
                "Free some disk space; it is tried again by itself.",
            ).body
            return False
        self.state.trouble = None
        return True
