"""Where TLS may be left out: one answer for all products."""

from __future__ import annotations

import pytest

from hops_contract.loopback import is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "::1"])
def test_only_this_machine_reaches_these(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "localhost.example.org", "127.0.0.1.example.org"])
def test_others_reach_these_or_may_come_to_reach_them(host: str) -> None:
    assert not is_loopback(host)
