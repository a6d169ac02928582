"""sparkmagic's magics over this kernel's sessions: live output, errors that are errors, a lost session explained."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

from hops_kernels.remote_errors import PackagesError, SessionProblem, explain_http_error
from hops_kernels.seams import check_session
from hops_kernels.sessions import HopsController, loss_of
from hops_kernels.statements import execute_plain, run_statement

_REFUSALS = frozenset({400, 409, 413, 422, 429})
"""Answers that are about the options, or about room for them."""


class LiveCommand(Command):
    """A cell's code: sent as it was typed, its output passed on while it runs."""

    def __init__(self, code: str, shell: Any) -> None:
        super().__init__(code)
        self.code = code.removesuffix("\n")
        self._shell = shell

    def execute(self, session: Any) -> tuple[bool, str, str]:
        """Runs the cell; everything that it shows is in the notebook when this returns."""
        run_statement(session, self.code, show=self._show, execution_count=self._shell.displayhook.prompt_count)
        return True, "", "text/plain"

    def _show(self, message_type: str, content: Mapping[str, Any]) -> None:
        kernel = self._shell.kernel
        message = dict(content)
        if message_type == "execute_result":
            message["execution_count"] = self._shell.displayhook.prompt_count
        kernel.send_response(kernel.iopub_socket, message_type, message)


class HopsMagics(KernelMagics):
    """The magics of the kernels. Not decorated with ``@magics_class``: that would forget the inherited ones."""

    session_started: bool

    def __init__(self, shell: Any, data: Any = None, spark_events: Any = None) -> None:
        super().__init__(shell, data, spark_events)
        self.spark_controller = HopsController(self.ipython_display)

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
                self.spark_controller.run_command(LiveCommand(cell, self.shell), session_name)
            if output_var is not None:
                store = self._spark_store_command(output_var, samplemethod, maxrows, samplefraction, coerce)
                self.shell.user_ns[output_var] = self.spark_controller.run_command(store, session_name)

    def execute_sqlquery(self, *arguments: Any, **options: Any) -> Any:
        """Runs a query and returns its rows as a pandas DataFrame."""
        with self._losses_explained():
            return super().execute_sqlquery(*arguments, **options)

    def do_send_to_spark(self, *arguments: Any, **options: Any) -> None:
        """Sends a local value to the session."""
        with self._losses_explained():
            super().do_send_to_spark(*arguments, **options)

    @functools.wraps(KernelMagics.configure)
    def configure(self, line: str, cell: str = "", local_ns: Any = None) -> Any:
        """Checks the options at the service before they are taken, and before a session ends for them."""
        options = parse_argstring_or_throw(KernelMagics.configure, line)
        try:
            settings = json.loads(cell)
        except ValueError:
            settings = None  # sparkmagic says that it is no JSON
        if isinstance(settings, dict) and (options.force or not self.session_started):
            self._check_settings(settings)
        return super().configure(line, cell, local_ns)

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
        if not self.session_started:
            properties = sparkmagic_settings.get_session_properties(self.language)
            self.spark_controller.add_session(self.session_name, self.endpoint, False, properties)
            self.session_started = True
        return True

    def end_session(self) -> None:
        """Ends the kernel's session at the service, if it has one."""
        if self.session_started:
            self.session_started = False
            self.spark_controller.delete_session_by_name(self.session_name)

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


def _show_tidily(shell: Any, kind: type[BaseException], error: BaseException, *_: Any, **__: Any) -> list[str]:
    lines = [f"{kind.__name__}: {error}"]
    shell._showtraceback(kind, error, lines)  # noqa: SLF001 - what IPython's own handlers call
    return lines


INSTALLERS = ("pip", "conda", "mamba", "micromamba", "uv")


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
    shell.register_magics(HopsMagics)
    # IPython's own would say that there is no pip, and that a restart may help.
    for name in INSTALLERS:
        shell.register_magic_function(_no_packages, "line", name)
    # What sparkmagic raises on purpose is meant for the user; its own frames are of no use to them.
    shell.set_custom_exc((LivyClientLibException, PackagesError), _show_tidily)
