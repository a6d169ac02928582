import pytest

from .conftest import run, start_session

pytestmark = pytest.mark.spark


def test_a_count_comes_back_over_plain_http(client):
    session_id = start_session(client)
    statement = run(client, session_id, "spark.range(10**6).count()")
    assert statement["output"]["data"]["text/plain"] == "1000000"
    assert client.delete(f"/sessions/{session_id}").json() == {"msg": "deleted"}
