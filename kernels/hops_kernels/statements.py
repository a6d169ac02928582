"""Running a statement in the Spark session: output live where the service streams it, at the end where it doesn't."""

from __future__ import annotations

import contextlib
import math
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from sparkmagic.livyclientlib.command import Command
from sparkmagic.livyclientlib.livysession import LivySession
from sparkmagic.utils import constants
from urllib3.exceptions import HTTPError

from hops_kernels.configuration import server_folder, sessions_stay
from hops_kernels.progress_line import ProgressLine
from hops_kernels.remote_errors import RemoteError, RemoteInterrupt, SessionProblem, statement_error
from hops_kernels.seams import open_stream, post_statement
from hops_kernels.statement_events import BrokenEventError, parse_events

Show = Callable[[str, Mapping[str, Any]], None]

SHOWN_TYPES = frozenset({"stream", "display_data", "update_display_data", "execute_result", "clear_output"})
STREAM_READ_TIMEOUT_S = 90.0
LAST_WORDS_S = 5.0
RECONNECT_WAITS_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
_EVENTS = "text/event-stream"
_BLOCK_BYTES = 64 * 1024
_NOT_SERVED = frozenset({404, 405, 406, 501})


def run_statement(
    session: LivySession,
    code: str,
    *,
    show: Show | None = None,
    execution_count: int | None = None,
    cell_id: str | None = None,
) -> Mapping[str, Any]:
    """Runs ``code`` and returns the statement's ``output`` of the Livy protocol.

    Args:
        session: The session to run in.
        code: What to run.
        show: Gets type and content of each message of the output, while it is made. Without events from the service it
            gets the output's bundle at the end.
        execution_count: Number of the code's cell, where a cell's own code runs.
        cell_id: The cell's id in its notebook, where the front end tells it.

    Raises:
        RemoteError: The code failed.
        RemoteInterrupt: It was interrupted here or cancelled elsewhere.
        SessionProblem: The service answers nothing that makes sense.
    """
    return _attend(session, show, Posting(code, uuid.uuid4().hex, execution_count, cell_id))


def watch_statement(session: LivySession, statement_id: int, *, show: Show) -> Mapping[str, Any]:
    """Shows a statement that was begun before, from its first output to its end, as :func:`run_statement` does."""
    return _attend(session, show, None, statement_id)


def _attend(
    session: LivySession, show: Show | None, posting: Posting | None, statement_id: int | None = None
) -> Mapping[str, Any]:
    line = ProgressLine()
    following = _Following(session, show, line, posting, statement_id)
    try:
        followed = follow(following)
        # Who has shown the events needs no more than how it ended, which the last event tells.
        ended = following.ended if show is not None else None
        statement = {"state": ended["state"], "output": ended} if ended else wait_for_end(session, following.number)
    except KeyboardInterrupt:
        if sessions_stay(server_folder()):
            # Jupyter interrupts a kernel before it shuts it down.
            raise RemoteInterrupt("The notebook server restarts; the cell goes on in the Spark session.") from None
        if following.statement_id is not None:
            _cancel(session, following.statement_id)
            following.read_last_words()
        raise RemoteInterrupt("Interrupted. The session and its variables are still there.") from None
    finally:
        line.take_away()
    output: Mapping[str, Any] = statement.get("output") or {"status": "ok", "data": {}}
    if statement["state"] == constants.CANCELLED_STATEMENT_STATUS:
        raise RemoteInterrupt("The statement was cancelled.")
    if output.get("status") == "error":
        raise statement_error(output)
    if show is not None and not followed and output.get("data"):
        show("display_data", {"data": output["data"], "metadata": output.get("metadata") or {}})
    return output


def follow(following: _Following) -> bool:
    """Passes the statement's messages on until it is done; ``False`` where the service streams none.

    A connection that breaks is made again and goes on after the last message that was seen.

    Raises:
        SessionProblem: What the service streams makes no sense.
    """
    for wait_s in (*RECONNECT_WAITS_S, None):
        before = following.seen
        try:
            ended = following.read()
        except (requests.RequestException, HTTPError):
            ended = None  # the service restarts: wait, and go on where we were
        except BrokenEventError as error:
            raise SessionProblem(str(error)) from error
        if ended is not None:
            return ended
        if wait_s is not None and following.seen == before:
            time.sleep(wait_s)
    return bool(following.seen)


@dataclass(frozen=True, slots=True)
class Posting:
    """A statement to be posted: its code, its idempotency key, and number and id of its cell, where it is one's."""

    code: str
    key: str
    execution_count: int | None = None
    cell_id: str | None = None


