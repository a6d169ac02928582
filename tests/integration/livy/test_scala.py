"""Scala in sessions of real Spark, over plain HTTP: beside Python and SQL, and as a session's own kind."""

import contextlib
import json
import threading

import pytest

from tests.waiting import until

from .service_process import finished, run, start_session, submit, wait_for_tasks, wait_printed

pytestmark = pytest.mark.spark

PI = """
val NUM_SAMPLES = 100000;
val count = sc.parallelize(1 to NUM_SAMPLES).map { i =>
  val x = Math.random();
  val y = Math.random();
  if (x*x + y*y < 1) 1 else 0
}.reduce(_ + _);
println("Pi is roughly " + 4.0 * count / NUM_SAMPLES)
"""
PAIRS = """
case class Pair(n: Int, s: String)
val k = 7
sc.parallelize(1 to 4, 2).map(n => Pair(n * k, "x")).collect().toList
"""


@pytest.fixture(scope="module")
def session_id(service):
    with service.client() as client:
        number = start_session(client, kind="spark", driverMemory="768m", executorMemory="512m")
        yield number
        client.delete(f"/sessions/{number}")


@pytest.fixture
def scala(client, session_id):
    """Runs Scala and gives what Livy's clients see of it."""

    def text(code):
        output = run(client, session_id, code)["output"]
        assert output["status"] == "ok", output
        return output["data"]["text/plain"]

    return text


@pytest.fixture
def failure(client, session_id):
    """Runs Scala that fails."""

    def output(code):
        shown = run(client, session_id, code)["output"]
        assert shown["status"] == "error", shown
        return shown

    return output


@pytest.fixture
def words(client, session_id):
    """Completes Scala; asks again for a while where nothing is found: the compiler is slow at first."""

    def found(code, *, cursor=None, patient=True):
        body = {"code": code, "cursor": len(code) if cursor is None else cursor, "kind": "spark"}

        def candidates():
            return client.post(f"/sessions/{session_id}/completion", json=body).json()["candidates"]

        return until(candidates, code, pause_s=0.2) if patient else candidates()

    return found


@pytest.fixture
def told(client, session_id):
    """Explains the name at the end of Scala code; asks again as for words."""

    def text(code, **more):
        body = {"code": code, "cursor": len(code), **more}

        def found():
            answer = client.post(f"/sessions/{session_id}/inspection", json=body).json()
            return answer["data"]["text/plain"] if answer["found"] else None

        return until(found, code, pause_s=0.5)

    return text


@pytest.fixture
def running(client, session_id):
    """Runs a statement that doesn't end by itself, in a block that begins when it has printed a text; cancels it."""

    @contextlib.contextmanager
    def statement(code, *, begun="begun"):
        number = submit(client, session_id, code)
        at = f"/sessions/{session_id}/statements/{number}"
        wait_printed(client, session_id, number, begun)
        try:
            yield lambda: client.get(f"{at}?hold=false").json()
        finally:
            assert client.post(f"{at}/cancel").json() == {"msg": "canceled"}
        assert finished(client, session_id, number)["state"] == "cancelled"

    return statement


def test_a_session_of_kind_spark_runs_scala(client, session_id, scala):
    assert client.get(f"/sessions/{session_id}").json()["kind"] == "spark"
    assert scala("1 + 1") == "val res0: Int = 2"
    assert scala("spark").endswith("SparkSession@" + scala("spark").rpartition("@")[2])


def test_prints_and_results_are_one_text_in_their_order(scala):
    assert scala('println("one")\nSystem.out.println("zwei ✓")\nval three = 3') == "one\nzwei ✓\nval three: Int = 3"
    assert scala("// nothing but a comment") == ""


def test_a_closed_output_is_opened_again(scala):
    scala("System.out.close()")
    assert scala('println("here")') == "here"


def test_livys_example_of_pi_runs(scala):
    lines = scala(PI).splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["val NUM_SAMPLES", "val count"]
    assert lines[2].startswith("Pi is roughly 3.1")


def test_case_classes_and_closures_reach_executors(scala):
    scala('case class Day(name: String, degrees: Int)\nval days = Seq(Day("Monday", 3), Day("Tuesday", 7))')
    scala("val warmer = 10")
    assert "Array(Day(Monday,13), Day(Tuesday,17))" in scala(
        "sc.parallelize(days, 2).map(day => day.copy(degrees = day.degrees + warmer)).collect()"
    )
    assert "Array(Tuesday)" in scala("days.toDS().filter(_.degrees > 5).map(_.name).collect()")


def test_chains_over_several_lines_are_one_expression(scala):
    assert scala('spark.range(5)\n  .filter($"id" > 2)\n  // the rest\n  .count()').endswith("Long = 2")


def test_code_that_does_not_compile_says_where(failure):
    output = failure('val x: Int = "a"')
    assert (output["ename"], output["evalue"]) == ("Error", "Error: type mismatch;")
    assert 'val x: Int = "a"' in output["traceback"][0]
    assert "found   : String" in "".join(output["traceback"])
    assert all(line.endswith("\n") for line in output["traceback"])
    assert failure("def f(")["evalue"] == "Error: incomplete statement"


