"""Calls to the platform in the name of whoever this process works for, with the token that it has.

Address, project and token are those of this notebook server or session; elsewhere the environment names them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hops import _session
from hops.errors import HopsError

_TRIES = 5
_TIMEOUTS_S = (10, 120)
_FORBIDDEN = 403
# Where contents go in and out, for which code in a session needs nobody.
_CONTENTS = ("/content", "/uploads")
# Too slow, too many at once, or a part of the platform is just away.
_FOR_NOW = frozenset({408, 429, 502, 503, 504})


class PlatformError(HopsError):
    """The platform refused, or does not answer; the message says why and what helps."""


class LostError(PlatformError):
    """The connection broke; the call can be repeated."""


@contextmanager
def told_as(kind: type[HopsError]) -> Iterator[None]:
    """Around a function: what the platform says comes as a ``kind`` to whoever calls it."""
    try:
        yield
    except PlatformError as error:
        raise kind(str(error)).with_traceback(error.__traceback__) from error.__cause__


def wait_after(failed: int, error: LostError) -> int:
    """Waits before the next try, the longer the more have ``failed``; how many that are now.

    Raises:
        LostError: Enough were made: ``error`` itself.
    """
    if failed >= _TRIES:
        raise error
    time.sleep(min(8.0, 0.25 * 2**failed))
    return failed + 1


def pages(address: str, **query: str) -> Iterator[Any]:
    """The items of a list, page after page."""
    after: dict[str, str] = {}
    while True:
        page = call("GET", address, params={**query, **after, "limit": "100"})
        yield from page["items"]
        if page["next"] is None:
            return
        after = {"after": page["next"]}


def call(method: str, address: str, *, patient: bool = False, **options: Any) -> Any:
    """What the platform answers, as JSON; ``None`` where it says nothing.

    Args:
        method: Of HTTP.
        address: As :func:`send` takes it.
        patient: Whether the answer may take up to an hour.
        options: As ``requests.request`` takes them.

    Raises:
        PlatformError: It refused.
        LostError: It does not answer, or can't just now.
    """
    if patient:
        # A large file is read once more before it is put in its place.
        options["timeout"] = (_TIMEOUTS_S[0], 3600)
    with send(method, address, **options) as answer:
        return answer.json() if answer.content else None


def call_again(method: str, address: str, **options: Any) -> Any:
    """Calls what can be repeated until there is an answer."""
    failed = 0
    while True:
        try:
            return call(method, address, **options)
        except LostError as error:
            failed = wait_after(failed, error)


def send(method: str, address: str, **options: Any) -> Any:
    """The answer to a call, which the caller closes.

    Args:
        method: Of HTTP.
        address: Below the project's; with a leading slash, below that of the whole API.
        options: As ``requests.request`` takes them.

    Raises:
        PlatformError: The platform refused.
        LostError: It does not answer, or can't just now.
    """
    import requests

    url, project, token = _where()

    def show_token(request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    timeout = options.pop("timeout", _TIMEOUTS_S)
    # With a leading slash it is none of the project's.
    place = address[1:] if address.startswith("/") else f"projects/{quote(project, safe='')}/{address}".rstrip("/")
    try:
        # With authentication of its own, a .netrc that names the platform's host does not take the token's place.
        answer = requests.request(
            method,
            f"{url}api/v1/{place}",
            auth=show_token,
            allow_redirects=False,
            timeout=timeout,
            **options,
        )
    except requests.RequestException as error:
        raise LostError(f"The platform does not answer ({type(error).__name__}).") from error
    if answer.ok:
        return answer
    with answer:
        raise _refusal(answer, address)


def _refusal(answer: Any, address: str) -> PlatformError:
    try:
        problem = answer.json()
        words = [problem["detail"], problem.get("remedy")]
    except (ValueError, KeyError, TypeError, AttributeError):
        words = [f"The platform answered {answer.status_code}."]
    is_at_hand = address.endswith(_CONTENTS) and bool(os.environ.get("HOPS_PROJECT_PATH"))
    if answer.status_code == _FORBIDDEN and is_at_hand:
        words.append("Code in a session has the project's files at hand: see hops.hdfs.")
    kind = LostError if answer.status_code in _FOR_NOW else PlatformError
    return kind(" ".join(word for word in words if word))


def _where() -> tuple[str, str, str]:
    """Address of the platform, the project, and a token, which is read anew at each call since it is renewed."""
    folder = os.environ.get("HOPS_SERVER_FOLDER")
    server: dict[str, Any] = {}
    if folder:
        try:
            server = json.loads((Path(folder) / "server.json").read_text())
        except (OSError, ValueError):
            server = {}
    url = os.environ.get("HOPS_CONTROL_PLANE_URL") or server.get("control_plane_url")
    file = os.environ.get("HOPS_TOKEN_FILE") or (folder and str(Path(folder) / "token.jwt"))
    project = os.environ.get("HOPS_PROJECT") or _session.current().project
    if not url or not file:
        raise PlatformError(
            "This process does not know the platform. Elsewhere than in a project, set HOPS_CONTROL_PLANE_URL, "
            "HOPS_PROJECT, and HOPS_TOKEN_FILE to a file with a token of yours."
        )
    try:
        token = Path(file).read_text().strip()
    except OSError as error:
        raise PlatformError(f"The token can't be read ({error.strerror}).") from error
    return url.rstrip("/") + "/", project, token
