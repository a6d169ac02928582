"""Lists that the database puts together: to the letter what is told of each of their items alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel
from sqlalchemy import select, text

from hops_platform.datasets.models import Dataset
from hops_platform.datasets.schemas import DatasetAnswer, DatasetInList, SharedAnswer, SharedInList
from hops_platform.gathering import gather, gathering
from hops_platform.projects.models import Membership, Project
from hops_platform.projects.schemas import (
    EnvironmentAnswer,
    EnvironmentInList,
    MemberAnswer,
    MemberInList,
    ProjectAnswer,
    ProjectInList,
)

ON_THE_SECOND = datetime(2026, 5, 4, 10, tzinfo=UTC)
BESIDE_IT = ON_THE_SECOND + timedelta(microseconds=100)
ODD = 'Wéather "of"\n\\coasts\t\u2028 🌊 \x7f, null'


@pytest.mark.parametrize(
    ("in_list", "answer"),
    [
        (ProjectInList, ProjectAnswer),
        (EnvironmentInList, EnvironmentAnswer),
        (MemberInList, MemberAnswer),
        (DatasetInList, DatasetAnswer),
        (SharedInList, SharedAnswer),
    ],
)
def test_an_item_of_a_list_has_the_fields_of_the_answer(in_list: type, answer: type[BaseModel]) -> None:
    assert list(get_type_hints(in_list)) == list(answer.model_fields)


@pytest.fixture
def ada(hops: Any) -> Any:
    ada = hops.user("ada")
    for name in ("weather", "tides", "reefs"):
        hops.ready_project(ada, name)
    with hops.platform.parts.database.session() as session:
        projects = {project.name: project for project in session.scalars(select(Project))}
        weather, tides = projects["weather"], projects["tides"]
        weather.title, weather.description, weather.created_at = "null", ODD, ON_THE_SECOND
        weather.listed, weather.services_off = True, ["kafka", "of an older version"]
        tides.archived_at, tides.created_at = BESIDE_IT, BESIDE_IT
        for membership in session.scalars(select(Membership)):
            membership.created_at = BESIDE_IT
        for dataset in session.scalars(select(Dataset).where(Dataset.name == "Logs")):
            dataset.created_at, dataset.description = ON_THE_SECOND, ODD
    return ada


def test_lists_tell_what_each_item_tells_alone(hops: Any, ada: Any) -> None:
    open_ones, archived = (ada.get(f"projects?archived={flag}").json()["items"] for flag in ("false", "true"))
    assert [one["name"] for one in open_ones] == ["reefs", "weather"]
    assert [one["name"] for one in archived] == ["tides"]
    for one in (*open_ones, *archived):
        assert one == ada.get(f"projects/{one['name']}").json()
    assert open_ones[1]["description"] == ODD
    assert open_ones[1]["created_at"] == "2026-05-04T10:00:00Z"
    assert archived[0]["archived_at"] == "2026-05-04T10:00:00.000100Z"

    datasets = ada.get("projects/weather/datasets").json()["items"]
    assert len(datasets) > 3
    for one in datasets:
        alone = ada.get(f"projects/weather/datasets/{one['name']}").json()
        assert one == {name: value for name, value in alone.items() if not name.startswith("readme")}

    hops.create_user("bob")
    added = ada.post("projects/weather/members", json={"user": "bob"}).json()
    listed = ada.get("projects/weather/members").json()["items"]
    assert [one["since"] for one in listed] == ["2026-05-04T10:00:00.000100Z", added["since"]]
    assert listed[1] == added


def test_a_page_goes_on_behind_the_last(hops: Any, ada: Any) -> None:
    hops.ready_project(ada, "winds")
    seen, after = [], None
    while after is not None or not seen:
        page = ada.get("projects", params={"limit": 1, **({"after": after} if after else {})}).json()
        seen += [one["name"] for one in page["items"]]
        after = page["next"]
    assert seen == ["reefs", "weather", "winds"]
    nobody = hops.user("eve")
    assert nobody.get("projects").json() == {"items": [], "next": None}


@pytest.mark.usefixtures("ada")
def test_moments_are_told_in_utc_whatever_the_zone_of_the_connection(hops: Any) -> None:
    database = hops.platform.parts.database
    statement = gathering(select(Project.name, Project.created_at).order_by(Project.name).limit(1).offset(1))
    with database.session(writes=False) as session:
        if database.engine.dialect.name == "postgresql":
            session.execute(text("SET LOCAL TIME ZONE 'Asia/Tokyo'"))
        assert gather(session, statement, {}) == [["tides", "2026-05-04T10:00:00.000100Z"]]


@pytest.mark.usefixtures("ada")
def test_rows_stand_in_the_order_of_their_names_however_the_database_came_to_them(hops: Any) -> None:
    statement = gathering(select(Project.name, Project.version).order_by(Project.name.desc()).limit(2))
    with hops.platform.parts.database.session(writes=False) as session:
        assert [name for name, _ in gather(session, statement, {})] == ["tides", "weather"]
