"""A browser without a window: cookies, the tokens against forged requests, and the pages' own calls."""

from __future__ import annotations

import html
import re
import secrets
from typing import Any

import httpx

from hopslab.errors import SiteError
from hopslab.settings import SiteSettings
from hopslab.site.answers import client_for

API = "services/hops/api/v1/"
REQUEST_TIMEOUT_S = 60.0
_CSRF = re.compile(r'<meta name="hops-csrf" content="([^"]+)"')


class Visitor:
    """One person's browser at a site.

    Args:
        settings: Which site.
    """

    def __init__(self, settings: SiteSettings) -> None:
        self._client = client_for(settings, timeout_s=REQUEST_TIMEOUT_S)
        self._client.follow_redirects = True
        self._csrf = ""
        self.user = ""

    def close(self) -> None:
        """Forget the cookies and close the connections."""
        self._client.close()

    def log_in(self, user: str, password: str) -> None:
        """Fill in the Hub's login form.

        Raises:
            SiteError: The form refused.
        """
        self.get("hub/login")
        answer = self._client.post(
            "hub/login", data={"_xsrf": self.cookie("_xsrf", "/hub/"), "username": user, "password": password}
        )
        if answer.status_code != httpx.codes.OK or answer.url.path.endswith("/login"):
            raise SiteError(
                f"The login form refused {user}: {_reason(answer)}", "Check the user's name and the password."
            )
        self.user = user

    def open_projects(self) -> None:
        """Open the control plane's page, which logs in there and carries the token for its own calls.

        Raises:
            SiteError: The page did not open.
        """
        page = self.get("services/hops/")
        found = _CSRF.search(page.text)
        if not found:
            raise SiteError("The page of the projects carries no token for its calls.")
        self._csrf = html.unescape(found[1])

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of the control plane's REST API, as its pages make it.

        Raises:
            SiteError: It was refused; the message is the problem's own sentence.
        """
        headers = {"X-Hops-CSRF": self._csrf, "Accept": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = secrets.token_hex(16)
        answer = self._client.request(method, API + path, json=body, headers=headers)
        return _content(answer)

    def get(self, path: str) -> httpx.Response:
        """Open a page.

        Raises:
            SiteError: It did not open.
        """
        answer = self._client.get(path)
        if answer.is_error:
            raise SiteError(f"{path.partition('?')[0]} answered {answer.status_code}: {_reason(answer)}")
        return answer

    def post_form(self, path: str, fields: dict[str, str]) -> httpx.Response:
        """Send a form of the Hub.

        Raises:
            SiteError: It was refused.
        """
        answer = self._client.post(path, data={"_xsrf": self.cookie("_xsrf", "/hub/"), **fields})
        if answer.is_error:
            raise SiteError(f"The form was refused: {_reason(answer)}")
        return answer

    def jupyter(self, method: str, server: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of a notebook server's REST API.

        Args:
            method: HTTP method.
            server: Path of the server, ``user/<user>/<project>/``.
            path: Path below it.
            body: JSON to send.

        Raises:
            SiteError: It was refused.
        """
        headers = {"X-XSRFToken": self.cookie("_xsrf", f"/{server}")}
        return _content(self._client.request(method, server + path, json=body, headers=headers))

    def websocket(self, path: str, server: str) -> tuple[str, dict[str, str]]:
        """Address and headers with which a WebSocket of a notebook server is opened."""
        address = self._client.base_url.join(path).copy_merge_params({"_xsrf": self.cookie("_xsrf", f"/{server}")})
        probe = self._client.build_request("GET", path)
        headers = {"Cookie": probe.headers["Cookie"], "Origin": str(self._client.base_url).rstrip("/")}
        return str(address.copy_with(scheme="wss" if address.scheme == "https" else "ws")), headers

    def cookie(self, name: str, path: str) -> str:
        """The cookie ``name`` that a browser would send to ``path``; the most specific wins."""
        found = [cookie for cookie in self._client.cookies.jar if cookie.name == name and path.startswith(cookie.path)]
        best = max(found, key=lambda cookie: len(cookie.path), default=None)
        return (best.value or "") if best else ""


def _content(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise SiteError(_reason(answer))
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError as error:
        raise SiteError(f"{answer.url.path} answered with something that is not JSON.") from error


def _reason(answer: httpx.Response) -> str:
    """Why ``answer`` is an error, in the words of its body."""
    try:
        body = answer.json()
    except ValueError:
        error = re.search(r'class="[^"]*(?:login_error|error|problem)[^"]*"[^>]*>(.*?)</', answer.text, re.DOTALL)
        text = html.unescape(re.sub(r"<[^>]+>", " ", error[1])) if error else ""
        return " ".join(text.split()) or f"HTTP {answer.status_code}"
    if not isinstance(body, dict):
        return f"HTTP {answer.status_code}"
    parts = [body.get("detail") or body.get("message") or f"HTTP {answer.status_code}"]
    parts += [violation.get("message", "") for violation in body.get("violations") or ()]
    return " ".join(str(part) for part in dict.fromkeys(parts) if part)