def test_what_is_thrown_has_its_name_and_message(failure):
    output = failure('println("before"); throw new IllegalStateException("no more")')
    assert (output["ename"], output["evalue"]) == (
        "java.lang.IllegalStateException", "java.lang.IllegalStateException: no more",
    )  # fmt: skip
    assert output["outputs"][0]["content"]["text"] == "before\n"
    job = failure("sc.parallelize(1 to 2, 2).map(n => n / 0).collect()")
    assert job["ename"] == "org.apache.spark.SparkException"
    assert "java.lang.ArithmeticException: / by zero" in job["evalue"]
    assert len(job["traceback"]) < 40


def test_values_are_shown_as_json_and_as_a_table(client, session_id):
    code = 'val rows = List(Map("n" -> 1), Map("n" -> 2))\n'
    assert run(client, session_id, f"{code}%json rows")["output"]["data"]["application/json"] == [{"n": 1}, {"n": 2}]
    shown = run(client, session_id, "%table rows")["output"]["data"]["application/vnd.livy.table.v1+json"]
    assert shown == {"headers": [{"type": "BIGINT_TYPE", "name": "n"}], "data": [[1], [2]]}
    rdd = run(client, session_id, "val numbers = sc.parallelize(1 to 3)\n%json numbers")["output"]["data"]
    assert rdd["application/json"] == [1, 2, 3]
    assert run(client, session_id, "%json nothing")["output"]["ename"] == "NameError"


def test_any_session_runs_statements_of_every_kind_over_the_same_views(client, session_id):
    run(client, session_id, 'spark.range(3).createOrReplaceTempView("fromScala")')
    count = run(client, session_id, "spark.table('fromScala').count()", kind="pyspark")["output"]
    assert count["data"]["text/plain"] == "3"
    rows = run(client, session_id, "select count(*) as n from fromScala", kind="sql")["output"]
    assert rows["data"]["application/json"]["data"] == [[3]]
    table = run(client, session_id, "rows = [{'a': 1, 'b': 'x'}]\n%table rows", kind="pyspark")["output"]["data"]
    assert table["application/vnd.livy.table.v1+json"]["data"] == [[1, "x"]]
    assert client.post(f"/sessions/{session_id}/statements", json={"code": "1", "kind": "sparkr"}).status_code == 501


def test_output_streams_while_the_statement_runs(service, client, session_id):
    gate = service.gate()
    number = submit(client, session_id, f"println(1)\n{gate.wait_in_scala}println(2)\nprintln(3)")
    ended = []
    with client.stream("GET", f"/sessions/{session_id}/statements/{number}/events") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line[6:])
                state = client.get(f"/sessions/{session_id}/statements/{number}", params={"hold": "false"}).json()
                ended.append((event["content"].get("text"), state["state"]))
                gate.open()
    assert ended[0] == ("1\n", "running")
    assert "".join(text for text, _ in ended if text) == "1\n2\n3\n"


@pytest.mark.parametrize(
    "code",
    [
        "sc.parallelize(1 to 2, 2).foreach(_ => Thread.sleep(600000))",
        "Thread.sleep(600000)",
        "var n = 0L; while (true) { n += 1 }",
    ],
    ids=["a Spark job", "a sleeping thread", "an endless loop"],
)
def test_an_interrupt_ends_the_statement_and_the_session_lives_on(client, session_id, code, scala):
    number = submit(client, session_id, f'println("begun")\n{code}')
    wait_printed(client, session_id, number, "begun")
    if "foreach" in code:
        wait_for_tasks(client, session_id, number)
    assert client.post(f"/sessions/{session_id}/statements/{number}/cancel").json() == {"msg": "canceled"}
    statement = finished(client, session_id, number)
    assert statement["state"] == "cancelled", statement
    # Spark's own count comes a moment after the job's end.
    until(lambda: scala("sc.statusTracker.getActiveJobIds().length").endswith("Int = 0"))


def test_words_are_completed(scala, words):
    scala("1")  # nothing is loaded before the first statement
    assert words("spark.rang") == ["range"]
    assert words('val s = "😀"; spark.rang') == ["range"]
    assert words("spark.range(3).count()", cursor=8) == ["range"], (
        "what stands behind the cursor is no part of the word"
    )
    assert words("import org.apache.spark.sql.functi") == ["functions"]


def test_names_of_earlier_cells_are_completed(scala, words):
    scala('case class Lake(name: String, depth: Int)\nval lake = Lake("Titisee", 39)')
    scala("def deeper(one: Lake, other: Lake) = one.depth > other.depth\nimport scala.collection.mutable.ArrayBuffer")
    assert words("lak") == ["lake"]
    assert words("lake.na") == ["name"]
    assert words("new Lak") == ["Lake"]
    assert words("deep") == ["deeper"]
    assert words("ArrayBuff") == ["ArrayBuffer"]
    assert words("lake.depth.toDoub") == ["toDouble"]
    assert {"lake", "Lake", "deeper"} <= set(words("")), "with nothing to go on, whatever is defined"
    scala("val lake = 7")
    assert words("lake.na", patient=False) == [], "that is a number now"
    scala("val doubled = 2 * lake")
    assert "doubled" in words("do"), "which is a keyword as well"


