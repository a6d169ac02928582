"""sparkmagic's magics over this kernel's sessions: live output, errors that are errors, a lost session explained."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sparkmagic.utils.configuration as sparkmagic_settings
from sparkmagic.kernels.kernelmagics import KernelMagics
from sparkmagic.livyclientlib.command import Command
from sparkmagic.livyclientlib.exceptions import (
    HttpClientException,
    LivyClientLibException,
    LivyUnexpectedStatusException,
)
from sparkmagic.utils.utils import parse_argstring_or_throw

from hops_kernels.cells import INSTALLERS
from hops_kernels.configuration import renamed_notebook
from hops_kernels.front_end import cell_id_of, say, show_message
from hops_kernels.left_sessions import described, missed, used_elsewhere
from hops_kernels.query_results import QueryResults
from hops_kernels.reattaching import session_to_take_up
from hops_kernels.remote_errors import PackagesError, SessionProblem, explain_http_error
from hops_kernels.seams import check_session, get_json, own_sessions
from hops_kernels.session_magic import HELP, SessionMagic
from hops_kernels.sessions import HopsController, HopsSession, loss_of
from hops_kernels.statements import execute_plain, run_statement

_NOT_FOUND = 404
_REFUSALS = frozenset({400, 409, 413, 422, 429})
"""Answers that are about the options, or about room for them."""


class LiveCommand:
    """A cell's code: sent as it was typed, its output passed on while it runs.

    sparkmagic's controller asks no more of a command than to execute; its own ``Command`` configures logging and events
    anew for each cell.
    """

    def __init__(self, code: str, shell: Any, number: int) -> None:
        self.code = code.removesuffix("\n")
        self._shell = shell
        self._number = number

    def execute(self, session: Any) -> tuple[bool, str, str]:
        """Runs the cell; everything that it shows is in the notebook when this returns."""
        run_statement(
            session,
            self.code,
            show=functools.partial(show_message, self._shell, self._number),
            execution_count=self._number,
            cell_id=cell_id_of(self._shell.kernel),
        )
        return True, "", "text/plain"


class HopsMagics(KernelMagics):
    """The magics of the kernels. Not decorated with ``@magics_class``: that would forget the inherited ones."""

    session_started: bool

    def __init__(self, shell: Any, data: Any = None, spark_events: Any = None) -> None:
        super().__init__(shell, data, spark_events)
        self.spark_controller = HopsController(self.ipython_display)
        self.query_results = QueryResults()

    def execute_spark(  # noqa: PLR0917 - sparkmagic's signature
        self,
        cell: str,
        output_var: str | None,
        samplemethod: str | None,
        maxrows: int | None,
        samplefraction: float | None,
        session_name: str | None,
        coerce: bool | None,  # noqa: FBT001
        output_handler: Any = None,
    ) -> None:
        """Runs a cell in the session, and brings ``output_var`` back as a pandas DataFrame."""
        with self._losses_explained():
            if output_handler is not None:
                super().execute_spark(
                    cell, None, samplemethod, maxrows, samplefraction, session_name, coerce, output_handler
                )
            else:
                command = LiveCommand(cell, self.shell, self.shell.displayhook.prompt_count)
                self.spark_controller.run_command(command, session_name)
            if output_var is not None:
                store = self._spark_store_command(output_var, samplemethod, maxrows, samplefraction, coerce)
                self.shell.user_ns[output_var] = self.spark_controller.run_command(store, session_name)

    def run_cell(self, code: str, number: int) -> None:
        """Runs a cell in the session as it was typed; starts the session where there is none.

        Args:
            code: The cell.
            number: Its number.
        """
        self._do_not_call_start_session("")
        with self._losses_explained():
            self.spark_controller.run_command(LiveCommand(code, self.shell, number), self.session_name)

    def execute_sqlquery(  # noqa: PLR0917 - sparkmagic's signature
        self,
        cell: str,
        samplemethod: str | None,
        maxrows: int | None,
        samplefraction: float | None,
        session: str | None,
        output_var: str | None,
        quiet: bool,  # noqa: FBT001
        coerce: bool | None,  # noqa: FBT001
    ) -> Any:
        """Runs a query and returns its rows as a pandas DataFrame, which a notebook shows as table and chart."""
        limit = sparkmagic_settings.default_maxrows() if maxrows is None else maxrows
        with self._losses_explained():
            frame = super().execute_sqlquery(
                cell, samplemethod, maxrows, samplefraction, session, output_var, False, coerce
            )
        self.query_results.remember(frame, row_limit=limit if limit >= 0 else None)
        return None if quiet else frame

    def do_send_to_spark(self, *arguments: Any, **options: Any) -> None:
        """Sends a local value to the session."""
        with self._losses_explained():
            super().do_send_to_spark(*arguments, **options)

    @functools.wraps(KernelMagics.configure)
    def configure(self, line: str, cell: str = "", local_ns: Any = None) -> Any:
        """Checks the options at the service before they are taken, and before a session ends for them."""
        options = parse_argstring_or_throw(KernelMagics.configure, line)
        settings = _json_object(cell)
        if options.force or not self.session_started:
            self._check_settings(settings)
        return super().configure(line, cell, local_ns)

    @functools.wraps(KernelMagics.help)
    def help(self, line: str, cell: str = "", local_ns: Any = None) -> Any:
        """Shows sparkmagic's table, and below it what these kernels have beside."""
        result = super().help(line, cell, local_ns)
        self.ipython_display.html(HELP)
        return result

    def _check_settings(self, settings: dict[str, Any]) -> None:
        before = sparkmagic_settings.session_configs()
        session = self.spark_controller.session_manager.sessions.get(self.session_name)
        self._override_session_settings(settings)
        try:
            properties = sparkmagic_settings.get_session_properties(self.language)
            client = self.spark_controller._http_client(self.endpoint)  # noqa: SLF001
            check_session(client, properties, instead_of=None if session is None else session.id)
        except HttpClientException as error:
            status, sentence = explain_http_error(str(error))
            if status not in _REFUSALS:
                return  # a service that can't tell beforehand, or none: the start itself will tell
            kept = " The session that runs was not touched." if session is not None else ""
            raise SessionProblem(f"These options can't be had. {sentence}{kept}") from error
        finally:
            self._override_session_settings(before)

    def _do_not_call_start_session(self, line: str, cell: str = "", local_ns: Any = None) -> bool:  # noqa: ARG002
        """Starts the session if there is none. A start that failed is tried again by the next cell."""
        if not self.session_started and not self.take_up_left():
            self.spark_controller.add_session(self.session_name, self.endpoint, False, self.properties)
            self.session_started = True
        return True

    def _do_not_call_delete_session(self, line: str, cell: str = "", local_ns: Any = None) -> None:  # noqa: ARG002
        """Ends the session before a new one; one that is another notebook's goes on."""
        self.end_session()

    def end_session(self) -> None:
        """Ends the kernel's session at the service, if it has one and no other notebook has it."""
        if not self.session_started:
            return
        session = self.session
        if session is not None and self._is_anothers(session):
            self.leave_session()
            return
        self.session_started = False
        self.spark_controller.delete_session_by_name(self.session_name)

    def leave_session(self) -> None:
        """Lets go of the session; it goes on without this kernel."""
        self.session_started = False
        self.spark_controller.forget(self.session_name)

    @property
    def session(self) -> HopsSession | None:
        """The kernel's session, once it has one."""
        session: HopsSession | None = self.spark_controller.session_manager.sessions.get(self.session_name)
        return session

    @property
    def properties(self) -> dict[str, Any]:
        """What a session of this kernel is asked for with; its notebook by the name that it has now."""
        properties = dict(sparkmagic_settings.get_session_properties(self.language))
        renamed = renamed_notebook(os.environ, str(properties.get("kernel") or ""))
        return properties if renamed is None else properties | {"notebook": renamed}

    def sessions_of_mine(self) -> list[dict[str, Any]]:
        """My sessions, newest first.

        Raises:
            SessionProblem: The service does not tell.
        """
        try:
            return own_sessions(self.spark_controller._http_client(self.endpoint))  # noqa: SLF001
        except HttpClientException as error:
            raise SessionProblem(explain_http_error(str(error))[1]) from error

    def take_up(self, item: Mapping[str, Any]) -> None:
        """Works from now on in a session that is there already, and says what is to be known of it.

        Raises:
            SessionProblem: It can't be used, with the reason.
        """
        properties, now = self.properties, time.time()
        kind = properties["kind"]
        if item.get("kind") != kind:
            raise SessionProblem(
                f"Spark session {item['id']} is of kind {item.get('kind')} and this kernel of kind {kind}. "
                "Change the notebook's kernel, or attach another session."
            )
        told: dict[str, Any] = {name: properties[name] for name in ("kernel", "notebook") if name in properties}
        other = used_elsewhere(item, notebook=told.get("notebook"), kernel=told.get("kernel"), now=now)
        session = self.spark_controller.take_up(
            self.session_name, self.endpoint, properties, int(item["id"]), {} if other else told
        )
        self.session_started = True
        say(f"Spark session {session.id} attached: {described(item, now)}.")
        if other:
            say(
                f"{other} works in it too: both see the same variables, cells run one after the other, and it ends "
                "with that notebook's kernel."
            )
        if lines := missed(self.unseen_statements()):
            say("While no notebook listened:", *(f"  {line}" for line in lines))
            say("%spark_session outputs shows their output.")

    def unseen_statements(self) -> list[dict[str, Any]]:
        """The statements of whose end no client was told, oldest first; at most a hundred."""
        session = self.session
        if session is None:
            return []
        statements = get_json(session, "/statements?seen=false&size=100").get("statements")
        return [statement for statement in statements or () if isinstance(statement, dict)]

    def take_up_left(self) -> bool:
        """Takes up the session that an earlier kernel of the notebook left, where there is one and it is wanted."""
        item = session_to_take_up(self, home=Path.home())
        if item is None:
            return False
        try:
            self.take_up(item)
        except SessionProblem as problem:
            say(f"{problem} It is not attached.")
            return False
        return True

    def _is_anothers(self, session: HopsSession) -> bool:
        if session.is_guest:
            return True
        try:
            kernel = get_json(session, "/summary").get("kernel")
        except HttpClientException as error:
            if explain_http_error(str(error))[0] == _NOT_FOUND:
                return True  # it has ended: there is nothing to end
            raise
        return kernel not in {None, self.properties.get("kernel")}

    @contextmanager
    def _losses_explained(self) -> Iterator[None]:
        try:
            yield
        except (HttpClientException, LivyUnexpectedStatusException) as error:
            session = self.spark_controller.session_manager.sessions.get(self.session_name)
            reason = loss_of(session) if session is not None else None
            if reason is None:
                raise SessionProblem(explain_http_error(str(error))[1]) from error
            self.spark_controller.forget(self.session_name)
            self.session_started = False
            raise SessionProblem(
                f"The Spark session has ended. {reason}\nRun the cell again to start a new session; "
                "the variables of the old one are gone."
            ) from error


