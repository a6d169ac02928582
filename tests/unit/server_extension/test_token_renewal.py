"""When the token is renewed, when it is tried again, and when never more. No clock and no network are real here."""

from __future__ import annotations

import base64
import json
from itertools import pairwise

import pytest
from jupyterlab_hops import token_renewal
from jupyterlab_hops.platform_client import PlatformClient
from jupyterlab_hops.problems import ProblemError
from jupyterlab_hops.server_folder import ServerFolder
from jupyterlab_hops.token_renewal import TokenRenewal, seconds_until_renewal, seconds_until_retry

NOW = 1_000_000.0


def make_token(issued, expires, name="t"):
    claims = json.dumps({"iat": issued, "exp": expires, "jti": name}).encode()
    return "e30." + base64.urlsafe_b64encode(claims).rstrip(b"=").decode() + ".c2ln"


class StopRenewalError(Exception):
    """Ends the loop of a test."""


class ScriptedControlPlane(PlatformClient):
    """Answers one after the other what it was given, and stops the test when it has nothing more."""

    def __init__(self, *answers):
        super().__init__("The control plane", "http://nowhere", lambda: "token")
        self.answers = list(answers)
        self.calls = []
        self.asked_at = []
        self.clock = lambda: NOW

    async def request(self, method, path, body=None):
        self.calls.append((method, path, body))
        self.asked_at.append(self.clock())
        if not self.answers:
            raise StopRenewalError
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    """A clock that only pauses move, and a machine that may fall asleep in the next one."""

    def __init__(self):
        self.now = NOW
        self.pauses = []
        self.machine_sleeps_s = 0.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds + self.machine_sleeps_s
        self.machine_sleeps_s = 0.0


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "token.jwt").write_text(make_token(NOW, NOW + 900))
    return ServerFolder(tmp_path, {})


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def no_spread(monkeypatch):
    monkeypatch.setattr(token_renewal.random, "random", lambda: 1.0)


def renewal(folder, control_plane, clock):
    control_plane.clock = clock
    return TokenRenewal(folder, control_plane, sleep=clock.sleep, clock=clock)


def waits(control_plane):
    """How long it was waited before each request."""
    return [after - before for before, after in pairwise([NOW, *control_plane.asked_at])]


def down(status=503):
    return ProblemError(status, "engine-down", "No answer", "The control plane does not answer.")


async def run_until_stopped(subject):
    with pytest.raises(StopRenewalError):
        await subject.run()


@pytest.mark.asyncio
async def test_each_token_is_renewed_when_half_of_its_life_is_over(folder, clock):
    tokens = [make_token(NOW + 450, NOW + 1350, "second"), make_token(NOW + 900, NOW + 1800, "third")]
    control_plane = ScriptedControlPlane(*({"token": token} for token in tokens))
    await run_until_stopped(renewal(folder, control_plane, clock))
    assert waits(control_plane) == [450, 450, 450]
    assert control_plane.calls[0] == ("POST", "api/v1/tokens:renew", None)
    assert folder.token() == tokens[-1]


@pytest.mark.asyncio
@pytest.mark.usefixtures("no_spread")
@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_control_plane_in_trouble_is_asked_again_with_growing_pauses(folder, clock, status):
    new = make_token(NOW + 480, NOW + 1380)
    control_plane = ScriptedControlPlane(*[down(status)] * 4, {"token": new})
    subject = renewal(folder, control_plane, clock)
    await run_until_stopped(subject)
    assert waits(control_plane) == [450, 2, 4, 8, 16, 450]
    assert subject.state.trouble is None
    assert folder.token() == new


@pytest.mark.asyncio
async def test_a_machine_that_slept_renews_within_seconds_of_its_waking(folder, clock):
    two_days_s = 2 * 24 * 3600.0
    clock.machine_sleeps_s = two_days_s
    new = make_token(NOW + two_days_s, NOW + two_days_s + 900, "second")
    control_plane = ScriptedControlPlane({"token": new})
    await run_until_stopped(renewal(folder, control_plane, clock))
    assert control_plane.asked_at[0] - NOW - two_days_s <= 15
    assert max(clock.pauses) <= 15
    assert folder.token() == new


