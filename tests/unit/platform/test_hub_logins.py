"""Questions to the Hub about what anybody may make up: few at once, in a line that nobody known stands in."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from hops_platform.adapters.logins import hub_oauth, proven
from hops_platform.adapters.logins.hub_oauth import UNPROVEN_AT_ONCE, HubOAuthLogins
from hops_platform.adapters.logins.proven import ProvenTokens
from hops_platform.errors import BusyError
from tests.waiting import until

SOON_S = 60


class SlowHub:
    """The Hub, asked by a client of its: answers at once for whom it knows, and else when the test says so."""

    access_scopes = frozenset({"access:services!service=hops"})
    users: dict[str, str]
    asked: list[str]
    hold: threading.Event

    def __init__(self, cache_max_age: int) -> None:  # noqa: ARG002
        self.cache: dict[str, Any] = {}

    def user_for_token(self, token: str, *, use_cache: bool = True, session_id: str = "") -> dict[str, Any] | None:
        key = f"{session_id}:{token}"
        if use_cache and key in self.cache:
            return self.cache[key]
        self.asked.append(token)
        if token not in self.users:
            assert self.hold.wait(SOON_S * 2)
            return None
        model = {"kind": "user", "name": self.users[token], "scopes": list(self.access_scopes)}
        if use_cache:
            self.cache[key] = model
        return model

    def token_for_code(self, code: str, *, code_verifier: str) -> str:  # noqa: ARG002
        assert self.hold.wait(SOON_S * 2)
        return code

    def check_scopes(self, required: Any, model: dict[str, Any]) -> set[str]:
        return set(required) & set(model["scopes"])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[SlowHub]]:
    SlowHub.users, SlowHub.asked, SlowHub.hold = {"of-ada": "ada"}, [], threading.Event()
    monkeypatch.setattr(hub_oauth, "HubOAuth", SlowHub)
    yield SlowHub
    SlowHub.hold.set()


@pytest.fixture
def in_thread() -> Iterator[Callable[..., Future[Any]]]:
    with ThreadPoolExecutor(50) as threads:
        yield threads.submit


def test_made_up_cookies_hold_up_nobody_whom_the_hub_stood_by(hub: type[SlowHub], in_thread: Any) -> None:
    logins = HubOAuthLogins()
    assert logins.person_of("of-ada") is None
    assert logins.user_of("of-ada", hub_session="") == "ada"
    flood = [in_thread(logins.user_of, f"made-up-{number}", hub_session="") for number in range(40)]
    flood += [in_thread(logins.finish, "made-up", verifier="") for _ in range(5)]
    until(lambda: sum(made_up.done() for made_up in flood) == len(flood) - UNPROVEN_AT_ONCE)
    assert in_thread(logins.user_of, "of-ada", hub_session="").result(SOON_S) == "ada"
    assert in_thread(logins.user_of, "of-ada", hub_session="another").result(SOON_S) == "ada"
    in_thread(logins.end_all, "bob").result(SOON_S)
    hub.hold.set()
    errors = [made_up.exception(SOON_S) for made_up in flood]
    assert sum(isinstance(error, BusyError) for error in errors) == len(flood) - UNPROVEN_AT_ONCE
    assert logins.user_of("made-up", hub_session="") is None, "the line is open again"


def test_the_hub_is_asked_about_the_unknown_each_time_and_about_the_known_once(hub: type[SlowHub]) -> None:
    logins = HubOAuthLogins()
    hub.hold.set()
    for _ in range(3):
        logins.user_of("made-up", hub_session="")
        logins.user_of("of-ada", hub_session="")
    assert hub.asked.count("made-up") == 3, "nothing made up is kept"
    assert hub.asked.count("of-ada") == 2


def test_who_is_no_longer_logged_in_is_nobody_known(hub: type[SlowHub]) -> None:
    logins = HubOAuthLogins()
    hub.hold.set()
    logins.user_of("of-ada", hub_session="")
    assert logins.person_of("of-ada") == "ada"
    hub.users.clear()
    assert logins.user_of("of-ada", hub_session="after the log-out") is None
    assert logins.person_of("of-ada") is None


def test_a_new_password_ends_what_is_known(hub: type[SlowHub]) -> None:
    logins = HubOAuthLogins()
    hub.hold.set()
    hub.users["of-bob"] = "bob"
    for _ in range(2):
        for token in ("of-ada", "of-bob"):
            logins.user_of(token, hub_session="")
    logins.end_all("ada")
    assert (logins.person_of("of-ada"), logins.person_of("of-bob")) == (None, "bob")
    hub.users.pop("of-ada")
    assert logins.user_of("of-ada", hub_session="") is None


def test_what_was_proven_is_kept_for_a_day_by_its_hash_and_not_without_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1e6
    monkeypatch.setattr(proven.time, "monotonic", lambda: now)
    monkeypatch.setattr(proven, "KEPT", 3)
    tokens = ProvenTokens()
    for number in range(4):
        tokens.remember(f"token-{number}", "ada")
        tokens.remember("token-0", "ada")
    assert [tokens.person_of(f"token-{number}") for number in range(4)] == ["ada", None, "ada", "ada"]
    assert hashlib.sha256(b"token-3").digest() in tokens._kept
    now += proven.KEPT_S
    assert tokens.person_of("token-3") is None
