"""Tracebacks that end where the user's code called a library which reports errors of its callers by exceptions."""

from __future__ import annotations

import sysconfig
from collections.abc import Sequence
from pathlib import PurePath
from types import TracebackType

LIBRARIES = ("hops", "pyspark", "py4j")
"""Packages whose own frames tell users nothing: what their exceptions say is what there is to know."""

_STANDARD = {PurePath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}


def without_inner_frames(traceback: TracebackType) -> tuple[TracebackType, int]:
    """``traceback`` up to the last frame that is not one of :data:`LIBRARIES`, and how many frames that leaves out.

    An error that passed through such a library, and came from elsewhere, keeps all of its frames.
    """
    frames = _frames(traceback)
    ours = [_is_quiet(frame) for frame in frames]
    kept = len(frames)
    while kept and ours[kept - 1]:
        kept -= 1
    inner = frames[kept:]
    if not kept or not any(_library(frame) for frame in inner):
        return traceback, 0
    shortened: TracebackType | None = None
    for frame in reversed(frames[:kept]):
        shortened = TracebackType(shortened, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return shortened or traceback, len(inner)


def _frames(traceback: TracebackType | None) -> Sequence[TracebackType]:
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    return frames


def _is_quiet(frame: TracebackType) -> bool:
    """Whether the frame is such a library's, or of the standard library, which such a library may call."""
    file = PurePath(frame.tb_frame.f_code.co_filename)
    return _library(frame) or (
        "site-packages" not in file.parts and any(file.is_relative_to(folder) for folder in _STANDARD)
    )


def _library(frame: TracebackType) -> bool:
    module = frame.tb_frame.f_globals.get("__name__")
    return isinstance(module, str) and module.partition(".")[0] in LIBRARIES
