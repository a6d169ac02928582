"""Running a statement in the Spark session: its output live where the service streams it, at the end where it doesn't."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
from sparkmagic.livyclientlib.command import Command
from sparkmagic.livyclientlib.livysession import LivySession
from sparkmagic.utils import constants
from urllib3.exceptions import HTTPError

from hops_kernels.remote_errors import RemoteInterrupt, SessionProblem, statement_error
from hops_kernels.seams import open_stream
from hops_kernels.statement_events import BrokenEventError, StatementEvent, parse_events

Show = Callable[[str, Mapping[str, Any]], None]

SHOWN_TYPES = frozenset({"stream", "display_data", "update_display_data", "execute_result", "clear_output"})
STREAM_READ_TIMEOUT_S = 90.0
RECONNECT_WAITS_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
_BLOCK_BYTES = 64 * 1024
_NOT_SERVED = frozenset({404, 405, 406, 501})


def run_statement(session: LivySession, code: str, *, show: Show | None = None) -> Mapping[str, Any]:
    """Runs ``code`` and returns the statement's ``output`` of the Livy protocol.

    Args:
        session: The session to run in.
        code: What to run.
        show: Gets type and content of each message of the output, while it is made. Without events from the service it
            gets the output's bundle at the end.

    Raises:
        RemoteError: The code failed.
        RemoteInterrupt: It was interrupted here or cancelled elsewhere.
        SessionProblem: The service answers nothing that makes sense.
    """
    statement_id: int | None = None
    try:
        statement_id = int(session.http_client.post_statement(session.id, {"code": code})["id"])
        followed = follow(session, statement_id, show)
        statement = wait_for_end(session, statement_id)
    except KeyboardInterrupt:
        if statement_id is not None:
            _cancel(session, statement_id)
        raise RemoteInterrupt("The statement was cancelled in the Spark session.") from None
    output: Mapping[str, Any] = statement.get("output") or {"status": "ok", "data": {}}
    if statement["state"] == constants.CANCELLED_STATEMENT_STATUS:
        raise RemoteInterrupt("The statement was cancelled.")
    if output.get("status") == "error":
        raise statement_error(output)
    if show is not None and not followed and output.get("data"):
        show("display_data", {"data": output["data"], "metadata": output.get("metadata") or {}})
    return output


def follow(session: LivySession, statement_id: int, show: Show | None) -> bool:
    """Passes the statement's messages to ``show`` until it is done; ``False`` where the service streams none.

    A connection that breaks is made again and goes on after the last message that was seen.
    """
    seen, last_id = 0, ""
    for wait_s in (*RECONNECT_WAITS_S, None):
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity"} | (
            {"Last-Event-ID": last_id} if last_id else {}
        )
        before = seen
        try:
            with open_stream(
                session, f"/statements/{statement_id}/events", headers=headers, read_timeout_s=STREAM_READ_TIMEOUT_S
            ) as response:
                if response.status_code in _NOT_SERVED and not seen:
                    return False
                if response.status_code == requests.codes.ok:
                    skip = 0 if last_id else seen
                    for position, event in enumerate(parse_events(_lines(response))):
                        if position < skip:
                            continue
                        if event.type == "done":
                            return True
                        _show(event, show)
                        seen, last_id = seen + 1, event.id
        except (requests.RequestException, HTTPError):
            pass  # the service restarts: wait, and go on where we were
        except BrokenEventError as error:
            raise SessionProblem(str(error)) from error
        if wait_s is None:
            break
        if seen == before:
            time.sleep(wait_s)
    return bool(seen)


def wait_for_end(session: LivySession, statement_id: int) -> Mapping[str, Any]:
    """The statement once it has ended; returns at once after its events have."""
    retries = 1
    while True:
        statement: Mapping[str, Any] = session.http_client.get_statement(session.id, statement_id)
        if str(statement["state"]).lower() in constants.FINAL_STATEMENT_STATUS:
            return statement
        session.sleep(retries)
        retries += 1


def execute_plain(command: Command, session: LivySession) -> tuple[bool, Any, str]:
    """``Command.execute`` for SQL, ``-o`` and ``%%send_to_spark``: sparkmagic's own result, nothing displayed."""
    output = run_statement(session, command.code)
    data = output.get("data") or {}
    return True, data.get(constants.MIMETYPE_TEXT_PLAIN, ""), constants.MIMETYPE_TEXT_PLAIN


def _lines(response: requests.Response) -> Iterator[str]:
    """The lines of the body as soon as they come: requests' own ``iter_lines`` waits for the end of a body that is not
    chunked, and splits text at characters that JSON may hold.
    """
    pending: list[bytes] = []
    while block := response.raw.read1(_BLOCK_BYTES):
        *complete, rest = block.split(b"\n")
        for line in complete:
            pending.append(line)
            yield b"".join(pending).removesuffix(b"\r").decode("utf-8", errors="replace")
            pending.clear()
        pending.append(rest)


def _show(event: StatementEvent, show: Show | None) -> None:
    if show is not None and event.type in SHOWN_TYPES:
        show(event.type, event.content)


def _cancel(session: LivySession, statement_id: int) -> None:
    try:
        session.http_client.cancel_statement(session.id, statement_id)
    except Exception as error:
        raise SessionProblem(
            "The cell was interrupted here, but the session service could not cancel it: it may still run. "
            "Restart the kernel if the next cell does not start."
        ) from error
