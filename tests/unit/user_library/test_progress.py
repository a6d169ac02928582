"""How the progress of a run is shown."""

from __future__ import annotations

from hops.experiment import progress
from hops.experiment.progress import Progress, ProgressDisplay


def test_the_bundle_is_the_one_that_lab_renders():
    assert Progress(8, 3, 1, 2, "grid search, best accuracy 0.9").bundle() == {
        "application/vnd.hops.progress+json": {
            "total": 8,
            "done": 3,
            "failed": 1,
            "running": 2,
            "label": "grid search, best accuracy 0.9",
        },
        "text/plain": "grid search, best accuracy 0.9: 3 of 8 trials done, 1 failed, 2 running",
    }


def test_a_notebook_has_one_display_that_is_updated_in_place(in_a_notebook, monkeypatch):
    monkeypatch.setattr(progress, "PERIOD_S", 0)
    display = ProgressDisplay()
    for done in range(3):
        display.show(Progress(2, done, 0, 0, "launch"))
    assert [bundle["text/plain"] for bundle in in_a_notebook.shown] == ["launch: 0 of 2 trials done"]
    assert [bundle["text/plain"] for bundle in in_a_notebook.updated] == [
        "launch: 1 of 2 trials done",
        "launch: 2 of 2 trials done",
    ]


def test_what_changes_too_fast_is_left_out_but_the_last_state_never(in_a_notebook, monkeypatch):
    monkeypatch.setattr(progress, "PERIOD_S", 3600)
    display = ProgressDisplay()
    for done in range(100):
        display.show(Progress(100, done, 0, 0, "launch"))
    display.show(Progress(100, 100, 0, 0, "launch"), final=True)
    assert len(in_a_notebook.shown) == 1
    assert [bundle["text/plain"] for bundle in in_a_notebook.updated] == ["launch: 100 of 100 trials done"]


def test_without_a_notebook_lines_go_to_standard_error(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_in_notebook", lambda: False)
    display = ProgressDisplay()
    display.show(Progress(2, 0, 0, 2, "launch"))
    display.show(Progress(2, 2, 0, 0, "launch"), final=True)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == ["launch: 0 of 2 trials done, 2 running", "launch: 2 of 2 trials done"]