@pytest.mark.asyncio
async def test_a_control_plane_that_is_away_for_longer_than_the_token_lives_is_asked_until_it_is_back(folder, clock):
    new = make_token(NOW + 7000, NOW + 7900, "second")
    control_plane = ScriptedControlPlane(*[down()] * 200, {"token": new})
    subject = renewal(folder, control_plane, clock)
    await run_until_stopped(subject)
    assert control_plane.asked_at[200] > NOW + 5 * 900
    assert subject.state.refusal is None
    assert subject.state.trouble is None
    assert folder.token() == new


@pytest.mark.asyncio
async def test_the_last_failure_is_kept_to_be_shown_while_it_lasts(folder, clock):
    subject = renewal(folder, ScriptedControlPlane(down()), clock)
    assert await subject.renew() is False
    assert subject.state.trouble["detail"] == "The control plane does not answer."
    assert subject.state.refusal is None


@pytest.mark.asyncio
@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refusal_ends_the_renewal_with_its_reason(folder, clock, status):
    old = folder.token()
    refused = ProblemError(status, "x", "Not a member", "ada is not a member of weather any more.", "Ask an owner.")
    control_plane = ScriptedControlPlane(refused)
    subject = renewal(folder, control_plane, clock)
    await subject.run()
    assert len(control_plane.calls) == 1
    assert subject.state.refusal == refused.body
    assert subject.state.refusal["remedy"] == "Ask an owner."
    assert folder.token() == old


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [None, {}, [], {"token": "two words"}, {"token": "x" * 5000}, {"token": ""}])
async def test_what_is_no_token_leaves_the_old_one_in_its_place(folder, clock, answer):
    old = folder.token()
    subject = renewal(folder, ScriptedControlPlane(answer), clock)
    assert await subject.renew() is False
    assert subject.state.trouble["title"] == "Unexpected answer"
    assert folder.token() == old


@pytest.mark.asyncio
async def test_a_folder_without_a_token_ends_the_renewal_with_a_remedy(folder, clock):
    (folder.path / "token.jwt").unlink()
    subject = renewal(folder, ScriptedControlPlane(), clock)
    await subject.run()
    assert subject.state.refusal["title"] == "No token"
    assert "Stop the notebook server" in subject.state.refusal["detail"]


def test_the_pauses_end_at_a_minute_and_are_spread_over_half_of_their_length():
    assert [seconds_until_retry(failures, 1.0) for failures in (1, 2, 6, 7, 1000)] == [2, 4, 60, 60, 60]
    assert seconds_until_retry(6, 0.0) == 30


def test_a_token_that_is_past_its_half_is_renewed_after_a_second():
    assert seconds_until_renewal(make_token(NOW - 900, NOW), NOW) == 1.0


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "e30.e30.x"])
def test_a_token_that_says_nothing_about_its_life_is_refused(token):
    with pytest.raises(ValueError, match="nothing readable about its life"):
        seconds_until_renewal(token, NOW)


def test_a_new_token_takes_the_place_of_the_old_one_for_its_owner_alone(folder, monkeypatch):
    replaced = []
    real = type(folder.path).replace

    def replace(source, target):
        replaced.append((source.read_text(), source.stat().st_mode & 0o777, target.name))
        return real(source, target)

    monkeypatch.setattr(type(folder.path), "replace", replace)
    folder.replace_token("new-token")
    # It was whole and private before it had the name that readers know.
    assert replaced == [("new-token", 0o600, "token.jwt")]
    assert [path.name for path in folder.path.iterdir()] == ["token.jwt"]
    assert folder.token() == "new-token"


def test_a_full_disk_leaves_the_old_token_and_no_debris(folder, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    old = folder.token()
    monkeypatch.setattr("jupyterlab_hops.server_folder.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        folder.replace_token("new-token")
    assert folder.token() == old
    assert [path.name for path in folder.path.iterdir()] == ["token.jwt"]
