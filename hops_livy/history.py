"""The statements that a session has had: each with a number, and of those that have ended so many are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hops_livy.journal import Entry, Journal
from hops_livy.settings import Limits
from hops_livy.statements import Statement


class History:
    """The statements of one session, oldest first; here none is run.

    Args:
        limits: Bounds.
        journal: Where it is written down what was dropped.
        on_forgotten: Told the number of a statement whose output nobody will ask for any more.

    Attributes:
        statements: Those that are kept, by number.
    """

    def __init__(self, limits: Limits, journal: Journal, on_forgotten: Callable[[int], None]) -> None:
        self._limits = limits
        self._journal = journal
        self._on_forgotten = on_forgotten
        self._next = 0
        self.statements: dict[int, Statement] = {}

    def number(self) -> int:
        """The next number; none is given twice."""
        number, self._next = self._next, self._next + 1
        return number

    def add(self, statement: Statement) -> None:
        """Takes a new one, writes it down, and forgets what is too much with it."""
        self.statements[statement.id] = statement
        self._journal.write(statement.entry())
        self._forget_old()

    def with_key(self, key: str) -> Statement | None:
        """The one that a client has sent with that key."""
        return next((statement for statement in self.statements.values() if statement.key == key), None)

    def restore(self, statements: dict[int, Statement], *, numbered: int) -> None:
        """Takes the statements that an earlier service knew.

        Args:
            statements: Those that are known.
            numbered: How many there have been at least.
        """
        self.statements = statements
        self._next = max(numbered, max(statements, default=-1) + 1)
        self._forget_old()

    def entries(self) -> Iterator[Entry]:
        """Entries of a journal that tell of them as they are now."""
        # Of those that are forgotten only the numbers matter.
        yield {"is": "numbered", "next": self._next}
        for statement in self.statements.values():
            yield from statement.entries()

    @property
    def output_bytes(self) -> int:
        """About how much memory their output holds."""
        return sum(statement.size for statement in self.statements.values())

    def drop_outputs(self) -> None:
        """Frees the memory of what they wrote, in whose place a sentence stands from now on."""
        for statement in self.statements.values():
            if not statement.outputs.dropped:
                self._drop(statement)

    def drop_old_outputs(self) -> None:
        """The same of the oldest that have ended, as far as all together hold too much."""
        total = 0
        for statement in reversed(self.statements.values()):
            total += statement.size
            if total > self._limits.session_output_bytes and statement.final and not statement.outputs.dropped:
                self._drop(statement)

    def _forget_old(self) -> None:
        old = len(self.statements) - self._limits.statements_kept
        much = sum(len(statement.code) for statement in self.statements.values()) - self._limits.session_code_characters
        for number, statement in list(self.statements.items()):
            if old <= 0 and much <= 0:
                return
            if statement.final:
                del self.statements[number]
                self._on_forgotten(number)
                old, much = old - 1, much - len(statement.code)

    def _drop(self, statement: Statement) -> None:
        statement.forget_output()
        self._journal.write({"is": "dropped", "id": statement.id})
        self._on_forgotten(statement.id)
