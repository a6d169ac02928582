"""Everything of sparkmagic 0.23 that is not public and that this kernel relies on, in one place to look at.

``tests/contract/kernels/test_seams.py`` fails when a newer version moves one of them.

=====================================================  ==============================================================
``SparkController._livy_session``                      sessions are ours (``sessions.py``)
``LivySession._http_client`` and the client's own one  paths that sparkmagic does not know: ``summary``, ``events``
``ReliableHttpClient._send_request``                   a statement's key, with sparkmagic's own retries
``LivySession._start_heartbeat_thread``                the heartbeat of a session that we started
``LivySession.refresh_status_and_info``                the place in the queue is read with the state
``ReliableHttpClient._auth``, ``.verify_ssl``          requests of our own, which must not be tried again for long
``SparkController._http_client``, the client's         requests go to the service itself, never to a proxy
``._session``
``Command.execute``                                    SQL and ``-o`` run without a progress widget
``KernelMagics.session_started``, ``.endpoint``        which session a kernel has
``KernelMagics.execute_sqlquery``                      results of queries are known, for their charts
``KernelMagics._do_not_call_start_session``            starting says what happens, and may be tried again
``KernelMagics._do_not_call_delete_session``           a session that is another notebook's is left to it
``KernelMagics._override_session_settings``            options are checked before a session ends for them
``SparkKernelBase._load_magics_extension``             our magics instead of theirs
``SparkKernelBase._delete_session``                    the session ends with the kernel
=====================================================  ==============================================================

Of ipykernel 7: ``shell_channel_thread_main``, ``SubshellManager._create_subshell`` (``kernel.py``), because a front end
asks for completions on the channel on which the running cell keeps them waiting.
"""

from __future__ import annotations

import os
from typing import Any

import requests
from sparkmagic.livyclientlib.livysession import LivySession


def get_json(session: LivySession, path: str) -> dict[str, Any]:
    """``GET`` of a path below the session, with sparkmagic's own retries.

    Raises:
        sparkmagic.livyclientlib.exceptions.HttpClientException: The service did not answer 200.
    """
    answer = session.http_client._http_client.get(f"/sessions/{session.id}{path}", [200]).json()  # noqa: SLF001
    return answer if isinstance(answer, dict) else {}


_ONCE = requests.Session()
"""Without the retries of sparkmagic's own sessions. Used by one thread."""
_ONCE.trust_env = False


def go_straight(http_client: Any) -> None:
    """Sends the client's requests to the service itself, whatever proxy the environment names: they carry the token.

    The environment's certificates are trusted still.
    """
    client = http_client._http_client  # noqa: SLF001
    client._session.trust_env = False  # noqa: SLF001
    if client.verify_ssl:
        client.verify_ssl = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True


def post_json(session: LivySession, path: str, body: dict[str, Any], *, read_timeout_s: float) -> dict[str, Any]:
    """``POST`` to a path below the session, tried once.

    Raises:
        requests.RequestException: There is no answer, or none that is good.
        ValueError: The answer is no JSON.
    """
    client = session.http_client._http_client  # noqa: SLF001
    response = _ONCE.post(
        client.compose_url(f"/sessions/{session.id}{path}"),
        headers=client.get_headers(),
        auth=client._auth,  # noqa: SLF001
        verify=client.verify_ssl,
        json=body,
        timeout=(1.0, read_timeout_s),
        allow_redirects=False,
    )
    response.raise_for_status()
    answer = response.json()
    return answer if isinstance(answer, dict) else {}


def own_sessions(http_client: Any) -> list[dict[str, Any]]:
    """The caller's sessions, newest first, with what Livy does not tell of them.

    Raises:
        sparkmagic.livyclientlib.exceptions.HttpClientException: The service does not tell.
    """
    answer = http_client._http_client.get("/overview?limit=200", [200]).json()  # noqa: SLF001
    items = answer.get("items") if isinstance(answer, dict) else None
    return [item for item in items or () if isinstance(item, dict)]


def connect_session(session: LivySession, body: dict[str, Any]) -> dict[str, Any]:
    """Tells the service that the session is wanted and, with a ``body``, which kernel works in it from now on.

    The answer is the session as Livy shows it.

    Raises:
        sparkmagic.livyclientlib.exceptions.HttpClientException: The service did not take it.
    """
    answer = session.http_client._http_client.post(f"/sessions/{session.id}/connect", [200], body).json()  # noqa: SLF001
    return answer if isinstance(answer, dict) else {}


def check_session(http_client: Any, properties: dict[str, Any], *, instead_of: int | None) -> None:
    """Asks the service whether it could start a session now, after the end of ``instead_of``.

    Raises:
        sparkmagic.livyclientlib.exceptions.HttpClientException: It could not, or it can't tell.
    """
    query = "" if instead_of is None else f"?instead_of={instead_of}"
    http_client._http_client.post(f"/sessions:check{query}", [200], properties)  # noqa: SLF001


def post_statement(
    session: LivySession,
    code: str,
    *,
    key: str,
    execution_count: int | None = None,
    cell_id: str | None = None,
    read_timeout_s: float,
) -> requests.Response:
    """Sends ``code``; the answer is the statement, or its events where the service streams them. The caller closes it.

    Args:
        session: The session to run in.
        code: What to run.
        key: Tells the service that a request which sparkmagic repeats is the same one, so that nothing runs twice.
        execution_count: Number of the code's cell, for tracebacks.
        cell_id: The cell's id in its notebook, for a notebook that was closed meanwhile.
        read_timeout_s: So long may pass without any news.

    Raises:
        sparkmagic.livyclientlib.exceptions.HttpClientException: The service did not take it.
    """
    client = session.http_client._http_client  # noqa: SLF001

    ours = {
        "Idempotency-Key": key,
        "Accept": "text/event-stream, application/json;q=0.5",
        "Accept-Encoding": "identity",
    }
    if execution_count is not None:
        ours["Execution-Count"] = str(execution_count)
    if cell_id is not None:
        ours["Cell-Id"] = cell_id

    def post(url: str, *, headers: dict[str, str], **options: Any) -> _Unread:
        return _Unread(
            client._session.post(  # noqa: SLF001
                url, headers={**headers, **ours}, stream=True, timeout=(5.0, read_timeout_s), **options
            )
        )

    answer: _Unread = client._send_request(  # noqa: SLF001
        f"/sessions/{session.id}/statements", [201], post, {"code": code}
    )
    return answer.response


class _Unread:
    """What sparkmagic's client sees of a response that is to be read as it comes: it asks each for its text."""

    def __init__(self, response: requests.Response) -> None:
        self.response = response
        self.status_code = response.status_code

    @property
    def text(self) -> str:
        """The body of an answer that was not hoped for."""
        return "" if self.status_code == requests.codes.created else self.response.text


def open_stream(
    session: LivySession, path: str, *, headers: dict[str, str], read_timeout_s: float
) -> requests.Response:
    """``GET`` of a path below the session whose body is read as it comes. The caller closes it.

    Raises:
        requests.RequestException: No connection could be made.
    """
    client = session.http_client._http_client  # noqa: SLF001
    response: requests.Response = client._session.get(  # noqa: SLF001
        client.compose_url(f"/sessions/{session.id}{path}"),
        headers={**client.get_headers(), **headers},
        auth=client._auth,  # noqa: SLF001
        verify=client.verify_ssl,
        stream=True,
        timeout=(5.0, read_timeout_s),
        allow_redirects=False,
    )
    return response
