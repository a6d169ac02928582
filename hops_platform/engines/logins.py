"""Log-ins of browsers, which the Hub does for all parts of the platform."""

from __future__ import annotations

from typing import Protocol


class BrowserLogins(Protocol):
    """OAuth with the Hub: its proof of identity is a token that ends when the user logs out there."""

    def begin(self, state: str) -> tuple[str, str]:
        """Where to send the browser, and the verifier to keep for :meth:`finish`."""
        ...

    def finish(self, code: str, *, verifier: str) -> str:
        """The token for the code that the browser came back with.

        Raises:
            EngineRefusedError: The code is not good.
        """
        ...

    def end_all(self, user: str) -> None:
        """Stands by no log-in of ``user`` any more without asking the Hub, which ends them by itself.

        Called when the password changes. The Hub does it at the next request with one of them, at the latest some
        seconds after the change.
        """
        ...

    def user_of(self, token: str, *, hub_session: str) -> str | None:
        """The user whose token this is, if the Hub still stands by it and it is for this service.

        Args:
            token: What :meth:`finish` answered.
            hub_session: The Hub's session id of the same browser; it changes at log-out.

        Raises:
            BusyError: So many tokens of nobody known are asked about that this one's turn would not come soon.
        """
        ...

    def person_of(self, token: str) -> str | None:
        """The user whose token this was when the Hub was last asked; answered at once, without asking.

        It proves nothing: the log-in may have ended since. It tells whose turn it is among those that wait.
        """
        ...
