"""The thing of a row is a name that a person reads, where the address of the call holds an id."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from hops_platform.app import build_routes
from hops_platform.audit.requests import CALLER, declared_by

from .conftest import ON_SQLITE
from .test_certificates import request_for

PROJECT = "projects/weather"
DATA = b"day,rain"
NAMES = {CALLER, "project", "name", "user", "owner", "dataset", "topic", "session_id"}
"""Words of addresses that are read; a session is known by its number."""
NAMED_BY_THEIR_ROUTES = {
    "certificate.revoke",
    "file.restore",
    "invitation.revoke",
    "outbox.retry",
    "realm-account.admit",
    "realm-account.remove",
    "security-key.remove",
    "upload.cancel",
    "upload.finish",
}
"""Each has a test: here, or with what else there is to say of it."""


def in_weather(hops: Any) -> Any:
    """A Data Owner of a project with the dataset raw."""
    client = hops.user("ada")
    hops.ready_project(client)
    client.post(f"{PROJECT}/datasets", json={"name": "raw"}).raise_for_status()
    return client


@pytest.fixture
def ada(hops: Any) -> Any:
    return in_weather(hops)


def told(client: Any, subject: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Action, outcome, thing and details of the rows of one subject, the oldest first."""
    items = client.get("audit-events", params={"limit": 100}).json()["items"]
    found = [one for one in reversed(items) if one["action"].startswith(f"{subject}.")]
    return [(one["action"], one["outcome"], one["thing"], one["details"]) for one in found]


def test_each_action_whose_address_holds_an_id_is_named_by_its_route() -> None:
    declared = [
        found
        for context in iter_route_contexts(build_routes("/services/hops/").routes)
        if isinstance(context.original_route, APIRoute) and (found := declared_by(context.original_route)) is not None
    ]
    assert {one.action.value for one in declared if set(one.things) - NAMES} == NAMED_BY_THEIR_ROUTES


@ON_SQLITE
def test_an_upload_is_known_by_the_file_that_it_becomes(on_disk: Any) -> None:
    ada = in_weather(on_disk)
    on_disk.deliver()
    checksum = hashlib.sha256(DATA).hexdigest()
    wanted = {"path": "2026/may.csv", "size": len(DATA), "sha256": checksum}
    begun = ada.post(f"{PROJECT}/datasets/raw/uploads", json=wanted).json()["id"]
    ada.put(f"{PROJECT}/uploads/{begun}/content", params={"offset": 0}, content=DATA).raise_for_status()
    for _ in range(2):
        ada.post(f"{PROJECT}/uploads/{begun}:finish").raise_for_status()
    other = ada.post(f"{PROJECT}/datasets/raw/uploads", json={"path": "june.csv", "size": 0}).json()["id"]
    for _ in range(2):
        ada.delete(f"{PROJECT}/uploads/{other}").raise_for_status()
    whole = {"size": len(DATA), "sha256": checksum, "upload": begun}
    assert told(on_disk.user("root-ada", admin=True), "upload") == [
        ("upload.begin", "done", "raw/2026/may.csv", whole),
        ("upload.finish", "done", "raw/2026/may.csv", whole),
        ("upload.begin", "done", "raw/june.csv", {"size": 0, "upload": other}),
        ("upload.cancel", "done", "raw/june.csv", {"size": 0, "upload": other}),
    ]


@ON_SQLITE
def test_an_upload_that_is_refused_at_its_end_is_known_by_its_file(hops: Any, ada: Any) -> None:
    bob = hops.user("bob")
    ada.post(f"{PROJECT}/members", json={"user": "bob", "role": "data_owner"}).raise_for_status()
    begun = bob.post(f"{PROJECT}/datasets/raw/uploads", json={"path": "may.csv", "size": 0}).json()["id"]
    role = {"role": "data_scientist"}
    ada.patch(f"{PROJECT}/members/bob", json=role, headers={"If-Match": "*"}).raise_for_status()
    assert bob.post(f"{PROJECT}/uploads/{begun}:finish").status_code == 403
    absent = f"{UUID(int=7)}"
    assert bob.post(f"{PROJECT}/uploads/{absent}:finish").status_code == 404
    hops.platform.parts.refusals.flush(all_of_them=True)
    finished = told(hops.user("root-ada", admin=True), "upload")[1:]
    assert [(action, outcome, thing) for action, outcome, thing, _ in finished] == [
        ("upload.finish", "refused", "raw/may.csv"),
        ("upload.finish", "refused", absent),
    ]


@ON_SQLITE
def test_certificates_and_links_are_known_by_what_they_are_called(hops: Any, ada: Any) -> None:
    root = hops.user("root-ada", admin=True)
    serial = root.post("certificates", json={"name": "sensors", "request": request_for("sensors")}).json()["serial"]
    root.post(f"certificates/{serial}:revoke", json={"reason": "key_compromise"}).raise_for_status()
    assert told(root, "certificate")[-1] == (
        "certificate.revoke", "done", "sensors", {"serial": serial, "reason": "key_compromise"},
    )  # fmt: skip
    made = ada.post(f"{PROJECT}/invitations", json={}).json()
    ada.delete(f"{PROJECT}/invitations/{made['id']}").raise_for_status()
    rows = [(action, thing, details["invitation"]) for action, _, thing, details in told(root, "invitation")]
    assert rows == [("invitation.make", "link", made["id"]), ("invitation.revoke", "link", made["id"])]
    assert made["link"].partition("#")[2] not in root.get("audit-events", params={"limit": 100}).text
