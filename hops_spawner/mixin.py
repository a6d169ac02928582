"""What both spawners share: a server is a project's, starts only when granted, and says why if it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy.orm import object_session
from traitlets import Integer, Unicode, default
from traitlets.config import Configurable

from hops_contract.problems import Problem
from hops_contract.servers import ServerGrant
from hops_contract.slugs import is_slug
from hops_spawner.control_plane import ENVIRONMENT_NOT_READY, ControlPlane, RefusedError
from hops_spawner.endings import Ending, ending_of, read_ending, usual_ending
from hops_spawner.form import FormRefusedError, options_from_form, render_form
from hops_spawner.progress import StartProgress
from hops_spawner.refusals import NO_PROJECT, NOT_BY_LINK, StartRefusedError, failed_start, seen_by_user

ENVIRONMENT_POLL_S = 1.0
FULL = (
    "The project is over its quota of storage: this server only reads its datasets. Delete files and empty the trash "
    "on the project's page; then it writes them, too"
)

# JupyterHub renders the form of a refused start from the user's *unnamed* server (SpawnHandler._post, 6.1). Whose form
# was sent is therefore remembered for the length of the request. Can go when JupyterHub asks the named server.
_submitted: ContextVar[HopsSpawnerMixin | None] = ContextVar("hops_submitted", default=None)


class HopsSpawnerMixin(Configurable):
    """First among the bases of a spawner.

    A subclass says what a granted start needs (:meth:`prepare`), what has to be removed after it (:meth:`clean`), and
    how to wait for the server's first answer (:meth:`await_answer`).
    """

    control_plane_url = Unicode(help="Address of the control plane; ends with /.").tag(config=True)
    credential_file = Unicode(help="File with the Hub's credential at the control plane.").tag(config=True)
    environment_timeout = Integer(
        900, min=1, help="Seconds that a start waits for the project's environment to be made."
    ).tag(config=True)

    granted: ServerGrant | None = None
    ended: Ending | None = None
    """How the last run ended, if nobody stopped it; the page "not running" and REST say so."""
    _runs = False
    # Whether it ran when the Hub was started, and nobody has stopped it since.
    _was_found = False
    _progress: StartProgress | None = None
    _problem: Problem | None = None
    _typed: Mapping[str, Sequence[str]] | None = None

    @default("start_timeout")
    def _longer_than_every_step(self) -> int:
        # The steps have limits of their own that end in a sentence; the Hub's own limit would not.
        return int(self.environment_timeout) + 300

    @default("apply_user_options")
    def _options_are_the_control_planes_matter(self) -> Any:
        return lambda _spawner, _options: None

    @property
    def control_plane(self) -> ControlPlane:
        """The control plane, called as the Hub."""
        return ControlPlane(self.control_plane_url, Path(self.credential_file))

    @property
    def project(self) -> str:
        """The project that this server belongs to.

        Raises:
            StartRefusedError: It is the unnamed server, or its name can't be a project's.
        """
        name = str(self.name)
        if not is_slug(name):
            raise StartRefusedError(NO_PROJECT)
        return name

    # The form.

    async def get_options_form(self) -> str:
        """HTML of the form; after a refusal with what was typed and why it can't be."""
        shown = _submitted.get() or self
        try:
            choices = await shown.control_plane.choices(shown.project, shown.user.name)
        except RefusedError as refusal:
            raise StartRefusedError(seen_by_user(refusal.problem, shown.project)) from None
        shown._keep(display_name=choices.project_title)  # noqa: SLF001 - another instance of this class
        return render_form(
            choices.options,
            choices.limits,
            choices.capacity,
            shown._problem if shown._typed else None,  # noqa: SLF001 - another instance of this class
            project_title=choices.project_title,
            project=shown.project,
            typed=shown._typed,  # noqa: SLF001
        )

    def run_options_from_form(self, form_data: Mapping[str, Sequence[str]]) -> Any:
        """The options in a submitted form, refused already here when they can't be granted.

        Not a coroutine: what it remembers for the request must be set in the request's own context.
        """
        _submitted.set(self)
        self._typed = form_data
        self._problem = None
        return self._submitted_options(form_data)

    def options_from_query(self, query_data: Mapping[str, Sequence[str]]) -> Any:  # noqa: ARG002
        """Refuses: following a link must not start anything."""
        raise StartRefusedError(NOT_BY_LINK)

    async def _submitted_options(self, form_data: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        try:
            options = options_from_form(form_data).model_dump(mode="json")
            await self.control_plane.grant(self.project, self.user.name, options)
        except FormRefusedError as refusal:
            raise self._refused(refusal.problem()) from None
        except RefusedError as refusal:
            if refusal.problem.type != ENVIRONMENT_NOT_READY:
                raise self._refused(refusal.problem) from None
        return options

    def _refused(self, problem: Problem) -> StartRefusedError:
        self._problem = seen_by_user(problem, self.project)
        return StartRefusedError(self._problem)

    # The start.

    async def start(self) -> Any:
        """Start the server, if the control plane grants it.

        Raises:
            StartRefusedError: It was refused, or it failed; the text says why.
        """
        self._progress = StartProgress()
        self.ended = None
        self._runs = False
        try:
            self.granted = await self._grant()
            self._typed = None
            self._keep(display_name=self.granted.display_name)
            if self.granted.config.full:
                self.say(30, FULL)
            self.say(40, f"Preparing the server of project {self.granted.config.project_title}")
            await self.prepare(self.granted)
            self.say(60, "Starting JupyterLab")
            address = await self.launch()
            self.say(80, "Waiting for JupyterLab to answer")
            await self.await_answer(address)
        except Exception as error:
            failure = self.explain(error)
            if failure is None:
                raise
            raise failure from error
        else:
            self._runs = True
            return address
        finally:
            self._progress.end()

    async def _grant(self) -> ServerGrant:
        self.say(10, "Checking your rights and the options")
        asked = dict(self.user_options) or None
        # The control plane remembers what was last granted; a second memory would contradict it.
        self._keep(user_options={})
        deadline = asyncio.get_running_loop().time() + self.environment_timeout
        while True:
            try:
                return await self.control_plane.grant(self.project, self.user.name, asked)
            except RefusedError as refusal:
                too_late = asyncio.get_running_loop().time() > deadline
                if refusal.problem.type != ENVIRONMENT_NOT_READY or too_late:
                    raise self._refused(refusal.problem) from None
                self.say(20, refusal.problem.detail)
            await asyncio.sleep(ENVIRONMENT_POLL_S)

    def _keep(self, **columns: Any) -> None:
        """Write down what the Hub's pages show of the server."""
        for column, value in columns.items():
            setattr(self.orm_spawner, column, value)
        database = object_session(self.orm_spawner)
        if database is not None:
            database.commit()  # before an await: another request rolls back what is pending

    def say(self, percent: int, message: str) -> None:
        """Tell whoever watches the start which step it has reached."""
        if self._progress is not None:
            self._progress.reach(percent, message)
        self.log.info("%s: %s", self._log_name, message)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """The steps of the start as they happen."""
        if self._progress is not None:
            async for event in self._progress.events():
                yield event

    # The end.

    async def stop(self, now: bool = False) -> None:  # noqa: FBT001, FBT002 - JupyterHub's signature
        """Stop the server and remove what it was given."""
        self._runs = self._was_found = False
        try:
            await super().stop(now=now)
        finally:
            await self.clean()

    async def run_post_stop_hook(self) -> None:
        """Also after a crash, when :meth:`stop` is not called."""
        await self.clean()
        hook = super().run_post_stop_hook()
        if hook is not None:
            await hook

    async def poll(self) -> int | None:
        """``None`` while the server runs; that it has ended by itself is remembered with its reason."""
        status: int | None = await super().poll()
        if status is not None and self._runs:
            self._runs = False  # the next answer no longer knows the exit status
            self.ended = self.how_it_ended(status)
        return status

    # JupyterHub forgets the spawner when its server has ended; its state stays.

    def get_state(self) -> dict[str, Any]:
        """What a Hub that starts later has to know."""
        state: dict[str, Any] = super().get_state()
        return state | {"ended": asdict(self.ended)} if self.ended else state

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up what an earlier spawner or Hub knew."""
        super().load_state(state)
        self.ended = read_ending(state["ended"]) if "ended" in state else None

    # For the subclass.

    def log_tail(self) -> str:
        """The last lines of the server's log, if they can be read."""
        return ""

    def how_it_ended(self, status: int) -> Ending | None:
        """What the exit status of a server says that nobody stopped; ``None`` where nothing can be said."""
        if status:
            return ending_of(status, log_tail=self.log_tail())
        minutes = None if self.granted is None else self.granted.config.options.idle_timeout_minutes
        return usual_ending(self.log_tail(), idle_minutes=minutes)

    async def launch(self) -> Any:
        """Start the process or the pod; the address at which it will answer."""
        return await super().start()

    def explain(self, error: Exception) -> StartRefusedError | None:
        """What ``error`` means for the person who waits; ``None`` for one that says so itself or is a fault of ours."""
        if isinstance(error, TimeoutError):  # before OSError, which it is one of
            step, seconds = self._progress.latest() if self._progress is not None else ("", 0.0)
            return failed_start(
                f"The start waited {seconds:.0f} seconds at the step '{step}', and nothing came of it.",
                "The machine may be busy: try again in a minute; if it stays so, tell an administrator the step.",
                status=504,
            )
        if isinstance(error, OSError):
            return failed_start(
                f"The server's folder or process could not be made: {error.strerror or 'an error of the system'}.",
                "Tell an administrator: the disk may be full or the machine out of memory.",
            )
        return None

    async def prepare(self, grant: ServerGrant) -> None:
        """Make what the granted server needs before its process or pod starts."""
        raise NotImplementedError

    async def await_answer(self, address: Any) -> None:
        """Wait until the server answers; the Hub's own waiting follows."""

    async def clean(self) -> None:
        """Remove what :meth:`prepare` made."""
        raise NotImplementedError