def test_code_is_not_run_to_complete_it(scala, words):
    scala("var runs = 0\ndef counted() = { runs += 1; spark }")
    assert words("runs += 1; counted().rang") == ["range"]
    assert scala("runs").endswith("Int = 0")


def test_names_are_completed_and_explained_while_a_cell_runs(scala, words, told, running):
    scala('case class River(name: String)\nval river = River("Ill")')
    assert words("spark.rang") == ["range"]
    code = 'val bank = 1\nprintln("begun")\nThread.sleep(600000)'
    with running(code) as statement:
        assert words("spark.rang") == ["range"]
        assert words("riv") == ["river"]
        assert words("river.na") == ["name"]
        assert words("ban") == ["bank"], "what an earlier line of the same cell has defined"
        assert told("river") == "val river: River"
        assert statement()["state"] == "running", "or it was not while a cell runs"
    assert scala("bank + 1").endswith("Int = 2")


def test_an_interrupt_ends_the_cell_and_not_what_is_being_completed(service, session_id, scala, words, running):
    assert words("spark.rang") == ["range"]
    answers, ended = [], threading.Event()

    def keep_asking():
        with service.client() as other:
            while not ended.is_set():
                body = {"code": "spark.rang", "cursor": 10, "kind": "spark"}
                answers.append(other.post(f"/sessions/{session_id}/completion", json=body))

    with running('println("begun"); var n = 0L; while (true) { n += 1 }'):
        asking = threading.Thread(target=keep_asking)
        asking.start()
        until(lambda: len(answers) > 1)
    ended.set()
    asking.join()
    assert {answer.status_code for answer in answers} == {200}
    assert answers[-1].json()["candidates"] in (["range"], [])
    assert words("spark.rang") == ["range"]
    assert scala("1 + 1").endswith("Int = 2")


def test_what_is_asked_while_a_cell_is_compiled_does_not_disturb_it(client, session_id, scala, words):
    scala("1 + 1")  # before the first statement nothing is completed
    assert words("spark.rang") == ["range"]
    # So many that one answer is over before the compiler is: each may wait two seconds for it.
    names = [*(f"Wide{n}" for n in range(20)), *(f"Long{n}" for n in range(130))]
    code = "\n".join(f"case class {name}(a: Int, b: String, c: Seq[(Int, Option[String])])" for name in names)
    number = client.post(f"/sessions/{session_id}/statements", json={"code": code}).json()["id"]
    asked = 0
    at = f"/sessions/{session_id}/statements/{number}?hold=false"
    while (statement := client.get(at).json())["state"] in ("waiting", "running"):
        body = {"code": "spark.rang", "cursor": 10, "kind": "spark"}
        assert client.post(f"/sessions/{session_id}/completion", json=body).json()["candidates"] in (["range"], [])
        asked += 1
    assert asked > 1
    assert statement["output"]["status"] == "ok", statement
    assert words("Wide1") == ["Wide1", *(f"Wide1{n}" for n in range(10))]
    assert scala('Wide19(1, "x", Nil).b').endswith("String = x")


def test_a_name_is_explained_by_the_scala_interpreter_and_never_by_python(client, session_id, scala, told):
    scala('case class Town(name: String)\nval town = Town("Ulm")')
    assert told("town") == "val town: Town"
    assert "def range(end: Long): org.apache.spark.sql.Dataset[Long]" in told("spark.range(").splitlines()
    assert "name: String" in told('val s = "😀"; town.name', kind="spark")
    assert "def <init>(name: String): Town" in told("new Town(").splitlines()
    python_only = {"code": "getattr", "cursor": 7}
    assert not client.post(f"/sessions/{session_id}/inspection", json=python_only).json()["found"]
    assert client.post(f"/sessions/{session_id}/inspection", json=python_only | {"kind": "pyspark"}).json()["found"]
    assert not client.post(f"/sessions/{session_id}/inspection", json=python_only | {"kind": "sql"}).json()["found"]


def test_what_a_cell_has_thrown_is_there_for_the_next(failure, scala):
    failure('throw new IllegalStateException("no more")')
    assert scala("lastException.getMessage").endswith("String = no more")


def test_closures_and_case_classes_work_on_executors_of_their_own(client):
    number = start_session(client, numExecutors=2, driverMemory="512m", executorMemory="512m")
    try:
        assert run(client, number, "sc.parallelize(range(4), 2).sum()")["output"]["data"]["text/plain"] == "6"
        output = run(client, number, PAIRS, kind="spark")["output"]
        assert "List(Pair(7,x), Pair(14,x), Pair(21,x), Pair(28,x))" in output.get("data", output)["text/plain"], output
        code = 'sc.parallelize(1 to 4, 2).map(n => Pair(n, "y")).toDS().filter(_.n > 3).collect().toList'
        output = run(client, number, code, kind="spark")["output"]
        assert "List(Pair(4,y))" in output.get("data", output)["text/plain"], output
    finally:
        client.delete(f"/sessions/{number}")
