from __future__ import annotations

import re
from datetime import UTC, datetime

import httpx
import pytest

from hops_platform.second_factor.codes import code_of, step_at

from .conftest import Person, Site

pytestmark = pytest.mark.hub
CODE = "Six digits from your authenticator app"


@pytest.fixture
def guarded(somebody: Person) -> tuple[Person, list[str]]:
    """Somebody with a second factor, and their recovery codes."""
    begun = somebody.ask("POST", "me/second-factor", json={"password": somebody.password})
    assert begun.status_code == 200, begun.text
    code = code_of(begun.json()["secret"], step_at(datetime.now(UTC)))
    confirmed = somebody.ask("POST", "me/second-factor:confirm", json={"code": code})
    assert confirmed.status_code == 200, confirmed.text
    return somebody, confirmed.json()["recovery_codes"]


def test_the_hub_asks_for_a_code_after_the_password(guarded: tuple[Person, list[str]]) -> None:
    person, codes = guarded
    asked = person.log_in()
    assert (asked.status_code, CODE in asked.text) == (403, True)
    assert person.client.get("hub/token", follow_redirects=False).status_code == 302, (
        "the password alone lets nobody in"
    )
    wrong = answer(person, challenge_in(asked), "nothing")
    assert (wrong.status_code, "The code is not right" in wrong.text, CODE in wrong.text) == (403, True, True)
    done = answer(person, challenge_in(wrong), codes[0])
    assert done.status_code == 302, done.text
    assert person.client.get("hub/token", follow_redirects=False).status_code == 200
    assert person.client.get("services/hops/", follow_redirects=True).url.path == "/services/hops/"


def test_a_challenge_of_ones_own_making_begins_again(guarded: tuple[Person, list[str]], site: Site) -> None:
    person, codes = guarded
    person.client.get("hub/login")
    for challenge in ("made-up", "x" * 5000, "<script>alert(1)</script>"):
        refused = answer(person, challenge, codes[1])
        assert refused.status_code in (400, 403), refused.text
        assert CODE not in refused.text
        assert "<script>alert" not in refused.text
    assert person.client.get("hub/token", follow_redirects=False).status_code == 302


def challenge_in(page: httpx.Response) -> str:
    found = re.search(r'name="challenge" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return found[1]


def answer(person: Person, challenge: str, code: str) -> httpx.Response:
    form = {"username": person.name, "challenge": challenge, "code": code, "_xsrf": person.xsrf()}
    return person.client.post("hub/login", data=form, follow_redirects=False)
