from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from hops_platform.errors import UnauthenticatedError
from hops_platform.second_factor import codes
from hops_platform.second_factor.challenges import LIFETIME, MAX_CHALLENGE_LENGTH, make_challenge, open_challenge
from hops_platform.second_factor.codes import (
    RECOVERY_CODES,
    code_of,
    digest_of,
    generate_recovery_codes,
    generate_secret,
    matching_step,
    qr_code,
    setup_address,
    step_at,
    tidy,
)
from hops_platform.security.sealing import Sealer

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
NOW = datetime(2026, 5, 4, 10, 0, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    # RFC 6238, appendix B; its examples have eight digits, of which six digits are the last ones.
    assert code_of(RFC_SECRET, step_at(datetime.fromtimestamp(seconds, UTC))) == code


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_one_step_before_and_one_after_are_taken(steps: int, *, good: bool) -> None:
    step = step_at(NOW) + steps
    found = matching_step(RFC_SECRET, code_of(RFC_SECRET, step), moment=NOW, after=0)
    assert found == (step if good else None)


def test_a_used_code_and_those_before_it_are_good_no_more() -> None:
    used = step_at(NOW)
    for step in (used - 1, used):
        assert matching_step(RFC_SECRET, code_of(RFC_SECRET, step), moment=NOW, after=used) is None
    assert matching_step(RFC_SECRET, code_of(RFC_SECRET, used + 1), moment=NOW, after=used) == used + 1


@pytest.mark.parametrize("code", ["", "000000", "0", "28708", "2870822", "\uff12\uff18\uff17\uff10\uff18\uff12"])
def test_other_texts_are_no_codes(code: str) -> None:
    assert matching_step(RFC_SECRET, code, moment=datetime.fromtimestamp(59, UTC), after=0) is None


def test_all_codes_of_the_window_are_compared_in_a_time_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(codes, "hmac", type("Watched", (), {"compare_digest": staticmethod(compare)}))
    present = step_at(NOW)
    assert matching_step(RFC_SECRET, code_of(RFC_SECRET, present - 1), moment=NOW, after=0) == present - 1
    assert len(compared) == 3


def test_secrets_and_recovery_codes_are_long_and_differ() -> None:
    assert len({generate_secret() for _ in range(20)}) == 20
    assert len(generate_secret()) * 5 == 160
    made = [code for _ in range(5) for code in generate_recovery_codes()]
    assert len(set(made)) == 5 * RECOVERY_CODES
    assert all(len(tidy(code)) * 5 == 80 for code in made)


def test_a_recovery_code_is_known_however_it_is_typed() -> None:
    code = generate_recovery_codes()[0]
    assert digest_of(code) == digest_of(f" {code.upper().replace('-', ' ')} ")
    assert code.replace("-", "") not in digest_of(code)


def test_the_qr_code_is_a_picture_and_nothing_else() -> None:
    address = setup_address(RFC_SECRET, user="ada", site="HopsLab")
    assert address == f"otpauth://totp/HopsLab:ada?secret={RFC_SECRET}&issuer=HopsLab"
    picture = ET.fromstring(qr_code(address))  # noqa: S314 - made here
    names = {element.tag.rpartition("}")[2] for element in picture.iter()}
    assert names <= {"svg", "path", "g"}
    attributes = {name for element in picture.iter() for name in element.attrib}
    assert not {name for name in attributes if name.startswith("on") or name in ("style", "href")}
    assert RFC_SECRET not in qr_code(address)


def test_a_challenge_opens_for_some_minutes_and_only_with_the_platforms_key() -> None:
    sealer = Sealer(b"k" * 32)
    challenge = make_challenge("a" * 30, valid_from=NOW, moment=NOW, sealer=sealer)
    assert len(challenge) <= MAX_CHALLENGE_LENGTH
    opened = open_challenge(challenge, moment=NOW + LIFETIME - timedelta(seconds=1), sealer=sealer)
    assert opened == ("a" * 30, NOW, "", NOW)
    with pytest.raises(UnauthenticatedError):
        open_challenge(challenge, moment=NOW + LIFETIME, sealer=sealer)
    with pytest.raises(UnauthenticatedError):
        open_challenge(challenge, moment=NOW, sealer=Sealer(b"x" * 32))


@pytest.mark.parametrize("challenge", ["", "x", "é", "AAAA", "A" * 400])
def test_a_made_up_challenge_is_refused(challenge: str) -> None:
    with pytest.raises(UnauthenticatedError):
        open_challenge(challenge, moment=NOW, sealer=Sealer(b"k" * 32))


def test_what_was_sealed_for_something_else_is_no_challenge() -> None:
    sealer = Sealer(b"k" * 32)
    other = base64.urlsafe_b64encode(sealer.seal(b'{"user": "ada"}', purpose="second-factor x")).decode()
    with pytest.raises(UnauthenticatedError):
        open_challenge(other, moment=NOW, sealer=sealer)
