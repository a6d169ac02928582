"""What ``tensorboard.visualize`` shows, and where ``tensorboard.logdir`` lies."""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

import pytest
from hops import tensorboard
from hops.experiment.records import State, Trial
from hops.experiment.result import Run, SearchResult

RUN = "Experiments/application_1_1"
LINK = "/user/ada/weather/hops/tensorboards:open?logdir=Experiments%2Fapplication_1_1"


def test_the_bundle_is_the_one_that_lab_renders():
    assert tensorboard.display_bundle(RUN, "/user/ada/weather/", 1_700_000_000.5) == {
        "application/vnd.hops.tensorboard+json": {
            "logdir": RUN,
            "title": "application_1_1",
            "created": 1_700_000_000.5,
        },
        "text/plain": f"TensorBoard over {RUN}: {LINK}",
        "text/html": f'<a href="{LINK}" target="_blank" rel="noopener">TensorBoard over {RUN}</a>',
    }


def test_visualize_displays_one_bundle_and_returns_at_once(in_a_project, in_a_notebook):
    assert tensorboard.visualize(RUN) is None
    (bundle,) = in_a_notebook.shown
    created = bundle["application/vnd.hops.tensorboard+json"]["created"]
    assert 0 <= time.time() - created < 15
    assert bundle == tensorboard.display_bundle(RUN, "/user/ada/weather/", created)


@pytest.mark.parametrize("shape", ["folder", "absolute", "address", "old", "result"])
def test_every_way_to_name_the_run_shows_the_same(in_a_project, in_a_notebook, shape):
    whole = str(in_a_project / RUN)
    trial = Trial(0, {"a": 1}, f"{RUN}/a=1", State.FINISHED, metric=1.0)
    spark = SimpleNamespace(sparkContext=None)
    arguments = {
        "folder": (RUN,),
        "absolute": (whole,),
        "address": (f"hdfs:///Projects/weather/{RUN}",),
        "old": (spark, whole),
        "result": (SearchResult(Run(whole, RUN, [trial])),),
    }[shape]
    tensorboard.visualize(*arguments)
    assert in_a_notebook.shown[0]["application/vnd.hops.tensorboard+json"]["logdir"] == RUN


def test_the_whole_project_may_be_shown(in_a_project, in_a_notebook):
    tensorboard.visualize(str(in_a_project))
    assert in_a_notebook.shown[0]["application/vnd.hops.tensorboard+json"]["title"] == "project"


def test_names_with_signs_are_quoted_in_the_link_and_escaped_in_the_page():
    bundle = tensorboard.display_bundle('Experiments/<x>/a=1&b="2"', "/user/ada/weather/", 0)
    assert "logdir=Experiments%2F%3Cx%3E%2Fa%3D1%26b%3D%222%22" in bundle["text/html"]
    assert "<x>" not in bundle["text/html"]


def test_without_a_notebook_server_there_is_no_link():
    bundle = tensorboard.display_bundle(RUN, "", 0)
    assert "href" not in bundle["text/html"]
    assert bundle["text/plain"] == f"TensorBoard over {RUN}"


def test_outside_a_notebook_the_link_is_printed(in_a_project, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    tensorboard.visualize(RUN)
    assert capsys.readouterr().out == f"TensorBoard over {RUN}: {LINK}\n"


def test_a_folder_outside_the_project_is_refused(in_a_project, in_a_notebook, tmp_path):
    for outside in (tmp_path, tmp_path / "weather-2"):
        outside.mkdir(exist_ok=True)
        with pytest.raises(ValueError, match="does not lie in the project"):
            tensorboard.visualize(str(outside))
    with pytest.raises(ValueError, match="leads out of the project"):
        tensorboard.visualize("../other")
    assert in_a_notebook.shown == []


def test_a_folder_that_is_not_there_is_said(in_a_project):
    with pytest.raises(FileNotFoundError, match="is no folder"):
        tensorboard.visualize("Experiments/never")


def test_a_trial_writes_events_to_its_own_folder(monkeypatch):
    monkeypatch.setenv("TENSORBOARD_LOGDIR", "/somewhere/a=1")
    assert tensorboard.logdir() == "/somewhere/a=1"


def test_in_a_notebook_events_go_to_a_folder_of_the_session(in_a_project, monkeypatch):
    monkeypatch.setenv("HOPS_APP_ID", "application_1")
    folder = tensorboard.logdir()
    assert folder == str(in_a_project / "Experiments" / "application_1_notebook")
    assert (in_a_project / "Experiments" / "application_1_notebook").is_dir()


def test_in_a_kernel_without_spark_a_logdir_is_answered_in_a_sentence(in_a_project, without_spark):
    with pytest.raises(RuntimeError, match=r"This kernel has no Spark\. Choose the kernel PySpark"):
        tensorboard.logdir()
