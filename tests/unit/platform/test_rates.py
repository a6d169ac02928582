"""Who is bounded together, and settings that would send passwords in the clear or links to nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from hops_platform.security.rates import client_of
from hops_platform.settings import MailTls, RegistrationRule, Settings


@pytest.mark.parametrize(
    ("source", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_a_network_of_ipv6_is_one_client(source: str, client: str) -> None:
    assert client_of(source) == client


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"registration": RegistrationRule.APPROVAL}, "needs mail"),
        ({"mail_host": "mail.example.org"}, "HOPS_MAIL_FROM"),
        ({"mail_host": "mail.example.org", "mail_from": "hops@example.org", "mail_tls": MailTls.NONE}, "this machine"),
        ({"mail_host": "localhost", "mail_from": "hops@example.org", "mail_user": "hops"}, "HOPS_MAIL_PASSWORD_FILE"),
    ],
)
def test_half_a_mail_server_is_refused_with_what_is_missing(
    tmp_path: Path, given: dict[str, object], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(home=tmp_path, **given)


def test_links_lead_to_the_address_that_people_open(tmp_path: Path) -> None:
    assert Settings(home=tmp_path, public_url="https://hops.example.org/").pages_url == (
        "https://hops.example.org/services/hops/"
    )
    assert Settings(home=tmp_path, port=8090).pages_url == "http://127.0.0.1:8090/services/hops/"
