"""A cell of the session and what its front end is answered."""

from types import SimpleNamespace

import pytest
from hops_kernels.session_cell import run_in_session
from IPython.core.interactiveshell import InteractiveShell


class MeantForTheUserError(Exception):
    """Shown without a traceback, as the kernels register it for sparkmagic's."""


def show_tidily(shell, kind, error, *_, **__):
    lines = [f"{kind.__name__}: {error}"]
    shell._showtraceback(kind, error, lines)
    return lines


class Shell(InteractiveShell):
    """Keeps what it shows of an error, as ipykernel's does."""

    def _showtraceback(self, etype, evalue, stb):
        self.shown = (etype.__name__, str(evalue))
        self._last_traceback = stb


@pytest.fixture
def kernel():
    shell = Shell()
    shell.history_manager.enabled = False
    shell.set_custom_exc((MeantForTheUserError,), show_tidily)
    asked = []
    yield SimpleNamespace(
        shell=shell, asked=asked, _forward_input=asked.append, _restore_input=lambda: asked.append("restored")
    )
    shell.history_manager.end_session()


def magics(behaviour):
    return SimpleNamespace(run_cell=behaviour)


def test_a_cell_runs_as_typed_with_its_number_and_is_counted(kernel):
    ran = []
    for code in ("a = 1\n", "%%time\nb"):
        reply = run_in_session(
            kernel, magics(lambda *cell: ran.append(cell)), code, store_history=True, allow_stdin=True
        )
    assert kernel.asked == [True, "restored"] * 2
    assert ran == [("a = 1\n", 1), ("%%time\nb", 2)]
    assert reply == {"status": "ok", "execution_count": 2, "payload": [], "user_expressions": {}}
    assert kernel.shell.execution_count == 3
    assert kernel.shell.history_manager.input_hist_raw[1:] == ["a = 1", "%%time\nb"]


def test_a_cell_outside_the_history_does_not_count(kernel):
    reply = run_in_session(kernel, magics(lambda *_: None), "1", store_history=False, allow_stdin=True)
    assert (reply["execution_count"], kernel.shell.execution_count) == (1, 1)


@pytest.mark.parametrize(
    ("error", "first_line"),
    [(MeantForTheUserError("It ended."), "MeantForTheUserError: It ended."),
        (ValueError("bad"), None),
     (KeyboardInterrupt(), None)],
)  # fmt: skip
def test_whatever_goes_wrong_is_shown_and_replied_and_the_next_cell_runs(kernel, error, first_line):
    def fail(*_):
        raise error

    reply = run_in_session(kernel, magics(fail), "1", store_history=True, allow_stdin=True)
    assert kernel.shell.shown == (type(error).__name__, str(error))
    assert (reply["status"], reply["ename"], reply["evalue"]) == ("error", type(error).__name__, str(error))
    assert reply["traceback"] if first_line is None else reply["traceback"] == [first_line]
    assert (
        run_in_session(kernel, magics(lambda *_: None), "1", store_history=True, allow_stdin=True)["execution_count"]
        == 2
    )
