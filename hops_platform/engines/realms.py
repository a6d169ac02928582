"""Realms: where people have their accounts when it is not here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

MAX_SUBJECT_LENGTH = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPassword:
    """A name and a password, as they were typed."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenTicket:
    """A token of SPNEGO, as a browser sent it."""

    token: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenIdToken:
    """An ID token of OpenID Connect, as the Hub got it from the provider.

    Attributes:
        token: The token.
        nonce: What the browser's log-in was begun with; the token has to hold it.
    """

    token: str = field(repr=False)
    nonce: str = field(repr=False)


Proof = GivenPassword | GivenTicket | GivenIdToken


class ProofKind(StrEnum):
    """What a realm asks people for."""

    PASSWORD = "password"  # noqa: S105
    TICKET = "ticket"
    ID_TOKEN = "id-token"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class RealmIdentity:
    """Who somebody is in a realm.

    Attributes:
        subject: The realm's key for the person: it never changes, and is given to nobody else after them. At most
            :data:`MAX_SUBJECT_LENGTH` characters.
        username: What the realm calls them; a name here is made of it.
        email: Only to be shown: who has an address is not proven by it. At most 320 characters.
        title: Their name among people; at most 200 characters.
        admin: Whether their groups make them an administrator; ``None`` where the realm does not say.
        auditor: Whether their groups make them an auditor; ``None`` where the realm does not say.
    """

    subject: str
    username: str
    email: str = ""
    title: str = ""
    admin: bool | None = None
    auditor: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """What came of a proof that was good.

    Attributes:
        identity: Whose it was.
        answer: What proves to them who the platform is; empty where nothing does.
        asked_just_now: Whether the realm has asked the person for this proof, and not only remembered that it had.
    """

    identity: RealmIdentity
    answer: bytes = b""
    asked_just_now: bool = True


class Realm(Protocol):
    """One place where people have their accounts."""

    @property
    def proof(self) -> ProofKind:
        """What it asks for. Any other proof is refused."""
        ...

    def authenticate(self, proof: Proof) -> Proven:
        """Who somebody is by ``proof``.

        Raises:
            BusyError: So many are asked for at this moment that the realm would not answer soon.
            EngineRefusedError: The realm does not take the platform's own credentials, or is not set up as is told.
            EngineUnavailableError: The realm does not answer.
            ForbiddenError: It is somebody, who may not log in here; says why.
            WrongCredentialsError: It proves nothing; nobody has this name, or the account is disabled. The same answer.
        """
        ...

    def standing(self, subjects: Sequence[str]) -> Mapping[str, bool] | None:
        """Whether each of these may still log in; ``None`` where the realm can't be asked without the person.

        Raises:
            EngineRefusedError: As with :meth:`authenticate`.
            EngineUnavailableError: The realm does not answer; nothing follows for anybody.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRealm:
    """A realm, and what the site decides about it.

    Attributes:
        name: In the database, in the audit and in addresses.
        title: What people read.
        engine: The realm itself.
        approval: Whether an administrator lets in whoever comes for the first time.
        password_url: Where people change their password; empty where that is not told.
    """

    name: str
    title: str
    engine: Realm
    approval: bool = False
    password_url: str = ""
