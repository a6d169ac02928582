"""Whether a kernel's first cell takes up the session that an earlier kernel of its notebook left."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import StdinNotImplementedError

from hops_kernels.front_end import say
from hops_kernels.left_sessions import Item, answer, hint, left_by_this_notebook, question
from hops_kernels.preferences import Reattach, keep_reattach, read_reattach
from hops_kernels.remote_errors import SessionProblem

if TYPE_CHECKING:
    from hops_kernels.magics import HopsMagics


def session_to_take_up(magics: HopsMagics, *, home: Path) -> Item | None:
    """The session that is there and wanted; ``None`` where a new one is to start.

    Args:
        magics: They know the kernel's sessions.
        home: Where the person's wish is kept; they are asked where it says so.
    """
    wish = read_reattach(home)
    item = None if wish is Reattach.NEVER else _left(magics)
    if item is None or wish is Reattach.ALWAYS:
        return item
    try:
        wanted, from_now_on = _ask(magics.shell.kernel, question(item, time.time()))
    except StdinNotImplementedError:
        say(hint(item, time.time()))
        return None
    if from_now_on is not None:
        _keep(home, from_now_on)
    return item if wanted else None


def _left(magics: HopsMagics) -> Item | None:
    properties = magics.properties
    notebook = properties.get("notebook")
    if notebook is None:
        return None
    try:
        items = magics.sessions_of_mine()
    except SessionProblem:
        return None  # the start meets the same trouble and explains it
    return left_by_this_notebook(items, kind=properties["kind"], notebook=notebook, kernel=properties.get("kernel"))


def _ask(kernel: Any, text: str) -> tuple[bool, Reattach | None]:
    while True:
        understood = answer(kernel.raw_input(text))
        if understood is not None:
            return understood


def _keep(home: Path, wish: Reattach) -> None:
    try:
        keep_reattach(home, wish)
    except OSError as error:
        say(f"Your answer counts this time only, because it can't be written down: {error.strerror}.")
