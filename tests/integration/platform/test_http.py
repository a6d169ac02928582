from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

import pytest

from hops_contract.problems import Problem
from hops_platform.cli import OPENAPI_FILE, describe_api

from .conftest import ON_SQLITE


def test_the_description_beside_the_code_is_that_of_the_code() -> None:
    assert OPENAPI_FILE.read_text() == describe_api(), "run `python -m hops_platform openapi`"


@ON_SQLITE
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("PUT", "projects", {}, 405),
        ("POST", "tokens", {"username": 1}, 422),
        ("POST", "tokens", "not json", 422),
        ("GET", "me", None, 401),
    ],
)
def test_every_error_is_a_problem(hops: Any, method: str, path: str, body: Any, status: int) -> None:
    content = {"content": body} if isinstance(body, str) else {"json": body} if body is not None else {}
    answer = hops.anonymous().request(method, path, **content)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert Problem.model_validate(answer.json()).status == status


def test_a_body_in_chunks_is_limited_too(hops: Any) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 65536

    assert hops.anonymous().post("tokens", content=chunks()).status_code == 413
    assert hops.anonymous().post("tokens", content=b" " * (1024 * 1024 + 1)).status_code == 413


def test_an_unexpected_error_has_an_id_and_no_trace(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    hops.platform.hub.fault = RuntimeError("secret detail")
    answer = ada.get("projects/weather/server")
    assert answer.status_code == 500
    assert answer.json()["error_id"] in answer.json()["remedy"]
    assert "secret detail" not in answer.text


def test_a_full_disk_is_told_as_such(hops: Any) -> None:
    ada = hops.user("ada")
    hops.ready_project(ada)
    hops.platform.hub.fault = OSError(errno.ENOSPC, "No space left on device")
    assert ada.get("projects/weather/server").status_code == 507
