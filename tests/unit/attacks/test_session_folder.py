"""What lies in a session's folder can be written by its code; the service works on it with its own rights."""

import asyncio
import json

import pytest

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.builtin.driver import BuiltinDriver
from hops_livy.builtin.folder import SessionFolder
from hops_livy.engines.drivers import DriverRequest, Shape


@pytest.fixture
def session(tmp_path):
    spark = tmp_path / "pyspark"
    spark.mkdir()
    folder = SessionFolder(tmp_path / "run" / "sessions" / "7")
    folder.make(spark=spark)
    return folder


def test_the_end_of_a_session_deletes_no_folder_that_its_code_names(tmp_path, session):
    blue = tmp_path / "projects" / "blue"
    blue.mkdir(parents=True)
    (blue / "secret.csv").write_text("1")
    session.connection.write_text(json.dumps({"ip": str(blue / "k")}))  # what a cell writes
    session.wipe()
    assert (blue / "secret.csv").exists()


def test_the_log_of_a_session_is_not_whatever_its_code_links_there(tmp_path, session):
    secret = tmp_path / "signing-key.pem"
    secret.write_text("the platform's own key")
    session.log.symlink_to(secret)

    async def read():
        owner = Principal(
            kind=PrincipalKind.PROJECT_USER, user="mallory", project="red", role=ProjectRole.DATA_SCIENTIST
        )
        request = DriverRequest(session_id=7, owner=owner, token="t", name="", shape=Shape(), conf={})
        return BuiltinDriver(request, session, application="a", start_s=60, on_gone=lambda: None).log()

    assert "the platform's own key" not in asyncio.run(read())
