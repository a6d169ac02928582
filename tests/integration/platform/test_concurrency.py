"""Two requests at once, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hops_platform.security.throttling import FREE_ATTEMPTS

ANY_VERSION = {"If-Match": "*"}


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """The answers of calls that begin together."""
    barrier = threading.Barrier(len(calls))

    def begin(call: Callable[[], Any]) -> Any:
        barrier.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(begin, calls))


def statuses(answers: list[Any]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def test_of_several_that_create_one_project_one_succeeds(hops: Any) -> None:
    clients = [hops.user(name) for name in ("ada", "bob", "eve", "joe")]
    answers = at_once(*(lambda c=client: c.post("projects", json={"name": "weather"}) for client in clients))
    assert statuses(answers) == [201, 409, 409, 409]
    owners = [client for client in clients if client.get("projects/weather").status_code == 200]
    assert len(owners) == 1


def test_one_key_sent_twice_at_once_creates_once(hops: Any) -> None:
    ada = hops.user("ada")
    request = {"json": {"name": "weather"}, "headers": {"Idempotency-Key": "k"}}
    answers = at_once(*[lambda: ada.post("projects", **request)] * 2)
    assert statuses(answers)[0] == 201
    assert set(statuses(answers)) <= {201, 409}
    assert ada.post("projects", **request).status_code == 201
    assert len(ada.get("projects").json()["items"]) == 1


def test_of_two_that_add_one_member_one_succeeds(hops: Any) -> None:
    ada = hops.user("ada")
    hops.create_user("bob")
    hops.ready_project(ada)
    answers = at_once(*[lambda: ada.post("projects/weather/members", json={"user": "bob"})] * 2)
    assert statuses(answers) == [201, 409]
    assert len(ada.get("projects/weather/members").json()["items"]) == 2


@pytest.mark.parametrize("way", ["remove", "leave", "demote"])
def test_two_data_owners_can_not_both_go_at_once(hops: Any, way: str) -> None:
    ada, bob = hops.user("ada"), hops.user("bob")
    hops.ready_project(ada)
    ada.post("projects/weather/members", json={"user": "bob", "role": "data_owner"}).raise_for_status()
    calls: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "remove": (
            lambda: ada.delete("projects/weather/members/bob"),
            lambda: bob.delete("projects/weather/members/ada"),
        ),
        "leave": (
            lambda: ada.delete("projects/weather/members/ada"),
            lambda: bob.delete("projects/weather/members/bob"),
        ),
        "demote": (
            lambda: ada.patch("projects/weather/members/ada", json={"role": "data_scientist"}, headers=ANY_VERSION),
            lambda: bob.patch("projects/weather/members/bob", json={"role": "data_scientist"}, headers=ANY_VERSION),
        ),
    }
    answers = at_once(*calls[way])
    assert sum(answer.is_success for answer in answers) == 1, [answer.text for answer in answers]
    members = next(
        page.json()["items"]
        for page in (ada.get("projects/weather/members"), bob.get("projects/weather/members"))
        if page.status_code == 200
    )
    assert sum(member["role"] == "data_owner" for member in members) == 1


def test_two_administrators_can_not_both_go_at_once(hops: Any) -> None:
    ada, bob = hops.user("ada", admin=True), hops.user("bob", admin=True)
    answers = at_once(
        lambda: ada.patch("users/ada", json={"admin": False}), lambda: bob.patch("users/bob", json={"admin": False})
    )
    assert statuses(answers) == [200, 409]


def test_edits_of_one_version_at_once_lose_nothing(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    tag = ada.get("projects/weather").headers["ETag"]

    def edit(title: str) -> Any:
        return ada.patch("projects/weather", json={"title": title}, headers={"If-Match": tag})

    answers = at_once(lambda: edit("A"), lambda: edit("B"))
    (won,) = [answer for answer in answers if answer.status_code == 200]
    (lost,) = [answer for answer in answers if answer.status_code != 200]
    assert lost.status_code == 412
    assert ada.get("projects/weather").json()["title"] == won.json()["title"]


def test_first_limits_at_once_lose_nothing(hops: Any) -> None:
    admin = hops.user("grace", admin=True)
    hops.ready_project(hops.user("ada"))
    read = admin.get("projects/weather/limits")

    def edit(number: int) -> Any:
        tag = {"If-Match": read.headers["ETag"]}
        return admin.put("projects/weather/limits", json=read.json() | {"max_executors": number}, headers=tag)

    answers = at_once(lambda: edit(2), lambda: edit(3))
    assert statuses(answers) == [200, 412]
    (won,) = [answer for answer in answers if answer.status_code == 200]
    assert admin.get("projects/weather/limits").json() == won.json()


def test_wrong_passwords_at_once_are_all_counted(hops: Any) -> None:
    hops.create_user("ada")

    def fail() -> Any:
        return hops.anonymous().post("tokens", json={"username": "ada", "password": "wrong password"})

    answers = at_once(*[fail] * FREE_ATTEMPTS)
    assert set(statuses(answers)) <= {401, 429}
    assert fail().status_code == 429


def test_options_remembered_at_once_are_one_of_the_two(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    answers = at_once(
        lambda: ada.put("projects/weather/server-options", json={"executors": 2}),
        lambda: ada.put("projects/weather/server-options", json={"executors": 3}),
    )
    assert set(statuses(answers)) <= {200, 409}
    assert ada.get("projects/weather/server-options").json()["options"]["executors"] in (2, 3)
