"""The description of the REST API: what whoever reads only it must find there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hops_contract.problems import MEDIA_TYPE
from hops_platform.cli import describe_api

DESCRIPTION: dict[str, Any] = json.loads(describe_api())
OPERATIONS = [
    pytest.param(operation, id=f"{method.upper()} {path.removeprefix('/services/hops/api/v1/')}")
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
]

BOUNDS = {
    "string": ("maxLength", "enum", "const", "pattern"),
    "array": ("maxItems",),
    "integer": ("maximum", "exclusiveMaximum", "enum"),
    "number": ("maximum", "exclusiveMaximum"),
}


def lacking(schema: dict[str, Any], where: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The parts of ``schema`` for which no example can be told."""
    if {"example", "examples", "default", "const", "enum"} & schema.keys():
        return
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from lacking(DESCRIPTION["components"]["schemas"][name], f"{where}:{name}", seen | {name})
    elif "anyOf" in schema:
        if not any(not list(lacking(one, where, seen)) for one in schema["anyOf"]):
            yield where
    elif schema.get("type") == "array":
        yield from lacking(schema["items"], f"{where}[]", seen)
    elif "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from lacking(inner, f"{where}.{name}", seen)
    elif schema.get("type") not in ("boolean", "null"):
        yield where


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_says_in_a_sentence_what_it_does(operation: dict[str, Any]) -> None:
    assert operation["description"].rstrip().endswith(".")
    assert operation["tags"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_has_examples_of_what_it_takes_and_gives(operation: dict[str, Any]) -> None:
    without = [
        found
        for parameter in operation.get("parameters", [])
        if parameter["required"]
        for found in lacking(parameter["schema"] | parameter, parameter["name"])
    ]
    bodies = [("request", operation["requestBody"])] if "requestBody" in operation else []
    bodies += [(status, answer) for status, answer in operation["responses"].items() if status.startswith("2")]
    for where, body in bodies:
        for content in body.get("content", {}).values():
            without += lacking(content["schema"] | ({"example": 1} if "example" in content else {}), where)
    assert without == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_documents_its_problems(operation: dict[str, Any]) -> None:
    problem = operation["responses"]["default"]["content"][MEDIA_TYPE]
    assert {"type", "title", "status", "detail", "remedy", "violations"} <= problem["example"].keys()
    assert all(
        MEDIA_TYPE in answer["content"] for status, answer in operation["responses"].items() if status.startswith("4")
    ), "what is answered to bad requests is a problem, not the framework's own shape"


def test_operations_have_names_of_their_own() -> None:
    names = [parameter.values[0]["operationId"] for parameter in OPERATIONS]
    assert len(names) == len(set(names))


def unbounded(place: str, schema: dict[str, Any], seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """The texts, lists and numbers below ``place`` that have no bound."""
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    if name and name not in seen:
        yield from unbounded(place, DESCRIPTION["components"]["schemas"][name], seen | {name})
    bounds = BOUNDS.get(schema.get("type", ""))
    if schema.get("format") in {"binary", "date-time", "uuid"}:
        return
    if bounds and not any(bound in schema for bound in bounds):
        yield place
    for field, inner in schema.get("properties", {}).items():
        yield from unbounded(f"{place}.{field}", inner, seen)
    for inner in (*schema.get("anyOf", ()), *((schema["items"],) if isinstance(schema.get("items"), dict) else ())):
        yield from unbounded(place, inner, seen)


def test_what_a_body_may_hold_is_bounded() -> None:
    places = []
    for path, methods in DESCRIPTION["paths"].items():
        for method, operation in methods.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                places += unbounded(f"{method.upper()} {path.rsplit('/api/v1/', 1)[-1]}", content["schema"])
    assert places == []
