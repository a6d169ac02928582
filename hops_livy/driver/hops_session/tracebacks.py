"""Tracebacks without the inside of libraries that report errors of their callers by exceptions."""

from __future__ import annotations

import itertools
import sysconfig
from collections.abc import Sequence
from pathlib import PurePath
from types import TracebackType

LIBRARIES = ("hops", "pyspark", "py4j")
"""Packages whose own frames tell users nothing: what their exceptions say is what there is to know."""

_STANDARD = {PurePath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}


def without_inner_frames(traceback: TracebackType) -> tuple[TracebackType, int]:
    """``traceback`` without the stretches that lie inside of :data:`LIBRARIES`, and how many frames that leaves out.

    What the standard library does for such a library belongs to the stretch. Frames of everything else are kept, also
    where a library called them.
    """
    kept: list[TracebackType] = []
    frames = _frames(traceback)
    for quiet, group in itertools.groupby(frames, _is_quiet):
        stretch = list(group)
        if not (quiet and any(_library(frame) for frame in stretch)):
            kept += stretch
    if not kept:
        return traceback, 0
    shortened: TracebackType | None = None
    for frame in reversed(kept):
        shortened = TracebackType(shortened, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return shortened or traceback, len(frames) - len(kept)


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
    if isinstance(module, str) and module.partition(".")[0] in LIBRARIES:
        return True
    # Frames that pyspark makes after an executor's traceback know nothing but their file.
    file = PurePath(frame.tb_frame.f_code.co_filename)
    return any(folder == "site-packages" and name in LIBRARIES for folder, name in itertools.pairwise(file.parts))
