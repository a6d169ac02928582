"""The Scala kernel against the real session service and real Spark."""

from __future__ import annotations

import pytest

from tests.waiting import until

from .conftest import kernel_running, make_server_folder

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def notebook(service, project_python, tmp_path_factory):
    folder = make_server_folder(
        tmp_path_factory.mktemp("server") / "folder", service.url, service.plane.token(),
        executors=1, driver_memory_mib=768, executor_memory_mib=768,
    )  # fmt: skip
    home = tmp_path_factory.mktemp("home")
    with kernel_running(project_python, folder, home, module="hops_kernels.spark") as running:
        running.configured = running.run('%%configure\n{"conf": {"spark.sql.shuffle.partitions": "3"}}', timeout=120)
        running.first_cell = running.run("spark.range(1000000).count()", timeout=240)
        yield running


def test_the_first_cell_starts_a_session_of_kind_spark_and_shows_the_count(service, notebook):
    assert notebook.first_cell.reply["status"] == "ok", notebook.first_cell.messages
    assert notebook.first_cell.stdout.endswith(": Long = 1000000\n")
    lines = [shown["data"].get("text/plain", "") for shown in notebook.first_cell.of("update_display_data")]
    line = next(line for line in lines if line.startswith("Spark "))
    assert line.startswith("Spark 4.3.0 · 1 executor × 1 core, 768 MiB · driver 768 MiB · session ")  # noqa: RUF001
    with service.client() as client:
        (session,) = client.get("/sessions").json()["sessions"]
    assert session["kind"] == "spark"
    assert session["name"].startswith("spark-")


def test_the_kernel_is_one_of_scala(notebook):
    notebook.client.kernel_info()
    info = notebook.client.get_shell_msg(timeout=60)["content"]["language_info"]
    assert (info["name"], info["file_extension"]) == ("scala", ".sc")


def test_configure_reached_the_session(notebook):
    assert notebook.configured.reply["status"] == "ok", notebook.configured.messages
    assert '"3"' in notebook.run('print("\\"" + spark.conf.get("spark.sql.shuffle.partitions") + "\\"")').stdout


def test_values_stay_from_cell_to_cell(notebook):
    assert notebook.run('case class City(name: String)\nval city = City("Köln")').reply["status"] == "ok"
    assert notebook.run("println(city.name)").stdout == "Köln\n"


def test_help_is_of_scala_names(notebook):
    assert "def range(end: Long)" in notebook.inspected("spark.range")["data"]["text/plain"]
    assert not notebook.inspect("getattr")["found"], "that is Python's"


def test_names_are_completed_and_explained_while_a_cell_runs(notebook):
    assert notebook.run('case class Peak(name: String)\nval peak = Peak("Feldberg")').reply["status"] == "ok"
    message = notebook.start('println("begun"); Thread.sleep(600000)')
    notebook.wait_shown("begun")
    reply = notebook.completed("val higher = peak.nam")
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["name"], 18, 21)
    assert "val peak: Peak" in notebook.inspected("peak")["data"]["text/plain"]
    notebook.manager.interrupt_kernel()
    cell = notebook.finish(message, timeout=90)
    assert "KeyboardInterrupt" in cell.error, "it had not ended: nothing of this waits for it"


def test_an_error_is_one_of_the_cell(notebook):
    cell = notebook.run('throw new IllegalStateException("no more")')
    assert cell.reply["status"] == "error"
    assert cell.of("error")[0]["ename"] == "IllegalStateException"
    assert cell.error.startswith("java.lang.IllegalStateException: no more")
    assert "type mismatch" in notebook.run('val x: Int = "a"').error


def test_sql_gives_a_table_and_a_local_data_frame(notebook):
    assert notebook.run('spark.range(5).createOrReplaceTempView("numbers")').reply["status"] == "ok"
    cell = notebook.run("%%sql -o rows\nSELECT id, id * 2 AS twice FROM numbers ORDER BY id", timeout=120)
    assert cell.reply["status"] == "ok", cell.messages
    assert "<table" in cell.of("execute_result")[0]["data"]["text/html"]
    assert notebook.run("%%local\nprint(rows['twice'].tolist())").stdout == "[0, 2, 4, 6, 8]\n"


def test_a_data_frame_comes_to_local_cells_and_a_local_value_to_the_session(notebook):
    cell = notebook.run('%%spark -o frame\nval frame = Seq((1, "one"), (2, "zwei")).toDF("n", "word")')
    assert cell.reply["status"] == "ok", cell.messages
    assert notebook.run("%%local\nprint(frame['word'].tolist())").stdout == "['one', 'zwei']\n"
    notebook.run("%%local\nriver = 'Rhein'")
    assert notebook.run("%%send_to_spark -i river -t str -n river").reply["status"] == "ok"
    assert notebook.run("println(river)").stdout == "Rhein\n"


def test_livys_magics_show_values(notebook):
    assert notebook.run("val rows = List(1, 2)").reply["status"] == "ok"
    (shown,) = notebook.run("%json rows").of("display_data")
    assert shown["data"]["application/json"] == [1, 2]


def test_an_interrupt_ends_the_cell_and_its_spark_job(notebook):
    message = notebook.start("sc.parallelize(1 to 2, 2).foreach(_ => Thread.sleep(600000))")
    notebook.wait_shown("Stage")
    notebook.manager.interrupt_kernel()
    cell = notebook.finish(message, timeout=90)
    assert cell.reply["status"] == "error"
    assert "KeyboardInterrupt" in cell.error
    # Spark's own count comes a moment after the job's end.
    until(lambda: notebook.run("sc.statusTracker.getActiveJobIds().length").stdout.endswith("Int = 0\n"))
