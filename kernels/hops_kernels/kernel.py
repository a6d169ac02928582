"""The kernels PySpark and Spark: sparkmagic's, configured from the notebook server's folder."""

from __future__ import annotations

import builtins
import os
import re
from typing import Any

import sparkmagic.utils.configuration as sparkmagic_settings
import zmq
from IPython.utils.tokenutil import token_at_cursor
from sparkmagic.kernels.pysparkkernel.pysparkkernel import PySparkKernel
from sparkmagic.kernels.sparkkernel.sparkkernel import SparkKernel
from sparkmagic.kernels.wrapperkernel.sparkkernelbase import SparkKernelBase
from sparkmagic.kernels.wrapperkernel.usercodeparser import UserCodeParser
from sparkmagic.livyclientlib.exceptions import LivyClientLibException
from sparkmagic.livyclientlib.livysession import LivySession

from hops_kernels.cells import (
    Place,
    complete_language,
    complete_magic,
    installer_of,
    nothing,
    part_at,
    shifted,
)
from hops_kernels.code_help import ask_completion, ask_inspection
from hops_kernels.configuration import (
    ServerFolderError,
    kernel_id,
    notebook_of,
    read_server_config,
    server_folder,
    session_name,
    sessions_stay,
    sparkmagic_config,
)
from hops_kernels.magics import HopsMagics
from hops_kernels.session_cell import IN_SESSION, run_in_session
from hops_kernels.session_magic import SessionMagic

LIVY_MAGICS = frozenset({"json", "table"})
"""Livy's own, for values of any language."""
SESSION_MAGICS = LIVY_MAGICS | {
    "capture", "matplot", "page", "pdef", "pdoc", "pinfo", "pinfo2", "prun", "psearch", "psource", "run", "tb", "time",
    "timeit", "who", "who_ls", "whos", "xmode",
}  # fmt: skip
"""Magics about code and variables of a Python session: beside it they would see nothing of them."""

ABOUT_CODE = frozenset({"complete_request", "inspect_request"})
"""Requests that need not wait for the running cell."""

_MAGIC = re.compile(r"%%?(\w+)")


class CellParser(UserCodeParser):
    """Where a cell runs: like sparkmagic's, with four differences.

    Empty lines don't hide a magic, an empty cell starts no session, ``session_magics`` run in the session, and ``!pip
    install`` is the magic that says why nothing is installed: in the session it would be the machine's own pip.
    """

    def __init__(self, session_magics: frozenset[str] = SESSION_MAGICS) -> None:
        self._session_magics = session_magics

    def get_code_to_run(self, code: str) -> str:
        """The code for the local shell; what is meant for Spark comes wrapped in ``%%spark``."""
        if not code.strip():
            return ""
        first_line, separator, rest = code.partition("\n")
        while not first_line.strip() and separator:
            first_line, separator, rest = rest.partition("\n")
        cell = first_line + separator + rest
        if (installer := installer_of(cell)) is not None:
            return f"%{installer}"
        magic = _MAGIC.match(cell)
        if magic is not None and magic[1] in self._session_magics:
            return f"%%spark\n{cell}"
        if magic is not None and magic[1] == SessionMagic.NAME:
            return cell  # sparkmagic takes it for its own %spark
        return str(super().get_code_to_run(cell))


