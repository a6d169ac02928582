"""A kernel that takes up the session of an earlier kernel, over a scripted session service."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hops_kernels.configuration import NOTEBOOKS_FOLDER

NOTEBOOK = "Jupyter/days.ipynb"
LEFT = {
    "id": 7, "kind": "pyspark", "state": "idle", "name": None, "notebook": NOTEBOOK, "kernel": "an-earlier-one",
    "log": [], "polls": 0, "statements": 12, "last_statement": {"line": "days.count()"},
}  # fmt: skip


@pytest.fixture
def left(livy):
    """A living session that an earlier kernel of the notebook left."""
    livy.sessions[7] = {**LEFT, "idle_since": time.time() - 180, "heard": time.time() - 200}
    return livy.sessions[7]


@pytest.fixture
def notebook(start_kernel, server_folder):
    return start_kernel(server_folder, notebook=NOTEBOOK)


def answering(notebook, code, answer):
    """Runs a cell and answers the question that it asks; the cell and the question."""
    message = notebook.start(code, allow_stdin=True)
    question = notebook.client.get_stdin_msg(timeout=120)["content"]["prompt"]
    notebook.client.input(answer)
    return notebook.finish(message), question


def test_the_first_cell_asks_and_a_yes_takes_the_session_up(notebook, livy, left):
    cell, question = answering(notebook, "days", "")
    assert "Spark session 7 of this notebook is still running (idle for 3 min, 12 statements; last: " in question
    assert "last: `days.count()`). Attach it, with its variables? [Y]es, [n]o: a new one" in question
    assert cell.stdout.startswith("Spark session 7 attached: idle for 3 min")
    assert (livy.posted, left["notebook"]) == ([], NOTEBOOK)
    assert left["kernel"] in notebook.manager.connection_file, "the session knows its kernel"
    assert [statement["code"] for statement in livy.statements] == ["days"], "the cell has run in it"
    assert notebook.run("again").reply["status"] == "ok", "and nothing is asked again"
    notebook.manager.shutdown_kernel()
    assert livy.deleted == [7], "from now on it is this kernel's own"


def test_a_no_starts_anew_and_never_is_remembered_by_the_next_kernel(notebook, livy, left, start_kernel, server_folder):
    cell, _ = answering(notebook, "days", "v")
    assert cell.reply["status"] == "ok"
    assert (len(livy.posted), livy.connected) == (1, [])
    livy.sessions[0]["kernel"] = "another"
    start_kernel(server_folder, notebook=NOTEBOOK).run("days")
    assert (len(livy.posted), livy.connected) == (2, [])


def test_the_magic_takes_it_up_too_though_no_cell_has_run(notebook, livy, left):
    cell, question = answering(notebook, "%spark_session outputs", "y")
    assert "Spark session 7 of this notebook is still running" in question
    assert "Spark session 7 attached" in cell.stdout
    assert "There is no output that this notebook has not seen." in cell.stdout
    assert (livy.posted, cell.reply["status"]) == ([], "ok")


def test_where_nobody_can_be_asked_a_new_one_starts_and_the_old_one_is_named(notebook, livy, left):
    cell = notebook.finish(notebook.start("days", allow_stdin=False))
    assert "%spark_session attach -f 7 attaches the old one instead" in cell.stdout
    assert len(livy.posted) == 1


def test_the_wish_always_takes_it_up_without_a_question(notebook, livy, left):
    assert "without asking" in notebook.run("%spark_session reattach always").stdout
    assert "Spark session 7 attached" in notebook.run("days").stdout
    assert livy.posted == []


def test_cells_that_ended_unheard_are_named_and_their_output_is_shown_when_asked_for(notebook, livy, left, script):
    livy.statements += [
        {"id": 0, "code": "SELECT 1", "state": "available", "seen": False, "cell": None, "output": {}},
        {"id": 1, "code": "\nlong()", "state": "running", "seen": False, "cell": 4, "output": None},
    ]
    livy.scripts["\nlong()"] = script(events=[{"type": "stream", "content": {"name": "stdout", "text": "at last"}}])
    cell = notebook.run("%spark_session attach 7")
    assert "While no notebook listened:\n  [4] long(): still runs\n" in cell.stdout
    livy.statements[1]["state"], livy.statements[1]["output"] = "available", {"status": "ok", "data": {}}
    assert notebook.run("%spark_session outputs").stdout == "[4] long(): done\nat last"


def test_a_session_that_another_living_notebook_uses_is_shared_and_left_to_it(notebook, livy, left):
    left.update(notebook="Jupyter/other.ipynb", heard=time.time())
    cell = notebook.run("%spark_session attach 7")
    assert "Jupyter/other.ipynb works in it too" in cell.stdout
    assert livy.connected == [(7, {})]
    notebook.manager.shutdown_kernel()
    assert livy.deleted == []


def test_what_can_not_be_taken_up_says_why(notebook, livy, left):
    assert "You have no Spark session '8'" in notebook.run("%spark_session attach 8").error
    left["kind"] = "spark"
    assert "is of kind spark and this kernel of kind pyspark" in notebook.run("%spark_session attach 7").error
    assert "invalid choice" in notebook.run("%spark_session atach 7").error
    assert notebook.run("1").reply["status"] == "ok"
    left["kind"] = "pyspark"
    refused = notebook.run("%spark_session attach 7").error
    assert "This notebook has Spark session 0 already. %spark_session attach -f 7 ends that one" in refused
    assert "Spark session 7 attached" in notebook.run("%spark_session attach -f 7").stdout
    assert livy.deleted == [0]


def test_the_session_is_told_with_the_moment_of_its_end_and_kept(notebook, livy, left):
    notebook.run("%spark_session attach 7")
    left["ends"] = time.time() + 600
    told = notebook.run("%spark_session keep").stdout
    assert f"it ends at {time.strftime('%H:%M', time.localtime(left['ends']))}" in told
    assert livy.connected[-1] == (7, {})
    assert "spark_session" in notebook.run("%%help").of("display_data")[-1]["data"]["text/html"]


def test_a_server_that_restarts_leaves_the_session_and_another_kernels_is_not_ended(notebook, livy, server_folder):
    notebook.run("1")
    (server_folder / "sessions-stay").touch()
    notebook.manager.shutdown_kernel()
    assert (livy.deleted, list(livy.sessions)) == ([], [0])


def test_a_session_that_another_kernel_has_taken_up_is_not_ended_with_this_one(notebook, livy):
    notebook.run("1")
    livy.sessions[0]["kernel"] = "a-later-one"
    notebook.manager.shutdown_kernel()
    assert livy.deleted == []


def test_the_service_is_told_the_cells_id(notebook, livy):
    notebook.run("1")
    message = notebook.client.session.msg("execute_request", {"code": "2"}, metadata={"cellId": "6a1f0c52-8d"})
    notebook.client.shell_channel.send(message)
    notebook.finish(message["header"]["msg_id"])
    assert livy.cell_ids[-2:] == [None, "6a1f0c52-8d"]


@pytest.fixture
def renamed(notebook, server_folder):
    """The path that the notebook was given after its kernel's start, as the server extension tells it to the kernel."""
    kernel = Path(notebook.manager.connection_file).stem.removeprefix("kernel-")
    (server_folder / NOTEBOOKS_FOLDER).mkdir()
    (server_folder / NOTEBOOKS_FOLDER / kernel).write_text("Jupyter/nights.ipynb")
    return "Jupyter/nights.ipynb"


def test_a_notebook_that_was_renamed_since_starts_its_session_under_the_new_name(notebook, livy, renamed):
    notebook.run("days")
    assert livy.posted[0]["notebook"] == renamed


def test_a_notebook_that_was_renamed_since_finds_the_session_of_the_new_name_and_keeps_it(
    notebook, livy, left, renamed
):
    left["notebook"] = renamed
    _, question = answering(notebook, "days", "y")
    assert "Spark session 7 of this notebook is still running" in question
    assert (left["notebook"], livy.posted) == (renamed, []), "the kernel does not tell the old name again"
