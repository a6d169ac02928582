"""One statement of a session."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from hops_livy.engines.drivers import Executed
from hops_livy.journal import Entry
from hops_livy.news import News
from hops_livy.outputs import Outputs, folded, livy_error, livy_output
from hops_livy.progress import MESSAGE, Progress


class StatementState(StrEnum):
    """Livy's states of a statement."""

    WAITING = "waiting"
    RUNNING = "running"
    AVAILABLE = "available"
    ERROR = "error"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"


_SHORT = 1000
LINE_CHARACTERS = 200
_LOOKED_AT = 2000
FINAL = frozenset({StatementState.AVAILABLE, StatementState.ERROR, StatementState.CANCELLED})


@dataclass(slots=True, kw_only=True)
class Statement:
    """A piece of code, its state and its output."""

    id: int
    code: str
    line: str = field(init=False)
    """Its first line that is not blank, short; of code that begins with very many blank ones there is none."""
    kind: str
    outputs: Outputs
    key: str | None = None
    """The client's idempotency key."""
    execution_count: int | None = None
    """Number of its cell in the notebook, where the client tells it."""
    cell_id: str | None = None
    """The cell's own id there, where the client tells it."""
    seen: bool = False
    """Whether a client was told how it ended."""
    progress: Progress | None = None
    """The newest that its Spark jobs told."""
    state: StatementState = StatementState.WAITING
    executed: Executed | None = None
    started_ms: int = 0
    completed_ms: int = 0
    news: News = field(default_factory=News)

    def __post_init__(self) -> None:
        # Once, and of the beginning: overviews tell it again and again, and code may be a million of blank lines.
        self.line = _first_line(self.code[:_LOOKED_AT])

    @property
    def final(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in FINAL

    def begin(self) -> None:
        """It runs from now on."""
        self.state = StatementState.RUNNING
        self.started_ms = _now_ms()
        self.news.tell()

    def take(self, kind: str, content: dict[str, Any]) -> None:
        """Takes an output message, or one about the progress, of which only the newest is kept."""
        if kind == MESSAGE:
            self.progress = Progress.of(content)
        else:
            self.outputs.add(kind, content)
        self.news.tell()

    def finish(self, state: StatementState, executed: Executed | None) -> None:
        """Nothing more will happen."""
        self.executed = executed
        self.state = state
        self.completed_ms = _now_ms()
        self.news.tell()

    def entry(self) -> Entry:
        """What a journal holds of it at first."""
        return {
            "is": "statement",
            "id": self.id,
            "code": self.code,
            "kind": self.kind,
            "key": self.key,
            "execution_count": self.execution_count,
            "cell_id": self.cell_id,
        }

    def finished_entry(self) -> Entry:
        """What a journal holds of its end."""
        executed = None if self.executed is None else asdict(self.executed)
        return {
            "is": "finished",
            "id": self.id,
            "state": str(self.state),
            "at": self.completed_ms,
            "executed": executed,
        }

    def seen_entry(self) -> Entry:
        """What a journal holds of a client's having been told of its end."""
        return {"is": "seen", "id": self.id}

    def entries(self) -> Iterator[Entry]:
        """All that a journal should hold of it now."""
        yield self.entry()
        if self.started_ms:
            yield {"is": "began", "id": self.id, "at": self.started_ms}
        if self.state is StatementState.CANCELLING:
            yield {"is": "cancelling", "id": self.id}
        if self.outputs.dropped:
            yield {"is": "dropped", "id": self.id}
        if self.final:
            yield self.finished_entry()
        if self.seen:
            yield self.seen_entry()

    def forget_output(self) -> None:
        """Frees the memory that the output takes, the error's long parts too."""
        self.outputs.drop()
        if self.executed is not None and self.executed.error is not None:
            error = self.executed.error
            short = {"ename": error["ename"], "evalue": str(error["evalue"])[:_SHORT], "traceback": []}
            self.executed = Executed(status=self.executed.status, error=short)

    @property
    def size(self) -> int:
        """About how many bytes its output and error hold in memory."""
        error = None if self.executed is None else self.executed.error
        if error is None:
            return self.outputs.size
        return self.outputs.size + len(str(error["evalue"])) + sum(len(line) for line in error["traceback"])

    @property
    def told_size(self) -> int:
        """About how many bytes it takes to tell its code and what it wrote."""
        return len(self.code) + (self.outputs.size if self.outputs.events else 0)

    def described(self) -> dict[str, Any]:
        """As Livy shows it, without what it wrote."""
        return {
            "id": self.id,
            "code": self.code,
            "state": str(self.state),
            "progress": 1.0 if self.final else self.fraction,
            "started": self.started_ms,
            "completed": self.completed_ms,
            "cell": self.execution_count,
            "cell_id": self.cell_id,
            "seen": self.seen,
        }

    def livy(self) -> dict[str, Any]:
        """As Livy shows it. While it runs there is no output yet for Livy's clients; ours read ``partial``."""
        return self.telling()()

    def telling(self) -> Callable[[], dict[str, Any]]:
        """What makes :meth:`livy` as it is at this moment, in any thread: of a large output that takes long."""
        described, events, executed, number = self.described(), tuple(self.outputs.events), self.executed, self.id
        if self.final:
            return lambda: {**described, "output": livy_output(events, number, executed)}
        progress = self.spark_progress()
        return lambda: {**described, "output": None, "partial": folded(events), "spark_progress": progress}

    @property
    def fraction(self) -> float:
        """How much of the Spark jobs is done, as far as they are known: from 0 to 1."""
        return 0.0 if self.progress is None else self.progress.fraction

    def spark_progress(self) -> dict[str, Any] | None:
        """Stages and tasks, once there are any."""
        return None if self.progress is None else self.progress.content()

    def done_content(self) -> dict[str, Any]:
        """Content of the last event of the stream: how it ended, with Livy's words for an error."""
        executed = self.executed or Executed(status="ok")
        return {"state": str(self.state), **({"status": "ok"} if executed.status == "ok" else livy_error(executed))}


def session_ended(reason: str) -> Executed:
    """The end of a statement whose session has ended."""
    return Executed(status="error", error={"ename": "SessionEnded", "evalue": reason, "traceback": []})


async def page_of_output(statements: Sequence[Statement], most_bytes: int) -> list[Statement]:
    """The first of ``statements`` whose code and output together are no more than ``most_bytes``, and one at least."""
    shown: list[Statement] = []
    size = 0
    for statement in statements:
        # What is looked at is in memory from then on.
        await statement.outputs.load()
        size += statement.told_size
        if shown and size > most_bytes:
            break
        shown.append(statement)
    return shown


def _first_line(code: str) -> str:
    lines = (line.strip() for line in code.splitlines())
    return next((line for line in lines if line), "")[:LINE_CHARACTERS]


def _now_ms() -> int:
    return int(time.time() * 1000)
