"""Requests to the platform's services with this server's token, by Tornado's client: Jupyter has loaded it anyway."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders, parse_response_start_line
from tornado.log import app_log

from jupyterlab_hops.problems import ProblemError, no_answer, odd_answer, unexpected_answer
from jupyterlab_hops.server_folder import ServerFolderError

CONNECT_TIMEOUT_S = 3.0
REQUEST_TIMEOUT_S = 20.0
STREAM_TIMEOUT_S = 130.0
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_STREAM_BYTES = 64 * 1024 * 1024
_NO_CONTENT = 204
_FIRST_ERROR = 400
_NO_STATUS = 599
T = TypeVar("T")


class PlatformClient:
    """One service of the platform.

    Args:
        service: Its name in sentences, e.g. ``The control plane``.
        base_url: Its address.
        read_token: Gives the token for each request.
    """

    def __init__(self, service: str, base_url: str, read_token: Callable[[], str]) -> None:
        self._service = service
        self._base_url = base_url.rstrip("/") + "/"
        self._read_token = read_token

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        patience_s: float = REQUEST_TIMEOUT_S,
    ) -> Any:
        """The JSON that ``method`` of ``path`` answers; ``None`` for an empty answer.

        Args:
            method: Of HTTP.
            path: Below the service's address.
            body: What is sent as JSON.
            raw: What is sent as it is, instead.
            patience_s: Seconds that it may take.

        Raises:
            ProblemError: The service refused (with its own words), or gave no usable answer.
        """
        headers = {"Authorization": self._authorization(), "Accept": "application/json"}
        content: str | bytes | None = raw
        if raw is not None:
            headers["Content-Type"] = "application/octet-stream"
        elif method in {"POST", "PUT", "PATCH"}:
            content = json.dumps({} if body is None else body)
            headers["Content-Type"] = "application/json"
        request = HTTPRequest(
            self._base_url + path,
            method=method,
            headers=headers,
            body=content,
            connect_timeout=CONNECT_TIMEOUT_S,
            request_timeout=patience_s,
            follow_redirects=False,  # the token goes to this service and nowhere else
        )
        response = await self._fetch(request, MAX_ANSWER_BYTES)
        return self._read(response.code, response.body)

    async def fetch_bytes(self, path: str, *, most_bytes: int, patience_s: float) -> bytes:
        """The bytes that are at ``path``.

        Raises:
            ProblemError: The service refused (with its own words), or gave no whole answer of that size.
        """
        request = HTTPRequest(
            self._base_url + path,
            headers={"Authorization": self._authorization()},
            connect_timeout=CONNECT_TIMEOUT_S,
            request_timeout=patience_s,
            follow_redirects=False,
        )
        response = await self._fetch(request, most_bytes)
        if response.code >= _FIRST_ERROR:
            self._read(response.code, response.body)
        return bytes(response.body or b"")

    async def read(self, path: str, take: Callable[[Any], T], *, method: str = "GET", body: Any = None) -> T:
        """What ``take`` makes of the JSON that ``method`` of ``path`` answers.

        Raises:
            ProblemError: As for :meth:`request`, or the answer lacks what ``take`` needs of it.
        """
        answer = await self.request(method, path, body)
        try:
            return take(answer)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            app_log.warning("%s answered %s %s with something else than was agreed", self._service, method, path)
            raise unexpected_answer(self._service) from error

    async def stream(
        self,
        path: str,
        *,
        headers: Mapping[str, str],
        begin: Callable[[int, HTTPHeaders], None],
        take: Callable[[bytes], None],
    ) -> None:
        """Gets ``path`` and hands it over as it comes.

        Args:
            path: Below the service's address.
            headers: Sent beside the token.
            begin: Is told status and headers of an answer that is no error, before its first part.
            take: Takes each part.

        Raises:
            ProblemError: The service refused (with its own words), or gave no whole answer.
        """
        status = 0
        received = HTTPHeaders()
        refused = bytearray()

        def _hear(line: str) -> None:
            nonlocal status, received
            if line.startswith("HTTP/"):
                status, received = parse_response_start_line(line.strip()).code, HTTPHeaders()
            elif line.strip():
                received.parse_line(line)
            elif status < _FIRST_ERROR:
                begin(status, received)

        def _collect(part: bytes) -> None:
            if status < _FIRST_ERROR:
                take(part)
            elif len(refused) < MAX_ANSWER_BYTES:
                refused.extend(part)

        request = HTTPRequest(
            self._base_url + path,
            headers={**headers, "Authorization": self._authorization()},
            connect_timeout=CONNECT_TIMEOUT_S,
            request_timeout=STREAM_TIMEOUT_S,
            follow_redirects=False,
            decompress_response=False,
            header_callback=_hear,
            streaming_callback=_collect,
        )
        response = await self._fetch(request, MAX_STREAM_BYTES)
        if response.code >= _FIRST_ERROR:
            self._read(response.code, bytes(refused))

    async def _fetch(self, request: HTTPRequest, most_bytes: int) -> HTTPResponse:
        client = AsyncHTTPClient(force_instance=True, defaults=None, max_body_size=most_bytes)
        try:
            return await client.fetch(request, raise_error=False)
        except (OSError, HTTPClientError) as error:
            raise no_answer(self._service) from error
        finally:
            client.close()

    def _authorization(self) -> str:
        try:
            return f"Bearer {self._read_token()}"
        except ServerFolderError as error:
            raise ProblemError(503, "no-token", "No token", str(error)) from error

    def _read(self, status: int, content: bytes | None) -> Any:
        if status == _NO_STATUS:
            raise no_answer(self._service)
        if status == _NO_CONTENT or (status < _FIRST_ERROR and not content):
            return None
        try:
            answer = json.loads(content or b"")
        except ValueError as error:
            raise odd_answer(self._service, status) from error
        if status < _FIRST_ERROR:
            return answer
        if not isinstance(answer, dict) or "detail" not in answer:
            raise odd_answer(self._service, status)
        raise ProblemError(
            status,
            str(answer.get("type", "about:blank")),
            str(answer.get("title", "Refused")),
            str(answer["detail"]),
            answer.get("remedy"),
            answer.get("violations"),
        )
