"""Electronic mail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail to one address, in plain text.

    Attributes:
        to: The address.
        subject: One line.
        text: What it says; lines end with a line feed.
        name: The same for each try to send it, so that mail programs can tell a repetition.

    Raises:
        ValueError: Address or subject would begin another header.
    """

    to: str
    subject: str
    text: str
    name: str

    def __post_init__(self) -> None:
        """Refuses what could begin a header of its own."""
        if any(character < " " or character == "\x7f" for character in self.to + self.subject + self.name):
            raise ValueError("A header of a mail is one line without control characters.")


class Mailer(Protocol):
    """Sends mail, for the outbox alone: no request waits for a mail server."""

    @property
    def sends(self) -> bool:
        """Whether this site has mail at all; where it has none, links are handed over by people."""
        ...

    def probe(self) -> str:
        """What it is, in few words; no mail is sent for it.

        Raises:
            PlatformError: It does not work.
        """
        ...

    def send(self, letter: Letter) -> None:
        """Hands a letter to the mail server.

        Raises:
            EngineRefusedError: The mail server refused it, or the site has no mail.
            EngineUnavailableError: It does not answer, or can't be trusted.
        """
        ...
