"""What a run tells while it is under way."""

from hops._storage import locate
from hops.experiment import names
from hops.experiment.conduct import Conductor, Wish
from hops.experiment.records import State, Trial


class Told:
    def show(self, progress, *, final):
        self.progress, self.final = progress, final


def test_trials_that_have_begun_and_not_ended_are_told_as_running(in_a_project):
    root = locate("Experiments/application_1_2")
    records = root.child(names.RECORDS_FOLDER)
    records.make_folder()
    trials = [Trial(index, {}, f"Experiments/application_1_2/{index}") for index in range(4)]
    for index in (0, 1, 2):
        records.child(f"{index}.running").write(b"")
    ended = Trial(0, {}, trials[0].path, state=State.FINISHED, metric=0.9)
    records.child("0.json").write(ended.to_json())
    told = Told()
    run = Conductor(Wish(print, "grid_search"), None, root, "Experiments/application_1_2", "run", None, told, trials)

    assert run._collect()
    run._show()

    shown = told.progress
    assert (shown.total, shown.done, shown.failed, shown.running) == (4, 1, 0, 2)
    assert not told.final
    assert shown.label == "grid search, best metric 0.9"
