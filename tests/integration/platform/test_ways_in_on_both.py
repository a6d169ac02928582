"""Passwords, invitations and registrations from first to last, on both databases; many at the same moment too."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hops_platform.addresses.service import set_address
from hops_platform.settings import RegistrationRule
from hops_platform.users.models import find_user
from tests.soft_key import ORIGIN, SoftKey

PASSWORD = "four unrelated words"


def link(hops: Any) -> str:
    hops.deliver()
    return str(hops.platform.mailer.sent[-1].text.partition("#")[2].split()[0])


def test_people_come_in_by_every_way(hops: Any) -> None:
    hops.platform.parts.settings.registration = RegistrationRule.APPROVAL
    ada, admin = hops.user("ada"), hops.user("root-ada", admin=True)
    hops.ready_project(ada)
    ada.post("projects/weather/invitations", json={"address": "alan@example.org"}).raise_for_status()
    body = {"token": link(hops), "name": "alan", "password": PASSWORD}
    hops.anonymous().post("./invitations:register", json=body).raise_for_status()
    hops.anonymous().post("registrations", json={"address": "grace@example.org"}).raise_for_status()
    body = {"token": link(hops), "name": "grace", "password": PASSWORD}
    hops.anonymous().post("./registrations:finish", json=body).raise_for_status()
    for one in admin.get("registrations", params={"limit": 1}).json()["items"] * 2:
        admin.post(f"./registrations/{one['id']}:approve")
    (left,) = admin.get("registrations").json()["items"]
    admin.post(f"./registrations/{left['id']}:approve").raise_for_status()
    hops.anonymous().post("password-resets", json={"who": "grace@example.org"}).raise_for_status()
    body = {"token": link(hops), "password": f"{PASSWORD}!"}
    assert hops.anonymous().post("./password-resets:finish", json=body).json() == {"user": "grace"}
    logged_in = hops.anonymous().post("tokens", json={"username": "grace", "password": f"{PASSWORD}!"})
    grace = hops.with_token(logged_in.json()["token"])
    moves = {"address": "grace@example.com", "password": f"{PASSWORD}!"}
    grace.put("me/address", json=moves).raise_for_status()
    hops.anonymous().post("./addresses:confirm", json={"token": link(hops)}).raise_for_status()
    ada.post("projects/weather/invitations", json={"address": "grace@example.com"}).raise_for_status()
    (mine,) = grace.get("me/invitations").json()["items"]
    grace.post(f"./me/invitations/{mine['id']}:accept").raise_for_status()
    members = {item["user"] for item in ada.get("projects/weather/members").json()["items"]}
    assert members == {"ada", "alan", "grace"}
    ada.post("projects/weather/invitations", json={}).raise_for_status()
    ada.delete("projects/weather/members/grace").raise_for_status()


def test_a_security_key_is_registered_lets_in_once_and_is_removed(hops: Any) -> None:
    hops.platform.parts.settings.public_url = f"{ORIGIN}/"
    ada, key = hops.user("ada"), SoftKey()
    proof = {"password": "correct horse battery"}
    options = ada.post("./me/security-keys:begin", json=proof).json()["options"]
    added = ada.post("me/security-keys", json={"name": "key ring", "credential": key.make(options)}).json()
    asked = hops.anonymous().post("tokens", json={"username": "ada", **proof}).json()
    body = {"challenge": asked["challenge"], "assertion": key.answer(asked["security_key"])}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: hops.anonymous().post("tokens", json=body).status_code, range(4)))
    assert sorted(answers) == [200, 401, 401, 401]
    proof["code"] = added["recovery_codes"][0]
    assert ada.post(f"./me/security-keys/{added['id']}:remove", json=proof).status_code == 204


def test_of_many_at_the_same_moment_one_link_lets_in_one(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    made = ada.post("projects/weather/invitations", json={}).json()["link"].partition("#")[2]
    people = [hops.user(f"user{number}") for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: one.post("./invitations:accept", json={"token": made}).status_code, people))
    assert sorted(answers) == [201, 404, 404, 404]
    assert len(ada.get("projects/weather/members").json()["items"]) == 2


def test_of_many_at_the_same_moment_one_link_sets_one_password(hops: Any) -> None:
    hops.create_user("ada")
    with hops.platform.parts.database.session() as session:
        set_address(session, find_user(session, "ada"), "ada@example.org")
    hops.anonymous().post("password-resets", json={"who": "ada"}).raise_for_status()
    token = link(hops)
    bodies = [{"token": token, "password": f"{PASSWORD} {number}"} for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        sent = pool.map(lambda body: hops.anonymous().post("./password-resets:finish", json=body).status_code, bodies)
        answers = list(sent)
    assert sorted(answers) == [200, 404, 404, 404]
