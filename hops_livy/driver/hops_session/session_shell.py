"""IPython's shell with what it shows made for a notebook that is far away."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from ipykernel.zmqshell import ZMQInteractiveShell

from .tracebacks import without_inner_frames


class SessionShell(ZMQInteractiveShell):
    """Help is an output like any other, and tracebacks end at the user's own code; ``%tb`` shows the whole one."""

    _whole = False
    _left_out = 0

    def init_magics(self) -> None:
        """Adds ``%tb`` over IPython's own."""
        super().init_magics()
        shown = self.find_line_magic("tb")

        def tb(line: str) -> None:
            """``%tb``: shows the last traceback with the frames that were left out."""
            self._whole = True
            try:
                shown(line)
            finally:
                self._whole = False

        self.register_magic_function(tb, "line", "tb")

    def payloadpage_page(self, strg: str | Mapping[str, Any], start: int = 0, *_: Any, **__: Any) -> None:  # noqa: ARG002
        """What ``name?`` and ``name??`` show: Livy's protocol has no pager."""
        self.display_pub.publish(dict(strg) if isinstance(strg, Mapping) else {"text/plain": strg})

    def _get_exc_info(self, exc_tuple: Any = None) -> tuple[Any, Any, TracebackType | None]:
        kind, error, traceback = super()._get_exc_info(exc_tuple)
        self._left_out = 0
        if traceback is not None and not self._whole:
            traceback, self._left_out = without_inner_frames(traceback)
        return kind, error, traceback

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        if self._whole:
            # An answer to a question, not a failure of this statement.
            self.display_pub.publish({"text/plain": "\n".join(stb)})
            return
        left_out, self._left_out = self._left_out, 0
        if left_out and len(stb) > 1:
            frames = "1 more frame" if left_out == 1 else f"{left_out} more frames"
            stb = [*stb[:-1], f"({frames} inside of libraries; %tb shows all.)\n", stb[-1]]
        super()._showtraceback(etype, evalue, stb)
