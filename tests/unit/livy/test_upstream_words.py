"""What Apache Livy is asked for, and what is made of what it says: whole values, without a server."""

import json
import re
from pathlib import Path

import pytest

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.engines.drivers import BatchFile, DriverRequest, Executed, Shape, StartError
from hops_livy.settings import read_settings
from hops_livy.upstream.answers import (
    Answer,
    AwayError,
    FailedError,
    GoneError,
    MissingError,
    RefusedError,
    StatementView,
    TooMuchError,
    UnreadableError,
    candidates,
    content_of,
    log_lines,
    sentence,
    session_view,
    session_views,
    statement_view,
)
from hops_livy.upstream.client import open_http
from hops_livy.upstream.endings import not_now, unreachable, waits_for, why_ended
from hops_livy.upstream.kept import Kept, KeptSession, KeptStatement
from hops_livy.upstream.messages import completion, executed, messages
from hops_livy.upstream.names import Names, site_of
from hops_livy.upstream.pace import away_pause, heartbeat_pause, list_pause, probe_pause, statement_pauses
from hops_livy.upstream.requests import batch_body, file_uri, resource_conf, session_body
from hops_livy.upstream.secret import read_secret
from hops_livy.upstream_settings import Cluster, UpstreamSettings
from hops_livy.variables import SettingsError

ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)
PROJECTS = Path("/srv/hops/projects")
LIVY = UpstreamSettings(url="http://livy.test", files="hdfs://nn/Projects")
STATIC = {"spark.dynamicAllocation.enabled": "false"}


def request(batch=None, conf=None, **shape):
    return DriverRequest(
        session_id=7, application="application_1_0007", owner=ADA, token="a secret", name="mine", shape=Shape(**shape),
        conf=conf or {}, kept_outputs=Path("/kept"), batch=batch,
    )  # fmt: skip


def test_a_session_is_asked_for_with_its_resources_as_its_owner():
    wanted = request(conf={"spark.sql.shuffle.partitions": "8"}, driver_memory_mib=2048, executors=3, executor_cores=2)
    body = session_body(wanted, LIVY, "hopslab-1-application_1_0007", deserted_s=600.0)
    assert body == {
        "kind": "pyspark",
        "name": "hopslab-1-application_1_0007",
        "proxyUser": "weather__ada",
        "driverMemory": "2048m",
        "driverCores": 1,
        "executorMemory": "1024m",
        "executorCores": 2,
        "numExecutors": 3,
        "heartbeatTimeoutInSecond": 600,
        "conf": {"spark.sql.shuffle.partitions": "8", **STATIC},
    }
    assert "a secret" not in json.dumps(body)


def test_executors_that_come_and_go_have_no_number():
    body = session_body(request(min_executors=0, max_executors=5), LIVY, "n", deserted_s=600.0)
    assert "numExecutors" not in body
    assert body["conf"] == {
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.shuffleTracking.enabled": "true",
        "spark.dynamicAllocation.minExecutors": "0",
        "spark.dynamicAllocation.initialExecutors": "0",
        "spark.dynamicAllocation.maxExecutors": "5",
    }


GPUS = {"spark.executor.resource.gpu.amount": "10", "spark.task.resource.gpu.amount": "10", "spark.task.cpus": "2"}


@pytest.mark.parametrize(
    ("cluster", "more"),
    [
        (Cluster.YARN, {"spark.yarn.executor.nodeLabelExpression": "infiniband"}),
        (
            Cluster.KUBERNETES,
            {
                "spark.executor.resource.gpu.vendor": "nvidia.com",
                "spark.kubernetes.executor.node.selector.nvidia.com/gpu.product": "infiniband",
            },
        ),
    ],
)
def test_20_gpus_on_2_hosts_with_a_label_have_each_clusters_form(cluster, more):
    shape = Shape(executors=2, executor_cores=2, gpus_per_executor=10, gpu_label="infiniband")
    assert resource_conf(shape, cluster, {}) == {**STATIC, **GPUS, **more}


def test_a_standalone_cluster_has_gpus_and_no_labels():
    assert resource_conf(Shape(executor_cores=2, gpus_per_executor=10), Cluster.STANDALONE, {}) == {**STATIC, **GPUS}
    with pytest.raises(StartError, match="a standalone cluster of Spark has no labels"):
        resource_conf(Shape(gpus_per_executor=1, gpu_label="fast"), Cluster.STANDALONE, {})


