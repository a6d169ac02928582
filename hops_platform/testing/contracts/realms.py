"""The contract of realms as a test class. An adapter's test derives from it and gives ``engine`` and ``people``."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import pytest

from hops_platform.engines.realms import GivenIdToken, GivenPassword, GivenTicket, Proof, ProofKind, Realm
from hops_platform.errors import EngineUnavailableError, WrongCredentialsError

ALL_PROOFS: dict[ProofKind, Proof] = {
    ProofKind.PASSWORD: GivenPassword(username="ada", password="heron teapot violin"),  # noqa: S106
    ProofKind.TICKET: GivenTicket(token=b"heron teapot violin"),
    ProofKind.ID_TOKEN: GivenIdToken(token="heron teapot violin", nonce="n" * 32),  # noqa: S106
}


class People(Protocol):
    """Whoever has an account in the realm, changed as its owners change it.

    Attributes:
        tells_more: Whether the realm knows names for people and e-mail addresses.
        can_go: Whether the realm can be asked who is still there.
    """

    tells_more: bool
    can_go: bool

    def add(self, name: str) -> None:
        """Somebody called ``name``; whoever was called so before is somebody else."""
        ...

    def remove(self, name: str) -> None:
        """Nobody is called ``name`` any more."""
        ...

    def disable(self, name: str) -> None:
        """Somebody who may not log in any more."""
        ...

    def proof(self, name: str) -> Proof:
        """A good one, if there is somebody of this name."""
        ...

    def bad_proof(self, name: str) -> Proof:
        """One that proves nothing."""
        ...

    def away(self) -> AbstractContextManager[None]:
        """The situation in which the realm does not answer, or, where it is not asked, in which nothing is other."""
        ...


class RealmContract:
    """What every :class:`~hops_platform.engines.realms.Realm` does."""

    def test_somebody_is_always_the_same(self, engine: Realm, people: People) -> None:
        """And nobody else."""
        people.add("ada")
        people.add("grace")
        first, second = engine.authenticate(people.proof("ada")), engine.authenticate(people.proof("ada"))
        other = engine.authenticate(people.proof("grace"))
        assert first.identity == second.identity
        assert first.identity.subject not in ("", other.identity.subject)
        assert (first.identity.username, other.identity.username) == ("ada", "grace")
        if people.tells_more:
            shown = (first.identity.title, first.identity.email)
            assert shown == ("Ada Lovelace", "ada@example.org")

    def test_a_proof_that_is_not_good_is_refused(self, engine: Realm, people: People) -> None:
        """With no word of what was sent."""
        people.add("ada")
        with pytest.raises(WrongCredentialsError) as refused:
            engine.authenticate(people.bad_proof("ada"))
        assert "heron" not in f"{refused.value} {refused.value.remedy}"

    def test_proofs_of_other_kinds_are_refused(self, engine: Realm, people: People) -> None:
        """Whatever they hold."""
        people.add("ada")
        for kind, proof in ALL_PROOFS.items():
            if kind is not engine.proof:
                with pytest.raises(WrongCredentialsError):
                    engine.authenticate(proof)

    def test_nobody_is_refused_like_somebody_with_a_wrong_proof(self, engine: Realm, people: People) -> None:
        """Or it told which names there are."""
        people.add("ada")
        people.remove("nobody")
        said = set()
        for name in ("ada", "nobody"):
            with pytest.raises(WrongCredentialsError) as refused:
                engine.authenticate(people.bad_proof(name))
            said.add((refused.value.detail, refused.value.remedy))
        assert len(said) == 1

    def test_who_may_not_log_in_any_more_is_refused(self, engine: Realm, people: People) -> None:
        """With a proof that is good otherwise."""
        if not people.can_go:
            return
        people.add("ada")
        engine.authenticate(people.proof("ada"))
        people.disable("ada")
        with pytest.raises(WrongCredentialsError):
            engine.authenticate(people.proof("ada"))

    def test_who_is_gone_is_told(self, engine: Realm, people: People) -> None:
        """Also somebody whose name somebody else has now."""
        people.add("ada")
        if not people.can_go:
            assert engine.standing(["somebody"]) is None
            return
        keys = {}
        for name in ("ada", "grace", "edsger", "barbara"):
            people.add(name)
            keys[name] = engine.authenticate(people.proof(name)).identity.subject
        people.remove("grace")
        people.disable("edsger")
        people.remove("barbara")
        people.add("barbara")
        made_up = ["no such key", "*", "ada)(uid=*"]
        standing = engine.standing([*keys.values(), *made_up])
        due = {keys["ada"]: True, keys["grace"]: False, keys["edsger"]: False, keys["barbara"]: False}
        assert standing == due | dict.fromkeys(made_up, False)

    def test_a_realm_that_is_away_says_nothing_of_anybody(self, engine: Realm, people: People) -> None:
        """Neither that they are wrong nor that they are gone."""
        if not people.can_go:
            return
        people.add("ada")
        proof = people.proof("ada")
        with people.away():
            with pytest.raises(EngineUnavailableError) as refused:
                engine.authenticate(proof)
            with pytest.raises(EngineUnavailableError):
                engine.standing(["somebody"])
        assert refused.value.remedy
        engine.authenticate(proof)
