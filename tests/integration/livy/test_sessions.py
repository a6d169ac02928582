"""One session of real Spark, over plain HTTP."""

import json
import re
import threading

import httpx
import pytest

from .service_process import finished, run, start_session, submit, wait_for_tasks, wait_printed

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def session_id(service):
    with service.client() as client:
        number = start_session(client, driverMemory="512m", executorMemory="512m")
        yield number
        client.delete(f"/sessions/{number}")


def test_a_count_comes_back(client, session_id):
    statement = run(client, session_id, "spark.range(10**6).count()")
    assert statement["state"] == "available"
    assert statement["output"]["data"]["text/plain"] == "1000000"


def test_printed_lines_and_the_result_are_one_text(client, session_id):
    output = run(client, session_id, "print('one')\nprint('two')\n3")["output"]
    assert output["data"] == {"text/plain": "one\ntwo\n3"}


def test_standard_error_stays_out_of_the_text_and_is_kept_beside_it(client, session_id):
    output = run(client, session_id, "import sys\nprint('a', file=sys.stderr)\nprint('b')")["output"]
    assert output["data"]["text/plain"] == "b"
    assert {"type": "stream", "content": {"name": "stderr", "text": "a\n"}} in output["outputs"]


def test_an_error_has_its_name_value_and_lines(client, session_id):
    statement = run(client, session_id, "1/0")
    output = statement["output"]
    assert (statement["state"], output["status"], output["ename"]) == ("available", "error", "ZeroDivisionError")
    assert "division by zero" in output["evalue"]
    assert all(line.endswith("\n") for line in output["traceback"])


def test_a_plot_comes_as_an_image(client, session_id):
    code = "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\n%matplot plt"
    output = run(client, session_id, code)["output"]
    assert output["data"]["image/png"].startswith("iVBOR")
    assert len(output["outputs"]) == 1, "the figure is shown once"


def test_the_json_magic_gives_json(client, session_id):
    assert run(client, session_id, "x = {'a': [1, 2]}\n%json x")["output"]["data"]["application/json"] == {"a": [1, 2]}


def test_a_sql_statement_gives_schema_and_rows(client, session_id):
    output = run(client, session_id, "select 1 as n, 'x' as s", kind="sql")["output"]
    table = output["data"]["application/json"]
    assert [field["name"] for field in table["schema"]["fields"]] == ["n", "s"]
    assert table["data"] == [[1, "x"]]


def test_an_interrupted_statement_is_cancelled_with_its_spark_job_and_the_session_lives_on(client, session_id):
    code = "import time\nspark.sparkContext.parallelize(range(2), 2).map(lambda n: time.sleep(600)).collect()"
    number = submit(client, session_id, code)
    wait_for_tasks(client, session_id, number)
    assert client.post(f"/sessions/{session_id}/statements/{number}/cancel").json() == {"msg": "canceled"}
    assert finished(client, session_id, number)["state"] == "cancelled"
    # Spark's own count comes a moment after the job's end.
    active = "len(spark.sparkContext.statusTracker().getActiveJobsIds())"
    code = f"until = time.time() + 60\nwhile {active} and time.time() < until:\n    time.sleep(0.1)\n{active}"
    assert run(client, session_id, code)["output"]["data"] == {"text/plain": "0"}


