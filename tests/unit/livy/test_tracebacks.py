"""Tracebacks end at the user's own code, wherever that ran."""

from __future__ import annotations

import traceback

from hops_livy.driver.hops_session.tracebacks import without_inner_frames


def _raise_through(*places: tuple[str, str]) -> BaseException:
    """An exception whose frames below this one are of these files and modules, outermost first."""
    call = "raise TypeError('of the innermost')"
    names: dict[str, object] = {}
    for number, (file, module) in reversed(list(enumerate(places))):
        names = {"__name__": module, "inner": names.get(f"frame_{number + 1}")}
        exec(compile(f"def frame_{number}():\n    {call}", file, "exec"), names)  # noqa: S102 - this test's own text
        call = "inner()"
    try:
        names["frame_0"]()  # type: ignore[operator]
    except TypeError as error:
        return error
    raise AssertionError


def _files(error: BaseException) -> tuple[list[str], int]:
    assert error.__traceback__ is not None
    shown, left_out = without_inner_frames(error.__traceback__)
    return [frame.filename for frame in traceback.extract_tb(shown)][1:], left_out


def test_frames_of_libraries_are_left_out() -> None:
    error = _raise_through(("cell.py", "__main__"), ("/env/site-packages/pyspark/sql.py", "pyspark.sql"))
    assert _files(error) == (["cell.py"], 1)


def test_frames_of_an_executors_worker_are_left_out_though_they_know_their_file_alone() -> None:
    error = _raise_through(
        ("cell.py", "__main__"),
        ("/env/lib/python3.11/site-packages/pyspark/worker.py", "?"),
        ("/env/lib/python3.11/site-packages/pyspark/core/rdd.py", "?"),
        ("cell.py", "?"),
    )
    assert _files(error) == (["cell.py", "cell.py"], 2)


def test_frames_of_other_packages_stay() -> None:
    error = _raise_through(("cell.py", "__main__"), ("/env/site-packages/pandas/core.py", "pandas.core"))
    assert _files(error) == (["cell.py", "/env/site-packages/pandas/core.py"], 0)
