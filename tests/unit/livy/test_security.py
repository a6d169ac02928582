"""Tokens that were found good are believed for a minute, and no longer than they say themselves."""

from __future__ import annotations

import asyncio
import time

import pytest

from hops_contract.tokens import LEEWAY_S, ExpiredTokenError, InvalidTokenError
from hops_livy import security
from tests.unit.contract.test_tokens import OneKey, signed


class CountedKey(OneKey):
    asked = 0

    def key_for(self, token):
        self.asked += 1
        return super().key_for(token)


@pytest.fixture
def keys():
    return CountedKey()


@pytest.fixture
def tokens(keys):
    return security.Tokens(keys)


def whose(tokens, token):
    return asyncio.run(tokens.principal(token)).project_user


def test_a_token_is_verified_once_while_it_is_used(tokens, keys):
    token = signed()
    assert [whose(tokens, token) for _ in range(3)] == ["weather__ada"] * 3
    assert keys.asked == 1


def test_after_a_minute_it_is_verified_again(tokens, keys, monkeypatch):
    token = signed(exp=int(time.time()) + 3600)
    whose(tokens, token)
    later = time.monotonic() + 61
    monkeypatch.setattr(security.time, "monotonic", lambda: later)
    whose(tokens, token)
    assert keys.asked == 2


def test_one_that_expires_meanwhile_is_refused_though_it_was_good_a_moment_ago(tokens):
    end = int(time.time()) - LEEWAY_S + 3
    token = signed(exp=end)
    assert whose(tokens, token) == "weather__ada"
    while time.time() < end + LEEWAY_S:
        time.sleep(0.05)
    with pytest.raises(ExpiredTokenError):
        whose(tokens, token)


def test_a_token_that_proves_nothing_is_never_remembered(tokens, keys):
    forged = signed(kind="emperor")
    for _ in range(2):
        with pytest.raises(InvalidTokenError):
            whose(tokens, forged)
    assert keys.asked == 2


def test_every_change_of_a_good_token_is_another_token(tokens):
    token = signed()
    whose(tokens, token)
    for other in (token[:-2], token + "A", token.replace(".", "..", 1)):
        with pytest.raises(InvalidTokenError):
            whose(tokens, other)


def test_so_many_are_remembered_and_no_more(tokens, keys, monkeypatch):
    monkeypatch.setattr(security, "_REMEMBERED", 2)
    first, *others = (signed(jti=str(number)) for number in range(3))
    for token in (first, *others, first):
        whose(tokens, token)
    assert keys.asked == 4
