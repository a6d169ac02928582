"""The kernel's Spark session: what the notebook shows while it starts, and why one can't be used."""

from __future__ import annotations

import html
import importlib
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Event, Thread
from typing import Any

import sparkmagic.utils.configuration as sparkmagic_settings
from IPython.display import display
from sparkmagic.livyclientlib.exceptions import (
    HttpClientException,
    LivyClientLibException,
    LivyUnexpectedStatusException,
)
from sparkmagic.livyclientlib.livysession import LivySession
from sparkmagic.livyclientlib.sparkcontroller import SparkController
from sparkmagic.utils import constants

from hops_kernels.remote_errors import SessionProblem, explain_http_error, loss_in
from hops_kernels.seams import connect_session, get_json, go_straight
from hops_kernels.statements import run_statement

TICK_S = 1.0
_LOG_LINES_SHOWN = 15
_MIB_PER_GIB = 1024
_READY = (constants.IDLE_SESSION_STATUS, constants.BUSY_SESSION_STATUS)
"""A session that another kernel began may be at work already; statements wait for their turn by themselves."""


def session_line(*, version: str, session_id: int, properties: Mapping[str, Any], seconds: float) -> str:
    """The one line that a started session leaves in the notebook."""
    conf: Mapping[str, str] = properties.get("conf") or {}
    if conf.get("spark.dynamicAllocation.enabled") == "true":
        low = conf.get("spark.dynamicAllocation.minExecutors", "0")
        high = conf.get("spark.dynamicAllocation.maxExecutors", "?")
        executors = f"{low} to {high} executors"
    else:
        count = properties.get("numExecutors", 1)
        executors = f"{count} executor" + ("" if count == 1 else "s")
    parts = [f"Spark {version}", executors]
    if "executorCores" in properties:
        cores = properties["executorCores"]
        parts[-1] += f" × {cores} core" + ("" if cores == 1 else "s")  # noqa: RUF001 - a multiplication sign is meant
    if "executorMemory" in properties:
        parts[-1] += f", {_memory(str(properties['executorMemory']))}"
    if gpus := conf.get("spark.executor.resource.gpu.amount"):
        parts[-1] += f", {gpus} GPU" + ("" if gpus == "1" else "s")
    if "driverMemory" in properties:
        parts.append(f"driver {_memory(str(properties['driverMemory']))}")
    parts.append(f"session {session_id}, ready after {seconds:.1f} s")
    return " · ".join(parts)


def _memory(text: str) -> str:
    if text.endswith("m") and text[:-1].isdigit() and int(text[:-1]) >= _MIB_PER_GIB:
        return f"{int(text[:-1]) / _MIB_PER_GIB:g} GiB"
    return text.replace("m", " MiB") if text.endswith("m") else text


def queue_sentence(answer: Mapping[str, Any]) -> str:
    """The place in the queue, in words, of a session that waits for resources; empty for any other."""
    info = answer.get("appInfo")
    return str(info.get("reason") or "") if answer.get("queue") and isinstance(info, Mapping) else ""


class StartNotice:
    """A line in the notebook that is rewritten while a session starts."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._id = uuid.uuid4().hex
        self._shown = False

    @property
    def seconds(self) -> float:
        """How long the session has been starting."""
        return time.monotonic() - self._began

    def tick(self, queued: str = "") -> None:
        """Shows how long it has taken up to now, and the place in the queue if there is one."""
        if queued:
            self.show(f"{queued} ({self.seconds:.0f} s; interrupt the cell to leave the queue)")
        else:
            self.show(f"Starting the Spark session … {self.seconds:.0f} s")

    def show(self, text: str, *, link: str | None = None) -> None:
        """Puts ``text`` in the place of what was shown before, with a link to Spark's own page where there is one."""
        bundle = {"text/plain": text}
        if link is not None and link.startswith(("http://", "https://", "/")):
            address = html.escape(link, quote=True)
            bundle["text/html"] = (
                f'<span>{html.escape(text)} · <a href="{address}" target="_blank" rel="noopener">Spark UI</a></span>'
            )
        display(bundle, raw=True, display_id=self._id, update=self._shown)
        self._shown = True