def test_a_batch_names_its_files_as_the_cluster_sees_them():
    batch = BatchFile(
        file=PROJECTS / "weather/Resources/a job.py",
        arguments=("7",),
        python_files=(PROJECTS / "weather/Jupyter/m.py",),
    )
    body = batch_body(request(batch), batch, LIVY, "n", projects=PROJECTS)
    assert {name: body[name] for name in ("file", "args", "pyFiles", "proxyUser", "name")} == {
        "file": "hdfs://nn/Projects/weather/Resources/a%20job.py",
        "args": ["7"],
        "pyFiles": ["hdfs://nn/Projects/weather/Jupyter/m.py"],
        "proxyUser": "weather__ada",
        "name": "n",
    }
    assert "heartbeatTimeoutInSecond" not in body
    with pytest.raises(StartError, match="HOPS_LIVY_UPSTREAM_FILES"):
        file_uri(UpstreamSettings(url="http://livy.test"), batch.file, projects=PROJECTS)


def test_names_are_known_again_and_no_other_platforms(tmp_path):
    site = site_of(tmp_path / "livy-site")
    assert site_of(tmp_path / "livy-site") == site
    assert (tmp_path / "livy-site").stat().st_mode & 0o077 == 0
    names, others = Names("hopslab", site), Names("hopslab", "0" * 12)
    name = names.name("application_1700_0042")
    assert not name.isdecimal()
    assert (names.session_id(name), others.session_id(name)) == (42, None)
    for foreign in ("", "42", f"{name}-x", f"x{name}", f"hopslab-{site}-mine", name.replace("_0042", "_" + "1" * 13)):
        assert names.session_id(foreign) is None


def test_a_site_mark_that_is_damaged_is_made_anew(tmp_path):
    (tmp_path / "livy-site").write_bytes(b"\xff")
    assert len(site_of(tmp_path / "livy-site")) == 12


def json_answer(status, value):
    return Answer(status=status, kind="application/json;charset=utf-8", content=json.dumps(value).encode())


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (json_answer(404, {"msg": "Session '3' not found."}), GoneError, "knows no such session"),
        (json_answer(404, {"msg": "Session 3 already stopped."}), GoneError, "knows no such session"),
        (json_answer(404, "Statement not found"), MissingError, "Statement not found"),
        (
            json_answer(400, {"msg": "Rejected, too many sessions are being created!"}),
            RefusedError,
            "too many sessions",
        ),
        (json_answer(403, {"msg": "User 'hopslab' not allowed to impersonate 'x'."}), RefusedError, "impersonate"),
        (json_answer(500, "java.lang.IllegalStateException: x"), FailedError, "IllegalStateException"),
        (Answer(status=500, kind="application/json", content=b"java.io.IOException: x"), FailedError, "IOException"),
        (json_answer(401, {}), AwayError, "does not accept"),
        (Answer(status=401, kind="text/html"), AwayError, "does not accept"),
        (Answer(status=302, location="https://sso.test/in?ticket=secret"), AwayError, "leads to a page of sso.test,"),
        (Answer(status=302, location="http://[bad"), AwayError, "leads to a page, perhaps"),
        (Answer(status=200, kind="text/html", content=b"<form>"), AwayError, r"\(HTTP 200, text/html\)"),
        (Answer(status=502, kind="text/html<b>"), AwayError, r"\(HTTP 502, text/html\)"),
        (Answer(status=404, kind="text/html"), AwayError, r"HTTP 404"),
        (json_answer(429, {}), AwayError, "HTTP 429"),
        (json_answer(200, [1]), AwayError, "HTTP 200"),
        (Answer(status=200, kind="application/json", content=b"[" * 100_000), TooMuchError, "nested deeper"),
        (json_answer(200, deep := {"a": json.loads("[" * 200 + "]" * 200)}), TooMuchError, "nested deeper than 100"),
        (json_answer(500, deep), TooMuchError, "nested deeper than 100"),
        (Answer(status=200, kind="application/json", content=b'{"id": 1'), UnreadableError, "can't be read"),
        (Answer(status=200, kind="application/json", content=b"9" * 10_000), UnreadableError, "can't be read"),
    ],
)
def test_each_answer_that_is_none_says_what_it_is(answer, kind, words):
    with pytest.raises(kind, match=words) as raised:
        content_of(answer)
    assert "secret" not in str(raised.value)


def test_numbers_that_json_has_no_form_for_stay_text():
    content = b'{"a": [NaN, -Infinity, 1e999, 1.5, 2]}'
    found = content_of(Answer(status=200, kind="application/json", content=content))
    assert found == {"a": ["NaN", "-Infinity", "1e999", 1.5, 2]}


