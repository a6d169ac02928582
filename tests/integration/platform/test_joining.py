"""Projects that people find, requests to join them, and people that Data Owners find."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hops_platform.database import now
from hops_platform.joining import service
from hops_platform.joining.models import JoinRequest


@pytest.fixture
def ada(hops: Any) -> Any:
    client = hops.user("ada")
    hops.ready_project(client, description="Tides and wind.")
    return client


@pytest.fixture
def grace(hops: Any) -> Any:
    return hops.user("grace")


def list_it(ada: Any, *, listed: bool = True, project: str = "weather") -> None:
    ada.patch(f"projects/{project}", json={"listed": listed}, headers={"If-Match": "*"}).raise_for_status()


def found(client: Any, **search: str) -> list[dict[str, Any]]:
    return list(client.get("listed-projects", params=search).json()["items"])


def test_a_project_is_found_only_when_its_owner_lists_it(hops: Any, ada: Any, grace: Any) -> None:
    assert found(grace) == []
    assert grace.post("listed-projects/weather/join-request", json={}).status_code == 404
    list_it(ada)
    (shown,) = found(grace)
    assert shown == {
        "name": "weather", "title": "Weather", "description": "Tides and wind.", "owners": ["ada"], "standing": "none",
    }  # fmt: skip
    assert found(ada)[0]["standing"] == "member"
    assert [found(grace, search=text) != [] for text in ("WEA", "tides", "%", "nothing")] == [True, True, False, False]
    assert grace.get("projects/weather").status_code == 404  # found is not seen
    assert hops.anonymous().get("listed-projects").status_code == 401
    list_it(ada, listed=False)
    assert found(grace) == []


def test_who_asks_is_accepted_with_the_role_that_the_owner_says(ada: Any, grace: Any) -> None:
    list_it(ada)
    asked = grace.post("listed-projects/weather/join-request", json={"message": "For the tides."})
    assert (asked.status_code, asked.json()["standing"]) == (201, "asked")
    assert grace.post("listed-projects/weather/join-request", json={}).status_code == 409
    (waiting,) = ada.get("projects/weather/join-requests").json()["items"]
    assert (waiting["user"], waiting["title"], waiting["message"]) == ("grace", "Grace", "For the tides.")
    accepted = ada.post("projects/weather/join-requests/grace:accept", json={"role": "data_owner"})
    assert (accepted.status_code, accepted.json()["role"]) == (201, "data_owner")
    assert grace.get("projects/weather").json()["role"] == "data_owner"
    assert ada.get("projects/weather/join-requests").json()["items"] == []
    assert ada.post("projects/weather/join-requests/grace:accept", json={}).status_code == 404
    assert grace.post("listed-projects/weather/join-request", json={}).status_code == 409


def test_who_is_declined_sees_it_and_can_ask_again_after_a_while(hops: Any, ada: Any, grace: Any) -> None:
    list_it(ada)
    grace.post("listed-projects/weather/join-request", json={}).raise_for_status()
    ada.post("projects/weather/join-requests/grace:decline").raise_for_status()
    assert found(grace)[0]["standing"] == "declined"
    refused = grace.post("listed-projects/weather/join-request", json={})
    assert (refused.status_code, "declined" in refused.json()["detail"]) == (409, True)
    assert grace.delete("listed-projects/weather/join-request").status_code == 404
    with hops.platform.parts.database.session() as session:
        session.scalars(select(JoinRequest)).one().declined_at = now() - service.DECLINED_FOR - timedelta(minutes=1)
    assert found(grace)[0]["standing"] == "none"
    assert grace.post("listed-projects/weather/join-request", json={}).status_code == 201


def test_a_request_is_taken_back(ada: Any, grace: Any) -> None:
    list_it(ada)
    grace.post("listed-projects/weather/join-request", json={}).raise_for_status()
    assert grace.delete("listed-projects/weather/join-request").status_code == 204
    assert ada.get("projects/weather/join-requests").json()["items"] == []
    assert found(grace)[0]["standing"] == "none"


def test_nobody_asks_everywhere_at_once(ada: Any, grace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "ASKED_AT_ONCE", 1)
    for project in ("tides", "wind"):
        ada.post("projects", json={"name": project}).raise_for_status()
        list_it(ada, project=project)
    assert grace.post("listed-projects/tides/join-request", json={}).status_code == 201
    refused = grace.post("listed-projects/wind/join-request", json={})
    assert (refused.status_code, "the most at once" in refused.json()["detail"]) == (409, True)


def test_only_data_owners_answer(hops: Any, ada: Any, grace: Any) -> None:
    list_it(ada)
    bob, eve = hops.user("bob"), hops.user("eve")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    grace.post("listed-projects/weather/join-request", json={}).raise_for_status()
    for client, status in ((bob, 403), (eve, 404), (grace, 404)):
        assert client.get("projects/weather/join-requests").status_code == status
        assert client.post("projects/weather/join-requests/grace:accept", json={}).status_code == status
        assert client.post("projects/weather/join-requests/grace:decline").status_code == status
    assert grace.get("projects/weather").status_code == 404


def test_a_request_that_a_member_added_otherwise_left_behind_changes_nothing(ada: Any, grace: Any) -> None:
    list_it(ada)
    grace.post("listed-projects/weather/join-request", json={}).raise_for_status()
    ada.post("projects/weather/members", json={"user": "grace"}).raise_for_status()
    assert ada.get("projects/weather/join-requests").json()["items"] == []
    assert found(grace)[0]["standing"] == "member"


def test_who_was_added_and_removed_has_not_asked_again(hops: Any, ada: Any, grace: Any) -> None:
    list_it(ada)
    grace.post("listed-projects/weather/join-request", json={}).raise_for_status()
    ada.post("projects/weather/members", json={"user": "grace"}).raise_for_status()
    ada.delete("projects/weather/members/grace").raise_for_status()
    assert ada.get("projects/weather/join-requests").json()["items"] == []
    assert ada.post("projects/weather/join-requests/grace:accept", json={"role": "data_scientist"}).status_code == 404
    assert found(grace)[0]["standing"] == "none"


def test_requests_go_with_the_project_and_dont_come_back_with_it(hops: Any, ada: Any, grace: Any) -> None:
    list_it(ada)
    grace.post("listed-projects/weather/join-request", json={}).raise_for_status()
    ada.request("DELETE", "projects/weather", json={"name": "weather"}).raise_for_status()
    hops.deliver()
    ada.post("deleted-projects/weather:restore").raise_for_status()
    assert ada.get("projects/weather/join-requests").json()["items"] == []
    assert grace.post("listed-projects/weather/join-request", json={}).status_code == 201


def test_a_deleted_project_is_not_found(ada: Any, grace: Any) -> None:
    list_it(ada)
    ada.request("DELETE", "projects/weather", json={"name": "weather"}).raise_for_status()
    assert found(grace) == []
    assert grace.post("listed-projects/weather/join-request", json={}).status_code == 404


def test_data_owners_find_people_to_add_by_name_and_title(hops: Any, ada: Any, grace: Any) -> None:
    hops.create_user("grover")
    root = hops.user("root-ada", admin=True)
    root.patch("users/grover", json={"title": "Otto Graham"}).raise_for_status()

    def names(search: str) -> list[str]:
        answer = ada.get("projects/weather/candidates", params={"search": search})
        return [one["name"] for one in answer.json()]

    assert names("gr") == ["grace", "grover"]
    assert names("gra") == ["grace", "grover"]  # a later word of a title
    assert names("otto") == ["grover"]
    assert names("race") == []  # not the middle of a word
    assert names("ad") == []  # a member already
    assert names("__") == []
    assert names("  ") == names("g ") == []
    assert ada.get("projects/weather/candidates", params={"search": "g"}).status_code == 422
    root.patch("users/grace", json={"active": False}).raise_for_status()
    assert names("gr") == ["grover"]
    assert hops.user("eve").get("projects/weather/candidates", params={"search": "gr"}).status_code == 404
    hops.create_user("bob")
    ada.post("projects/weather/members", json={"user": "bob"}).raise_for_status()
    bob = hops.with_token(hops.platform.parts.signer.sign_user("bob", admin=False).token)
    assert bob.get("projects/weather/candidates", params={"search": "gr"}).status_code == 403
