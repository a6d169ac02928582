from __future__ import annotations

import pytest

from hops_platform.engines.realms import GivenPassword, Proof
from hops_platform.testing.contracts.realms import RealmContract
from hops_platform.testing.realm_fakes import MemoryRealm


class PeopleInMemory:
    tells_more = can_go = True

    def __init__(self, realm: MemoryRealm) -> None:
        self.add, self.remove, self.disable, self.away = realm.add, realm.remove, realm.disable, realm.away
        self._realm = realm

    def proof(self, name: str) -> Proof:
        return GivenPassword(username=name, password=self._realm.proof_of(name))

    def bad_proof(self, name: str) -> Proof:
        return GivenPassword(username=name, password="heron teapot of somebody else")


class TestMemoryRealm(RealmContract):
    @pytest.fixture
    def engine(self) -> MemoryRealm:
        return MemoryRealm()

    @pytest.fixture
    def people(self, engine: MemoryRealm) -> PeopleInMemory:
        return PeopleInMemory(engine)
