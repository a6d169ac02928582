"""A realm in memory: its people are what a test says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

from hops_platform.engines.realms import GivenPassword, GivenTicket, Proof, ProofKind, Proven, RealmIdentity
from hops_platform.errors import EngineUnavailableError, WrongCredentialsError

_WORD = "heron teapot"


class MemoryRealm:
    """Somebody's password is ``heron teapot NAME``, their ticket the same in bytes, and so is their ID token."""

    tells_more, can_go = True, True

    def __init__(self, proof: ProofKind = ProofKind.PASSWORD, *, can_be_asked: bool = True) -> None:
        self._proof = proof
        self._can_be_asked = can_be_asked
        self._keys = count(1)
        self.identities: dict[str, RealmIdentity] = {}
        self.asked = 0
        self.is_away = False
        self.remembers = False
        """Whether people are let in without being asked anything, as by a provider of OpenID Connect."""

    @property
    def proof(self) -> ProofKind:
        """See :class:`~hops_platform.engines.realms.Realm`."""
        return self._proof

    def authenticate(self, proof: Proof) -> Proven:
        """See :class:`~hops_platform.engines.realms.Realm`."""
        self.asked += 1
        self._check_there()
        name = self._name_in(proof)
        if name not in self.identities:
            raise WrongCredentialsError("The user name or the password is wrong.", remedy="Check both.")
        answer = b"it is me" if self._proof is ProofKind.TICKET else b""
        return Proven(identity=self.identities[name], answer=answer, asked_just_now=not self.remembers)

    def standing(self, subjects: Sequence[str]) -> Mapping[str, bool] | None:
        """See :class:`~hops_platform.engines.realms.Realm`."""
        if not self._can_be_asked:
            return None
        self._check_there()
        known = {identity.subject for identity in self.identities.values()}
        return {subject: subject in known for subject in subjects}

    def add(self, name: str) -> None:
        """See :class:`~hops_platform.testing.contracts.realms.People`."""
        title = "Ada Lovelace" if name == "ada" else name.title()
        subject = f"key-{next(self._keys)}"
        self.identities[name] = RealmIdentity(subject=subject, username=name, email=f"{name}@example.org", title=title)

    def change(self, name: str, **changes: str | bool | None) -> None:
        """Other things are told of somebody."""
        self.identities[name] = replace(self.identities[name], **changes)  # type: ignore[arg-type]

    def remove(self, name: str) -> None:
        """See :class:`~hops_platform.testing.contracts.realms.People`."""
        self.identities.pop(name, None)

    disable = remove

    def proof_of(self, name: str) -> str:
        """The word by which somebody is known."""
        return f"{_WORD} {name}"

    @contextmanager
    def away(self) -> Iterator[None]:
        """See :class:`~hops_platform.testing.contracts.realms.People`."""
        self.is_away = True
        try:
            yield
        finally:
            self.is_away = False

    def _name_in(self, proof: Proof) -> str:
        if self._proof is ProofKind.PASSWORD and isinstance(proof, GivenPassword):
            return proof.username if proof.password == self.proof_of(proof.username) else ""
        if self._proof is ProofKind.TICKET and isinstance(proof, GivenTicket):
            return proof.token.decode("utf-8", "replace").removeprefix(f"{_WORD} ")
        token = getattr(proof, "token", b"")
        return token.removeprefix(f"{_WORD} ") if self._proof is ProofKind.ID_TOKEN and isinstance(token, str) else ""

    def _check_there(self) -> None:
        if self.is_away:
            raise EngineUnavailableError("The directory does not answer.", remedy="Try again in a minute.")
