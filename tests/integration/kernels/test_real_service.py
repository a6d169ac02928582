"""The kernel against the real session service and real Spark: what a user's notebook does in an afternoon."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from tests.waiting import until

from .conftest import kernel_running, make_server_folder

pytestmark = pytest.mark.spark
NOTEBOOK = "Jupyter/days.ipynb"


@pytest.fixture(scope="module")
def notebook(service, project_python, tmp_path_factory):
    """One kernel for all tests of this file; its first cell has started the session."""
    folder = make_server_folder(
        tmp_path_factory.mktemp("server") / "folder", service.url, service.plane.token(),
        executors=1, driver_memory_mib=768, executor_memory_mib=768,
    )  # fmt: skip
    with kernel_running(project_python, folder, tmp_path_factory.mktemp("home"), notebook=NOTEBOOK) as running:
        cell = running.run("spark.range(10**6).count()", timeout=180)
        assert cell.reply["status"] == "ok", cell.messages
        running.first_cell = cell
        running.folder = folder
        yield running


@pytest.fixture
def client(service):
    with service.client() as http_client:
        yield http_client


def the_session(client):
    (session,) = client.get("/sessions").json()["sessions"]
    return session


def test_the_first_cell_says_what_was_started_and_shows_the_count(notebook):
    # The count may take so long that there is a line about its progress, which is gone again.
    lines = [content["data"].get("text/plain", "") for content in notebook.first_cell.of("update_display_data")]
    (line,) = [line for line in lines if line.startswith("Spark ")]
    assert line.startswith("Spark 4.3.0 · 1 executor × 1 core, 768 MiB · driver 768 MiB · session ")  # noqa: RUF001
    assert [content["data"]["text/plain"] for content in notebook.first_cell.of("execute_result")] == ["1000000"]
    assert not notebook.first_cell.stderr


def test_printed_lines_and_the_result_keep_their_order_and_kind(notebook):
    cell = notebook.run("import sys\nprint('a')\nprint('b', file=sys.stderr)\n'c'")
    assert (cell.stdout, cell.stderr) == ("a\n", "b\n")
    assert cell.of("execute_result")[0]["data"] == {"text/plain": "'c'"}


def test_cells_share_one_connection(notebook, service):
    def connections():
        kernel = psutil.Process(notebook.manager.provisioner.pid)
        return {one.laddr for one in kernel.net_connections("tcp") if one.raddr and one.raddr.port == service.port}

    notebook.run("1")
    before = connections()
    notebook.run("2")
    assert before & connections()


def test_output_arrives_while_the_cell_runs(notebook, service):
    gate = service.gate()
    message = notebook.start(f"print('begun', flush=True)\n{gate.wait}print('over')")
    notebook.wait_shown("begun")
    gate.open()  # without what was printed before it the cell would never end
    cell = notebook.finish(message)
    assert (cell.reply["status"], cell.stdout) == ("ok", "over\n")


def test_a_display_is_updated_in_place(notebook):
    cell = notebook.run(
        "from IPython.display import HTML, display\n"
        "handle = display(HTML('<b>1</b>'), display_id=True)\nhandle.update(HTML('<b>2</b>'))"
    )
    (shown,), (updated,) = cell.of("display_data"), cell.of("update_display_data")
    assert shown["data"]["text/html"] == "<b>1</b>"
    assert updated["data"]["text/html"] == "<b>2</b>"
    assert shown["transient"]["display_id"] == updated["transient"]["display_id"]


@pytest.mark.parametrize("last_line", ["plt.show()", "%matplot plt", ""])
def test_a_plot_is_shown_once_as_an_image(notebook, last_line):
    cell = notebook.run(f"import matplotlib.pyplot as plt\n_ = plt.plot([1, 2, 3])\n{last_line}", timeout=120)
    assert cell.reply["status"] == "ok", cell.messages
    images = [content for content in cell.of("display_data") if "image/png" in content["data"]]
    assert len(images) == 1
    assert images[0]["data"]["image/png"].strip().startswith("iVBOR")


def test_sql_gives_a_table_and_a_local_data_frame(notebook):
    assert notebook.run("spark.range(5).createOrReplaceTempView('numbers')").reply["status"] == "ok"
    cell = notebook.run("%%sql -o rows\nSELECT id, id * 2 AS twice FROM numbers ORDER BY id", timeout=120)
    assert cell.reply["status"] == "ok", cell.messages
    assert "<table" in cell.of("execute_result")[0]["data"]["text/html"]
    assert notebook.run("%%local\nprint(rows['twice'].tolist())").stdout == "[0, 2, 4, 6, 8]\n"


@pytest.mark.parametrize("frame", ["spark.range(3)", "spark.range(3).toPandas()"])
def test_a_data_frame_as_the_last_line_is_shown_as_a_table(notebook, frame):
    (shown,) = notebook.run(frame).of("execute_result")
    assert shown["data"]["text/html"].count("<tr") == 4
    assert "text/plain" in shown["data"]


def test_a_wrong_query_is_an_error_of_the_cell(notebook):
    cell = notebook.run("%%sql\nSELECT * FROM no_such_table")
    assert cell.reply["status"] == "error"
    assert cell.error.startswith("AnalysisException: [TABLE_OR_VIEW_NOT_FOUND]")
    assert "no_such_table" in cell.error
    assert "take(" not in cell.error, "the code around the query is not the user's"
    assert cell.stderr == ""


def test_spark_o_brings_a_data_frame_into_local_cells(notebook):
    cell = notebook.run("%%spark -o frame\nframe = spark.createDataFrame([(1, 'one'), (2, 'zwei')], ['n', 'word'])")
    assert cell.reply["status"] == "ok", cell.messages
    assert notebook.run("%%local\nprint(frame['word'].tolist())").stdout == "['one', 'zwei']\n"


def test_a_local_value_reaches_the_session(notebook):
    notebook.run("%%local\ncity = 'Köln'")
    cell = notebook.run("%%send_to_spark -i city -t str -n city")
    assert cell.reply["status"] == "ok", cell.messages
    assert notebook.run("print(city)").stdout == "Köln\n"


def test_local_cells_do_not_run_in_the_session(notebook):
    assert notebook.run("%%local\nprint('spark' in globals())").stdout == "False\n"


@pytest.mark.parametrize(
    "code",
    [
        "spark.sql('SELECT * FROM no_such_table')",
        "from hops import experiment\nexperiment.launch(print, {'a': [1], 'b': [1, 2]})",
    ],
)
def test_a_traceback_ends_at_the_users_code_and_tb_shows_the_rest(notebook, code):
    cell = notebook.run(code)
    *_, last = code.splitlines()
    assert last in cell.error
    assert "site-packages" not in cell.error
    assert "more frames inside of libraries; %tb shows all" in cell.error
    assert len(cell.error.splitlines()) < 20
    assert (cell.stdout, cell.stderr) == ("", "")
    (shown,) = notebook.run("%tb").of("display_data")
    whole = shown["data"]["text/plain"]
    assert "site-packages" in whole
    assert "inside of libraries" not in whole


def test_of_an_error_in_an_executor_the_users_function_is_shown(notebook):
    error = notebook.run("def half(n):\n    return n / 0\nspark.sparkContext.range(2).map(half).collect()").error
    assert "return n / 0" in error
    assert "ZeroDivisionError" in error
    assert "more frames inside of libraries; %tb shows all" in error


def test_errors_of_other_libraries_keep_their_frames(notebook):
    error = notebook.run("import json\njson.loads('{')").error
    assert "JSONDecodeError" in error
    assert "raw_decode" in error


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("%time spark.range(5).count()", "Wall time"),
        ("%%time\nprint(spark.range(5).count())", "Wall time"),
        ("%timeit -n1 -r1 spark.range(5).count()", "per loop"),
        ("%who str", "here"),
        ("%%capture kept\nprint('caught')", ""),
    ],
)
def test_magics_about_code_work_on_the_sessions_own(notebook, code, shown):
    notebook.run("here = 'x'")
    cell = notebook.run(code)
    assert cell.reply["status"] == "ok", cell.messages
    assert shown in cell.stdout
    assert "caught" not in cell.stdout


@pytest.mark.parametrize("code", ["%pip install humanize", "!pip install humanize"])
def test_installing_a_package_says_what_to_do_instead(notebook, code):
    cell = notebook.run(code)
    assert cell.of("error"), cell.messages
    assert cell.error.startswith("PackagesError: Packages can't be installed from a notebook")
    assert "sc.addPyFile" in cell.error
    assert len(cell.error.splitlines()) == 1


def test_a_file_of_packages_comes_into_the_session(notebook):
    notebook.run("import zipfile\nwith zipfile.ZipFile('own.zip', 'w') as file:\n"
                 "    file.writestr('own_package/__init__.py', 'ANSWER = 42')")  # fmt: skip
    code = "sc.addPyFile('own.zip')\nimport own_package\n"
    code += "print(own_package.ANSWER + sc.range(1).map(lambda _: __import__('own_package').ANSWER).sum())"
    assert notebook.run(code).stdout == "84\n"


def test_help_is_an_output(notebook):
    assert notebook.run("from hops import experiment").reply["status"] == "ok"
    (shown,) = notebook.run("experiment.grid_search?").of("display_data")
    assert "Runs a function for every combination" in shown["data"]["text/plain"]


def test_the_session_completes_and_explains_also_while_a_cell_runs(notebook, service):
    assert notebook.run("frame = spark.range(5).withColumnRenamed('id', 'height')").reply["status"] == "ok"
    gate = service.gate()
    message = notebook.start(f"print('begun', flush=True)\n{gate.wait}print('over')")
    notebook.wait_shown("begun")
    reply = notebook.completed("x = frame.hei")
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["height"], 10, 13)
    assert reply["metadata"]["_jupyter_types_experimental"][0]["type"] == "attribute"
    assert "parquet" in notebook.completed("spark.read.par")["matches"]
    assert "start" in notebook.inspected("spark.range")["data"]["text/plain"]
    assert "collect" in notebook.completed("frame.select('height').coll")["matches"]
    assert not notebook.inspect("no_such_name")["found"]
    gate.open()
    assert notebook.finish(message).stdout == "over\n", "nothing of this waits for the cell, or takes its output"


def test_completion_runs_nothing(notebook):
    notebook.run("tracker = sc.statusTracker()\nbefore = len(tracker.getJobIdsForGroup(None))")
    notebook.complete("frame.collect()[0].hei")
    notebook.complete("frame.count().bit")
    assert notebook.run("print(len(tracker.getJobIdsForGroup(None)) - before)").stdout == "0\n"


def test_a_line_tells_how_far_the_jobs_of_a_cell_are_and_is_gone_at_its_end(notebook):
    cell = notebook.run(
        "import time\nsc.parallelize(range(4), 4).map(lambda n: (n, time.sleep(2))).groupByKey(2).count()", timeout=120
    )
    assert cell.reply["status"] == "ok", cell.messages
    lines = [content["data"].get("text/plain") for kind, content in cell.messages if "display_data" in kind]
    assert lines[0].startswith("Stage 1 of 2: ")
    assert "of 4 tasks" in lines[0]
    assert any("1 running" in str(line) for line in lines)
    assert len(lines) > 2
    assert lines[-1] is None
    assert len(cell.of("display_data")) == 1
    assert [content["data"] for content in cell.of("execute_result")] == [{"text/plain": "4"}]


def test_a_query_has_the_line_too(notebook):
    notebook.run("import time\nspark.udf.register('slowly', lambda n: time.sleep(2) or n, 'long')")
    cell = notebook.run("%%sql\nSELECT slowly(id) AS n FROM range(0, 3, 1, 3)", timeout=120)
    assert cell.reply["status"] == "ok", cell.messages
    assert any("Stage" in str(content["data"]) for content in cell.of("display_data")), cell.messages
    assert cell.of("update_display_data")[-1]["data"] == {}


def test_a_quick_cell_shows_no_line(notebook):
    notebook.run("import time")
    assert notebook.run("1 + 1").of("display_data") == []
    assert notebook.run("time.sleep(2)").of("display_data") == [], "no jobs, no line"


def test_a_traceback_names_the_cell_by_its_number_in_the_notebook(notebook):
    notebook.run("%%local\n1")
    cell = notebook.run("1/0")
    assert f"Cell In[{cell.reply['execution_count']}], line 1" in cell.error


def test_the_home_of_a_session_is_the_project_users_own(notebook):
    assert notebook.run("import os\nprint(os.environ['HOME'])").stdout.endswith("/homes/weather__ada\n")
    assert notebook.run("import os\nprint(oct(os.stat(os.environ['HOME']).st_mode & 0o777))").stdout == "0o700\n"
    code = "print(spark.sparkContext.parallelize([0], 1).map(lambda _: __import__('os').environ['HOME']).collect()[0])"
    assert notebook.run(code).stdout.endswith("/homes/weather__ada\n")


@pytest.mark.parametrize(
    ("code", "name", "line"),
    [
        ("for in", "SyntaxError", "for in"),
        ("def half(n):\n    return n / 0\nhalf(3)", "ZeroDivisionError", "return n / 0"),
        ("spark.read.parquet('nowhere.parquet')", "AnalysisException", "nowhere.parquet"),
    ],
)
def test_an_error_is_the_cells_error_with_the_remote_traceback(notebook, code, name, line):
    cell = notebook.run(code, timeout=120)
    assert (cell.reply["status"], cell.reply["ename"]) == ("error", name)
    assert line in cell.error
    assert "hops_kernels" not in cell.error
    assert "sparkmagic" not in cell.error


def test_info_names_the_session(notebook, client):
    html = notebook.run("%%info").of("display_data")[-1]["data"]["text/html"]
    assert f"<td>{the_session(client)['id']}</td>" in html


def test_logs_are_those_of_the_driver(notebook):
    assert notebook.run("%%logs").reply["status"] == "ok"


@pytest.mark.parametrize("seconds", [0, 2])
def test_an_interrupt_stops_the_spark_job_and_the_session_lives_on(notebook, client, seconds):
    """Also where Java has the call already, but Spark has not yet begun the job."""
    code = (
        "import time\nkept = 7\nprint('begun', flush=True)\n"
        "spark.sparkContext.parallelize(range(2), 2).map(lambda n: time.sleep(600)).collect()"
    )
    message = notebook.start(code)
    notebook.wait_shown("begun")
    time.sleep(seconds)
    notebook.manager.signal_kernel(signal.SIGINT)
    cell = notebook.finish(message)
    assert (cell.reply["status"], cell.reply["ename"]) == ("error", "RemoteInterrupt")
    assert "Interrupted." in cell.error
    # Spark tells its tracker a moment later; the job itself would go on for ten minutes.
    active = notebook.run(
        "tracker, until = spark.sparkContext.statusTracker(), time.monotonic() + 60\n"
        "while tracker.getActiveJobsIds() and time.monotonic() < until:\n    time.sleep(0.05)\n"
        "print(len(tracker.getActiveJobsIds()), kept)"
    )
    assert active.stdout == "0 7\n"


def test_a_heartbeat_alone_does_not_count_as_work(service, client):
    created = client.post(
        "/sessions", json={"kind": "pyspark", "driverMemory": "512m", "executorMemory": "512m", "ttl": "1s"}
    ).json()
    until(
        lambda: client.get(f"/sessions/{created['id']}").json()["state"],
        wanted=lambda state: state in {"killed", "dead"},
        seconds=180,
        pause_s=0.3,
    )
    assert "Nothing was run" in client.get(f"/sessions/{created['id']}/summary").json()["reason"]
    client.delete(f"/sessions/{created['id']}")


def test_who_was_removed_and_comes_back_is_told_both_times_and_then_gets_a_new_session(notebook, service, client):
    with service.client(service.plane.service_token()) as control_plane:
        control_plane.delete("/owners/weather__ada")
    cell = notebook.run("1")
    assert cell.reply["status"] == "error"
    assert "no longer a member of project weather" in cell.error
    time.sleep(1.1)  # a token's moment is a whole second; this one must be of after the end
    (notebook.folder / "token.jwt").write_text(service.plane.token())
    client.headers["Authorization"] = f"Bearer {service.plane.token()}"
    cell = notebook.run("1")
    assert cell.reply["status"] == "error"
    assert "The Spark session has ended. ada is no longer a member of project weather." in cell.error
    assert "Run the cell again to start a new session; the variables of the old one are gone." in cell.error
    for session in client.get("/sessions").json()["sessions"]:
        client.delete(f"/sessions/{session['id']}")
    cell = notebook.run("1", timeout=120)
    assert cell.reply["status"] == "ok", cell.messages


def test_a_session_that_a_data_owner_ended_says_who_did_in_the_notebook(notebook, service, client):
    notebook.run("1", timeout=180)
    service.plane.roles["weather", "olga"] = "data_owner"
    with service.client(service.plane.token("olga")) as olga:
        olga.delete(f"/overview/{the_session(client)['id']}")
    cell = notebook.run("1")
    assert "The Spark session has ended. It was stopped by Data Owner olga." in cell.error
    for session in client.get("/sessions").json()["sessions"]:
        client.delete(f"/sessions/{session['id']}")
    cell = notebook.run("1", timeout=120)
    assert cell.reply["status"] == "ok", cell.messages


def test_cleanup_ends_ones_own_sessions_and_nobody_elses(notebook, service, client):
    small = {"kind": "pyspark", "driverMemory": "512m", "executorMemory": "512m"}
    with service.client(service.plane.token("grace")) as graces:
        theirs = graces.post("/sessions", json=small).json()["id"]
        assert notebook.run("%%cleanup -f", timeout=120).reply["status"] == "ok"
        assert client.get("/sessions").json()["sessions"] == []
        assert [one["id"] for one in graces.get("/sessions").json()["sessions"]] == [theirs]
        assert graces.get(f"/sessions/{theirs}").json()["state"] in {"starting", "idle"}
        graces.delete(f"/sessions/{theirs}")
    assert notebook.run("1", timeout=180).reply["status"] == "ok"


def test_configure_f_starts_a_session_with_the_changed_values_and_without_the_old_variables(notebook, client):
    notebook.run("old = 1")
    before = the_session(client)["id"]
    cell = notebook.run('%%configure -f\n{"executorMemory": "640m"}', timeout=180)
    assert cell.reply["status"] == "ok", cell.messages
    session = the_session(client)
    assert session["id"] != before
    resources = client.get(f"/sessions/{session['id']}/summary").json()["resources"]
    assert (resources["executor_memory_mib"], resources["driver_memory_mib"]) == (640, 768)
    assert notebook.run("old").reply["ename"] == "NameError"


def test_a_refused_configuration_says_why(notebook):
    notebook.run("kept_alive = 'yes'")
    cell = notebook.run('%%configure -f\n{"driverMemory": "900g"}', timeout=120)
    assert cell.reply["status"] == "error"
    assert " of memory were asked for; this machine has" in cell.error
    assert notebook.run("print(kept_alive)").stdout == "yes\n", "the session that runs was not touched"
    assert notebook.run('%%configure -f\n{"driverMemory": "768m"}', timeout=180).reply["status"] == "ok"


def test_a_service_that_is_killed_under_a_cell_costs_nothing(notebook, service):
    notebook.run("kept = 41", timeout=180)
    code = "import time\nfor i in range(80):\n    print(i, flush=True)\n    time.sleep(0.1)\nkept + 1"
    message = notebook.start(code)
    while notebook.client.get_iopub_msg(timeout=120)["msg_type"] != "stream":
        pass
    service.halt(signal.SIGKILL)
    service.start()
    cell = notebook.finish(message, timeout=120)
    assert cell.reply["status"] == "ok", cell.error
    assert "".join(f"{i}\n" for i in range(1, 80)).endswith(cell.stdout), "each line once; the first was read above"
    assert cell.stdout.endswith("78\n79\n")
    assert cell.of("execute_result")[0]["data"] == {"text/plain": "42"}
    assert notebook.run("kept").of("execute_result")[0]["data"] == {"text/plain": "41"}


def test_a_kernel_that_dies_leaves_its_session_to_the_next_one_whose_shutdown_leaves_nothing(
    notebook, service, client, project_python, tmp_path
):
    notebook.run("kept = 41", timeout=180)
    session_id = the_session(client)["id"]
    notebook.start("import time\nprint('begun', flush=True)\ntime.sleep(2)\nprint('over')")
    notebook.wait_shown("begun")
    os.kill(notebook.manager.provisioner.pid, signal.SIGKILL)
    with kernel_running(project_python, notebook.folder, tmp_path, notebook=NOTEBOOK) as later:
        later.run("%spark_session reattach always")
        cell = later.run("kept + 1")
        assert f"Spark session {session_id} attached: " in cell.stdout
        assert "While no notebook listened:" in cell.stdout
        assert "] import time: " in cell.stdout
        assert cell.of("execute_result")[0]["data"] == {"text/plain": "42"}
        assert later.run("%spark_session outputs").stdout.endswith("] import time: done\nbegun\nover\n")
        assert "no output that this notebook has not seen" in later.run("%spark_session outputs").stdout
        assert the_session(client)["id"] == session_id
        later.manager.shutdown_kernel()
    assert client.get("/sessions").json()["sessions"] == []
    assert service.processes() == []
