"""The certificate of a session's owner: asked for, written, and brought to executors elsewhere."""

from __future__ import annotations

import asyncio
import json
import logging
import zipfile
from typing import Any

import httpx
import pytest

from hops_contract.certificates import CERTIFICATES_VARIABLE
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.builtin.folder import SessionFolder
from hops_livy.certificates import ExportedCertificates
from tests.sample_certificate import SAMPLE

OWNER = Principal(
    kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_SCIENTIST
)  # fmt: skip


def ask(answer: Any) -> dict[str, bytes]:
    async def run() -> dict[str, bytes]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            return await ExportedCertificates("http://control-plane/api/v1/projects/", client).of(OWNER, "its-token")

    return asyncio.run(run())


def test_it_is_asked_for_with_the_sessions_token() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=SAMPLE.on_the_wire())

    assert ask(answer) == SAMPLE.files()
    (request,) = seen
    assert (request.method, request.url.path) == ("POST", "/api/v1/projects/weather/certificate:export")
    assert request.headers["authorization"] == "Bearer its-token"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(403, json={"detail": "no"}),
        httpx.Response(503),
        httpx.Response(200, text="a proxy's page"),
        httpx.Response(200, json={"key": "half a certificate"}),
    ],
)
def test_without_one_a_session_starts_all_the_same_and_no_answer_is_logged(
    answer: httpx.Response, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert ask(lambda _request: answer) == {}
    assert "weather__ada gets no certificate" in caplog.text
    assert "half a certificate" not in caplog.text


def test_a_control_plane_that_is_away_costs_no_session() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody listens", request=request)

    assert ask(away) == {}


def test_the_files_are_their_owners_alone(tmp_path: Any) -> None:
    folder = SessionFolder(tmp_path / "7")
    folder.path.mkdir(mode=0o700)
    folder.write_certificates(SAMPLE.files(), archive=True)
    written = {path.name: path.read_bytes() for path in folder.certificates.iterdir()}
    assert written == SAMPLE.files()
    assert folder.certificates.stat().st_mode & 0o777 == 0o700
    for path in (*folder.certificates.iterdir(), folder.certificates_archive):
        assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(folder.certificates_archive) as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == SAMPLE.files()


def test_the_names_of_the_library_are_those_of_the_files(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from hops import tls  # noqa: PLC0415 - of another product

    folder = SessionFolder(tmp_path / "7")
    folder.path.mkdir(mode=0o700)
    folder.write_certificates(SAMPLE.files(), archive=False)
    monkeypatch.setenv(CERTIFICATES_VARIABLE, str(folder.certificates))
    assert tls.CERTIFICATES_VARIABLE == CERTIFICATES_VARIABLE
    found = {
        getattr(tls, name)()
        for name in tls.__all__
        if name not in {"get_key_store_cert", "get_key_store_pwd", "get_trust_store_pwd"}
    }
    assert found == {str(path) for path in folder.certificates.iterdir() if path.name != "password"}
    assert (tls.get_key_store_pwd(), tls.get_key_store_cert()) == ("a password", b"keys")
    assert json.dumps(tls.get_trust_store_pwd()) == '"a password"'


def test_a_session_without_one_says_so_and_takes_none_that_lies_about(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hops import tls  # noqa: PLC0415 - of another product

    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "authorities.pem").write_text("of another member")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(CERTIFICATES_VARIABLE, raising=False)
    with pytest.raises(FileNotFoundError, match="Start the session again"):
        tls.get_ca_chain_location()
