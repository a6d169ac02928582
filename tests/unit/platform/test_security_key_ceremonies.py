"""At which addresses security keys work, and what is no answer of one."""

from __future__ import annotations

import pytest

from hops_platform.security_keys.ceremonies import (
    KnownKey,
    RelyingParty,
    ask_to_answer,
    ask_to_make,
    challenge_in,
    check_answer,
    check_made,
    encode,
    relying_party,
)
from tests.soft_key import SoftKey

PARTY = RelyingParty("hops.example.org", "https://hops.example.org")


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("https://hops.example.org/", PARTY),
        ("https://hops.example.org:8443/", RelyingParty("hops.example.org", "https://hops.example.org:8443")),
        ("http://localhost:8000/", RelyingParty("localhost", "http://localhost:8000")),
        ("http://127.0.0.1:8000/", RelyingParty("localhost", "http://localhost:8000")),
        ("http://[::1]:8000/", RelyingParty("localhost", "http://localhost:8000")),
        ("http://hops.example.org/", None),
        ("https://192.0.2.7/", None),
        ("", None),
    ],
)
def test_keys_need_a_name_and_tls_but_on_this_machine(address: str, party: RelyingParty | None) -> None:
    assert relying_party(address) == party


def test_a_key_that_was_made_answers() -> None:
    key = SoftKey()
    options = ask_to_make(PARTY, b"c" * 32, user_id=b"u" * 16, user="ada", known=[KnownKey(b"old", ["usb", "smoke"])])
    assert options["excludeCredentials"][0]["transports"] == ["usb"]
    assert (options["rp"]["id"], options["authenticatorSelection"]["userVerification"]) == (PARTY.id, "discouraged")
    made = check_made(PARTY, b"c" * 32, key.make(options))
    assert made is not None
    assert made.credential_id == key.credential_id
    asked = ask_to_answer(PARTY, b"d" * 32, known=[KnownKey(key.credential_id, [])])
    answer = key.answer(asked)
    assert challenge_in(answer["response"]["clientDataJSON"]) == b"d" * 32
    assert check_answer(PARTY, b"d" * 32, answer, public_key=made.public_key, sign_count=0) == 1
    assert check_answer(PARTY, b"e" * 32, answer, public_key=made.public_key, sign_count=0) is None
    assert check_answer(PARTY, b"d" * 32, answer, public_key=made.public_key, sign_count=1) is None


@pytest.mark.parametrize("text", ["", "é", "AAAA", encode(b"{}"), encode(b'{"challenge": 1}'), encode(b"[" * 5000)])
def test_what_is_no_client_data_has_no_challenge(text: str) -> None:
    assert challenge_in(text) == b""


@pytest.mark.parametrize("rubbish", ["", "AAAA", encode(b"\xa0"), encode(b"\x9f" * 3000), encode(b"\xff" * 400)])
def test_rubbish_is_no_key_and_no_fault(rubbish: str) -> None:
    key = SoftKey()
    options = ask_to_make(PARTY, b"c" * 32, user_id=b"u" * 16, user="ada", known=[])
    made = key.make(options)
    for field in ("attestationObject", "clientDataJSON"):
        spoilt = {**made, "response": {**made["response"], field: rubbish}}
        assert check_made(PARTY, b"c" * 32, spoilt) is None
    good = check_made(PARTY, b"c" * 32, made)
    assert good is not None
    answer = key.answer(ask_to_answer(PARTY, b"d" * 32, known=[]))
    for field in ("authenticatorData", "clientDataJSON", "signature"):
        spoilt = {**answer, "response": {**answer["response"], field: rubbish}}
        assert check_answer(PARTY, b"d" * 32, spoilt, public_key=good.public_key, sign_count=0) is None
