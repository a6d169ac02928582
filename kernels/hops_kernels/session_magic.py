"""``%spark_session``: the kernel's session told, attached from another kernel, kept from ending."""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from sparkmagic.livyclientlib.exceptions import HttpClientException

from hops_kernels.front_end import say, show_message
from hops_kernels.left_sessions import described, missed, named
from hops_kernels.preferences import Reattach, keep_reattach, read_reattach
from hops_kernels.remote_errors import RemoteError, SessionProblem, explain_http_error
from hops_kernels.seams import connect_session, get_json
from hops_kernels.statements import watch_statement

if TYPE_CHECKING:
    from hops_kernels.magics import HopsMagics

HELP = """
<table>
  <tr><th>Magic</th><th>Example</th><th>Explanation</th></tr>
  <tr><td>spark_session</td><td>%spark_session</td>
    <td>Tells this notebook's Spark session: state, statements, and when it ends if nothing is run.</td></tr>
  <tr><td></td><td>%spark_session attach 7</td>
    <td>Attaches session 7 (number or name); <tt>-f</tt> ends the one that the notebook has.</td></tr>
  <tr><td></td><td>%spark_session outputs</td>
    <td>Shows what cells wrote while no notebook listened, and follows the one that still runs.</td></tr>
  <tr><td></td><td>%spark_session keep</td><td>Lets the idle time begin anew.</td></tr>
  <tr><td></td><td>%spark_session reattach always</td>
    <td>What a new kernel does when a session of its notebook is alive: <tt>ask</tt>, <tt>always</tt> or <tt>never</tt>
    attach it. Yours, for all notebooks.</td></tr>
  <tr><td>sql</td><td>%%sql</td>
    <td>In JupyterLab the result is a table, which a click on a column's name sorts, and charts (Bar, Line, Area,
    Scatter, Pie) of its columns. Both are saved with the notebook.</td></tr>
</table>
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong as an error of the cell; argparse would end the kernel."""

    def error(self, message: str) -> NoReturn:
        raise SessionProblem(f"%{SessionMagic.NAME}: {message}. %%help shows what there is.")


def parser() -> argparse.ArgumentParser:
    """What may stand behind ``%spark_session``."""
    result = _Parser(prog=f"%{SessionMagic.NAME}", add_help=False)
    subjects = result.add_subparsers(dest="subject")
    attach = subjects.add_parser("attach", add_help=False)
    attach.add_argument("session")
    attach.add_argument("-f", "--force", action="store_true")
    subjects.add_parser("outputs", add_help=False)
    subjects.add_parser("keep", add_help=False)
    reattach = subjects.add_parser("reattach", add_help=False)
    reattach.add_argument("wish", nargs="?", choices=[str(wish) for wish in Reattach])
    return result


def told(summary: Mapping[str, Any], item: Mapping[str, Any] | None, now: float) -> str:
    """What ``%spark_session`` says of the kernel's session.

    Args:
        summary: The service's summary of it.
        item: It as the overview tells it.
        now: Seconds since the epoch.
    """
    lines = [f"Spark session {summary['id']}: {described(item or summary, now)}."]
    ends = summary.get("ends")
    if isinstance(ends, int | float):
        moment = time.strftime("%H:%M", time.localtime(ends))
        lines.append(f"If nothing is run it ends at {moment}; %{SessionMagic.NAME} keep lets its idle time begin anew.")
    elif summary.get("idle_timeout_s"):
        lines.append("It does not end while it works.")
    if summary.get("reason"):
        lines.append(str(summary["reason"]))
    return "\n".join(lines)


class SessionMagic:
    """The magic, over those of the kernel.

    Args:
        magics: They know the session.
    """

    NAME = "spark_session"

    def __init__(self, magics: HopsMagics) -> None:
        self._magics = magics
        self.__name__ = self.NAME
        self.__doc__ = "%spark_session [attach [-f] NUMBER|NAME | outputs | keep | reattach [ask|always|never]]"

    def __call__(self, line: str) -> None:
        """Does what ``line`` says.

        Raises:
            SessionProblem: It can't be done, with the reason.
        """
        try:
            words = parser().parse_args(shlex.split(line))
        except ValueError as error:
            raise SessionProblem(f"%{self.NAME}: {error}. %%help shows what there is.") from error
        try:
            match words.subject:
                case "attach":
                    self._attach(words.session, force=words.force)
                case "outputs":
                    self._outputs()
                case "keep":
                    connect_session(self._session(), {})
                    self._tell()
                case "reattach":
                    self._reattach(words.wish)
                case _:
                    self._tell()
        except HttpClientException as error:
            raise SessionProblem(explain_http_error(str(error))[1]) from error

    def _session(self) -> Any:
        magics = self._magics
        if not magics.session_started and not magics.take_up_left():
            raise SessionProblem("This notebook has no Spark session yet: the first cell starts one.")
        return magics.session

    def _tell(self) -> None:
        session = self._session()
        item = named(self._magics.sessions_of_mine(), str(session.id))
        say(told(get_json(session, "/summary"), item, time.time()))

    def _attach(self, wanted: str, *, force: bool) -> None:
        magics = self._magics
        item = named(magics.sessions_of_mine(), wanted)
        if item is None:
            raise SessionProblem(f"You have no Spark session {wanted!r}. %%info lists those that you have.")
        if magics.session_started and magics.session is not None:
            if magics.session.id == item["id"]:
                self._tell()
                return
            if not force:
                raise SessionProblem(
                    f"This notebook has Spark session {magics.session.id} already. "
                    f"%{self.NAME} attach -f {wanted} ends that one, with its variables, and attaches the other."
                )
            magics.end_session()
        magics.take_up(item)

    def _outputs(self) -> None:
        session, shell = self._session(), self._magics.shell
        found = [one for one in self._magics.unseen_statements() if one.get("cell") is not None]
        if not found:
            say("There is no output that this notebook has not seen.")
        for statement in found:
            say(*missed([statement]))
            try:
                watch_statement(
                    session, int(statement["id"]), show=partial(show_message, shell, shell.displayhook.prompt_count)
                )
            except RemoteError as error:
                # Told as an output: it is not this cell that failed.
                content = {"ename": type(error).__name__, "evalue": str(error), "traceback": list(error.lines)}
                show_message(shell, shell.displayhook.prompt_count, "error", content)

    def _reattach(self, wish: str | None) -> None:
        if wish is None:
            wish = str(read_reattach(Path.home()))
        else:
            try:
                keep_reattach(Path.home(), Reattach(wish))
            except OSError as error:
                raise SessionProblem(f"Your wish can't be written down: {error.strerror}.") from error
        say(
            {
                "ask": "A new kernel asks before it attaches a living session of its notebook.",
                "always": "A new kernel attaches a living session of its notebook without asking.",
                "never": "A new kernel always starts a session of its own.",
            }[wish]
        )
