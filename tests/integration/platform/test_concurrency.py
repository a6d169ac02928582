"""Two requests at once, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select, text

from hops_contract.principal import ProjectRole
from hops_platform.certificates.models import Certificate
from hops_platform.certificates.service import certificate_of
from hops_platform.certificates.tasks import issue as issue_task
from hops_platform.outbox import Delivery
from hops_platform.projects.deletion import delete_project
from hops_platform.projects.models import FormerMembership, Membership, Project
from hops_platform.projects.schemas import NewMember
from hops_platform.projects.service import add_member, remove_member
from hops_platform.security.throttling import FREE_ATTEMPTS
from hops_platform.sharing.models import Share
from hops_platform.sharing.receiving import accept, find_received
from hops_platform.sharing.standing import SETTLE
from hops_platform.users.models import User, find_user
from hops_platform.users.schemas import UserEdit
from hops_platform.users.service import edit_user

from .conftest import ON_POSTGRESQL

ANY_VERSION = {"If-Match": "*"}


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """The answers of calls that begin together."""
    barrier = threading.Barrier(len(calls))

    def begin(call: Callable[[], Any]) -> Any:
        barrier.wait(60)
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


def begun_while(session: Any, change: Callable[[], Any]) -> Any:
    """What ``change`` answers, begun in another thread while a transaction is open, until it waits or has ended.

    Commits ``session`` then.
    """
    with ThreadPoolExecutor(1) as threads:
        changing = threads.submit(change)
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while not changing.done() and not session.scalar(waiting):
            pass
        session.commit()
        return changing.result(60)


def good_certificates(hops: Any, user: str) -> int:
    with hops.platform.parts.database.session(writes=False) as session:
        good = select(func.count()).where(Certificate.user_name == user, Certificate.revoked_at.is_(None))
        return session.scalar(good) or 0


@pytest.fixture
def bobs(hops: Any) -> Any:
    """Ada, in whose project Bob is who has no certificate yet, and an administrator."""
    ada = hops.user("ada")
    hops.ready_project(ada)
    hops.create_user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    return ada, hops.user("root", admin=True)


def membership_of_bob(session: Any) -> Membership:
    return session.scalars(select(Membership).join(User, User.id == Membership.user_id).where(User.name == "bob")).one()


WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "removed": lambda ada, _root: ada.delete("projects/weather/members/bob"),
    "deactivated": lambda _ada, root: root.patch("users/bob", json={"active": False}),
    "project deleted": lambda ada, _root: ada.request("DELETE", "projects/weather", json={"name": "weather"}),
}


@ON_POSTGRESQL
@pytest.mark.parametrize("way", WAYS)
def test_a_certificate_that_is_just_being_made_is_revoked_as_well(hops: Any, bobs: Any, way: str) -> None:
    parts = hops.platform.parts
    with parts.database.session() as session:
        certificate_of(session, membership_of_bob(session), parts.sealer)
        answer = begun_while(session, lambda: WAYS[way](*bobs))
    assert answer.is_success, answer.text
    assert good_certificates(hops, "bob") == 0


@ON_POSTGRESQL
@pytest.mark.parametrize("way", ["removed", "deactivated"])
def test_no_certificate_is_made_for_one_who_is_just_leaving(hops: Any, bobs: Any, way: str) -> None:
    parts = hops.platform.parts

    def issue() -> None:
        issue_task(parts, {"project": "weather", "user": "bob"})

    with parts.database.session() as session:
        if way == "removed":
            remove_member(session, membership_of_bob(session))
        else:
            edit_user(session, find_user(session, "bob"), UserEdit(active=False))
            session.flush()
        begun_while(session, issue)
    assert good_certificates(hops, "bob") == 0


@ON_POSTGRESQL
@pytest.mark.parametrize("first", ["added", "deleted"])
def test_a_project_that_is_deleted_has_no_member_that_was_added_meanwhile(hops: Any, first: str) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    hops.create_user("bob")
    with hops.platform.parts.database.session() as session:
        project = session.scalars(select(Project)).one()
        if first == "added":
            add_member(session, project, NewMember(user="bob", role=ProjectRole.DATA_SCIENTIST))
            answer = begun_while(session, lambda: WAYS["project deleted"](ada, None))
            assert answer.is_success
        else:
            delete_project(session, project, repeated_name="weather")
            answer = begun_while(session, lambda: ada.post("projects/weather/members", json={"user": "bob"}))
            assert answer.status_code == 404, answer.text
    with hops.platform.parts.database.session(writes=False) as session:
        assert session.scalars(select(Membership)).all() == []
        former = session.scalar(select(func.count()).select_from(FormerMembership))
        assert former == (2 if first == "added" else 1)


@pytest.fixture
def offered(hops: Any) -> tuple[Any, Any]:
    """Ada, whose project weather offers the dataset raw to tides, and Grace, who owns that."""
    ada, grace = hops.user("ada"), hops.user("grace")
    hops.ready_project(ada)
    hops.ready_project(grace, "tides")
    grace.patch("projects/tides", json={"listed": True}, headers=ANY_VERSION).raise_for_status()
    ada.post("projects/weather/datasets", json={"name": "raw"}).raise_for_status()
    ada.post("projects/weather/datasets/raw/shares", json={"project": "tides"}).raise_for_status()
    hops.deliver()
    return ada, grace


ENDS: dict[str, Callable[[Any], Any]] = {
    "dataset deleted": lambda ada: ada.request("DELETE", "projects/weather/datasets/raw", json={"name": "raw"}),
    "project deleted": lambda ada: ada.request("DELETE", "projects/weather", json={"name": "weather"}),
}


def settlings(session: Any) -> int:
    """How often the sandboxes of tides are still to follow."""
    due = select(func.count()).select_from(Delivery)
    return session.scalar(due.where(Delivery.topic == SETTLE.topic, Delivery.project == "tides")) or 0


@ON_POSTGRESQL
def test_a_dataset_that_is_deleted_while_it_is_accepted_is_taken_away_afterwards(
    hops: Any, offered: tuple[Any, Any]
) -> None:
    ada, _ = offered
    with hops.platform.parts.database.session() as session:
        share = session.scalars(select(Share)).one()
        accept(session, find_received(session, share.project, "weather", "raw"))
        answer = begun_while(session, lambda: ENDS["dataset deleted"](ada))
    assert answer.is_success, answer.text
    with hops.platform.parts.database.session(writes=False) as session:
        assert session.scalars(select(Share)).all() == []
        # One of the acceptance, and one of the deletion that came after it.
        assert settlings(session) == 2
    hops.deliver()
    assert hops.platform.sandboxes.visible.get("tides", {}) == {}


@pytest.mark.parametrize("way", ENDS)
def test_the_sandboxes_of_those_who_could_just_accept_follow_a_deletion(
    hops: Any, offered: tuple[Any, Any], way: str
) -> None:
    ada, _ = offered
    answer = ENDS[way](ada)
    assert answer.is_success, answer.text
    with hops.platform.parts.database.session(writes=False) as session:
        assert settlings(session) == (1 if way == "project deleted" else 0)
