"""How the command line reads a site's settings."""

import pytest

from hopslab.errors import SiteError
from hopslab.settings import load_settings


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in ("HOPS_BIND", "HOPS_PORT", "HOPS_TLS_CERT", "HOPS_TLS_KEY", "HOPS_HOME", "HOPS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_reach_this_machine_only():
    assert load_settings().url == "http://127.0.0.1:8000/"


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "::", "example.org"])
def test_an_address_that_others_reach_is_refused_without_tls(monkeypatch, address):
    monkeypatch.setenv("HOPS_BIND", address)
    with pytest.raises(SiteError, match="without TLS"):
        load_settings()


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_tls(monkeypatch, address):
    monkeypatch.setenv("HOPS_BIND", address)
    assert load_settings().bind == address


def test_an_address_that_others_reach_is_taken_with_tls(monkeypatch, tmp_path):
    for name in ("CERT", "KEY"):
        (tmp_path / name).write_text("")
        monkeypatch.setenv(f"HOPS_TLS_{name}", str(tmp_path / name))
    monkeypatch.setenv("HOPS_BIND", "0.0.0.0")
    assert load_settings().url == "https://127.0.0.1:8000/"


def test_a_certificate_without_its_key_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("HOPS_TLS_CERT", str(tmp_path / "cert"))
    with pytest.raises(SiteError, match="needs its key"):
        load_settings()


def test_a_certificate_that_is_not_there_is_named_by_its_variable_and_not_by_its_path(monkeypatch, tmp_path):
    monkeypatch.setenv("HOPS_TLS_CERT", str(tmp_path / "cert"))
    monkeypatch.setenv("HOPS_TLS_KEY", str(tmp_path / "key"))
    with pytest.raises(SiteError, match="HOPS_TLS_CERT") as refusal:
        load_settings()
    assert str(tmp_path) not in str(refusal.value)


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_an_impossible_port_is_named_by_its_variable(monkeypatch, port):
    monkeypatch.setenv("HOPS_PORT", port)
    with pytest.raises(SiteError, match="HOPS_PORT"):
        load_settings()


def test_a_rule_of_a_variable_keeps_its_own_words(monkeypatch):
    monkeypatch.setenv("HOPS_SANDBOX_REACHES", "proxy:1")
    with pytest.raises(SiteError, match=r"^HOPS_SANDBOX_REACHES can't be used: 'proxy:1' is no address.*[^.]\.$"):
        load_settings()
