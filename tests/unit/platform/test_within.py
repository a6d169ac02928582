"""Which requests came from the platform's own machine, past no proxy."""

from __future__ import annotations

from typing import Any

import pytest

from hops_contract.origins import tell_proxied
from hops_platform.errors import ForbiddenError
from hops_platform.security.within import came_from_within, check_from_within


@pytest.mark.parametrize(
    ("peer", "headers", "within"),
    [
        (("127.0.0.1", 5), (), True),
        (("127.8.8.8", 5), ((b"authorization", b"x"),), True),
        (("::1", 5, 0, 0), (), True),
        (("198.51.100.7", 5), (), False),
        (("", 0), (), False),
        (("testclient", 5), (), False),
        (None, (), False),
        (("127.0.0.1", 5), ((b"x-forwarded-for", b"127.0.0.1"),), False),
        (("127.0.0.1", 5), ((b"X-Real-IP", b"127.0.0.1"),), False),
        (("127.0.0.1", 5), ((b"forwarded", b"for=127.0.0.1"),), False),
        (("127.0.0.1", 5), ((b"via", b"1.1 x"),), False),
    ],
)
def test_a_peer_on_loopback_that_speaks_for_nobody_else_is_within(peer: Any, headers: Any, within: Any) -> None:
    assert came_from_within({"client": peer, "headers": headers}) is within


def test_what_the_proxy_passed_on_is_not() -> None:
    scope: dict[str, Any] = {"client": ("127.0.0.1", 5), "headers": ()}
    check_from_within(scope)
    tell_proxied(scope)
    with pytest.raises(ForbiddenError, match="own machine"):
        check_from_within(scope)
