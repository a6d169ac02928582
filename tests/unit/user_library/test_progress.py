"""How the progress of a run is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hops._storage import locate
from hops.experiment import names, progress
from hops.experiment.conduct import Conductor, Wish
from hops.experiment.progress import Progress, ProgressDisplay
from hops.experiment.records import State, Trial

# Lab's tests render the same displays.
DISPLAYS = json.loads((Path(__file__).parents[2] / "contract/user_library/progress.json").read_text())


class Told:
    def show(self, progress, *, final):
        self.bundle, self.final = progress.bundle(), final


@pytest.mark.parametrize("case", DISPLAYS, ids=[case["situation"] for case in DISPLAYS])
def test_a_run_tells_what_lab_renders(in_a_project, case):
    states = [State(state) for state in case["states"]]
    states += [State.RUNNING] * (case["total"] - len(states))
    trials = [
        Trial(index, {}, f"Experiments/application_1_2/{index}", state=state, metric=0.5)
        for index, state in enumerate(states)
    ]
    root = locate("Experiments/application_1_2")
    for index in range(case["begun"]):
        records = root.child(names.RECORDS_FOLDER)
        records.make_folder()
        records.child(f"{index}.running").write(b"")
    told = Told()
    run = Conductor(Wish(print, "grid_search"), None, root, "Experiments/application_1_2", "run", None, told, trials)
    run._collect()
    run._show()
    assert told.bundle["application/vnd.hops.progress+json"] == case["display"]


def test_a_progress_has_its_counts_in_words_for_whoever_renders_no_bar():
    bundle = Progress(8, 3, 1, 2, "grid search, best accuracy 0.9").bundle()
    assert bundle["text/plain"] == "grid search, best accuracy 0.9: 3 of 8 trials done, 1 failed, 2 running"


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
