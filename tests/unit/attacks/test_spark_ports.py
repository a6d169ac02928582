"""From a cell of project red: the ports of blue's Spark. Whoever can name a port is not thereby part of the session.

Without proof the page of a worker gives blue's output, and a worker that red starts itself is taken by blue's master
and told to run blue's executor, with its tasks and data.
"""

from pathlib import Path

import pytest

from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_livy.builtin.folder import SessionFolder
from hops_livy.builtin.launch import Place, spark_properties
from hops_livy.engines.drivers import DriverRequest, Shape
from hops_livy.java import Java


def properties(session_id, **shape):
    place = Place(
        folder=SessionFolder(Path(f"/home/run/sessions/{session_id}")), project_folder=Path("/home/projects/blue"),
        own_home=Path("/home/homes/blue__bob"),
        python=Path("/home/environments/projects/blue/bin/python"), spark=Path("/base/pyspark"),
        java=Java(home=Path("/java"), version="17", modules=frozenset()), java_home=Path("/java"), archive=None,
        scala_version="2.13", service_alive=Path("/home/run/session-service/alive"), deserted_s=600.0,
    )  # fmt: skip
    bob = Principal(kind=PrincipalKind.PROJECT_USER, user="bob", project="blue", role=ProjectRole.DATA_OWNER)
    request = DriverRequest(
        session_id=session_id,
        application="application_1_0007",
        kept_outputs=Path("/kept"),
        owner=bob,
        token="t",
        name="bob's",
        shape=Shape(**shape),
        conf={},
    )
    return spark_properties(request, place, None)


@pytest.mark.parametrize("executors", [1, 2])
def test_nobody_joins_a_session_without_its_secret(executors):
    first, second = (properties(number, executors=executors) for number in (1, 2))
    assert first.get("spark.authenticate") == "true"
    assert len(first.get("spark.authenticate.secret", "")) >= 32
    assert first["spark.authenticate.secret"] != second["spark.authenticate.secret"]


def test_what_travels_over_the_ports_is_not_read_by_others():
    assert properties(1, executors=2).get("spark.network.crypto.enabled") == "true"


def test_the_pages_of_master_and_workers_are_not_for_everybody():
    # LocalSparkCluster always starts them. ACLs alone refuse nobody who gives no name; a filter does.
    assert properties(1, executors=2).get("spark.ui.filters")
