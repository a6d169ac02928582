"""Spark's own pages of one of my sessions, behind the notebook server's authentication.

The session service gives them to the owner alone and looks at what it passes on. Here they get the browser's path and a
policy: they are made by code that ran in the session, so they load nothing from elsewhere, send nothing elsewhere, and
nobody else frames them.

All notebook servers of a person are on one origin, so a page of another project could frame these, read them and the
cookies of this path, and fetch them: for a browser it is no other site. So their address has a part that nobody can
guess. Lab asks for it with the token that other pages don't have (``hops/session/{id}:pages``), and a person who opens
a window without it is led there.
"""

from __future__ import annotations

import hmac
import re
from html import escape
from http import HTTPStatus
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.httputil import HTTPHeaders

from jupyterlab_hops.access import AUTH_RESOURCE, SETTING, project_server
from jupyterlab_hops.no_downloads import SANDBOX
from jupyterlab_hops.problems import ProblemError, no_answer
from jupyterlab_hops.project import ProjectServer

POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
"""Beside Spark's own, of which the strictest words count."""
NO_FRAME = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Of every answer to who does not know the address: any frame on this origin gives the cookies of its path away."""
_ASKED = ("Accept", "Accept-Encoding", "Accept-Language", "If-Modified-Since", "If-None-Match")
_TOLD = frozenset({
    "Content-Disposition", "Content-Encoding", "Content-Security-Policy", "Content-Type", "ETag", "Last-Modified",
    "Location",
})  # fmt: skip
_SENT = re.compile(r"/hops/session/\d+/ui/([^/?]*)/(.*)")
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 14px/1.5 system-ui, sans-serif; margin: 48px auto; max-width: 560px; padding: 0 20px; }}
h1 {{ font-size: 20px; }}
</style></head>
<body><main><h1>{title}</h1><p>{detail}</p><p>{remedy}</p></main></body>
</html>
"""


class SparkPagesHandler(JupyterHandler):
    """``hops/session/{id}/ui/…``."""

    auth_resource = AUTH_RESOURCE

    @property
    def page(self) -> str | None:
        """Path and query of the page that is asked for; ``None`` for who does not know the address.

        As the browser sent it: names in Spark may hold an encoded slash.
        """
        sent = _SENT.search(self.request.uri or "")
        try:
            secret = project_server(self).pages_secret
        except ProblemError:
            return None
        return sent[2] if sent is not None and hmac.compare_digest(sent[1].encode(), secret.encode()) else None

    def check_xsrf_cookie(self) -> None:
        """Spark's scripts, which fetch numbers for its tables, know no such token; their address proves as much.

        Nothing is changed here either.
        """
        if self.page is None:
            super().check_xsrf_cookie()

    @property
    def content_security_policy(self) -> str:
        """See :data:`POLICY`, :data:`NO_FRAME` and ``no_downloads``."""
        if self.page is None:
            return NO_FRAME
        return POLICY if self._saves_files() else f"{POLICY}; {SANDBOX}"

    @web.authenticated
    @authorized
    async def get(self, session_id: str, _page: str) -> None:
        """Passes a page on as it comes, or leads a person to the first one."""
        server, page = project_server(self), self.page
        first = server.pages_path(int(session_id))
        if page is None:
            # Browsers set this header and let no script change it. Where they don't, which is on plain HTTP, a person
            # can't be told from a script, and Lab is the only way.
            if self.request.headers.get("Sec-Fetch-Dest") != "document":
                raise _unknown_address()
            self.set_header("Cache-Control", "no-store")
            self.redirect(first)
            return
        asked = {name: self.request.headers[name] for name in _ASKED if name in self.request.headers}
        try:
            await server.spark_page(
                int(session_id),
                page,
                headers={"Accept-Encoding": "identity", **asked, "X-Forwarded-Context": first.rstrip("/")},
                begin=self._begin,
                take=self._take,
            )
        except ProblemError as error:
            if self._headers_written:
                # What was begun can't be taken back; who reads sees by its length that it is not whole.
                self.log.warning("A page of Spark was broken off: %s", error)
                if self.request.connection is not None:
                    self.request.connection.stream.close()
                return
            self.set_status(error.status)
            self.write_problem(error)
            return
        if not self._finished:
            await self.finish()

    def _begin(self, status: int, headers: HTTPHeaders) -> None:
        self.set_status(status)
        self.clear_header("Content-Type")
        self.set_header("Cache-Control", "no-store")
        for name in _TOLD if self._saves_files() else _TOLD - {"Content-Disposition"}:
            for value in headers.get_list(name):
                self.add_header(name, value)

    def _saves_files(self) -> bool:
        server = self.settings.get(SETTING)
        return isinstance(server, ProjectServer) and server.own_role.owner_at_start

    def _take(self, part: bytes) -> None:
        self.write(part)
        self.flush()

    def write_problem(self, error: ProblemError) -> None:
        """A page that tells the reader of a frame what is the matter."""
        body = error.body
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(
            _PAGE.format(
                title="No page of Spark",
                detail=escape(str(body["detail"])),
                remedy=escape(str(body["remedy"] or "")),
            )
        )

    def write_error(self, status_code: int, **options: Any) -> None:
        """The same for what Jupyter refuses, and for what was not expected."""
        error = (options.get("exc_info") or (None, None, None))[1]
        if not isinstance(error, ProblemError):
            title = HTTPStatus(status_code).phrase
            known = isinstance(error, web.HTTPError) and status_code < HTTPStatus.INTERNAL_SERVER_ERROR
            error = ProblemError(status_code, "about:blank", title, title) if known else no_answer("Spark's page")
        self.set_status(error.status)
        self.write_problem(error)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Logs what was not expected; a problem is an answer."""
        if not isinstance(value, ProblemError):
            super().log_exception(typ, value, tb)


def _unknown_address() -> ProblemError:
    return ProblemError(
        HTTPStatus.NOT_FOUND,
        "not-found",
        "Not found",
        "There is no page of Spark at this address.",
        "In Lab, 'Open the Spark UI' beside the session, in the sidebar 'Spark sessions', leads there.",
    )