def _json_object(cell: str) -> dict[str, Any]:
    wrong = ""
    try:
        found = json.loads(cell)
    except ValueError as error:
        found, wrong = None, f" {error}."
    if not isinstance(found, dict):
        raise SessionProblem(
            f"These options can't be read.{wrong} Below the line %%configure stands one JSON object, its names and "
            'texts in double quotes, for instance {"numExecutors": 2, "executorMemory": "2g"}.'
        )
    return found


def _show_tidily(shell: Any, kind: type[BaseException], error: BaseException, *_: Any, **__: Any) -> list[str]:
    lines = [f"{kind.__name__}: {error}"]
    shell._showtraceback(kind, error, lines)  # noqa: SLF001 - what IPython's own handlers call
    return lines


def _no_packages(_line: str) -> None:
    """Says why nothing is installed from here, and what to do instead."""
    raise PackagesError(
        "Packages can't be installed from a notebook: all members of a project share its environment. "
        'Python code of your own comes into the session with sc.addPyFile("package.zip"), a file in this folder; '
        "a wheel without compiled parts is such a file once its name ends with .zip. For anything else ask "
        "an administrator, who can add it for all projects."
    )


def load_ipython_extension(shell: Any) -> None:
    """Registers the magics with IPython's ``shell``."""
    Command.execute = execute_plain
    magics = HopsMagics(shell)
    shell.register_magics(magics)
    magics.query_results.register(shell.display_formatter.mimebundle_formatter)
    shell.register_magic_function(SessionMagic(magics), "line", SessionMagic.NAME)
    # IPython's own would say that there is no pip, and that a restart may help.
    for name in INSTALLERS:
        shell.register_magic_function(_no_packages, "line", name)
    # What sparkmagic raises on purpose is meant for the user; its own frames are of no use to them.
    shell.set_custom_exc((LivyClientLibException, PackagesError), _show_tidily)
