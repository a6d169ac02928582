"""A person's token for the platform's own services is the same for a minute, as long as it would prove the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hops_contract.tokens import InvalidTokenError
from hops_platform.security import kept_tokens
from hops_platform.security.kept_tokens import KEPT, KEPT_S, MARGIN, KeptTokens
from hops_platform.security.tokens import Signer

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def signer(lifetime: timedelta = timedelta(minutes=15)) -> Signer:
    return Signer(Ed25519PrivateKey.generate(), lifetime=lifetime, chain=timedelta(days=30))


class Clock:
    """Time, as the test has it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(kept_tokens, "time", clock)
    return clock


def test_it_is_the_same_for_a_minute(clock: Clock) -> None:
    kept = KeptTokens(signer())
    first = kept.of_user("ada", admin=False, valid_from=SINCE)
    clock.now += KEPT_S - 1
    assert kept.of_user("ada", admin=False, valid_from=SINCE) == first
    clock.now += 1
    second = kept.of_user("ada", admin=False, valid_from=SINCE)
    assert second != first
    clock.now += KEPT_S - 1
    assert kept.of_user("ada", admin=False, valid_from=SINCE) == second, "its own minute"


def test_it_proves_what_holds_now() -> None:
    signs = signer()
    kept = KeptTokens(signs)
    tokens = [
        kept.of_user("ada", admin=False, valid_from=SINCE),
        kept.of_user("bob", admin=False, valid_from=SINCE),
        kept.of_user("ada", admin=True, valid_from=SINCE),
        kept.of_user("ada", admin=False, valid_from=SINCE + timedelta(milliseconds=1)),
    ]
    assert len(set(tokens)) == len(tokens)
    proven = [signs.verify(token).principal for token in tokens]
    assert [(one.user, one.admin) for one in proven] == [
        ("ada", False), ("bob", False), ("ada", True), ("ada", False),
    ]  # fmt: skip


def test_it_is_not_kept_until_its_end() -> None:
    # One that ends within the margin is good for no call but the next.
    short = KeptTokens(signer(MARGIN))
    assert short.of_user("ada", admin=False, valid_from=SINCE) != short.of_user("ada", admin=False, valid_from=SINCE)
    longer = KeptTokens(signer(MARGIN + timedelta(seconds=30)))
    assert longer.of_user("ada", admin=False, valid_from=SINCE) == longer.of_user("ada", admin=False, valid_from=SINCE)


def test_of_many_people_the_oldest_are_forgotten() -> None:
    kept = KeptTokens(signer())
    first = kept.of_user("user0", admin=False, valid_from=SINCE)
    for number in range(1, KEPT + 1):
        last = kept.of_user(f"user{number}", admin=False, valid_from=SINCE)
    assert len(kept._kept) == KEPT
    assert kept.of_user(f"user{KEPT}", admin=False, valid_from=SINCE) == last
    assert kept.of_user("user0", admin=False, valid_from=SINCE) != first


def test_a_good_token_is_verified_once_and_one_that_is_none_is_never_remembered() -> None:
    signs = signer()
    token = signs.sign_user("ada", admin=False).token
    assert signs.verify(token, even_expired=True) is signs.verify(token, even_expired=True)
    for made_up in (f"{token[:-4]}AAAA", token.replace(".", ".e", 1), "a.b.c"):
        for _ in range(2):
            with pytest.raises(InvalidTokenError):
                signs.verify(made_up, even_expired=True)
    assert signs._verify_even_expired.cache_info().currsize == 1