class Heartbeat(Thread):
    """Keeps a session alive while its kernel lives. sparkmagic's own can take half a minute to stop."""

    def __init__(self, session: HopsSession) -> None:
        super().__init__(name="session-heartbeat", daemon=True)
        self._session = session
        self._ended = Event()

    def run(self) -> None:
        """Asks for the session's state again and again; a failure is tried again sooner."""
        wait_s = sparkmagic_settings.heartbeat_refresh_seconds()
        while not self._ended.wait(wait_s):
            try:
                self._session.refresh_status_and_info()
                if self._session.is_final_status(self._session.status):
                    self._session.loss = reason_of(self._session)
                    return  # a notebook that asks tomorrow is told the reason still
            except Exception:  # noqa: BLE001 - whatever it is, the next cell meets it again and explains it
                wait_s = sparkmagic_settings.heartbeat_retry_seconds()
            else:
                wait_s = sparkmagic_settings.heartbeat_refresh_seconds()

    def stop(self) -> None:
        """Ends the thread; a request under way is not waited for."""
        self._ended.set()


class HopsSession(LivySession):
    """A session that says what it waits for and, when it can't start, why."""

    _heartbeat_thread: Heartbeat | None
    is_guest = False
    """Whether it is another notebook's session, with whose kernel it ends and not with this one."""
    loss: str = ""
    """Why it ended, once the heartbeat has seen that."""
    queued: str = ""
    """Its place in the queue for resources, in words, while it waits there."""

    def refresh_status_and_info(self) -> None:
        """Takes the state and the log as sparkmagic does, and the place in the queue.

        Raises:
            LivyUnexpectedStatusException: The state is none of Livy's.
        """
        answer = self._http_client.get_session(self.id)
        if answer["state"] not in constants.POSSIBLE_SESSION_STATUS:
            raise LivyUnexpectedStatusException(f"Status '{answer['state']}' not supported by session.")
        self.queued = queue_sentence(answer)
        self.session_info = "\n".join(answer["log"])
        self.status = answer["state"]

    def _start_heartbeat_thread(self) -> None:
        if self._should_heartbeat and self._heartbeat_thread is None:
            self._heartbeat_thread = Heartbeat(self)
            self._heartbeat_thread.start()

    def start(self) -> None:
        """Asks for the session and waits until it can run statements.

        Raises:
            SessionProblem: It can't be had, with the reason.
        """
        notice = StartNotice()
        notice.tick()
        in_background(_warm_up)
        try:
            answer = self._http_client.post_session(self.properties)
        except HttpClientException as error:
            raise SessionProblem(f"The Spark session can't start. {explain_http_error(str(error))[1]}") from error
        self.id = answer["id"]
        self.status = str(answer["state"])
        self.queued = queue_sentence(answer)
        self._start_heartbeat_thread()
        try:
            self._wait_until_ready(notice)
        except KeyboardInterrupt:
            # sparkmagic deletes the session.
            what = "has left the queue" if self.queued else "is not started"
            notice.show(f"Interrupted: the Spark session {what}. Run the cell again to ask for it anew.")
            raise
        version = _printed(run_statement(self, "print(spark.version)"))
        self.sql_context_variable_name = "spark"
        line = session_line(version=version, session_id=self.id, properties=self.properties, seconds=notice.seconds)
        notice.show(line, link=self.get_spark_ui_url())

    def take_up(self, told: dict[str, Any]) -> None:
        """Works from now on in the session that has this number already, whatever it does now.

        Args:
            told: Which kernel of which notebook this is; nothing for a guest.

        Raises:
            SessionProblem: It can't be used, with the reason.
        """
        self.is_guest = not told
        try:
            self._connect(told)
        except BaseException:
            self._stop_heartbeat_thread()
            raise
        self.sql_context_variable_name = "spark"

    def _connect(self, told: dict[str, Any]) -> None:
        try:
            self.status = str(connect_session(self, told).get("state"))
        except HttpClientException as error:
            raise SessionProblem(explain_http_error(str(error))[1]) from error
        if self.is_final_status(self.status):
            raise SessionProblem(f"Spark session {self.id} has ended. {reason_of(self)}")
        if self.status == constants.STARTING_SESSION_STATUS:
            self._wait_until_ready(StartNotice())

    def _wait_until_ready(self, notice: StartNotice) -> None:
        """Waits as long as the service says that the session starts: it has the limit, and ends what takes longer."""
        retries = 1
        while self.status not in _READY:
            refresh = in_background(self.refresh_status_and_info)
            while True:
                try:
                    refresh.result(timeout=TICK_S)
                except TimeoutError:
                    notice.tick(self.queued)
                except HttpClientException as error:
                    raise SessionProblem(explain_http_error(str(error))[1]) from error
                else:
                    break
            if self.is_final_status(self.status):
                raise SessionProblem(f"The Spark session did not start. {reason_of(self)}")
            if self.status not in _READY:
                notice.tick(self.queued)
                self.sleep(retries)
                retries += 1