@pytest.mark.parametrize(("status", "maybe"), [(502, True), (504, True), (503, False), (302, False), (200, False)])
def test_only_what_comes_after_a_request_was_passed_on_may_have_done_something(status, maybe):
    with pytest.raises(AwayError) as raised:
        content_of(Answer(status=status, kind="text/html"))
    assert raised.value.maybe_taken is maybe


def test_what_is_no_session_or_statement_is_not_taken_for_one():
    for content in ({}, {"id": "x", "state": "idle"}, {"id": 1, "state": None}):
        with pytest.raises(AwayError, match="tells of no session"):
            session_view(content)
        with pytest.raises(AwayError, match="tells of no statement"):
            statement_view(content)
    with pytest.raises(AwayError):
        statement_view({"id": -1, "state": "running"})
    assert session_views({"sessions": [None, {}, {"id": 1, "state": "IDLE", "name": 7}]})[0].state == "idle"
    assert session_views({"sessions": 7}) == []


def test_lengths_are_bounded():
    view = session_view(
        {"id": 1, "state": "idle", "name": "n" * 1000, "appId": "a" * 1000, "log": ["x" * 10_000] * 5000}
    )
    assert (len(view.name), len(view.app_id), len(view.log)) == (300, 300, 2000)
    assert max(map(len, view.log)) == 4000
    assert log_lines({"log": ["stdout: ", "\nstderr: \nlast", 7]}) == ["stdout: ", "", "stderr: ", "last", "7"]
    assert log_lines({"log": "none"}) == []
    assert candidates({"candidates": [1, "", "a", "b" * 1000]}) == ["a", "b" * 300]
    assert candidates({}) == []
    assert len(sentence("x" * 10_000)) == 501
    assert sentence("a\n\x1b[31mb\x00  c") == "a [31mb c"


def view_of(data=None, state="available", **output):
    given = (
        {"status": "ok", "execution_count": 0, **output} if data is None else {"status": "ok", "data": data, **output}
    )
    return StatementView(id=0, state=state, output=given)


def shown(data):
    return ("display_data", {"data": data, "metadata": {}, "transient": {}})


def printed(text):
    return ("stream", {"name": "stdout", "text": text})


TABLE = {"headers": [{"type": "INT_TYPE", "name": "0"}], "data": [[1]]}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"text/plain": "1"}, [printed("1\n")]),
        ({"text/plain": "1\n"}, [printed("1\n")]),
        ({"text/plain": ""}, []),
        ({}, []),
        ({"application/json": {"data": [[1]]}}, [shown({"application/json": {"data": [[1]]}})]),
        ({"application/json": None}, [shown({"application/json": None})]),
        ({"image/png": "AA==", "text/plain": ""}, [shown({"image/png": "AA=="})]),
        (
            {"application/vnd.livy.table.v1+json": TABLE, "text/plain": "said before"},
            [printed("said before\n"), shown({"application/vnd.livy.table.v1+json": TABLE})],
        ),
        ({"text/plain": {"not": "text"}, "text/html": 7, "x" * 201: "long"}, []),
        ({f"text/{n}": "x" for n in range(30)}, [shown({f"text/{n}": "x" for n in range(20)})]),
    ],
)
def test_a_bundle_becomes_messages(data, expected):
    assert messages(view_of(data)) == expected


def test_no_bundle_becomes_no_message():
    assert messages(StatementView(id=0, state="cancelled")) == []
    assert messages(StatementView(id=0, state="available", output={"status": "ok", "data": 7})) == []


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (view_of({}), Executed(status="ok")),
        (StatementView(id=0, state="available"), Executed(status="ok")),
        (
            view_of(None, status="error", ename="NameError", evalue="x", traceback=["one\n", "two\n"]),
            Executed(status="error", error={"ename": "NameError", "evalue": "x", "traceback": ["one", "two"]}),
        ),
        (
            StatementView(id=0, state="error"),
            Executed(status="error", error={"ename": "Error", "evalue": "", "traceback": []}),
        ),
        (
            StatementView(id=0, state="cancelled"),
            Executed(
                status="error",
                error={"ename": "KeyboardInterrupt", "evalue": "Cancelled.", "traceback": ["Cancelled."]},
            ),
        ),
    ],
)
def test_how_a_statement_ended(view, expected):
    assert executed(view) == expected


def test_of_an_error_only_so_much_is_kept():
    found = executed(
        view_of(None, status="error", ename=["x"], evalue="v" * 100_000, traceback=["t" * 50_000] * 9)
    ).error
    assert (found["ename"], len(found["evalue"]), sum(map(len, found["traceback"]))) == ("['x']", 65_536, 65_536)
    assert executed(view_of(None, status="error", traceback="none")).error["traceback"] == []


