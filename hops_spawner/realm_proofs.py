"""What a log-in by a realm hands on inside the Hub, and how a log-in is refused."""

from __future__ import annotations

from dataclasses import dataclass, field

from tornado.web import HTTPError


@dataclass(slots=True)
class RealmProof:
    """What proves to a realm who somebody is. Made by the Hub's own addresses alone, never of a form's fields.

    Attributes:
        realm: The realm's name.
        ticket: A token of SPNEGO, in base64.
        id_token: An ID token that the Hub fetched from the provider.
        nonce: What the log-in was begun with that the ID token is for.
        answer: What the platform proves itself by, once the ticket was good; in base64.
    """

    realm: str
    ticket: str = field(default="", repr=False)
    id_token: str = field(default="", repr=False)
    nonce: str = field(default="", repr=False)
    answer: str = field(default="", repr=False)


class LoginRefusedError(HTTPError):
    """A login that failed, or is not done yet; the Hub shows its text on the login page.

    Args:
        status: The page's status.
        text: What the page says.
        challenge: Where a code is asked for next: what the page sends along with it.
        failed: Whether something was wrong.
        security_key: Where a security key can answer instead: what to ask it, as JSON.
        realm: The realm that was chosen, so that the page shows it again.
    """

    def __init__(
        self,
        status: int,
        text: str,
        *,
        challenge: str = "",
        failed: bool = True,
        security_key: str = "",
        realm: str = "",
    ) -> None:
        super().__init__(status, text)
        self.security_key = security_key
        self.jupyterhub_message = text
        self.challenge = challenge
        self.failed = failed
        self.realm = realm
