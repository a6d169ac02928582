"""Requests made from the API's own description, good ones and bad ones: none may make the platform fail.

What is answered has to be what the description says. Names in addresses are now and then of things that are there, so
that requests come further than to "there is no such project".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

import hops_platform
from hops_contract.principal import ProjectRole

from .conftest import ON_POSTGRESQL, ON_SQLITE, postgresql_programs

# PostgreSQL takes no value that SQLite refuses, and refuses some that it takes.
pytestmark = ON_POSTGRESQL if postgresql_programs() else ON_SQLITE
DESCRIPTION = json.loads((Path(hops_platform.__file__).parent / "openapi.json").read_text())
OPERATIONS: list[APIOperation] = [
    found.ok() for found in schemathesis.openapi.from_dict(DESCRIPTION).get_all_operations()
]
THERE = {"project": "weather", "user": "bob", "dataset": "raw", "name": "report", "topic": "measurements"}
WEATHER = "projects/weather"
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]
EXAMPLES = 10
ABSENT = {401, 403, 404}
load_all_checks()


@dataclass
class Site:
    """A control plane with something in it, and those who call it."""

    hops: Any
    clients: list[Any]

    def living(self, path: str) -> dict[str, str]:
        """What the address ``path`` needs that is there once, as it may have gone with the last request."""
        ada = self.clients[0]
        if "{upload}" in path:
            begun = ada.post(f"{WEATHER}/datasets/raw/uploads", json={"path": "day.csv", "size": 4, "replace": True})
            return {"upload": begun.raise_for_status().json()["id"]}
        if "{item}" in path:
            ada.post(f"{WEATHER}/datasets/raw/folders", json={"path": "old"})
            trashed = ada.post(f"{WEATHER}/datasets/raw/files:trash", json={"path": "old"})
            return {"item": trashed.raise_for_status().json()["id"]}
        if "/shares/" in path:
            for owner, target in (("weather", "tides"), ("tides", "weather")):
                ada.post(f"projects/{owner}/datasets/raw/shares", json={"project": target, "mode": "read"})
            return {"owner": "tides", "target": "tides"}
        return {}


@pytest.fixture
def site(on_disk: Any) -> Site:
    hops = on_disk
    ada, root = hops.user("ada"), hops.user("root", admin=True)
    bob = hops.user("bob")
    hops.ready_project(ada)
    ada.post("projects/weather/members", json={"user": "bob", "role": "data_scientist"})
    ada.post("projects/weather/datasets", json={"name": "raw"})
    ada.post("projects/weather/topics", json={"name": "measurements"})
    key = ada.post("me/api-keys", json={"name": "report", "scopes": ["projects:read"]}).json()["key"]
    hops.deliver()
    hub = hops.with_token(hops.platform.parts.hub_credential)
    code = hops.project_user("ada", "weather", ProjectRole.DATA_OWNER)
    return Site(hops, [ada, root, bob, code, hub, hops.with_token(key), hops.anonymous()])


@pytest.mark.parametrize("tag", sorted({tag for operation in OPERATIONS for tag in operation.tags or ["none"]}))
def test_no_request_makes_the_platform_fail(site: Site, tag: str) -> None:
    if tag == "sharing":  # no other needs it, and it takes a moment
        site.hops.ready_project(site.clients[0], "tides", template="empty")
        site.clients[0].post("projects/tides/datasets", json={"name": "raw"}).raise_for_status()
    for operation in OPERATIONS:
        if tag in (operation.tags or ["none"]):
            statuses = ask_in_many_ways(site, operation)
            assert statuses is None or statuses - ABSENT, f"{operation.label}: nothing that is there was asked for"


def ask_in_many_ways(site: Site, operation: APIOperation) -> set[int] | None:
    """Also what was answered of what is there once, to whom it is; ``None`` where the address names no such thing."""
    living, statuses, ada = bool(site.living(operation.path)), set[int](), site.clients[0]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=data.draw(st.sampled_from(GenerationMode))))
        if data.draw(st.booleans()):
            there = THERE | site.living(operation.path)
            known = {name: there[name] for name in case.path_parameters or {} if name in there}
            case.path_parameters = {**(case.path_parameters or {}), **known}
            client = ada if living else data.draw(st.sampled_from(site.clients))
            answer = send(client, case)
            statuses.add(answer.status_code)
        else:
            answer = send(data.draw(st.sampled_from(site.clients)), case)
        case.validate_response(answer, checks=CHECKS)

    ask()
    return statuses if living else None


def send(client: Any, case: Case) -> httpx.Response:
    given_ = case.as_transport_kwargs(base_url="http://hops.test")
    body = {name: given_[name] for name in ("json", "data", "files") if name in given_}
    if isinstance(body.get("data"), bytes | str):
        body = {"content": body["data"]}
    headers = {
        name: value for name, value in given_["headers"].items() if name.lower() not in ("authorization", "cookie")
    }
    try:
        return client.request(given_["method"], given_["url"], params=given_.get("params"), headers=headers, **body)
    except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeEncodeError, TypeError, ValueError):
        reject()