def test_words_take_the_place_of_the_name_before_the_cursor():
    found = completion(["range", "read", "other"], "spark.ra + 1", 8)
    assert (found.matches, found.start, found.end) == (["range"], 6, 8)
    assert completion([], "", 0).matches == []


OOM = ["21 ERROR Utils: uncaught error", "java.lang.OutOfMemoryError: Java heap space"]


@pytest.mark.parametrize(
    ("state", "log", "words"),
    [
        ("dead", OOM, "ran out of memory: it has 1 GiB"),
        ("dead", ["Container is running beyond physical memory limits."], "used more memory than its container has"),
        ("dead", ["Container killed by YARN for exceeding memory limits."], "used more memory"),
        (
            "error",
            ["User: livy is not allowed to impersonate weather__ada"],
            "does not let Apache Livy act as weather__ada",
        ),
        ("error", ["Permission denied: user=weather__ada, access=WRITE"], "weather__ada may not read or write .*WRITE"),
        ("error", ["submitted by user to unknown queue: fast"], "no such queue: .*fast"),
        ("dead", ["No YARN application is found with tag livy-session-3 in 120 seconds."], "no room for it"),
        ("dead", ["Exit code: 137"], "was killed on the cluster"),
        ("killed", [], "was killed on the cluster"),
        ("success", [], "by its own code"),
        ("shutting_down", [], "ended through Apache Livy"),
        (
            "dead",
            ["fine", "Exception: spark-submit start failed", "fine"],
            "Its log says: Exception: spark-submit start",
        ),
        ("dead", ["fine"], "its log tells no cause"),
    ],
)
def test_why_it_ended_in_words(state, log, words):
    assert re.search(words, why_ended(state, log, shape=Shape(), owner="weather__ada"))


def test_what_it_waits_for_and_what_livy_has_not_noticed():
    line = "Application is added to the scheduler and is not yet activated. Queue's AM resource limit exceeded."
    assert waits_for(["x", line]) == f"It waits for room on the cluster: {line}"
    assert waits_for(["x"]) == ""
    assert unreachable("busy", "closed\nchannel") == (
        "The driver is gone, though Apache Livy still calls its session busy: closed channel"
    )
    assert not_now("java.lang.IllegalStateException: Session is in state starting")
    assert not_now("requirement failed: Session isn't active.")
    assert not not_now("java.lang.OutOfMemoryError")


def test_livy_is_asked_often_at_first_and_never_too_often():
    pauses = statement_pauses()
    found = [next(pauses) for _ in range(40)]
    assert (found[0], found[-1], found == sorted(found)) == (0.005, 0.5, True)
    assert (away_pause(0), away_pause(1000)) == (0.25, 5.0)
    assert [list_pause(pages, starting=False) for pages in (1, 4, 10)] == [1.0, 1.0, 2.5]
    assert [list_pause(pages, starting=True) for pages in (1, 4, 10)] == [0.5, 1.0, 2.5]
    assert [probe_pause(sessions) for sessions in (0, 10, 200)] == [1.0, 1.0, 20.0]
    assert [heartbeat_pause(deserted_s) for deserted_s in (600.0, 60.0)] == [60.0, 15.0]


def test_what_is_kept_is_found_again(tmp_path):
    kept = Kept(tmp_path / "outputs")
    assert (kept.statement(0), kept.session()) == (KeptStatement(), KeptSession())
    kept.begin(0, after=4)
    assert kept.statement(0) == KeptStatement(begun=True, after=4)
    kept.submitted(0, 5)
    assert kept.statement(0) == KeptStatement(begun=True, after=4, number=5)
    end = Executed(status="error", error={"ename": "E", "evalue": "", "traceback": []})
    kept.finish(0, [printed("\ud800\n")], end)
    kept.keep_session(KeptSession(app_id="application_9_0001", last=5))
    again = Kept(tmp_path / "outputs")
    assert again.statement(0) == KeptStatement(True, 4, 5, [printed("\ud800\n")], end)
    assert again.written(0) == [printed("\ud800\n")]
    assert again.session() == KeptSession(app_id="application_9_0001", last=5)
    assert [path.stat().st_mode & 0o077 for path in (tmp_path / "outputs").iterdir()] == [0, 0]
    again.forget(0)
    assert again.statement(0) == KeptStatement()