def test_output_streams_while_the_statement_runs(service, client, session_id):
    gate = service.gate()
    number = submit(client, session_id, f"print(0)\n{gate.wait}print(1)\nprint(2)")
    events = []
    with client.stream("GET", f"/sessions/{session_id}/statements/{number}/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                events.append(json.loads(line[6:]))
                gate.open()  # without what was printed before it the statement would never end
    assert "".join(event["content"]["text"] for event in events[:-1]) == "0\n1\n2\n"
    assert events[-1] == {"type": "done", "content": {"status": "ok", "state": "available"}}


def test_progress_is_in_the_statement_and_in_the_stream_where_only_its_newest_has_a_place(service, client, session_id):
    gate = service.gate()
    code = (
        "import os, time\nprint('a')\n"
        f"def wait(n):\n    time.sleep(0.5)\n    while n == 3 and not os.path.exists({str(gate.file)!r}):\n"
        "        time.sleep(0.05)\n"
        "_ = sc.parallelize(range(4), 4).map(wait).count()\nprint('b')"
    )
    number = submit(client, session_id, code)
    events, seen = [], []
    with client.stream("GET", f"/sessions/{session_id}/statements/{number}/events") as answer:
        for line in answer.iter_lines():
            if line.startswith(("id: ", "data: ")):
                events.append(line)
            if '"progress"' in line:
                seen.append(client.get(f"/sessions/{session_id}/statements/{number}?hold=false").json())
                if seen[-1]["progress"] > 0:
                    gate.open()
    contents = [json.loads(line[6:]) for line in events if line.startswith("data: ")]
    told = [content["content"] for content in contents if content["type"] == "progress"]
    assert told[0]["active"]
    assert (told[-1]["tasks"], told[-1]["stages"]) == (4, 1)
    assert [line for line in events if line.startswith("id: ")] == ["id: 0", "id: 1", "id: 2"]
    running = [statement for statement in seen if statement["state"] == "running"]
    assert {statement["spark_progress"]["tasks"] for statement in running} == {4}
    assert 0 < max(statement["progress"] for statement in running) <= 1
    ended = client.get(f"/sessions/{session_id}/statements/{number}").json()
    assert (ended["progress"], [item["type"] for item in ended["output"]["outputs"]]) == (1.0, ["stream"])
    assert ended["output"]["data"] == {"text/plain": "a\nb"}


def test_whether_a_session_could_be_had_is_told_without_starting_one(client, session_id):
    before = client.get("/sessions").json()["total"]
    asked = {"kind": "pyspark", "driverMemory": "512m"}
    assert client.post("/sessions:check", json=asked).json() == {"msg": "possible"}
    assert client.post(f"/sessions:check?instead_of={session_id}", json=asked).status_code == 200
    for wrong, status in ((asked | {"driverMemory": "900g"}, 409), (asked | {"conf": {"spark.jars": "/x"}}, 400)):
        refused = client.post("/sessions:check", json=wrong)
        assert (refused.status_code, bool(refused.json()["detail"])) == (status, True)
    assert client.post("/sessions:check?instead_of=999999", json=asked).status_code == 404
    assert client.get("/sessions").json()["total"] == before


def test_a_name_is_explained_with_its_source_where_that_is_asked_for(client, session_id):
    path = f"/sessions/{session_id}/inspection"
    found = client.post(path, json={"code": "spark.range(3)", "cursor": 8}).json()
    assert found["found"]
    assert "Signature" in found["data"]["text/plain"]
    whole = client.post(path, json={"code": "spark.range(3)", "cursor": 8, "detail_level": 1}).json()
    assert "def range" in re.sub(r"\x1b\[[0-9;]*m", "", whole["data"]["text/plain"])
    assert client.post(path, json={"code": "nothing_of_that", "cursor": 99}).json() == {
        "found": False, "data": {}, "metadata": {},
    }  # fmt: skip


def test_names_are_completed_also_while_a_cell_runs(service, client, session_id):
    gate = service.gate()
    number = submit(client, session_id, f"print('begun', flush=True)\n{gate.wait}")
    wait_printed(client, session_id, number, "begun")
    answer = client.post(f"/sessions/{session_id}/completion", json={"code": "spark.ran", "cursor": 9}).json()
    assert any(candidate.endswith("range") for candidate in answer["candidates"])
    assert client.get(f"/sessions/{session_id}/statements/{number}?hold=false").json()["state"] == "running"
    gate.open()
    assert finished(client, session_id, number)["state"] == "available"


def test_the_same_key_gives_the_same_statement(client, session_id):
    answers = [
        client.post(
            f"/sessions/{session_id}/statements", json={"code": "1"}, headers={"Idempotency-Key": "again"}
        ).json()["id"]
        for _ in range(2)
    ]
    assert answers[0] == answers[1]


def test_the_process_gets_only_the_variables_of_the_contract(client, session_id):
    names = run(client, session_id, "import os\nprint(sorted(os.environ))")["output"]["data"]["text/plain"]
    leaked = [name for name in eval(names) if "SECRET" in name or name.startswith("JUPYTERHUB")]  # noqa: S307
    assert leaked == []
    assert "PYSPARK_GATEWAY_SECRET" not in names
    assert run(client, session_id, "os.getcwd().endswith('/projects/weather/Jupyter')")["output"]["data"] == {
        "text/plain": "True"
    }


def test_another_member_finds_nothing(service, client, session_id):
    with service.client(service.plane.token("grace")) as other:
        assert other.get(f"/sessions/{session_id}").status_code == 404
        assert other.get("/sessions").json()["sessions"] == []
        assert other.delete(f"/sessions/{session_id}").status_code == 404
        assert other.post(f"/sessions/{session_id}/statements", json={"code": "1"}).status_code == 404


def test_without_a_good_token_nothing_is_told(service, session_id):
    assert httpx.get(f"{service.url}/sessions", timeout=60).status_code == 401
    with service.client(service.plane.token(life_s=-60)) as expired:
        answer = expired.get(f"/sessions/{session_id}")
        assert (answer.status_code, "expired" in answer.json()["detail"]) == (401, True)


def test_requests_wait_for_news_instead_of_being_asked_again(client, session_id):
    # Whoever has listed the sessions a moment ago is held at none of them.
    client.headers["User-Agent"] = "one that has listed nothing"
    number = submit(client, session_id, "time.sleep(2)\n'done'")
    states = []
    thread = threading.Thread(target=lambda: states.append(client.get(f"/sessions/{session_id}").json()["state"]))
    thread.start()
    statement = finished(client, session_id, number)
    thread.join()
    assert statement["output"]["data"]["text/plain"] == "'done'"
    assert states == ["idle"]


@pytest.mark.parametrize(
    ("conf", "name"),
    [
        ({"spark.driver.extraJavaOptions": "-javaagent:x"}, "extraJavaOptions"),
        ({"spark.master": "yarn"}, "spark.master"),
        ({"spark.jars": "/etc/passwd"}, "spark.jars"),
        ({"spark.unheard.of": "1"}, "spark.unheard.of"),
    ],
)
def test_a_setting_that_leaves_the_project_is_refused_by_name(client, conf, name):
    answer = client.post("/sessions", json={"kind": "pyspark", "conf": conf})
    assert answer.status_code == 400
    assert name in answer.json()["detail"]


def test_more_memory_than_there_is_is_refused_with_the_numbers(client):
    answer = client.post("/sessions", json={"kind": "pyspark", "driverMemory": "900g"})
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("901 GiB of memory were asked for; "), "driver and executor together"


def test_what_is_left_out_says_so(client):
    answer = client.post("/sessions", json={"kind": "sparkr"})
    assert (answer.status_code, answer.json()["title"]) == (501, "Not offered here")


def test_a_syntax_error_is_an_error_of_the_statement_alone(client, session_id):
    output = run(client, session_id, "for in")["output"]
    assert (output["status"], output["ename"]) == ("error", "SyntaxError")
