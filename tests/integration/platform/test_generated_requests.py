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

DESCRIPTION = json.loads((Path(hops_platform.__file__).parent / "openapi.json").read_text())
OPERATIONS: list[APIOperation] = [
    found.ok() for found in schemathesis.openapi.from_dict(DESCRIPTION).get_all_operations()
]
THERE = {"project": "weather", "user": "bob", "dataset": "raw", "name": "report", "topic": "measurements"}
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance]
EXAMPLES = 10
load_all_checks()


@dataclass
class Site:
    """A control plane with something in it, and those who call it."""

    hops: Any
    clients: list[Any]


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
    for operation in OPERATIONS:
        if tag in (operation.tags or ["none"]):
            ask_in_many_ways(site, operation)


def ask_in_many_ways(site: Site, operation: APIOperation) -> None:
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
            known = {name: THERE[name] for name in case.path_parameters or {} if name in THERE}
            case.path_parameters = {**(case.path_parameters or {}), **known}
        answer = send(data.draw(st.sampled_from(site.clients)), case)
        case.validate_response(answer, checks=CHECKS)

    ask()


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