def test_what_can_not_be_kept_stops_nothing(tmp_path, caplog):
    (tmp_path / "outputs").write_text("in the way")
    kept = Kept(tmp_path / "outputs")
    kept.begin(0, after=-1)
    kept.keep_session(KeptSession())
    assert len(caplog.records) == 1


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text("s3cret\n")
    return path


def test_an_address_with_a_path_keeps_it():
    http = open_http(UpstreamSettings(url="https://gate.test/gateway/default/livy/v1"))
    assert (
        str(http.build_request("GET", "/sessions?from=0").url)
        == "https://gate.test/gateway/default/livy/v1/sessions?from=0"
    )


def test_a_secret_is_read_from_a_file_that_nobody_else_may_read(secret):
    assert read_secret(secret) == "s3cret"
    secret.chmod(0o640)
    with pytest.raises(ValueError, match="others may read"):
        read_secret(secret)


@pytest.mark.parametrize("content", [b"", b" \n", b"two\nlines", b"\xff", b"x" * 70_000])
def test_a_file_without_a_secret_is_none(secret, content):
    secret.write_bytes(content)
    with pytest.raises(ValueError, match="holds none"):
        read_secret(secret)


UP = "HOPS_LIVY_UPSTREAM_"


def test_without_an_address_sessions_run_here():
    assert read_settings({}).upstream is None
    with pytest.raises(SettingsError, match="HOPS_LIVY_UPSTREAM_AUTH is set, but not HOPS_LIVY_UPSTREAM_URL"):
        read_settings({f"{UP}AUTH": "basic"})


def test_one_address_chooses_apache_livy_and_keeps_nothing_ready(secret):
    settings = read_settings(
        {
            f"{UP}URL": "https://livy.test:8998/", f"{UP}AUTH": "basic", f"{UP}USER": "hopslab",
            f"{UP}SECRET_FILE": str(secret), f"{UP}CA": "/ca.pem", f"{UP}NAME": "blue", f"{UP}CLUSTER": "kubernetes",
            f"{UP}FILES": "s3a://bucket/Projects/",
        }
    )  # fmt: skip
    assert settings.upstream == UpstreamSettings(
        url="https://livy.test:8998", authentication="basic", user="hopslab", secret_file=secret,
        authorities=Path("/ca.pem"), name="blue", cluster=Cluster.KUBERNETES, files="s3a://bucket/Projects",
    )  # fmt: skip
    assert settings.warm_sessions == 0
    assert read_settings({f"{UP}URL": "http://127.0.0.1:8998", "HOPS_WARM_SESSIONS": "3"}).warm_sessions == 3


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"URL": "livy.test"}, "URL is no address"),
        ({"URL": "http://livy.test:99999"}, "URL is no address"),
        ({"URL": "http://livy.test?x=s3cret"}, "URL is no address"),
        ({"URL": "https://ada:s3cret@livy.test"}, "URL holds a name or a password"),
        ({"AUTH": "digest"}, "AUTH is 'digest'; it must be one of none, trusted, basic, bearer, kerberos"),
        ({"AUTH": "kerberos", "SECRET_FILE": "/s"}, "USER must name the platform's principal"),
        ({"AUTH": "kerberos", "SECRET_FILE": "/s", "USER": "two words"}, "USER must name the platform's principal"),
        ({"AUTH": "kerberos", "USER": "hopslab@X"}, "SECRET_FILE must name the file .* keytab"),
        (
            {"AUTH": "kerberos", "SECRET_FILE": "/s", "USER": "hopslab@X", "URL": "http://livy.test"},
            "sent to another machine unencrypted",
        ),
        ({"AUTH": "basic", "SECRET_FILE": "/s"}, "USER must name the platform's account"),
        ({"AUTH": "bearer"}, "SECRET_FILE must name the file"),
        ({"AUTH": "bearer", "SECRET_FILE": "/s", "URL": "http://livy.test"}, "sent to another machine unencrypted"),
        ({"NAME": "Ours!", "AUTH": "trusted"}, "NAME is 'Ours!'"),
        ({"AUTH": "none"}, "starts sessions as anybody. Let Livy ask"),
        ({"CLUSTER": "mesos"}, "CLUSTER is 'mesos'"),
        ({"FILES": "/Projects"}, "FILES is '/Projects'; it must be a URI"),
    ],
)
def test_a_setting_that_can_not_be_used_is_named(wrong, words):
    with pytest.raises(SettingsError, match=words) as refused:
        read_settings({f"{UP}{name}": value for name, value in {"URL": "https://livy.test", **wrong}.items()})
    assert "s3cret" not in str(refused.value)