class HopsController(SparkController):
    """sparkmagic's controller over :class:`HopsSession`."""

    @staticmethod
    def _livy_session(
        http_client: Any, properties: dict[str, Any], ipython_display: Any, session_id: int = -1
    ) -> HopsSession:
        return HopsSession(
            http_client,
            properties,
            ipython_display,
            session_id,
            # Sessions that are only listed or deleted belong to another kernel, which keeps them alive by itself.
            heartbeat_timeout=sparkmagic_settings.livy_server_heartbeat_timeout_seconds() if session_id == -1 else 0,
        )

    def _http_client(self, endpoint: Any) -> Any:
        client = super()._http_client(endpoint)
        go_straight(client)
        return client

    def take_up(
        self, name: str, endpoint: Any, properties: dict[str, Any], session_id: int, told: dict[str, Any]
    ) -> HopsSession:
        """Makes a session that is there already the one called ``name``, as :meth:`HopsSession.take_up` says."""
        session = HopsSession(
            self._http_client(endpoint),
            properties,
            self.ipython_display,
            session_id,
            heartbeat_timeout=sparkmagic_settings.livy_server_heartbeat_timeout_seconds(),
        )
        session.take_up(told)
        self.session_manager.add_session(name, session)
        return session

    def forget(self, name: str) -> None:
        """Drops a session that has ended, or goes on without this kernel, so that the next cell starts a new one."""
        session = self.session_manager.sessions.pop(name, None)
        if session is not None:
            session._stop_heartbeat_thread()  # noqa: SLF001


def reason_of(session: LivySession) -> str:
    """Why the session is not usable: the service's own words, else the end of its log."""
    try:
        reason = str(get_json(session, "/summary").get("reason") or "")
    except LivyClientLibException:
        reason = ""
    if reason:
        return reason
    try:
        lines = session.get_logs().splitlines()
    except LivyClientLibException:
        lines = []
    if lines:
        return "The end of its log:\n" + "\n".join(lines[-_LOG_LINES_SHOWN:])
    return "The session service gives no reason."


def loss_of(session: HopsSession) -> str | None:
    """Why ``session`` is lost, or ``None`` while it is alive."""
    try:
        session.refresh_status_and_info()
    except LivyClientLibException as error:
        return loss_in(str(error), session.loss)
    return reason_of(session) if session.is_final_status(session.status) else None


def in_background(call: Callable[[], Any]) -> Future[Any]:
    """Runs ``call`` in a thread that does not keep the kernel alive."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the result
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def _warm_up() -> None:
    # The kernel waits for Spark anyway; %%sql and -o need pandas, which was left out of the kernel's start.
    importlib.import_module("pandas")


def _printed(output: Mapping[str, Any]) -> str:
    data = output.get("data") or {}
    return str(data.get(constants.MIMETYPE_TEXT_PLAIN, "")).strip() or "session"
