"""What is said to HDFS's HTTP interface, and what is made of its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from hops_platform.adapters.storage.hdfs_rights import behind, gate
from hops_platform.adapters.storage.webhdfs import WebHdfs
from hops_platform.engines.storage import DatasetRights
from hops_platform.errors import (
    ConflictError,
    EngineRefusedError,
    EngineUnavailableError,
    InvalidRequestError,
    NotFoundError,
    PlatformError,
    StorageFullError,
)

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def speaking() -> Iterator[Callable[[Answer], WebHdfs]]:
    made: list[WebHdfs] = []

    def make(answer: Answer) -> WebHdfs:
        made.append(
            WebHdfs(
                "https://name-node:9871", user="hops", root=("lake", "Projects"), transport=httpx.MockTransport(answer)
            )
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


def refusing(name: str, message: str = "", status: int = 403) -> Answer:
    told = {"RemoteException": {"exception": name, "javaClassName": f"org.apache.{name}", "message": message}}
    return lambda _request: httpx.Response(status, json=told)


def test_a_name_is_escaped_and_says_whose_call_it_is(speaking: Callable[[Answer], WebHdfs]) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    speaking(answer).ask("GET", "GETFILESTATUS", ("weather", "raw", "?op=DELETE#", "%2e%2e", "a b"))
    (request,) = seen
    path = "/webhdfs/v1/lake/Projects/weather/raw/%3Fop%3DDELETE%23/%252e%252e/a%20b"
    assert request.url.raw_path.decode() == f"{path}?op=GETFILESTATUS&user.name=hops"


def test_a_cookie_makes_nobody_of_the_next_call(speaking: Callable[[Answer], WebHdfs]) -> None:
    seen: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("Cookie"))
        return httpx.Response(200, json={}, headers={"Set-Cookie": "hadoop.auth=u=eve; Path=/; Domain=name-node"})

    hdfs = speaking(answer)
    hdfs.ask("GET", "GETFILESTATUS", ("weather",))
    hdfs.ask("GET", "GETFILESTATUS", ("weather",))
    assert seen == [None, None]


@pytest.mark.parametrize("place", ["http://data-node:9864/x", "ftp://data-node/x", "", "file:///etc/passwd"])
def test_bytes_are_sent_nowhere_without_tls(speaking: Callable[[Answer], WebHdfs], place: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(200, json={"Location": place})

    with pytest.raises(EngineRefusedError, match="TLS"):
        speaking(answer).send("CREATE", ("weather", "raw", "a"), [b"secret"])
    with pytest.raises(EngineRefusedError, match="TLS"), speaking(answer).receive(("weather", "raw", "a"), offset=0):
        pass
    assert set(asked) == {"name-node"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusing("FileNotFoundException", status=404), NotFoundError),
        (refusing("ParentNotDirectoryException"), NotFoundError),
        (refusing("AccessControlException", "/a (is not a directory)"), NotFoundError),
        (refusing("AccessControlException", "Permission denied: user=hops"), ConflictError),
        (refusing("FileAlreadyExistsException"), ConflictError),
        (refusing("InvalidPathException", status=400), InvalidRequestError),
        (refusing("NSQuotaExceededException"), StorageFullError),
        (refusing("DSQuotaExceededException"), StorageFullError),
        (refusing("IOException", "could only be written to 0 of the 1; There are 1 datanode(s)"), StorageFullError),
        (refusing("IOException", "could only be written to 0; There are 0 datanode(s)"), EngineUnavailableError),
        (refusing("StandbyException"), EngineUnavailableError),
        (refusing("SafeModeException"), EngineUnavailableError),
        (refusing("SomethingElse", "a secret of the site"), EngineRefusedError),
        (lambda _request: httpx.Response(503, text="<html>"), EngineUnavailableError),
        (lambda _request: httpx.Response(200, text="<html>"), EngineRefusedError),
    ],
)
def test_what_hdfs_says_is_told_in_the_platforms_words(
    speaking: Callable[[Answer], WebHdfs], answer: Answer, error: type[PlatformError]
) -> None:
    with pytest.raises(error) as told:
        speaking(answer).ask("GET", "GETFILESTATUS", ("weather", "raw", "a"))
    words = f"{told.value.detail} {told.value.remedy}"
    for hidden in ("secret", "Permission denied", "/a (", "org.apache", "name-node", "lake"):
        assert hidden not in words


def test_an_hdfs_that_does_not_answer_is_away(speaking: Callable[[Answer], WebHdfs]) -> None:
    def answer(_request: httpx.Request) -> Any:
        raise httpx.ReadTimeout("slow")

    with pytest.raises(EngineUnavailableError):
        speaking(answer).ask("GET", "GETFILESTATUS", ("weather",))


def test_the_list_of_a_gate_names_who_enters_and_nobody_else() -> None:
    rights = DatasetRights(dataset="raw", writers=["weather__bob", "weather__ada"], readers=["tides__eve", "sea__dan"])
    assert gate(rights, entering=["sea__dan"]).split(",") == [
        "user::rwx", "group::---", "user:weather__ada:rwx", "user:weather__bob:rwx", "user:sea__dan:r-x",
        "mask::rwx", "other::---",
        "default:user::rwx", "default:group::rwx", "default:user:sea__dan:r-x", "default:user:tides__eve:r-x",
        "default:mask::rwx", "default:other::rwx",
    ]  # fmt: skip


def test_the_lists_behind_it_let_readers_read() -> None:
    assert behind(["tides__eve"], folder=False) == "user::rw-,group::rw-,user:tides__eve:r--,mask::rw-,other::rw-"
    assert "user:tides__eve:r-x" in behind(["tides__eve"], folder=True).split(",")