class _Following:
    """A statement: posted with the first reading unless it has a number, and how far its messages have been read."""

    def __init__(
        self,
        session: LivySession,
        show: Show | None,
        line: ProgressLine,
        posting: Posting | None,
        statement_id: int | None = None,
    ) -> None:
        self.statement_id = statement_id
        self.seen = 0
        self.ended: dict[str, Any] | None = None
        """How it ended, in the words of the last event, where the service tells that there."""
        self._last_id = ""
        self._session = session
        self._show = show
        self._line = line
        self._posting = posting

    @property
    def number(self) -> int:
        """The statement's number.

        Raises:
            SessionProblem: The service did not tell it.
        """
        if self.statement_id is None:
            raise SessionProblem(
                "The session service broke off before it told whether the cell runs. It may have run: "
                "look before you run it again."
            )
        return self.statement_id

    def read_last_words(self) -> None:
        """Reads on to the end of a statement that was cancelled, for some seconds at most: it may still say much."""
        broken = (KeyboardInterrupt, requests.RequestException, HTTPError, BrokenEventError)
        with contextlib.suppress(*broken):
            self.read(patience_s=LAST_WORDS_S, until=time.monotonic() + LAST_WORDS_S)

    def read(self, *, patience_s: float = STREAM_READ_TIMEOUT_S, until: float = math.inf) -> bool | None:
        """Reads on: ``True`` at the end, ``False`` where the service streams none, ``None`` when the stream broke."""
        with self._open(patience_s) as response:
            if response.status_code in _NOT_SERVED:
                return bool(self.seen)  # what was streamed before is gone, with its session
            if response.status_code not in (requests.codes.ok, requests.codes.created):
                return None
            if not response.headers.get("Content-Type", "").startswith(_EVENTS):
                # The statement itself: a service that streams, but not what is posted.
                self.statement_id = int(response.json()["id"])
                return self.read(patience_s=patience_s, until=until)
            if self.statement_id is None:
                self.statement_id = _number_in(response.headers.get("Location", ""))
            return self._pass_on(response, until)

    def _pass_on(self, response: requests.Response, until: float) -> bool | None:
        # A service that gives no ids begins anew.
        already_seen = 0 if self._last_id else self.seen
        position = -1
        for event in parse_events(_lines(response)):
            if event.type == "progress":
                self._line.show(event.content)
                continue  # not part of the output: a stream that goes on begins after an output
            position += 1
            if position < already_seen:
                continue
            if event.type == "done":
                self.ended = event.content if "state" in event.content else None
                with contextlib.suppress(HTTPError):
                    # To the end of the answer, which comes with this: so the connection serves the next cell too.
                    response.raw.read1(_BLOCK_BYTES)
                return True
            if time.monotonic() > until:
                return None
            if self._show is not None and event.type in SHOWN_TYPES:
                self._show(event.type, event.content)
            self.seen, self._last_id = self.seen + 1, event.id
        return None

    def _open(self, patience_s: float) -> requests.Response:
        if self.statement_id is None and self._posting is not None:
            # Again with the same key, where the answer got lost: it is the same statement.
            return post_statement(
                self._session,
                self._posting.code,
                key=self._posting.key,
                execution_count=self._posting.execution_count,
                cell_id=self._posting.cell_id,
                read_timeout_s=patience_s,
            )
        headers = {"Accept": _EVENTS, "Accept-Encoding": "identity"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        path = f"/statements/{self.statement_id}/events"
        return open_stream(self._session, path, headers=headers, read_timeout_s=patience_s)


def _number_in(address: str) -> int | None:
    number = address.rpartition("/")[2]
    return int(number) if number.isdecimal() else None


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
    try:
        output = run_statement(session, command.code)
    except RemoteError as error:
        # The traceback would show code that sparkmagic wrote, not the user.
        error.lines = [f"{type(error).__name__}: {error}"]
        raise
    data = output.get("data") or {}
    return True, data.get(constants.MIMETYPE_TEXT_PLAIN, ""), constants.MIMETYPE_TEXT_PLAIN


def _lines(response: requests.Response) -> Iterator[str]:
    """The lines of the body as soon as they come.

    requests' own ``iter_lines`` waits for the end of a body that is not chunked, and splits lines at characters that
    JSON may hold.
    """
    pending: list[bytes] = []
    while block := response.raw.read1(_BLOCK_BYTES):
        *complete, rest = block.split(b"\n")
        for line in complete:
            pending.append(line)
            yield b"".join(pending).removesuffix(b"\r").decode("utf-8", errors="replace")
            pending.clear()
        pending.append(rest)


def _cancel(session: LivySession, statement_id: int) -> None:
    try:
        session.http_client.cancel_statement(session.id, statement_id)
    except Exception as error:
        raise SessionProblem(
            "The cell was interrupted here, but the session service could not cancel it: it may still run. "
            "Restart the kernel if the next cell does not start."
        ) from error
