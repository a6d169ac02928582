"""The contract of log-ins of browsers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hops_platform.engines.logins import BrowserLogins
from hops_platform.errors import EngineRefusedError


class LoginsContract:
    """What every :class:`~hops_platform.engines.logins.BrowserLogins` does.

    Beside ``engine`` an adapter's test gives the fixture ``authorize``: it plays the browser of ada, who is logged in
    at the Hub, goes to an address, and tells the code that the browser is sent back with.
    """

    def test_a_log_in_ends_with_the_user(self, engine: BrowserLogins, authorize: Callable[[str], str]) -> None:
        """The whole way of a browser."""
        address, verifier = engine.begin("the-state")
        assert "the-state" in address
        token = engine.finish(authorize(address), verifier=verifier)
        assert engine.person_of(token) is None
        for _ in range(2):
            assert engine.user_of(token, hub_session="") == "ada"
            assert engine.person_of(token) == "ada"
        engine.end_all("ada")
        assert engine.person_of(token) is None

    def test_a_code_is_good_for_one_log_in(self, engine: BrowserLogins, authorize: Callable[[str], str]) -> None:
        """Whoever finds it later, in a history for instance, gets nothing."""
        address, verifier = engine.begin("the-state")
        code = authorize(address)
        engine.finish(code, verifier=verifier)
        with pytest.raises(EngineRefusedError):
            engine.finish(code, verifier=verifier)

    def test_a_code_is_of_no_use_without_the_verifier(
        self, engine: BrowserLogins, authorize: Callable[[str], str]
    ) -> None:
        """It was made for the browser that began."""
        address, _ = engine.begin("the-state")
        with pytest.raises(EngineRefusedError):
            engine.finish(authorize(address), verifier="another" * 8)

    def test_a_made_up_code_is_refused(self, engine: BrowserLogins) -> None:
        """Nobody is logged in by guessing."""
        _, verifier = engine.begin("the-state")
        with pytest.raises(EngineRefusedError):
            engine.finish("made-up", verifier=verifier)

    def test_a_made_up_token_is_nobodys(self, engine: BrowserLogins) -> None:
        """The cookie comes from the browser and may hold anything."""
        assert engine.user_of("made-up", hub_session="") is None
        assert engine.person_of("made-up") is None
