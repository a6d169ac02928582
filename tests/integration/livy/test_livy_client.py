"""The client ``livy`` from PyPI, unmodified, against this service: sessions of each kind and batches."""

import pandas as pd
import pytest
import requests
from livy import LivyBatch, LivySession
from livy.client import LivyClient
from livy.models import SessionKind, SessionState, SparkRuntimeError, StatementKind, StatementState

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the client closes not all of its connections
]
SMALL = {"driver_memory": "512m", "executor_memory": "512m"}


class Bearer(requests.auth.AuthBase):
    """The platform's token, as the client takes proofs of identity."""

    def __init__(self, token):
        self._token = token

    def __call__(self, request):
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@pytest.fixture
def auth(service):
    return Bearer(service.plane.token())


@pytest.fixture
def client(service, auth):
    found = LivyClient(service.url, auth)
    yield found
    found.close()


def test_it_takes_the_service_for_a_livy_of_today(client):
    assert not client.legacy_server()


def test_a_python_session_runs_code_and_moves_data_frames(service, auth, client, capsys):
    with LivySession.create(service.url, auth, kind=SessionKind.PYSPARK, name="from-python", **SMALL) as session:
        assert session.state is SessionState.IDLE
        assert [one.session_id for one in client.list_sessions()] == [session.session_id]
        assert session.run("1 + 1").text == "2"
        assert capsys.readouterr().out == "2\n"
        with pytest.raises(SparkRuntimeError) as failed:
            session.run("1 / 0")
        assert failed.value.ename == "ZeroDivisionError"
        session.upload("frame", pd.DataFrame({"n": [1, 2], "s": ["a", "b"]}))
        session.run("twice = frame.selectExpr('n * 2 as n', 's')")
        assert session.download("twice").to_dict("records") == [{"n": 2, "s": "a"}, {"n": 4, "s": "b"}]
        statements = client.list_statements(session.session_id)
        assert statements[0].state is StatementState.AVAILABLE
        assert client.create_statement(session.session_id, "select 1", StatementKind.SQL).code == "select 1"
    assert client.get_session(session.session_id) is None


def test_a_scala_session_runs_code_and_moves_data_frames(service, auth):
    with LivySession.create(service.url, auth, kind=SessionKind.SPARK, echo=False, **SMALL) as session:
        assert session.run("1 + 1").text == "val res0: Int = 2"
        with pytest.raises(SparkRuntimeError) as failed:
            session.run("1 / 0")
        assert failed.value.evalue == "java.lang.ArithmeticException: / by zero"
        session.upload("frame", pd.DataFrame({"n": [1, 2], "s": ["a", "b"]}))
        session.run('val twice = frame.selectExpr("n * 2 as n", "s")')
        assert session.download("twice").to_dict("records") == [{"n": 2, "s": "a"}, {"n": 4, "s": "b"}]


def test_a_sql_session_gives_data_frames(service, auth):
    with LivySession.create(service.url, auth, kind=SessionKind.SQL, echo=False, **SMALL) as session:
        assert session.download_sql("select 1 as n, 'x' as s").to_dict("records") == [{"n": 1, "s": "x"}]


def test_a_batch_runs_and_one_is_killed(service, auth, client):
    folder = service.home / "projects" / "weather" / "Resources"
    (folder / "job.py").write_text("import sys\nprint('given', sys.argv[1])\n")
    (folder / "endless.py").write_text("import time\ntime.sleep(600)\n")
    batch = LivyBatch.create(service.url, "Resources/job.py", auth, args=["7"], **SMALL)
    assert batch.wait() is SessionState.SUCCESS
    assert "given 7" in batch.log()
    assert batch.log(from_=0, size=1) == batch.log(from_=0)[:1]
    endless = LivyBatch.create(service.url, "Resources/endless.py", auth, name="endless", **SMALL)
    assert endless.batch_id in [one.batch_id for one in client.list_batches()]
    endless.kill()
    assert client.get_batch(endless.batch_id) is None
