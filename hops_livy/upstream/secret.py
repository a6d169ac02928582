"""The platform's password or token for Apache Livy, from a file that nobody else may read."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

import httpx

from hops_livy.upstream.answers import AwayError
from hops_livy.upstream_settings import Authentication, UpstreamSettings

_MOST_SECRET = 64 * 1024


class Secret(httpx.Auth):
    """Puts the platform's password or token into each request, read anew when its file has changed.

    Args:
        settings: Which kind, and where it lies.
    """

    def __init__(self, settings: UpstreamSettings) -> None:
        self._settings = settings
        self._seen: tuple[int, int] | None = None
        self._text = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """See ``httpx.Auth``."""
        secret = self._read()
        if self._settings.authentication is Authentication.BASIC:
            yield from httpx.BasicAuth(self._settings.user, secret).auth_flow(request)
        else:
            request.headers["Authorization"] = f"Bearer {secret}"
            yield request

    def _read(self) -> str:
        path = self._settings.secret_file or Path()
        try:
            changed = mark_of(path)
            if changed != self._seen:
                self._text = read_secret(path)
                self._seen = changed
        except (OSError, ValueError) as error:
            raise unusable("password or token", error) from None
        return self._text


def mark_of(path: Path) -> tuple[int, int]:
    """What is another one when the file, or who may read it, has changed.

    Raises:
        OSError: There is no such file.
    """
    found = path.stat()
    # Also another mode, which lets others read it, changes the time of the last change.
    return found.st_ino, found.st_ctime_ns


def open_private(path: Path) -> BinaryIO:
    """Opens a file that nobody else may read.

    Raises:
        OSError: It can't be read.
        ValueError: Others may read it, or it is no file.
    """
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077:
        file.close()
        raise ValueError("others may read its file; chmod 600 helps")
    return file


def read_secret(path: Path) -> str:
    """The secret in a file that nobody else may read.

    Raises:
        OSError: It can't be read.
        ValueError: It holds none, or others may read it.
    """
    with open_private(path) as file:
        text = file.read(_MOST_SECRET + 1)
    secret = text.decode("ascii", "replace").strip()
    if not secret or len(text) > _MOST_SECRET or not secret.isascii() or not secret.isprintable():
        raise ValueError("its file holds none")
    return secret


def unusable(what: str, error: OSError | ValueError) -> AwayError:
    """Says that ``what`` the platform shows can't be used, without the file's path."""
    told = f"it can't be read: {error.strerror}" if isinstance(error, OSError) else str(error)
    return AwayError(f"The platform's {what} for Apache Livy can't be used ({told}). Tell the administrator.")
