"""A cell that runs in the session as it was typed, without a detour through IPython.

IPython would wrap it into a magic, parse and compile that, run it in an event loop of its own and look for what it
left behind: a third of a small cell's time, for nothing that a cell of the session needs. Cells with magics of this
kernel go that way still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ipykernel.jsonutil import json_clean

if TYPE_CHECKING:
    from hops_kernels.magics import HopsMagics

IN_SESSION = "%%spark\n"
"""What sparkmagic's parser puts before a cell without magics: ours are such cells."""


def run_in_session(
    kernel: Any, magics: HopsMagics, code: str, *, store_history: bool, allow_stdin: bool
) -> dict[str, Any]:
    """Runs ``code`` as the kernel's current cell and returns the content of its ``execute_reply``.

    Args:
        kernel: The kernel, whose front end sees what the cell shows.
        magics: The kernel's magics, which have its session.
        code: What to run there.
        store_history: Whether the cell counts, and is kept in the history.
        allow_stdin: Whether the front end can be asked something before a session is started.
    """
    shell = kernel.shell
    number = shell.execution_count
    if store_history:
        shell.execution_count += 1
        shell.history_manager.store_inputs(number, code, code)
    reply: dict[str, Any] = {"status": "ok", "execution_count": number, "payload": [], "user_expressions": {}}
    kernel._forward_input(allow_stdin)  # noqa: SLF001 - as ipykernel does for a cell
    try:
        magics.run_cell(code, number)
    except BaseException as error:  # noqa: BLE001 - whatever it is belongs into the notebook, and the kernel goes on
        _show(shell, error)
        lines = shell._last_traceback or []  # noqa: SLF001 - where ipykernel keeps it for its own reply
        reply |= {"status": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": list(lines)}
    finally:
        kernel._restore_input()  # noqa: SLF001
    return dict(json_clean(reply))


def _show(shell: Any, error: BaseException) -> None:
    """Shows it as IPython does where a cell's code raises it."""
    if isinstance(error, shell.custom_exceptions):
        shell.CustomTB(type(error), error, error.__traceback__)
    else:
        shell.showtraceback(running_compiled_code=True)
