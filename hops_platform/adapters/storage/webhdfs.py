"""HDFS's HTTP interface, WebHDFS: https://hadoop.apache.org/docs/r3.4.2/hadoop-project-dist/hadoop-hdfs/WebHDFS.html .

No cookie is kept: HDFS hands one out at the first call, and by it later calls of the same connection would be those of
whoever called first. Every call says who it is of.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from hops_contract.loopback import is_loopback
from hops_contract.trust import public_authorities
from hops_platform.adapters.storage.trees import PIECE, Path, absent, shown, taken
from hops_platform.errors import (
    ConflictError,
    EngineRefusedError,
    EngineUnavailableError,
    InvalidRequestError,
    PlatformError,
    StorageFullError,
)

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_ABSENT = frozenset({"FileNotFoundException", "ParentNotDirectoryException"})
_FULL = frozenset({"NSQuotaExceededException", "DSQuotaExceededException", "QuotaByStorageTypeExceededException"})
_AWAY = frozenset({"SafeModeException", "StandbyException", "RetriableException", "ServerTooBusyException"})
_NO_NAME = frozenset({"InvalidPathException", "PathComponentTooLongException", "IllegalArgumentException"})
_CLOSED = frozenset({"AccessControlException", "SecurityException"})


class WebHdfs:
    """Calls of one user.

    Attributes:
        user: Who calls.

    Args:
        address: Of the interface: ``http://host:port`` or ``https://host:port``.
        user: Who calls.
        root: The folders that all paths begin below.
        verify: Who vouches for certificates.
        transport: Takes the place of the network in tests.
    """

    def __init__(
        self,
        address: str,
        *,
        user: str,
        root: Path,
        verify: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.user = user
        self._root = root
        self._client = httpx.Client(
            base_url=f"{address.rstrip('/')}/webhdfs/v1/",
            timeout=_TIMEOUT,
            transport=transport,
            trust_env=False,
            verify=verify or public_authorities(),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    def close(self) -> None:
        """Hangs up."""
        self._client.close()

    def absolute(self, path: Path) -> str:
        """The name of ``path`` in HDFS."""
        for part in path:
            if ":" in part:
                raise InvalidRequestError(
                    f"{part!r} can't be a name on this site's storage: HDFS has no ':' in names.",
                    remedy="Choose another name.",
                )
        return "/" + "/".join((*self._root, *path))

    def ask(self, method: str, op: str, path: Path, **params: str) -> Mapping[str, Any]:
        """Asks the NameNode.

        Raises:
            PlatformError: It refused, in the platform's words.
        """
        with _reached():
            response = self._client.request(method, self._address(path), params=self._params(op, params))
        return _json(checked(response, path))

    def send(self, op: str, path: Path, pieces: Iterable[bytes], **params: str) -> None:
        """Sends bytes, through the DataNode that the NameNode names."""
        told = self.ask("PUT", op, path, noredirect="true", **params)
        with _reached():
            response = self._client.put(
                self._elsewhere(told), content=iter(pieces), headers={"Content-Type": "application/octet-stream"}
            )
        checked(response, path)

    @contextmanager
    def receive(self, path: Path, *, offset: int) -> Iterator[Iterator[bytes]]:
        """The bytes of a file from ``offset`` on, in pieces."""
        told = self.ask("GET", "OPEN", path, noredirect="true", offset=str(offset))
        with _reached(), self._client.stream("GET", self._elsewhere(told)) as response:
            if response.is_error:
                response.read()
            checked(response, path)
            yield _pieces(response)

    def _address(self, path: Path) -> str:
        # A name is never a part of a URL as it is: it may hold '?', '#' or '%'.
        return quote(self.absolute(path), safe="/").lstrip("/")

    def _params(self, op: str, params: Mapping[str, str]) -> dict[str, str]:
        return {"op": op, "user.name": self.user, **params}

    def _elsewhere(self, told: Mapping[str, Any]) -> str:
        location = str(told.get("Location", ""))
        parts = urlsplit(location)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise EngineRefusedError(
                "HDFS named a DataNode that is reached without TLS.",
                remedy="Tell an administrator: dfs.http.policy must be HTTPS_ONLY where HDFS is on other machines.",
            )
        return location


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise EngineUnavailableError(
            "The site's storage (HDFS) can't be reached.", remedy="Try again in a moment.", retry_after_s=5
        ) from error


def _pieces(response: httpx.Response) -> Iterator[bytes]:
    with _reached():
        yield from response.iter_raw(PIECE)


def _json(response: httpx.Response) -> Mapping[str, Any]:
    if not response.content:
        return {}
    try:
        told = response.json()
    except ValueError as error:
        raise EngineRefusedError("What answers is no HDFS.", remedy="Tell an administrator.") from error
    return told if isinstance(told, dict) else {}


def checked(response: httpx.Response, path: Path) -> httpx.Response:
    """The answer, if it is a good one.

    Raises:
        PlatformError: HDFS refused; its reason in the platform's words.
    """
    if not response.is_error:
        return response
    try:
        told = response.json()["RemoteException"]
        name, message = str(told["exception"]), str(told.get("message", ""))
    except (ValueError, LookupError, TypeError):
        name, message = "", ""
    raise _problem(name, message, response.status_code, path)


def _problem(name: str, message: str, status: int, path: Path) -> PlatformError:
    # Whom HDFS does not let in everywhere is told so of what would lie in a file.
    if name in _ABSENT or "is not a directory" in message or (not name and status == httpx.codes.NOT_FOUND):
        return absent(path)
    if name == "FileAlreadyExistsException":
        return taken(path)
    if name in _CLOSED or name in _NO_NAME:
        return _callers(name, path)
    return _engines(name, message, status)


def _callers(name: str, path: Path) -> PlatformError:
    """What the caller can do something about."""
    if name in _NO_NAME:
        return InvalidRequestError("HDFS can't have such a name.", remedy="Choose another name.")
    return ConflictError(
        f"'{shown(path)}' is closed by its own permissions on HDFS.",
        remedy="Open it to others (chmod), or ask an administrator: the platform's user must be able to reach it.",
    )


def _engines(name: str, message: str, status: int) -> PlatformError:
    """What an administrator has to look at."""
    if name in _FULL or ("could only be written to 0" in message and "There are 0 datanode(s)" not in message):
        return StorageFullError("There is no space left on the site's storage (HDFS).", remedy="Tell an administrator.")
    if name in _AWAY or status >= httpx.codes.INTERNAL_SERVER_ERROR or "There are 0 datanode(s)" in message:
        return EngineUnavailableError(
            "The site's storage (HDFS) does not serve at this moment.", remedy="Try again.", retry_after_s=5
        )
    return EngineRefusedError(
        f"HDFS refused this ({name or f'status {status}'}).",
        remedy="Tell an administrator, who finds more in its logs.",
    )