class SessionServiceKernel(SparkKernelBase):
    """What the kernels have in common: cells run in a Spark session of the session service; ``%%local`` cells run here.

    Goes before one of sparkmagic's kernels among the base classes.
    """

    kind: str
    session_magics: frozenset[str]

    # ipykernel sleeps after each cell, in case that its output overtakes the reply; front ends wait for both.
    _execute_sleep = 0.0
    _help_subshell: str | None = None

    @property
    def session_speaks_python(self) -> bool:
        """Whether code for the session is Python, of which this kernel knows something before there is a session."""
        return self.kind == "pyspark"

    def __init__(self, **options: Any) -> None:
        problem = None
        # traitlets lets the logger make all debug records, and its handler drop them.
        options["parent"].log.setLevel(options["parent"].log_level)
        try:
            server = read_server_config(server_folder())
            connection_file = options["parent"].connection_file
            settings = sparkmagic_config(
                server,
                session_name=session_name(connection_file, kind=self.kind),
                kernel=kernel_id(connection_file),
                notebook=notebook_of(os.environ, str(server.get("project_folder", ""))),
            )
        except ServerFolderError as error:
            problem, settings = str(error), sparkmagic_config(_NO_SERVER, session_name="none")
        sparkmagic_settings.override_all(settings)
        super().__init__(user_code_parser=CellParser(self.session_magics), **options)
        if problem is not None:
            self._queue_fatal_error(problem)

    async def shell_channel_thread_main(self, msg: list[Any]) -> None:
        """Lets requests about code be answered beside the running cell, in a subshell of this kernel's own."""
        routed = msg
        if self.session is not None and self.shell_channel_thread is not None:
            try:
                routed = self._beside_the_cell(msg)
            except Exception:
                self.log.exception("A request about code waits for the running cell.")
        await super().shell_channel_thread_main(routed)

    def _beside_the_cell(self, msg: list[Any]) -> list[Any]:
        idents, parts = self.session.feed_identities(msg, copy=False)
        header = self.session.unpack(parts[1].bytes)
        if header.get("msg_type") not in ABOUT_CODE or header.get("subshell_id"):
            return msg
        message = self.session.deserialize(parts, content=True, copy=False)
        if self._help_subshell is None:
            self._help_subshell = self.shell_channel_thread.manager._create_subshell()  # noqa: SLF001
        message["header"]["subshell_id"] = self._help_subshell
        return [zmq.Frame(part) for part in self.session.serialize(message, ident=idents)]

    async def do_execute(
        self,
        code: str,
        silent: bool,  # noqa: FBT001
        store_history: bool = True,  # noqa: FBT001, FBT002
        user_expressions: dict[str, str] | None = None,
        allow_stdin: bool = False,  # noqa: FBT001, FBT002
    ) -> dict[str, Any]:
        """Runs a cell, and returns the content of the reply."""
        magics = self._magics()
        if magics is not None and not silent and not user_expressions and self._fatal_error is None:
            begin, found, cell = self.user_code_parser.get_code_to_run(code).partition(IN_SESSION)
            if found and not begin:
                return run_in_session(self, magics, cell, store_history=store_history, allow_stdin=allow_stdin)
        reply: dict[str, Any] = super().do_execute(code, silent, store_history, user_expressions, allow_stdin)
        return reply

    async def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        """Words for the cursor: of the session, or of this kernel where the code runs here."""
        cursor = len(code) if cursor_pos is None else cursor_pos
        part = part_at(code, cursor, in_session=self.session_magics)
        if part.magic is not None:
            return complete_magic(part, self.shell.magics_manager.lsmagic(), self.session_magics)
        if part.place is Place.NEITHER:
            return nothing(cursor)
        if part.place is Place.HERE:
            reply: dict[str, Any] = super().do_complete(part.code, part.cursor)
        else:
            session = self._live_session()
            if session is not None:
                reply = ask_completion(session, part.code, part.cursor)
            elif self.session_speaks_python:
                reply = complete_language(part.code, part.cursor)
            else:
                reply = nothing(part.cursor)
        return shifted(reply, part.offset)

    async def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """What is known of the name at the cursor: by the session, or by this kernel where the code runs here."""
        cursor = len(code) if cursor_pos is None else cursor_pos
        part = part_at(code, cursor, in_session=self.session_magics)
        session = self._live_session()
        if part.place is Place.SESSION and session is not None:
            return ask_inspection(session, part.code, part.cursor, detail_level)
        name = token_at_cursor(part.code, part.cursor)
        known_unasked = self.session_speaks_python and part.place is Place.SESSION and hasattr(builtins, name)
        if part.place is Place.HERE or known_unasked:
            local: dict[str, Any] = super().do_inspect(part.code, part.cursor, detail_level, omit_sections)
            return local
        return {"status": "ok", "found": False, "data": {}, "metadata": {}}

    def _live_session(self) -> LivySession | None:
        """The kernel's session, where it has been started; none is started here."""
        magics = self._magics()
        if magics is None or not magics.session_started:
            return None
        session: LivySession | None = magics.spark_controller.session_manager.sessions.get(magics.session_name)
        return session

    def _magics(self) -> HopsMagics | None:
        magics: HopsMagics | None = self.shell.magics_manager.registry.get(HopsMagics.__name__)
        return magics

    def _load_magics_extension(self) -> None:
        self._execute_cell(
            "%load_ext hops_kernels.magics",
            True,
            False,
            shutdown_if_error=True,
            log_if_error="The kernel's magics can't be loaded.",
        )

    def _repeat_fatal_error(self) -> dict[str, Any]:
        content = {
            "ename": ServerFolderError.__name__,
            "evalue": str(self._fatal_error),
            "traceback": [f"{ServerFolderError.__name__}: {self._fatal_error}"],
        }
        self.send_response(self.iopub_socket, "error", content)
        return {"status": "error", "execution_count": self.execution_count, **content}

    def _delete_session(self) -> None:
        magics = self._magics()
        if magics is None or magics.session_started is False:
            return
        try:
            if sessions_stay(server_folder()):
                magics.leave_session()
            else:
                magics.end_session()
        except LivyClientLibException as error:
            self.log.warning("The Spark session could not be ended (its heartbeat ends it): %s", type(error).__name__)


class HopsPySparkKernel(SessionServiceKernel, PySparkKernel):
    """Python in a Spark session."""

    kind = "pyspark"
    session_magics = SESSION_MAGICS


class HopsSparkKernel(SessionServiceKernel, SparkKernel):
    """Scala in a Spark session."""

    kind = "spark"
    session_magics = LIVY_MAGICS


_NO_SERVER: dict[str, Any] = {
    "livy_url": "http://127.0.0.1:9",
    "options": {
        "allocation": "fixed",
        "executors": 1,
        "driver_memory_mib": 1024,
        "executor_memory_mib": 1024,
        "executor_cores": 1,
        "gpus_per_executor": 0,
        "idle_timeout_minutes": 1,
    },
}
"""Lets the kernel start far enough to show, in the notebook, why it can't work."""
