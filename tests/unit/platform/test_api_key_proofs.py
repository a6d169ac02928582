from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime

import pytest

from hops_platform.api_keys import use
from hops_platform.api_keys.proofs import KEY_LENGTH, digest_of, generate_key, is_key, shown_of
from hops_platform.api_keys.use import KeysInUse

MOMENT = datetime(2026, 5, 4, 10, tzinfo=UTC)


def test_keys_are_of_256_random_bits_and_known_by_their_beginning() -> None:
    keys = {generate_key() for _ in range(50)}
    assert len(keys) == 50
    assert {len(key) for key in keys} == {KEY_LENGTH}
    assert all(is_key(key) for key in keys)
    assert not is_key("eyJhbGciOiJFZERTQSJ9.e30.x")


def test_what_is_stored_is_no_key() -> None:
    key = generate_key()
    assert digest_of(key) == hashlib.sha256(key.encode()).hexdigest()
    assert len(key) - len(shown_of(key)) >= 35, "of what is shown nobody gets to the rest"


def test_the_person_of_a_key_is_known_after_its_use_until_it_was_refused() -> None:
    keys, key = KeysInUse(), generate_key()
    assert keys.person_of(key) is None
    keys.note(key, user="ada", identifier=uuid.uuid4(), moment=MOMENT)
    assert keys.person_of(key) == "ada"
    keys.forget(key)
    assert keys.person_of(key) is None


def test_uses_are_told_once() -> None:
    keys, key, identifier = KeysInUse(), generate_key(), uuid.uuid4()
    keys.note(key, user="ada", identifier=identifier, moment=MOMENT)
    assert keys.take_uses() == {identifier: MOMENT}
    assert keys.take_uses() == {}


def test_no_more_keys_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use, "REMEMBERED", 2)
    keys, made = KeysInUse(), [generate_key() for _ in range(3)]
    for key in made:
        keys.note(key, user="ada", identifier=uuid.uuid4(), moment=MOMENT)
    assert [keys.person_of(key) for key in made] == [None, "ada", "ada"]
