"""Datasets that are shared with other projects, and published ones: the story, the rights, and the attacks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, update

from hops_contract.principal import ProjectRole
from hops_platform.database import now
from hops_platform.engines.sandboxes import Ending
from hops_platform.errors import EngineUnavailableError
from hops_platform.outbox import Delivery
from hops_platform.sharing import service
from hops_platform.sharing.models import Share

RAW = "projects/weather/datasets/raw"
DOWNLOADS = "http://hops.test/services/hops/downloads"
SEEN = "projects/tides/datasets/Shared:weather:raw"


@pytest.fixture
def ada(hops: Any) -> Any:
    """Data Owner of weather, whose dataset raw holds a file."""
    client = hops.user("ada")
    hops.ready_project(client)
    client.post("projects/weather/datasets", json={"name": "raw", "description": "As it came."}).raise_for_status()
    put(hops, "weather", "raw", "day.csv")
    return client


@pytest.fixture
def grace(hops: Any) -> Any:
    """Data Owner of tides, which everybody finds."""
    client = hops.user("grace")
    hops.ready_project(client, "tides")
    client.patch("projects/tides", json={"listed": True}, headers={"If-Match": "*"}).raise_for_status()
    return client


@pytest.fixture
def bob(hops: Any, grace: Any) -> Any:
    """Data Scientist of tides."""
    client = hops.user("bob")
    grace.post("projects/tides/members", json={"user": "bob"}).raise_for_status()
    return client


def put(hops: Any, project: str, dataset: str, name: str, text: str = "rain\n") -> None:
    folder = hops.platform.parts.settings.layout.project(project) / dataset
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def offer(ada: Any, **more: Any) -> dict[str, Any]:
    answer = ada.post(f"{RAW}/shares", json={"project": "tides", **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def share(ada: Any, grace: Any, **more: Any) -> None:
    offer(ada, **more)
    accepted = grace.post("projects/tides/shares/weather/raw:accept")
    assert accepted.status_code == 200, accepted.text


def visible(hops: Any, project: str = "tides") -> dict[str, bool]:
    hops.deliver()
    return dict(hops.platform.sandboxes.visible.get(project, {}))


def names(client: Any, project: str = "tides") -> list[str]:
    return [item["name"] for item in client.get(f"projects/{project}/datasets").json()["items"]]


def test_ada_shares_and_grace_reads_until_ada_revokes(hops: Any, ada: Any, grace: Any) -> None:
    offered = offer(ada)
    assert (offered["state"], offered["mode"], offered["download"], offered["members"]) == (
        "offered", "read", False, None,
    )  # fmt: skip
    # Pending: nothing is seen yet.
    assert grace.get(f"{SEEN}/files").status_code == 404
    assert visible(hops) == {}
    (waiting,) = grace.get("projects/tides/shares").json()["items"]
    assert (waiting["state"], waiting["path"], waiting["description"]) == (
        "offered", "Shared/weather/raw", "As it came.",
    )  # fmt: skip
    grace.post("projects/tides/shares/weather/raw:accept").raise_for_status()
    assert visible(hops) == {"weather/raw": False}
    assert names(grace)[-1] == "Shared/weather/raw"
    assert [entry["name"] for entry in grace.get(f"{SEEN}/files").json()["items"]] == ["day.csv"]
    assert grace.get(f"{SEEN}/entry", params={"path": "day.csv"}).json()["size"] == 5
    detail = grace.get(SEEN).json()
    assert detail["shared"] == {"project": "weather", "dataset": "raw", "mode": "read", "download": False}
    for refused in (
        grace.post(f"{SEEN}/folders", json={"path": "new"}),
        grace.post(f"{SEEN}/files:trash", json={"path": "day.csv"}),
        grace.post(f"{SEEN}/files:move", json={"path": "day.csv", "to": "night.csv"}),
        grace.post(f"{SEEN}/files:copy", json={"path": "day.csv", "to": "night.csv"}),
    ):
        assert refused.status_code == 403
        assert "reading only" in refused.json()["detail"]
    for refused in (
        grace.get(f"{SEEN}/content", params={"path": "day.csv"}),
        grace.post(f"{SEEN}/files:copy", json={"path": "day.csv", "to": "day.csv", "to_dataset": "Resources"}),
    ):
        assert refused.status_code == 403
        assert "does not allow" in refused.json()["detail"]
    (user,) = ada.get(f"{RAW}/shares").json()["items"]
    assert (user["project"], user["state"], user["members"]) == ("tides", "accepted", 1)
    ada.delete(f"{RAW}/shares/tides").raise_for_status()
    gone = grace.get(f"{SEEN}/files")
    assert (gone.status_code, "is not shared with this project" in gone.json()["detail"]) == (404, True)
    assert visible(hops) == {}
    assert grace.get("projects/tides/shares").json()["items"] == []


def _revoke(ada: Any, _: Any) -> Any:
    return ada.delete(f"{RAW}/shares/tides")


def _give_back(_: Any, grace: Any) -> Any:
    return grace.delete("projects/tides/shares/weather/raw")


def _withdraw(ada: Any, _: Any) -> Any:
    return ada.request("DELETE", f"{RAW}/publication", json={"users": "go"})


def _delete_dataset(ada: Any, _: Any) -> Any:
    return ada.request("DELETE", RAW, json={"name": "raw"})


def _delete_project(ada: Any, _: Any) -> Any:
    return ada.request("DELETE", "projects/weather", json={"name": "weather"})


@pytest.mark.parametrize(
    ("end", "ending"),
    [
        (_revoke, Ending.REVOKED),
        (_give_back, Ending.GIVEN_BACK),
        (_withdraw, Ending.WITHDRAWN),
        (_delete_dataset, Ending.DATASET_DELETED),
        (_delete_project, Ending.PROJECT_DELETED),
    ],
    ids=lambda value: value.value if isinstance(value, Ending) else "",
)
def test_sandboxes_are_told_how_it_ended(hops: Any, ada: Any, grace: Any, end: Any, ending: Ending) -> None:
    if ending is Ending.WITHDRAWN:
        ada.post(f"{RAW}/publication").raise_for_status()
        grace.post("projects/tides/shares", json={"project": "weather", "dataset": "raw"}).raise_for_status()
    else:
        share(ada, grace)
    assert visible(hops) == {"weather/raw": False}
    before = now()
    end(ada, grace).raise_for_status()
    assert visible(hops) == {}
    (told,) = hops.platform.sandboxes.ended["tides"]
    assert (told.project, told.dataset, told.ending) == ("weather", "raw", ending)
    assert before <= told.at <= now()


def test_what_is_shared_for_writing_is_written_and_deleted_into_the_owners_trash(ada: Any, grace: Any) -> None:
    share(ada, grace, mode="write", download=True)
    assert grace.post(f"{SEEN}/folders", json={"path": "new"}).status_code == 201
    assert grace.get(f"{SEEN}/content", params={"path": "day.csv"}).text == "rain\n"
    copied = grace.post(f"{SEEN}/files:copy", json={"path": "day.csv", "to": "new/day.csv"})
    assert copied.json()["entries"] == 1
    grace.post(f"{SEEN}/files:trash", json={"path": "new"}).raise_for_status()
    assert [item["deleted_by"] for item in ada.get("projects/weather/trash").json()["items"]] == ["grace"]
    assert grace.get("projects/tides/trash").json()["items"] == []


def test_nothing_is_moved_or_uploaded_across_projects(hops: Any, ada: Any, grace: Any) -> None:
    share(ada, grace, mode="write", download=True)
    put(hops, "tides", "Resources", "own.csv")
    moved = grace.post(f"{SEEN}/files:move", json={"path": "day.csv", "to": "d", "to_dataset": "Resources"})
    assert moved.status_code == 403
    moved = grace.post(
        "projects/tides/datasets/Resources/files:move",
        json={"path": "own.csv", "to": "own.csv", "to_dataset": "Shared:weather:raw"},
    )
    assert moved.status_code == 403
    assert grace.post(f"{SEEN}/uploads", json={"path": "a.csv", "size": 1}).status_code == 403
    copied = grace.post(f"{SEEN}/files:copy", json={"path": "day.csv", "to": "day.csv", "to_dataset": "Resources"})
    assert copied.status_code == 200


def test_data_scientists_see_and_decide_nothing(hops: Any, ada: Any, grace: Any, bob: Any) -> None:
    offer(ada, mode="write", download=True)
    assert len(bob.get("projects/tides/shares").json()["items"]) == 1
    assert bob.post("projects/tides/shares/weather/raw:accept").status_code == 403
    assert bob.post("projects/tides/shares/weather/raw:decline").status_code == 403
    grace.post("projects/tides/shares/weather/raw:accept").raise_for_status()
    assert bob.get(f"{SEEN}/files").status_code == 200
    assert bob.get(f"{SEEN}/content", params={"path": "day.csv"}).status_code == 403
    assert bob.delete("projects/tides/shares/weather/raw").status_code == 403
    assert bob.post("projects/tides/datasets/Resources/shares", json={"project": "weather"}).status_code == 403
    assert bob.post("projects/tides/datasets/Resources/publication").status_code == 403
    token = hops.project_user("grace", "tides", ProjectRole.DATA_OWNER)
    assert token.get(f"{SEEN}/files").status_code == 200
    assert token.get(f"{SEEN}/content", params={"path": "day.csv"}).status_code == 403
    assert token.post("projects/tides/datasets/Resources/shares", json={"project": "weather"}).status_code == 403


def test_a_share_is_no_right_of_another_project_over_the_dataset(hops: Any, ada: Any, grace: Any) -> None:
    share(ada, grace, mode="write", download=True)
    # Neither shared on, nor published, described or deleted.
    eve = hops.user("eve")
    hops.ready_project(eve, "moon")
    eve.patch("projects/moon", json={"listed": True}, headers={"If-Match": "*"}).raise_for_status()
    assert grace.post(f"{SEEN}/shares", json={"project": "moon"}).status_code == 404
    assert grace.post(f"{SEEN}/publication").status_code == 404
    assert grace.patch(SEEN, json={"description": "Mine."}, headers={"If-Match": "*"}).status_code == 404
    assert grace.request("DELETE", SEEN, json={"name": "raw"}).status_code == 404
    assert grace.get(f"{RAW}/files").status_code == 404
    assert grace.delete(f"{RAW}/shares/tides").status_code == 404
    # And no right of a third one.
    assert eve.get(f"{SEEN}/files").status_code == 404
    assert eve.get("projects/moon/datasets/Shared:weather:raw/files").status_code == 404
    assert eve.post("projects/moon/shares/weather/raw:accept").status_code == 404
    assert eve.delete("projects/moon/shares/weather/raw").status_code == 404


@pytest.mark.parametrize(
    "name",
    ["Shared:weather:..", "Shared:..:raw", "Shared:weather:RAW", "shared:weather:raw", "Shared:weather:secret",
     "Shared:weather:raw:x", "Shared::raw", "Shared:", "Shared:weather", "Shared:tides:Resources", "Shared:WEATHER:raw",
     "Shared:weather:raw%00", "Shared:weather%2F..%2Fweather:raw"],
)  # fmt: skip
def test_no_other_spelling_is_a_way_in(hops: Any, ada: Any, grace: Any, name: str) -> None:
    share(ada, grace)
    put(hops, "weather", "secret", "key")
    assert grace.get(f"projects/tides/datasets/{name}/files").status_code in {404, 405}


def test_a_path_does_not_lead_out_of_a_shared_dataset(hops: Any, ada: Any, grace: Any) -> None:
    share(ada, grace, mode="write", download=True)
    put(hops, "weather", "secret", "key")
    (hops.platform.parts.settings.layout.project("weather") / "raw" / "link").symlink_to("../secret")
    assert grace.get(f"{SEEN}/content", params={"path": "../secret/key"}).status_code == 422
    assert grace.get(f"{SEEN}/content", params={"path": "link/key"}).status_code == 404


def test_a_project_that_is_not_to_be_seen_can_not_be_told_from_none(ada: Any, grace: Any) -> None:
    grace.patch("projects/tides", json={"listed": False}, headers={"If-Match": "*"}).raise_for_status()
    answers = [ada.post(f"{RAW}/shares", json={"project": name}).json() for name in ("tides", "nothing")]
    for answer, name in zip(answers, ("tides", "nothing"), strict=True):
        assert answer["status"] == 404
        answer["detail"] = answer["detail"].replace(name, "…")
        answer.pop("instance", None)
        answer.pop("request_id", None)
    assert answers[0] == answers[1]
    assert ada.get("projects/weather/share-targets", params={"search": "tid"}).json() == []


def test_who_has_a_dataset_is_told_by_as_many_queries_for_many_as_for_one(hops: Any, ada: Any) -> None:
    database, statements = hops.platform.parts.database, []
    told: list[int] = []
    for number in range(3):
        hops.ready_project(ada, f"own{number}")
        ada.post(f"{RAW}/shares", json={"project": f"own{number}", "mode": "read"}).raise_for_status()
        ada.post(f"./projects/own{number}/shares/weather/raw:accept").raise_for_status()

        def count(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            statements.append(statement)

        event.listen(database.engine, "before_cursor_execute", count)
        statements.clear()
        items = ada.get(f"{RAW}/shares").json()["items"]
        event.remove(database.engine, "before_cursor_execute", count)
        assert [one["members"] for one in items] == [1] * (number + 1)
        told.append(len(statements))
    assert told[0] == told[2]


def test_targets_are_listed_projects_and_ones_own(hops: Any, ada: Any, grace: Any) -> None:
    hops.ready_project(ada, "moon")
    found = ada.get("projects/weather/share-targets").json()
    assert [target["name"] for target in found] == ["moon", "tides"]
    assert ada.get("projects/weather/share-targets", params={"search": "TID"}).json() == [
        {"name": "tides", "title": "Tides"}
    ]


def test_what_is_declined_is_not_offered_again_for_a_while(hops: Any, ada: Any, grace: Any) -> None:
    offer(ada)
    grace.post("projects/tides/shares/weather/raw:decline").raise_for_status()
    assert grace.get("projects/tides/shares").json()["items"] == []
    assert grace.post("projects/tides/shares/weather/raw:accept").status_code == 404
    assert [one["state"] for one in ada.get(f"{RAW}/shares").json()["items"]] == ["declined"]
    assert ada.post(f"{RAW}/shares", json={"project": "tides"}).status_code == 409
    # Nor by forgetting it first.
    assert ada.delete(f"{RAW}/shares/tides").status_code == 409
    with hops.platform.parts.database.session() as session:
        session.scalars(select(Share)).one().declined_at = now() - service.DECLINED_FOR - timedelta(minutes=1)
    assert offer(ada)["state"] == "offered"


def test_an_offer_that_is_taken_back_can_not_be_accepted(ada: Any, grace: Any) -> None:
    offer(ada)
    ada.delete(f"{RAW}/shares/tides").raise_for_status()
    assert grace.post("projects/tides/shares/weather/raw:accept").status_code == 404


def test_a_project_gives_a_dataset_back(hops: Any, ada: Any, grace: Any) -> None:
    share(ada, grace)
    assert visible(hops) == {"weather/raw": False}
    grace.delete("projects/tides/shares/weather/raw").raise_for_status()
    assert visible(hops) == {}
    assert ada.get(f"{RAW}/shares").json()["items"] == []


def test_the_mode_is_changed_by_its_version(hops: Any, ada: Any, grace: Any) -> None:
    share(ada, grace, mode="write")
    assert visible(hops) == {"weather/raw": True}
    (one,) = ada.get(f"{RAW}/shares").json()["items"]
    tag = {"If-Match": f'"{one["version"]}"'}
    assert ada.patch(f"{RAW}/shares/tides", json={"mode": "read"}).status_code == 428
    changed = ada.patch(f"{RAW}/shares/tides", json={"mode": "read"}, headers=tag)
    assert (changed.status_code, changed.json()["mode"]) == (200, "read")
    assert ada.patch(f"{RAW}/shares/tides", json={"mode": "write"}, headers=tag).status_code == 412
    assert visible(hops) == {"weather/raw": False}
    assert grace.post(f"{SEEN}/folders", json={"path": "new"}).status_code == 403


def test_a_published_dataset_is_found_and_added_at_once_for_reading(hops: Any, ada: Any, grace: Any) -> None:
    assert grace.get("published-datasets").json()["items"] == []
    assert ada.post(f"{RAW}/publication").status_code == 201
    assert ada.post(f"{RAW}/publication").status_code == 409
    (found,) = grace.get("published-datasets", params={"search": "RAW"}).json()["items"]
    assert (found["project"], found["dataset"], found["owners"], found["yours"]) == ("weather", "raw", ["ada"], [])
    assert ada.get("published-datasets").json()["items"][0]["yours"] == ["weather"]
    assert grace.get("published-datasets", params={"search": "%"}).json()["items"] == []
    assert hops.anonymous().get("published-datasets").status_code == 401
    added = grace.post("projects/tides/shares", json={"project": "weather", "dataset": "raw"})
    assert (added.status_code, added.json()["state"], added.json()["mode"]) == (201, "accepted", "read")
    assert visible(hops) == {"weather/raw": False}
    assert grace.get("published-datasets").json()["items"][0]["yours"] == ["tides"]
    (user,) = ada.get(f"{RAW}/shares").json()["items"]
    assert user["self_service"] is True


def test_to_write_a_published_one_its_owner_is_asked(hops: Any, ada: Any, grace: Any) -> None:
    ada.post(f"{RAW}/publication").raise_for_status()
    wish = {"project": "weather", "dataset": "raw", "mode": "write"}
    asked = grace.post("projects/tides/shares", json=wish)
    assert (asked.status_code, asked.json()["state"]) == (201, "asked")
    assert grace.post("projects/tides/shares/weather/raw:accept").status_code == 409
    assert grace.get(f"{SEEN}/files").status_code == 404
    assert [one["state"] for one in ada.get(f"{RAW}/shares").json()["items"]] == ["asked"]
    # Shared at once, since they asked for it.
    assert offer(ada, mode="write")["state"] == "accepted"
    assert visible(hops) == {"weather/raw": True}


@pytest.mark.parametrize(("users", "stays"), [("stay", True), ("go", False)])
def test_withdrawing_says_whether_users_stay(hops: Any, ada: Any, grace: Any, users: str, stays: bool) -> None:  # noqa: FBT001
    ada.post(f"{RAW}/publication").raise_for_status()
    grace.post("projects/tides/shares", json={"project": "weather", "dataset": "raw"}).raise_for_status()
    assert ada.request("DELETE", f"{RAW}/publication", json={}).status_code == 422
    ada.request("DELETE", f"{RAW}/publication", json={"users": users}).raise_for_status()
    assert (visible(hops) == {"weather/raw": False}) is stays
    assert (grace.get(f"{SEEN}/files").status_code == 200) is stays
    assert grace.get("published-datasets").json()["items"] == []
    assert ada.request("DELETE", f"{RAW}/publication", json={"users": users}).status_code == 404


def test_whether_a_dataset_that_is_not_published_exists_is_not_told(ada: Any, grace: Any) -> None:
    answers = []
    for dataset in ("raw", "nothing"):
        answer = grace.post("projects/tides/shares", json={"project": "weather", "dataset": dataset})
        answers.append((answer.status_code, answer.json()["detail"].replace(dataset, "…")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


def test_a_dataset_that_is_made_anew_is_shared_with_nobody(hops: Any, ada: Any, grace: Any) -> None:
    share(ada, grace)
    ada.post(f"{RAW}/publication").raise_for_status()
    assert visible(hops) == {"weather/raw": False}
    ada.request("DELETE", RAW, json={"name": "raw"}).raise_for_status()
    assert grace.get(f"{SEEN}/files").status_code == 404
    assert visible(hops) == {}
    ada.post("projects/weather/datasets", json={"name": "raw"}).raise_for_status()
    assert grace.get(f"{SEEN}/files").status_code == 404
    assert names(grace)[-1] != "Shared/weather/raw"
    assert ada.get(f"{RAW}/shares").json()["items"] == []
    assert grace.get("published-datasets").json()["items"] == []


def test_the_shares_of_a_deleted_project_rest_until_it_is_restored(hops: Any, ada: Any, grace: Any) -> None:
    share(ada, grace)
    ada.post(f"{RAW}/publication").raise_for_status()
    assert visible(hops) == {"weather/raw": False}
    ada.request("DELETE", "projects/weather", json={"name": "weather"}).raise_for_status()
    assert grace.get(f"{SEEN}/files").status_code == 404
    assert grace.get("projects/tides/shares").json()["items"] == []
    assert grace.get("published-datasets").json()["items"] == []
    assert visible(hops) == {}
    assert ada.post("deleted-projects/weather:restore").status_code == 200
    assert visible(hops) == {"weather/raw": False}
    assert grace.get(f"{SEEN}/files").status_code == 200


def test_the_shares_of_a_deleted_target_rest_too_and_end_when_it_is_purged(hops: Any, ada: Any, grace: Any) -> None:
    share(ada, grace)
    assert visible(hops) == {"weather/raw": False}
    grace.request("DELETE", "projects/tides", json={"name": "tides"}).raise_for_status()
    assert visible(hops) == {}
    (resting,) = ada.get(f"{RAW}/shares").json()["items"]
    assert (resting["project"], resting["state"], resting["resting"], resting["members"]) == (
        "tides", "accepted", True, None,
    )  # fmt: skip
    grace.request("DELETE", "deleted-projects/tides", json={"name": "tides"}).raise_for_status()
    hops.deliver()
    assert ada.get(f"{RAW}/shares").json()["items"] == []
    hops.ready_project(grace, "tides")
    assert grace.get(f"{SEEN}/files").status_code == 404
    assert visible(hops) == {}


def test_a_resting_share_is_ended_by_its_owner_and_does_not_come_back(hops: Any, ada: Any, grace: Any) -> None:
    share(ada, grace, mode="write")
    assert ada.get(f"{RAW}/shares").json()["items"][0]["resting"] is False
    grace.request("DELETE", "projects/tides", json={"name": "tides"}).raise_for_status()
    lessened = ada.patch(f"{RAW}/shares/tides", json={"mode": "read"}, headers={"If-Match": "*"})
    assert (lessened.status_code, lessened.json()["resting"]) == (200, True)
    assert ada.delete(f"{RAW}/shares/tides").status_code == 204
    assert ada.get(f"{RAW}/shares").json()["items"] == []
    hops.deliver()
    assert grace.post("deleted-projects/tides:restore").status_code == 200
    assert visible(hops) == {}
    assert grace.get(f"{SEEN}/files").status_code == 404
    assert "share.revoke" in {e["action"] for e in grace.get("projects/tides/audit-events").json()["items"]}


@pytest.mark.parametrize("state", ["offered", "asked"])
def test_what_waits_for_a_deleted_project_is_taken_back_and_not_answered(
    hops: Any, ada: Any, grace: Any, state: str
) -> None:
    if state == "offered":
        offer(ada)
    else:
        ada.post(f"{RAW}/publication").raise_for_status()
        wish = {"project": "weather", "dataset": "raw", "mode": "write"}
        grace.post("projects/tides/shares", json=wish).raise_for_status()
    grace.request("DELETE", "projects/tides", json={"name": "tides"}).raise_for_status()
    (waiting,) = ada.get(f"{RAW}/shares").json()["items"]
    assert (waiting["state"], waiting["resting"]) == (state, True)
    assert ada.post(f"{RAW}/shares", json={"project": "tides"}).status_code == 404
    assert ada.delete(f"{RAW}/shares/tides").status_code == 204
    assert ada.get(f"{RAW}/shares").json()["items"] == []


def test_with_the_sandboxes_out_of_reach_a_revocation_is_not_lost(hops: Any, ada: Any, grace: Any) -> None:
    share(ada, grace)
    assert visible(hops) == {"weather/raw": False}
    hops.platform.sandboxes.fault = EngineUnavailableError("Away.")
    ada.delete(f"{RAW}/shares/tides").raise_for_status()
    assert visible(hops) == {"weather/raw": False}
    # Through REST it is over at once, whatever else is down.
    assert grace.get(f"{SEEN}/files").status_code == 404
    hops.platform.sandboxes.fault = None
    with hops.platform.parts.database.session() as session:
        session.execute(update(Delivery).values(due_at=now() - timedelta(seconds=1)))
    assert visible(hops) == {}


def test_both_projects_read_of_it_in_their_audit(ada: Any, grace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hops_platform.audit.requests.source_of", lambda _request: "192.0.2.7")
    share(ada, grace)
    ada.delete(f"{RAW}/shares/tides").raise_for_status()
    for client, project in ((ada, "weather"), (grace, "tides")):
        events = client.get(f"projects/{project}/audit-events").json()["items"]
        told = [(e["action"], e["actor"], e["thing"]) for e in events if e["action"].startswith("share.")]
        assert sorted(told) == [
            ("share.accept", "grace", "weather/raw"),
            ("share.offer", "ada", "weather/raw"),
            ("share.revoke", "ada", "weather/raw"),
        ]
        # Where people of the other project work is not told.
        own = {"share.accept"} if project == "tides" else {"share.offer", "share.revoke"}
        for one in (e for e in events if e["action"].startswith("share.")):
            assert (bool(one["source"]), bool(one["request_id"])) == (one["action"] in own,) * 2, one


def test_an_offer_sent_twice_is_one(ada: Any, grace: Any) -> None:
    key = {"Idempotency-Key": "once"}
    first = ada.post(f"{RAW}/shares", json={"project": "tides"}, headers=key)
    again = ada.post(f"{RAW}/shares", json={"project": "tides"}, headers=key)
    assert (first.status_code, again.json()) == (201, first.json())
    assert ada.post(f"{RAW}/shares", json={"project": "tides"}).status_code == 409


@pytest.mark.parametrize("bound", ["MOST_OF_DATASET", "MOST_WAITING", "MOST_OF_PERSON_FOR_PROJECT", "MOST_OF_PERSON"])
def test_offers_have_bounds(ada: Any, grace: Any, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(service, bound, 0)
    refused = ada.post(f"{RAW}/shares", json={"project": "tides"})
    assert (refused.status_code, "the most" in refused.json()["detail"]) == (409, True)


def test_one_person_does_not_take_all_places_of_a_project(
    hops: Any, ada: Any, grace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_OF_PERSON_FOR_PROJECT", 1)
    monkeypatch.setattr(service, "MOST_WAITING", 2)
    offer(ada)
    models = "projects/weather/datasets/Models/shares"
    assert ada.post(models, json={"project": "tides"}).status_code == 409
    eve = hops.user("eve")
    ada.post("projects/weather/members", json={"user": "eve", "role": "data_owner"}).raise_for_status()
    assert eve.post(models, json={"project": "tides"}).status_code == 201
    # The places of offers are taken now; those of wishes are not.
    ada.post("projects/weather/datasets/Resources/publication").raise_for_status()
    wish = {"project": "weather", "dataset": "Resources", "mode": "write"}
    assert grace.post("projects/tides/shares", json=wish).status_code == 201


def test_a_project_has_only_so_many_of_others(ada: Any, grace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_OF_PROJECT", 0)
    offer(ada)
    assert grace.post("projects/tides/shares/weather/raw:accept").status_code == 409


def test_a_project_does_not_share_with_itself(ada: Any, grace: Any) -> None:
    assert ada.post(f"{RAW}/shares", json={"project": "weather"}).status_code == 409
    ada.post(f"{RAW}/publication").raise_for_status()
    assert ada.post("projects/weather/shares", json={"project": "weather", "dataset": "raw"}).status_code == 409


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7])
def test_the_list_of_datasets_is_whole_whatever_the_page(hops: Any, ada: Any, grace: Any, limit: int) -> None:
    share(ada, grace)
    offered = ada.post("projects/weather/datasets/Models/shares", json={"project": "tides"})
    offered.raise_for_status()
    grace.post("projects/tides/shares/weather/Models:accept").raise_for_status()
    found, after = [], None
    for _ in range(10):
        page = grace.get(
            "projects/tides/datasets", params={"limit": limit} | ({"after": after} if after else {})
        ).json()
        assert len(page["items"]) <= limit
        found += [item["name"] for item in page["items"]]
        if (after := page["next"]) is None:
            break
    own = sorted(("Jupyter", "Resources", "Logs", "Experiments", "Models"))
    assert found == [*own, "Shared/weather/Models", "Shared/weather/raw"]


def test_what_may_not_be_taken_out_is_neither_packed_nor_downloaded_by_a_ticket_and_its_previews_are_short(
    hops: Any, ada: Any, grace: Any
) -> None:
    put(hops, "weather", "raw", "log.txt", "x" * 200_000)
    share(ada, grace)
    assert len(grace.get(f"{SEEN}/preview", params={"path": "log.txt"}).json()["text"]) == 65536
    pack = {"path": "day.csv", "to": "day.zip", "to_dataset": "Resources"}
    for path, body in (("files:pack", pack), ("files:copy", pack), ("content:ticket", {"path": "day.csv"})):
        refused = grace.post(f"{SEEN}/{path}", json=body)
        assert (refused.status_code, "does not allow" in refused.json()["detail"]) == (403, True), path
    assert grace.post(f"{SEEN}/files:pack", json={"path": "day.csv", "to": "day.zip"}).status_code == 403
    ada.patch(f"{RAW}/shares/tides", json={"download": True}, headers={"If-Match": "*"}).raise_for_status()
    assert len(grace.get(f"{SEEN}/preview", params={"path": "log.txt"}).json()["text"]) == 200_000
    assert grace.post(f"{SEEN}/content:ticket", json={"path": "day.csv"}).status_code == 201
    put(hops, "tides", "Resources", "README.md")
    packed = grace.post(f"{SEEN}/files:pack", json=pack)
    assert packed.status_code == 200, packed.text


def test_a_ticket_is_good_no_more_when_the_share_has_ended(hops: Any, ada: Any, grace: Any) -> None:
    share(ada, grace, download=True)
    browser = hops.browser("grace")
    tickets = [
        browser.post(f"{SEEN}/content:ticket", json={"path": "day.csv"}).raise_for_status().json()["ticket"]
        for _ in range(2)
    ]
    del browser.headers["X-Hops-CSRF"]
    headers = {"Sec-Fetch-Dest": "document", "Origin": "http://hops.test"}
    got = browser.post(DOWNLOADS, data={"ticket": tickets[0]}, headers=headers)
    assert (got.status_code, got.text) == (200, "rain\n")
    ada.delete(f"{RAW}/shares/tides").raise_for_status()
    assert browser.post(DOWNLOADS, data={"ticket": tickets[1]}, headers=headers).status_code == 404


def test_nothing_is_moved_from_a_shared_dataset_into_another_one_whatever_both_allow(
    hops: Any, ada: Any, grace: Any
) -> None:
    share(ada, grace, mode="write")
    ada.post("projects/weather/datasets", json={"name": "open"}).raise_for_status()
    put(hops, "weather", "open", "README.md")
    ada.post("projects/weather/datasets/open/shares", json={"project": "tides", "mode": "write", "download": True})
    grace.post("projects/tides/shares/weather/open:accept").raise_for_status()
    move = {"path": "day.csv", "to": "day.csv", "to_dataset": "Shared:weather:open"}
    refused = grace.post(f"{SEEN}/files:move", json=move)
    assert (refused.status_code, "between shared ones" in refused.json()["detail"]) == (403, True)
    assert grace.post(f"{SEEN}/files:move", json={"path": "day.csv", "to": "days.csv"}).status_code == 200


def test_code_and_keys_carry_no_files_from_one_project_into_another(hops: Any, ada: Any, grace: Any) -> None:
    share(ada, grace, mode="write", download=True)
    put(hops, "tides", "Resources", "secret.csv")
    code = hops.project_user("grace", "tides", ProjectRole.DATA_OWNER)
    key = grace.post("me/api-keys", json={"name": "files", "scopes": ["datasets:read", "datasets:write"]}).json()["key"]
    out = {"path": "secret.csv", "to": "secret.csv", "to_dataset": "Shared:weather:raw"}
    into = {"path": "day.csv", "to": "day.csv", "to_dataset": "Resources"}
    for caller in (code, hops.with_token(key)):
        assert caller.get(f"{SEEN}/files").status_code == 200
        assert caller.post("projects/tides/datasets/Resources/files:copy", json=out).status_code == 403
        assert caller.post(f"{SEEN}/files:copy", json=into).status_code == 403
        assert caller.post(f"{SEEN}/files:trash", json={"path": "day.csv"}).status_code == 403
    both = ["datasets:write", "datasets:share"]
    sharing = grace.post("me/api-keys", json={"name": "sharing", "scopes": both}).json()["key"]
    assert hops.with_token(sharing).post(f"{SEEN}/files:copy", json=into).status_code == 200
