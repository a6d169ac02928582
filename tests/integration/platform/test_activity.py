"""What members read of what happened in their project, and what they don't."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from hops_contract.principal import ProjectRole
from hops_platform.activity import service
from hops_platform.activity.models import Activity
from hops_platform.activity.sentences import SENTENCES, STORAGE_FULL, kinds_for, sentence_of
from hops_platform.audit.actions import Action
from hops_platform.database import new_id, now
from hops_platform.security.policy import ROLE_PERMISSIONS, Role

ANY_VERSION = {"If-Match": "*"}


@pytest.fixture
def ada(hops: Any) -> Any:
    """A Data Owner of weather, of which bob is a Data Scientist."""
    ada = hops.user("ada")
    hops.ready_project(ada)
    hops.user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    return ada


def signed_in(hops: Any, name: str) -> Any:
    return hops.with_token(hops.platform.parts.signer.sign_user(name, admin=False).token)


def told(client: Any, project: str = "weather") -> list[str]:
    answer = client.get(f"projects/{project}/activity")
    assert answer.status_code == 200, answer.text
    return [one["text"] for one in answer.json()["items"]]


def test_each_kind_is_an_action_and_each_sentence_can_be_said() -> None:
    assert set(SENTENCES) - {action.value for action in Action} == {STORAGE_FULL}
    for kind, sentence in SENTENCES.items():
        for elsewhere in {False, bool(sentence.elsewhere)}:
            said = sentence_of(kind, actor="ada", thing="raw", details={"project": "tides"}, elsewhere=elsewhere)
            assert "{" not in said
            assert said.endswith(".")
    owners_alone = set(SENTENCES) - set(kinds_for(ROLE_PERMISSIONS[Role.DATA_SCIENTIST]))
    assert owners_alone == {Action.SERVER_GRANT.value, Action.SERVER_STOP.value}


def test_what_people_did_is_told_in_sentences_the_latest_first(hops: Any, ada: Any) -> None:
    bob = signed_in(hops, "bob")
    ada.post("projects/weather/datasets", json={"name": "raw"}).raise_for_status()
    ada.patch("projects/weather/members/bob", json={"role": "data_owner"}, headers=ANY_VERSION).raise_for_status()
    left = {"services": ["jupyter", "kafka"]}
    ada.put("projects/weather/services", json=left, headers=ANY_VERSION).raise_for_status()
    bob.delete("projects/weather/members/bob").raise_for_status()
    assert told(ada) == [
        "bob left the project.",
        "ada switched services: Sharing off, Spark sessions off.",
        "ada made bob Data Owner.",
        "ada created the dataset raw.",
        "ada added bob as Data Scientist.",
        "ada created the project.",
    ]
    assert bob.get("projects/weather/activity").status_code == 404


def test_what_failed_or_was_refused_is_not_told(hops: Any, ada: Any) -> None:
    bob = signed_in(hops, "bob")
    assert bob.post("projects/weather/members", json={"user": "ada"}).status_code == 403
    assert ada.post("projects/weather/members", json={"user": "nobody"}).status_code == 404
    assert len(told(ada)) == 2
    sent = {"json": {"name": "raw"}, "headers": {"Idempotency-Key": "k"}}
    for _ in range(2):
        ada.post("projects/weather/datasets", **sent).raise_for_status()
    assert told(ada).count("ada created the dataset raw.") == 1


def test_servers_of_others_are_told_to_who_sees_them_elsewhere(hops: Any, ada: Any) -> None:
    bob = signed_in(hops, "bob")
    for name in ("ada", "bob"):
        grant = {"user": name, "options": None}
        hops.hub().post("projects/weather/server-grants", json=grant).raise_for_status()
    ada.delete("projects/weather/server").raise_for_status()
    started = [text for text in told(ada) if "notebook server" in text]
    assert started == [
        "ada stopped their notebook server.", "bob started a notebook server.", "ada started a notebook server."
    ]  # fmt: skip
    assert [text for text in told(bob) if "notebook server" in text] == ["bob started a notebook server."]


def test_another_projects_people_and_an_administrator_are_not_named(hops: Any, ada: Any) -> None:
    grace, root = hops.user("grace"), hops.user("root-ada", admin=True)
    hops.ready_project(grace, "tides")
    ada.patch("projects/weather", json={"listed": True}, headers=ANY_VERSION).raise_for_status()
    grace.post("projects/tides/datasets/Resources/shares", json={"project": "weather"}).raise_for_status()
    ada.post("./projects/weather/shares/tides/Resources:accept").raise_for_status()
    limits = root.get("projects/weather/limits").json()
    root.put("projects/weather/limits", json=limits, headers=ANY_VERSION).raise_for_status()
    assert told(ada)[:3] == [
        "An administrator changed the project's limits.",
        "ada accepted the dataset tides/Resources.",
        "The project tides offered the dataset tides/Resources.",
    ]
    assert told(grace, "tides")[:2] == [
        "The project weather accepted the dataset tides/Resources.",
        "grace offered tides/Resources to weather.",
    ]
    everything = ada.get("projects/weather/activity").text + grace.get("projects/tides/activity").text
    assert "root-ada" not in everything
    assert "grace" not in ada.get("projects/weather/activity").text


def test_who_wants_to_join_and_what_is_downloaded_is_no_activity(hops: Any, ada: Any) -> None:
    ada.patch("projects/weather", json={"listed": True}, headers=ANY_VERSION).raise_for_status()
    before = told(ada)
    hops.user("grace").post("listed-projects/weather/join-request", json={}).raise_for_status()
    assert told(ada) == before
    ada.post("./projects/weather/join-requests/grace:decline").raise_for_status()
    assert told(ada) == before


def test_strangers_administrators_and_code_read_none(hops: Any, ada: Any) -> None:
    del ada
    assert hops.user("eve").get("projects/weather/activity").status_code == 404
    assert hops.user("root-ada", admin=True).get("projects/weather/activity").status_code == 403
    code = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    assert code.get("projects/weather/activity").status_code == 403


def test_a_key_tells_no_more_than_its_scopes(hops: Any, ada: Any) -> None:
    key = {"name": "reader", "scopes": ["projects:read"], "project": "weather"}
    bearer = hops.with_token(ada.post("me/api-keys", json=key).json()["key"])
    hops.hub().post("projects/weather/server-grants", json={"user": "bob", "options": None}).raise_for_status()
    assert "bob started a notebook server." in told(ada)
    assert "bob started a notebook server." not in told(bearer)


def test_it_comes_in_pages_and_forgets_what_is_old_or_too_much(
    hops: Any, ada: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        ada.post("projects/weather/datasets", json={"name": f"d{number}"}).raise_for_status()
    first = ada.get("projects/weather/activity?limit=4").json()
    rest = ada.get("projects/weather/activity", params={"limit": 4, "after": first["next"]}).json()
    assert [one["text"] for one in first["items"] + rest["items"]] == told(ada)
    assert rest["next"] is None
    assert ada.get("projects/weather/activity?after=bm8").status_code == 400
    database = hops.platform.parts.database
    monkeypatch.setattr(service, "MOST_OF_PROJECT", 5)
    with database.session() as session:
        assert service.forget_old(session) == 1
    assert len(told(ada)) == 5
    assert "ada created the project." not in told(ada)
    with database.session() as session:
        session.execute(update(Activity).values(moment=now() - service.KEPT - timedelta(minutes=1)))
        key = session.scalar(select(Activity.project_id))
        row = {"id": new_id(), "project_id": key, "moment": now(), "kind": "of.later", "actor": "", "thing": ""}
        session.execute(insert(Activity).values(**row, details={}, elsewhere=False))
        assert service.forget_old(session) == 5
        assert session.scalar(select(func.count()).select_from(Activity)) == 1
    assert told(ada) == [], "what this version has no words for is left out"
