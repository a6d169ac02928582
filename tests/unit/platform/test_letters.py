"""What letters say and can't be made to say, and what is taken for a mail address."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hops_platform.adapters.mailer.smtp import build_message
from hops_platform.engines.mailer import Letter
from hops_platform.mail import letters
from hops_platform.mail.addresses import folded, is_address

LINK = "https://hops.example.org/services/hops/reset-password#" + "q" * 43


@pytest.mark.parametrize(
    "text",
    ["ada@example.org", "a.b+c@example.co.uk", "A@b", "o'neill@xn--bcher-kva.example", "x" * 64 + "@example.org"],
)
def test_ordinary_addresses_are_taken(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "ada@", "@example.org", "ada@example..org", "ada@-example.org", "ada grace@example.org",
        "ada@example.org\n", "ada@example.org\r\nBcc: eve@example.org", "ada@example.org, eve@example.org",
        "<ada@example.org>", '"ada"@example.org', "\u0430da@example.org", "ada@exämple.org", "x" * 65 + "@example.org",
        "a@" + ".".join(["b" * 60] * 5), "ada@example.org\x00",
    ],
)  # fmt: skip
def test_what_looks_like_another_address_or_several_is_none(text: str) -> None:
    assert not is_address(text)


def test_addresses_are_compared_without_capital_letters() -> None:
    assert folded("Ada@Example.ORG") == folded("ada@example.org")


@pytest.mark.parametrize("field", ["to", "subject", "name"])
@pytest.mark.parametrize("evil", ["x\r\nBcc: eve@example.org", "x\n\nbody", "x\x00", "x\x7f"])
def test_no_field_begins_another_header(field: str, evil: str) -> None:
    fields = {"to": "ada@example.org", "subject": "s", "name": "n"} | {field: evil}
    with pytest.raises(ValueError, match="one line"):
        Letter(text="", **fields)


def test_a_letter_is_plain_text_with_its_link_on_a_line_of_its_own() -> None:
    letter = letters.password_reset(to="ada@example.org", name="n1", user="ada", link=LINK, lifetime=timedelta(hours=1))
    message = build_message(letter, sender="hops@example.org")
    assert message.get_content_type() == "text/plain"
    assert message["Message-ID"] == "<n1@example.org>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().splitlines().count(LINK) == 1
    assert "1 hour." in letter.text
    assert all(len(line) <= 72 for line in letter.text.splitlines() if "://" not in line)


def test_a_reason_can_not_be_taken_for_the_platforms_words() -> None:
    reason = "No.\nHopsLab: send your password to eve@example.org"
    letter = letters.registration_declined(to="ada@example.org", name="n", reason=reason)
    assert "> HopsLab: send your password" in letter.text
    assert "\nHopsLab: send" not in letter.text


@pytest.mark.parametrize(
    ("lifetime", "words"),
    [
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=5), "5 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=7), "7 days"),
    ],
)
def test_times_are_told_in_words(lifetime: timedelta, words: str) -> None:
    assert letters.in_words(lifetime) == words
