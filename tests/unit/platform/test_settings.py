from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hops_platform.security.browser import local_path
from hops_platform.security.throttling import FREE_ATTEMPTS, lock_after, remaining_failures
from hops_platform.settings import UnsafeBindError, check_bind


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_no_tls(host: str) -> None:
    check_bind(host, cert=None, key=None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_another_address_needs_certificate_and_key(host: str) -> None:
    with pytest.raises(UnsafeBindError, match="HOPS_TLS_CERT"):
        check_bind(host, cert=Path("cert.pem"), key=None)
    check_bind(host, cert=Path("cert.pem"), key=Path("key.pem"))


@pytest.mark.parametrize(
    "text", ["//evil.test/", "https://evil.test/", "/other/", "/services/hops/../x", "/services/hops/\\x", "", "\n"]
)
def test_a_redirect_never_leads_elsewhere(text: str) -> None:
    assert local_path(text, prefix="/services/hops/") == "/services/hops/"


def test_locks_grow_and_end() -> None:
    assert lock_after(FREE_ATTEMPTS - 1) is None
    pauses = [lock_after(failures) for failures in range(FREE_ATTEMPTS, FREE_ATTEMPTS + 40)]
    assert pauses == sorted(pause for pause in pauses if pause is not None)
    assert pauses[-1].total_seconds() == 480


def fail_whenever_unlocked(*, at_least_every: timedelta, attempts: int) -> list[timedelta | None]:
    """The locks of a name for which somebody fails as soon as it is unlocked, but not more often than that."""
    failures, locks = 0, [lock_after(0)]
    for _ in range(attempts):
        failures = remaining_failures(failures, max(at_least_every, locks[-1] or timedelta())) + 1
        locks.append(lock_after(failures))
    return locks


def test_who_guesses_as_fast_as_can_be_has_some_guesses_an_hour() -> None:
    locks = fail_whenever_unlocked(at_least_every=timedelta(), attempts=500)
    assert set(locks[-100:]) == {timedelta(minutes=8)}


def test_a_wrong_password_now_and_then_locks_nobody_out() -> None:
    assert set(fail_whenever_unlocked(at_least_every=timedelta(minutes=5), attempts=500)) == {None}
