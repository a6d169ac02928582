"""Lists of projects and datasets: what a page costs does not grow with what there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from sqlalchemy import event
from sqlalchemy.orm import Session

from hops_platform.app import build_routes
from hops_platform.gathering import PAGE
from hops_platform.http import in_one_step
from hops_platform.paging import Page

LISTS = (
    "projects?limit=2",
    "projects?limit=2&archived=true",
    "projects?limit=2&after=YQ",
    "listed-projects?limit=2",
    "listed-projects?limit=2&after=YQ",
    "projects/weather/datasets?limit=2",
    "projects/weather/datasets?limit=2&after=SQ",
    "published-datasets?limit=2",
)
PUT_TOGETHER = f"SCAN {PAGE}"
"""A page that was read, whose rows the database makes one text of."""
Statement = tuple[str, Any]


class Told(BaseModel):
    name: str


class Kept(Told):
    secret: str


@in_one_step
def kept(*, session: Session) -> Page[Told]:
    return Page(items=[Kept(name="raw", secret="s3")], next="n")


@contextmanager
def asked_of(database: Any) -> Iterator[list[Statement]]:
    """The questions that a database is asked in the block."""
    asked: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def plan_of(database: Any, statement: str, values: Any) -> str:
    with database.engine.connect() as connection:
        if database.engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            return "\n".join(row[-1] for row in rows)
        # Of a few rows it would read all. What is off it does only where it knows nothing else.
        for way in ("seqscan", "sort", "bitmapscan", "hashjoin", "mergejoin"):
            connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values))


@pytest.fixture
def ada(hops: Any) -> Any:
    ada = hops.user("ada")
    for name in ("weather", "tides", "winds"):
        hops.ready_project(ada, name)
        tag = ada.get(f"projects/{name}").headers["ETag"]
        ada.patch(f"projects/{name}", json={"listed": True}, headers={"If-Match": tag}).raise_for_status()
    ada.post("projects/weather/datasets", json={"name": "drops"}).raise_for_status()
    ada.post("projects/weather/datasets/drops/publication").raise_for_status()
    return ada


def test_no_list_reads_a_whole_table_or_sorts_what_it_found(hops: Any, ada: Any) -> None:
    database = hops.platform.parts.database
    for address in LISTS:
        with asked_of(database) as asked:
            ada.get(address).raise_for_status()
        assert asked
        for statement, values in asked:
            plan = plan_of(database, statement, values)
            # Along an index, in its order, it is read as far as the page goes.
            scans = [line for line in plan.splitlines() if "SCAN " in line and line != PUT_TOGETHER]
            whole = [line for line in scans if " USING " not in line]
            sorts = any(word in plan for word in ("TEMP B-TREE", "Seq Scan", "Sort Key"))
            assert not whole, f"{address}\n{statement}\n{plan}"
            assert not sorts, f"{address}\n{statement}\n{plan}"


def test_a_page_asks_as_often_however_many_there_are(hops: Any, ada: Any) -> None:
    database = hops.platform.parts.database
    counts: dict[str, list[int]] = {address: [] for address in LISTS}
    for name in ("reefs", ""):
        for address, found in counts.items():
            with asked_of(database) as asked:
                ada.get(address.replace("limit=2", "limit=50")).raise_for_status()
            found.append(len(asked))
        if name:
            hops.ready_project(ada, name)
            ada.post("projects/weather/datasets", json={"name": "raw"}).raise_for_status()
    assert all(before == after for before, after in counts.values()), counts


@pytest.mark.parametrize("address", ["projects", "projects/weather/datasets"])
def test_a_page_takes_two_steps_in_threads(hops: Any, ada: Any, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who calls, and the page: where many ask at once, each step more waits for a thread and for the interpreter."""
    steps: list[Any] = []
    run_sync = anyio.to_thread.run_sync

    async def counted(call: Any, *given: Any, **named: Any) -> Any:
        steps.append(call)
        return await run_sync(call, *given, **named)

    monkeypatch.setattr(anyio.to_thread, "run_sync", counted)
    assert len(ada.get(address).json()["items"]) >= 3
    assert len(steps) == 2, steps
    assert hops.platform.parts.database.engine.pool.checkedout() == 0


def test_a_page_tells_no_more_than_its_route_declares() -> None:
    with Session() as session:
        answer: Any = kept(session=session)
    assert answer.body == b'{"items":[{"name":"raw"}],"next":"n"}'


def test_every_list_is_read_and_written_in_one_step() -> None:
    lists = [
        context.original_route.endpoint
        for context in iter_route_contexts(build_routes("/services/hops/").routes)
        if isinstance(context.original_route, APIRoute) and _is_page(context.response_model)
    ]
    assert len(lists) > 20
    assert [one.__name__ for one in lists if one.__code__ is not kept.__code__] == []


def _is_page(model: Any) -> bool:
    """Whether it is that and nothing more: the list of the site's projects also tells what the engines say."""
    return getattr(model, "__pydantic_generic_metadata__", {}).get("origin") is Page
