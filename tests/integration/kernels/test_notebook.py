"""The kernel as a notebook sees it, over a scripted session service."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import pytest

HTML = {"data": {"text/html": "<b>42</b>", "text/plain": "42"}, "metadata": {}}


def stream(value, name="stdout"):
    return {"type": "stream", "content": {"name": name, "text": value}}


def lines(cell):
    """What stood, one after the other, in the line that is rewritten in place."""
    return [content["data"]["text/plain"] for content in cell.of("update_display_data")]


def test_the_first_cell_starts_a_session_with_the_granted_resources_and_leaves_one_line(notebook, livy):
    cell = notebook.run("spark")
    assert cell.reply["status"] == "ok"
    posted = livy.posted[0]
    kernel = Path(notebook.manager.connection_file).stem.removeprefix("kernel-")
    assert re.fullmatch(rf"pyspark-{re.escape(kernel)}-[0-9a-f]{{6}}", posted.pop("name"))
    assert posted == {
        "kind": "pyspark", "driverMemory": "1024m", "executorMemory": "1024m", "executorCores": 1, "numExecutors": 2,
        "conf": {"spark.dynamicAllocation.enabled": "false"}, "ttl": "120m", "heartbeatTimeoutInSecond": 900,
        "kernel": kernel,
    }  # fmt: skip
    assert "Starting the Spark session" in cell.of("display_data")[0]["data"]["text/plain"]
    line = cell.of("update_display_data")[-1]["data"]["text/plain"]
    assert line.startswith("Spark 4.3.0 · 2 executors × 1 core, 1 GiB · driver 1 GiB · session 0, ready after ")  # noqa: RUF001
    assert not cell.stdout
    assert not cell.stderr


def test_output_arrives_message_by_message_with_all_its_types(notebook, livy, script):
    progress = {"data": {"application/vnd.hops.progress+json": {"done": 1}, "text/plain": "1"}, "metadata": {}}
    livy.scripts["work()"] = script(
        events=[
            stream("a"), stream("b", "stderr"),
            {"type": "display_data", "content": {**progress, "transient": {"display_id": "p"}}},
            {"type": "update_display_data", "content": {**progress, "transient": {"display_id": "p"}}},
            {"type": "clear_output", "content": {"wait": True}},
            {"type": "execute_result", "content": {**HTML, "execution_count": 99}},
        ],
        output={"status": "ok", "data": HTML["data"]},
    )  # fmt: skip
    notebook.run("1")
    cell = notebook.run("work()")
    kinds = [kind for kind, _ in cell.messages]
    assert kinds == ["stream", "stream", "display_data", "update_display_data", "clear_output", "execute_result"]
    assert (cell.stdout, cell.stderr) == ("a", "b")
    assert cell.of("update_display_data")[0]["transient"] == {"display_id": "p"}
    result = cell.of("execute_result")[0]
    assert result["data"] == HTML["data"]
    assert result["execution_count"] == cell.reply["execution_count"]


def test_a_broken_stream_goes_on_where_it_was(notebook, livy, script):
    livy.scripts["long()"] = script(events=[stream("1"), stream("2"), stream("3")], breaks_after=2)
    assert notebook.run("long()").stdout == "123"


def test_a_request_that_is_repeated_runs_the_code_once(notebook, livy, script):
    notebook.run("1")
    livy.scripts["add()"] = script(events=[stream("added")], loses_answer=True)
    assert notebook.run("add()").stdout == "added"
    assert [statement["code"] for statement in livy.statements].count("add()") == 1


def test_a_service_without_events_shows_the_whole_bundle_at_the_end(notebook, livy, script):
    livy.serves_events = False
    livy.scripts["plot()"] = script(output={"status": "ok", "data": {"image/png": "aGk=", "text/plain": "<Figure>"}})
    notebook.run("1")
    cell = notebook.run("plot()")
    assert [content["data"] for content in cell.of("display_data")] == [{"image/png": "aGk=", "text/plain": "<Figure>"}]


def test_an_error_in_the_session_is_an_error_of_the_cell_with_the_remote_traceback(notebook, livy, script):
    output = {
        "status": "error",
        "ename": "SyntaxError",
        "evalue": "invalid syntax",
        "traceback": ["Cell In[1]\n", "SyntaxError: invalid syntax"],
    }
    livy.scripts["1 +"] = script(events=[{"type": "error", "content": {}}], output=output)
    cell = notebook.run("1 +")
    assert cell.reply["status"] == "error"
    assert cell.reply["ename"] == "SyntaxError"
    assert cell.of("error") == [
        {"ename": "SyntaxError", "evalue": "invalid syntax", "traceback": ["Cell In[1]", "SyntaxError: invalid syntax"]}
    ]


def test_sql_comes_back_as_a_data_frame_without_widgets(notebook, livy, script, text_output):
    notebook.run("1")
    livy.scripts.update({})
    livy.script = lambda code: script(output=text_output('{"n": 1}\n{"n": 2}\n')) if "toJSON" in code else script()
    cell = notebook.run("%%sql -o rows\nSELECT n FROM t")
    (shown,) = cell.of("execute_result")
    assert "<table" in shown["data"]["text/html"]
    assert shown["data"]["application/vnd.hops.table.v1+json"] == {
        "columns": [{"name": "n", "kind": "number"}],
        "rows": [[1], [2]],
        "total_rows": 2,
        "total_columns": 1,
        "row_limit": None,
    }
    assert not cell.of("display_data")
    assert not cell.of("comm_open")
    assert notebook.run("%%local\nprint(int(rows['n'].sum()))").stdout == "3\n"


def test_sql_tells_where_it_was_cut_and_is_quiet_when_told_so(notebook, livy, script, text_output):
    notebook.run("1")
    livy.script = lambda code: script(output=text_output('{"n": 1}\n{"n": 2}\n')) if "toJSON" in code else script()
    (shown,) = notebook.run("%%sql -n 2\nSELECT n FROM t").of("execute_result")
    assert shown["data"]["application/vnd.hops.table.v1+json"]["row_limit"] == 2
    quiet = notebook.run("%%sql -q -o rows\nSELECT n FROM t")
    assert not quiet.of("execute_result")
    local = notebook.run("%%local\nrows.copy()").of("execute_result")[0]["data"]
    assert set(local) == {"text/plain", "text/html"}


def test_a_wrong_query_is_an_error_of_the_cell(notebook, livy, script):
    notebook.run("1")
    output = {"status": "error", "ename": "AnalysisException", "evalue": "no table t", "traceback": []}
    livy.script = lambda _: script(output=output)
    cell = notebook.run("%%sql\nSELECT * FROM t")
    assert cell.reply["status"] == "error"
    assert cell.error == "AnalysisException: no table t"


def test_spark_o_brings_a_data_frame_into_the_local_cells(notebook, livy, script, text_output):
    notebook.run("1")
    livy.script = lambda code: script(output=text_output('{"n": 7}\n')) if "toJSON" in code else script()
    assert notebook.run("%%spark -o frame\nframe = 1").reply["status"] == "ok"
    assert notebook.run("%%local\nprint(frame.to_dict('list'))").stdout == "{'n': [7]}\n"


def test_local_cells_run_beside_the_kernel_and_plot_inline(notebook, livy):
    cell = notebook.run("%%local\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", timeout=120)
    assert any("image/png" in content["data"] for content in cell.of("display_data"))
    assert not livy.posted


def test_an_empty_cell_and_empty_lines_before_a_magic_start_no_session(notebook, livy):
    assert notebook.run("\n  \n").reply["status"] == "ok"
    assert notebook.run("\n\n%%local\nprint(1)").stdout == "1\n"
    assert not livy.posted


def test_words_and_help_come_from_the_session_also_while_a_cell_runs(notebook, livy, script):
    types = [{"start": 6, "end": 9, "text": "range", "type": "function", "signature": ""}]
    livy.code_help = {
        "completion": {
            "candidates": ["range"], "matches": ["range"], "cursor_start": 6, "cursor_end": 9,
            "metadata": {"_jupyter_types_experimental": types},
        },
        "inspection": {"found": True, "data": {"text/plain": "helpful"}, "metadata": {}},
    }  # fmt: skip
    notebook.run("1")
    livy.scripts["sleep()"] = script(events=[stream("begun")], hangs=True)
    message = notebook.start("sleep()")
    while notebook.client.get_iopub_msg(timeout=120)["msg_type"] != "stream":
        pass
    reply = notebook.complete("spark.ran")
    assert (reply["status"], reply["matches"], reply["cursor_start"], reply["cursor_end"]) == ("ok", ["range"], 6, 9)
    assert reply["metadata"]["_jupyter_types_experimental"] == types
    assert notebook.inspect("spark.range")["data"] == {"text/plain": "helpful"}
    assert notebook.complete("%%spark -o x\nspark.ran")["cursor_start"] == 19
    assert notebook.inspect("%%time\nspark.range")["found"]
    assert livy.statements[-1]["state"] == "running"
    assert livy.asked[0] == ("completion", {"code": "spark.ran", "cursor": 9})
    assert livy.asked[1] == ("inspection", {"code": "spark.range", "cursor": 11, "detail_level": 0})
    assert livy.asked[3][1]["code"] == "spark.range"
    livy.cancelled.set()
    livy.statements[-1]["state"] = "available"
    notebook.finish(message)
    assert notebook.run("%%local\nprint('here')").stdout == "here\n"


def test_a_local_cell_is_completed_here_a_query_not_at_all_and_no_session_is_started(notebook, livy):
    notebook.run("%%local\nimport string\nmine_alone = 1")
    reply = notebook.complete("%%local\nmine_al")
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["mine_alone"], 8, 15)
    assert "ascii_letters" in str(notebook.complete("%%local\nstring.asc")["matches"])
    assert "Type" in notebook.inspect("%%local\nmine_alone")["data"]["text/plain"]
    assert notebook.complete("%%sql\nSELECT mine_al")["matches"] == []
    assert not notebook.inspect("%%sql\nSELECT mine_alone")["found"]
    assert {"%%sql", "%%spark"} <= set(notebook.complete("%%s")["matches"])
    assert notebook.complete("mine_al")["matches"] == [], "that is no variable of the session"
    assert notebook.complete("pri")["matches"] == ["print"]
    assert "Prints" in notebook.inspect("print")["data"]["text/plain"]
    assert not livy.posted


def test_a_session_without_answers_leaves_the_kernel_well(notebook, livy):
    notebook.run("1")
    livy.code_help = {"completion": {"candidates": ["only", "livy"]}, "inspection": {}}
    assert notebook.complete("spark.ran")["matches"] == []
    assert not notebook.inspect("spark")["found"]
    livy.sessions.clear()
    assert notebook.complete("spark.ran")["status"] == "ok"


def test_progress_is_one_line_that_is_rewritten_and_gone_at_the_end(notebook, livy, script):
    def told(done):
        content = {"active": True, "name": "count at line 1", "stage": 1, "stages": 2, "stage_tasks": 9}
        return {"type": "progress", "content": {**content, "stage_done": done, "tasks_running": 2}}

    notebook.run("1")
    livy.scripts["work()"] = script(
        events=[told(0), stream("a"), told(5), told(5), stream("b"), {"type": "progress", "content": {}}, told(9)]
    )
    cell = notebook.run("work()")
    assert cell.stdout == "ab"
    (shown,), updates = cell.of("display_data"), cell.of("update_display_data")
    assert "<progress" in shown["data"]["text/html"]
    assert [update["data"].get("text/plain") for update in (shown, *updates)] == [
        "Stage 1 of 2: count at line 1 · 0 of 9 tasks · 2 running",
        "Stage 1 of 2: count at line 1 · 5 of 9 tasks · 2 running",
        None,
        "Stage 1 of 2: count at line 1 · 9 of 9 tasks · 2 running",
        None,
    ]
    assert updates[-1]["data"] == {}
    assert {update["transient"]["display_id"] for update in updates} == {shown["transient"]["display_id"]}


def test_the_session_is_told_the_number_of_the_cell(notebook, livy):
    notebook.run("1")
    notebook.run("%%local\n2")
    assert notebook.run("3").reply["execution_count"] == 3
    assert livy.counts == [None, "1", "3"]  # the first is the kernel's own, about the version


def test_refused_options_leave_the_running_session_and_the_options_as_they_were(notebook, livy):
    notebook.run("1")
    livy.refuses = (409, {"title": "No", "detail": "900 MiB are too many.", "remedy": "Ask for less."})
    cell = notebook.run('%%configure -f\n{"executorMemory": "900m"}')
    assert cell.error == (
        "SessionProblem: These options can't be had. 900 MiB are too many. Ask for less. "
        "The session that runs was not touched."
    )
    assert (livy.deleted, len(livy.posted)) == ([], 1)
    livy.refuses = None
    assert notebook.run('%%configure -f\n{"executorCores": 2}').reply["status"] == "ok"
    assert livy.checked[-1][0] == "instead_of=0"
    assert (livy.posted[-1]["executorMemory"], livy.posted[-1]["executorCores"]) == ("1024m", 2)


def test_options_are_taken_where_the_service_can_not_check_them_beforehand(notebook, livy):
    livy.refuses = (404, {"detail": "There is nothing at this address."})
    assert notebook.run('%%configure\n{"executorCores": 2}').reply["status"] == "ok"
    livy.refuses = None
    assert notebook.run("1").reply["status"] == "ok"
    assert livy.posted[-1]["executorCores"] == 2


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ("{numExecutors: 2}", " Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
        ("[2]", ""),
    ],
)
def test_options_that_are_no_json_object_are_refused_with_their_place_and_an_example(notebook, livy, options, wrong):
    notebook.run("1")
    cell = notebook.run(f"%%configure -f\n{options}")
    assert cell.error.startswith(
        f"SessionProblem: These options can't be read.{wrong} Below the line %%configure stands"
    )
    assert (livy.deleted, len(livy.posted)) == ([], 1)


def test_configure_changes_single_values_and_keeps_the_others(notebook, livy):
    assert notebook.run('%%configure\n{"executorMemory": "2048m"}').reply["status"] == "ok"
    notebook.run("1")
    assert (livy.posted[0]["executorMemory"], livy.posted[0]["numExecutors"]) == ("2048m", 2)
    assert notebook.run('%%configure -f\n{"executorCores": 2}').reply["status"] == "ok"
    assert livy.deleted == [0]
    assert (livy.posted[1]["executorCores"], livy.posted[1]["numExecutors"]) == (2, 2)


def test_info_logs_help_and_cleanup_answer(notebook, livy):
    notebook.run("1")
    assert "pyspark" in notebook.run("%%info").of("display_data")[-1]["data"]["text/html"]
    assert notebook.run("%%logs").stdout == "first line\nlast line"
    assert "%%configure" in notebook.run("%%help").of("display_data")[0]["data"]["text/html"]
    assert notebook.run("%%cleanup -f").reply["status"] == "ok"
    assert livy.deleted == [0]
    assert notebook.run("1").reply["status"] == "ok"
    assert len(livy.posted) == 2


def test_interrupting_a_cell_cancels_the_statement_at_the_service(notebook, livy, script):
    notebook.run("1")
    livy.scripts["sleep()"] = script(events=[stream("begun")], hangs=True)
    message = notebook.start("sleep()")
    while notebook.client.get_iopub_msg(timeout=120)["msg_type"] != "stream":
        pass
    notebook.manager.signal_kernel(signal.SIGINT)
    cell = notebook.finish(message)
    assert livy.cancelled.is_set()
    assert cell.reply["status"] == "error"
    assert "Interrupted." in cell.error
    assert notebook.run("%%local\nprint('alive')").stdout == "alive\n"


def test_a_refused_session_says_why_and_what_to_do_and_can_be_tried_again(notebook, livy):
    livy.refuses = (
        422,
        {"title": "No", "detail": "4 GPUs were asked for; this machine has 2.", "remedy": "Ask for 2."},
    )
    cell = notebook.run("1")
    assert cell.reply["status"] == "error"
    assert cell.error == (
        "SessionProblem: The Spark session can't start. 4 GPUs were asked for; this machine has 2. Ask for 2."
    )
    livy.refuses = None
    assert notebook.run("1").reply["status"] == "ok"


def test_a_session_that_dies_while_starting_says_why_and_is_deleted(notebook, livy):
    livy.dies_while_starting, livy.reason = True, "The driver ran out of memory."
    cell = notebook.run("1")
    assert "The Spark session did not start. The driver ran out of memory." in cell.error
    assert livy.deleted == [0]


def test_what_the_session_waits_for_is_shown_until_its_turn_has_come(notebook, livy):
    livy.queued = ["Waits for 2 GPUs: 2nd of 2 in the queue.", "Waits for 2 GPUs: 1st of 2 in the queue."]
    cell = notebook.run("1")
    assert cell.reply["status"] == "ok"
    waits = r"Waits for 2 GPUs: (1st|2nd) of 2 in the queue\. \(\d+ s; interrupt"
    places = [re.match(waits, line) for line in lines(cell)]
    assert [place[1] for place in places if place] == ["2nd", "1st"]
    assert "ready after" in lines(cell)[-1]


def test_interrupting_a_cell_that_waits_leaves_the_queue(notebook, livy):
    livy.queued, livy.stays_queued = ["Waits for 2 GPUs: 2nd of 2 in the queue."], True
    message = notebook.start("1")
    while "Waits for" not in str(notebook.client.get_iopub_msg(timeout=120)["content"]):
        pass
    notebook.manager.signal_kernel(signal.SIGINT)
    cell = notebook.finish(message)
    assert (cell.reply["status"], livy.deleted) == ("error", [0])
    assert "has left the queue. Run the cell again" in lines(cell)[-1]
    livy.queued, livy.stays_queued = [], False
    assert notebook.run("1").reply["status"] == "ok"


def test_a_session_that_died_later_says_why_and_the_next_cell_starts_a_new_one(notebook, livy):
    notebook.run("1")
    livy.sessions[0]["state"], livy.reason = "dead", "The driver ran out of memory."
    cell = notebook.run("2")
    assert "The Spark session has ended. The driver ran out of memory." in cell.error
    assert "Run the cell again" in cell.error
    assert notebook.run("2").reply["status"] == "ok"
    assert len(livy.posted) == 2


def test_a_session_that_its_owner_ended_elsewhere_says_so(notebook, livy):
    notebook.run("1")
    del livy.sessions[0]
    cell = notebook.run("2")
    assert "The Spark session has ended. It was stopped, by you or by a program of yours." in cell.error
    assert notebook.run("2").reply["status"] == "ok"


def test_a_renewed_token_is_used_by_the_next_request(notebook, livy, server_folder):
    notebook.run("1")
    assert set(livy.tokens) == {"Bearer first-token"}
    livy.tokens.clear()
    (server_folder / "token.jwt").write_text("second-token")
    notebook.run("2")
    assert set(livy.tokens) == {"Bearer second-token"}


def test_shutting_the_kernel_down_deletes_its_session(notebook, livy):
    notebook.run("1")
    notebook.manager.shutdown_kernel()
    assert livy.deleted == [0]


def test_the_kernel_writes_nothing_into_the_home_folder(notebook, tmp_path):
    notebook.run("1")
    assert not list((tmp_path / "home").rglob("*sparkmagic*"))


def test_a_kernel_outside_of_a_notebook_server_says_so_in_the_cell(start_kernel, tmp_path):
    cell = start_kernel(tmp_path / "nowhere").run("1")
    assert cell.reply["status"] == "error"
    assert "server.json can't be read" in cell.error
    assert "Stop the notebook server on the project's page and open it again." in cell.error


def test_no_proxy_that_the_environment_names_gets_the_token(start_kernel, server_folder, livy):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        notebook = start_kernel(server_folder, variables=dict.fromkeys(("http_proxy", "https_proxy"), address))
        assert notebook.run("1").reply["status"] == "ok"
        assert notebook.complete("sp")["status"] == "ok"
        proxy.settimeout(0)
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert livy.posted
