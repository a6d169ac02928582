from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hops_platform.app import make_storage
from hops_platform.security.browser import local_path
from hops_platform.security.throttling import FREE_ATTEMPTS, lock_after, remaining_failures
from hops_platform.settings import Settings, UnsafeBindError, check_bind


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


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"storage": "nowhere"}, "HOPS_STORAGE"),
        ({"storage": "hdfs://name-node:8020"}, "HOPS_WEBHDFS_ADDRESS"),
        ({"storage": "hdfs://name-node:8020", "webhdfs_address": "name-node:9870"}, "https://"),
        ({"storage": "hdfs://name-node:8020", "webhdfs_address": "https://u:geheim@name-node:9871"}, "credentials"),
        ({"storage": "s3://lake"}, "HOPS_S3_ENDPOINT"),
        ({"storage": "s3://lake", "s3_endpoint": "http://s3.example"}, "https://"),
        ({"storage": "s3://lake", "s3_endpoint": "ftp://127.0.0.1"}, "https://"),
        ({"storage": "hdfs://n:1", "webhdfs_address": "https://n", "hdfs_user": "a b"}, "hdfs_user"),
    ],
)
def test_a_storage_that_can_not_be_reached_safely_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Settings(**given)


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ({}, ""),
        ({"storage": "hdfs://n:8020", "webhdfs_address": "127.0.0.1:9870"}, "http://127.0.0.1:9870"),
        ({"storage": "hdfs://n:8020", "webhdfs_address": "https://n:9871"}, "https://n:9871"),
        ({"storage": "s3://lake", "s3_endpoint": "http://localhost:7070"}, "http://localhost:7070"),
        # HDFS's own address says nothing where datasets lie elsewhere.
        ({"webhdfs_address": "name-node:9870"}, ""),
    ],
)
def test_a_storage_is_reached_by_tls_or_on_this_machine(given: dict[str, str], endpoint: str) -> None:
    assert Settings(**given).storage_endpoint == endpoint


def test_a_buckets_key_that_others_can_read_is_not_taken(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, storage="s3://lake", s3_endpoint="http://127.0.0.1:9")
    key = settings.layout.secret("s3.json")
    with pytest.raises(RuntimeError):
        make_storage(settings)
    key.parent.mkdir()
    key.write_text('{"access_key": "a", "secret_key": "geheim"}')
    key.chmod(0o644)
    with pytest.raises(RuntimeError, match="0600") as told:
        make_storage(settings)
    assert "geheim" not in str(told.value)
    key.chmod(0o600)
    assert "geheim" not in repr(make_storage(settings))
