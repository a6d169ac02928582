"""The extension imports nothing of the platform; what it has of its own must be the same as there."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hops import _shared
from hops_kernels.configuration import renamed_notebook, session_name
from jupyterlab_hops import own_role, problems, programs, server_folder, stored_files
from jupyterlab_hops.overview import HOLD_S, overview_item
from jupyterlab_hops.platform_client import REQUEST_TIMEOUT_S
from jupyterlab_hops.project import dataset_item, session_item

from hops_contract import problems as contract
from hops_contract import servers, shares
from hops_contract.keeper.limits import tell
from hops_contract.principal import Principal, PrincipalKind, ProjectRole
from hops_contract.storage import parse_storage
from hops_livy.conf import shape_of
from hops_livy.journal import Journal
from hops_livy.overview import Viewer, item
from hops_livy.routes.examples import OVERVIEW_ITEM
from hops_livy.session_states import SessionState
from hops_livy.sessions import Session
from hops_livy.settings import Limits
from hops_livy.wire import SessionRequest
from hops_platform.datasets.schemas import DatasetAnswer
from hops_platform.files import opening
from hops_platform.files import programs as files_programs
from hops_platform.sharing import standing
from hops_platform.users.schemas import Me, MyMembership

ADA = Principal(kind=PrincipalKind.PROJECT_USER, user="ada", project="weather", role=ProjectRole.DATA_OWNER)


@pytest.mark.parametrize("remedy", [None, "Ask a Data Owner."])
@pytest.mark.parametrize("violations", [None, [{"field": "logdir", "message": "It is no directory."}]])
def test_a_problem_is_the_same_here_and_in_the_contract(remedy, violations):
    error = problems.ProblemError(422, "invalid-request", "Invalid", "It can't be done.", remedy, violations)
    problem = contract.Problem.model_validate(error.body)
    assert problem.model_extra == {}
    assert problem.model_dump(mode="json") == error.body
    assert problem.type == f"{contract.TYPE_PREFIX}invalid-request"


def test_the_media_type_and_the_prefix_of_types_are_the_contracts():
    assert (problems.MEDIA_TYPE, problems.TYPE_PREFIX) == (contract.MEDIA_TYPE, contract.TYPE_PREFIX)


def test_the_files_of_a_notebook_servers_folder_have_the_contracts_names():
    assert server_folder.CONFIG_FILE == servers.CONFIG_FILE
    assert server_folder.TOKEN_FILE == servers.TOKEN_FILE
    assert server_folder.LISTENS_FILE == servers.LISTENS_FILE


DYNAMIC = {
    "spark.dynamicAllocation.enabled": "true",
    "spark.dynamicAllocation.minExecutors": "1",
    "spark.dynamicAllocation.maxExecutors": "4",
}


@pytest.mark.parametrize(
    ("conf", "executors"),
    [
        ({}, {"executors": 2, "min_executors": None, "max_executors": None}),
        (DYNAMIC, {"executors": 1, "min_executors": 1, "max_executors": 4}),
    ],
)
def test_what_the_session_service_answers_gives_lab_all_that_it_shows(tmp_path, conf, executors):
    request = SessionRequest(numExecutors=2, executorMemory="2g", conf=conf)
    shape = shape_of(request, conf)
    session = Session(
        id=3, owner=ADA, kind="pyspark", name="n", shape=shape, limits=Limits(), created=12.5, journal=Journal(tmp_path)
    )
    session.change(SessionState.IDLE)
    session.take_up("k-1", "Jupyter/days.ipynb")
    assert session_item(item(session, Viewer(principal=ADA, token="t", standing=None))) == {
        "id": 3, "kind": "pyspark", "name": "n", "kernel": "k-1", "notebook": "Jupyter/days.ipynb", "state": "idle",
        "reason": None, "created": 12.5, "idle_timeout_s": 0.0, "ends": None, "queue": None,
        "resources": {
            **executors, "executor_cores": 1, "executor_memory_mib": 2048, "driver_memory_mib": 1024,
            "gpus_per_executor": 0, "gpu_label": None,
        },
    }  # fmt: skip


def test_the_overviews_answer_gives_lab_all_that_it_shows(tmp_path):
    viewer = Viewer(principal=ADA, token="t", standing=None)
    session = Session(
        id=3, owner=ADA, kind="pyspark", name="n", shape=shape_of(SessionRequest(), {}), limits=Limits(),
        journal=Journal(tmp_path),
    )  # fmt: skip
    session.change(SessionState.IDLE)
    told = item(session, viewer)
    shown = overview_item(told)
    assert shown.keys() == told.keys() - {"owner", "project", "heard"} | {"gpus"}
    assert None not in (shown["resources"], shown["idle_since"], shown["gpus"])
    assert overview_item(json.loads(json.dumps(OVERVIEW_ITEM)))["last_statement"]["line"] == "days.count()"


def test_a_kernel_finds_the_path_that_the_extension_keeps_for_it(tmp_path):
    environment = {"HOPS_SERVER_FOLDER": str(tmp_path)}
    assert renamed_notebook(environment, "k-1") is None
    server_folder.ServerFolder(tmp_path, {}).keep_notebook("k-1", "Jupyter/täglich.ipynb")
    assert renamed_notebook(environment, "k-1") == "Jupyter/täglich.ipynb"
    assert renamed_notebook(environment, "k-2") is None
    assert renamed_notebook(environment, "") is None
    assert renamed_notebook({}, "k-1") is None
    server_folder.ServerFolder(tmp_path, {}).keep_notebook("k-1", "x" * 1001)
    assert renamed_notebook(environment, "k-1") is None


def test_why_a_limit_ended_something_is_read_where_the_keeper_writes_it(tmp_path):
    folder = server_folder.ServerFolder(tmp_path / "weather__ada", {})
    assert folder.why_limited({7}) is None
    file = servers.why_limited_file(folder.path)
    file.parent.mkdir()
    file.write_text("")
    assert folder.why_limited({7}) is None
    tell(str(file), "It had more.", [7, 12])
    assert folder.why_limited({7}) == folder.why_limited({1, 12}) == "It had more."
    for another in ({1}, {2}, {77}, set()):
        assert folder.why_limited(another) is None, "another kernel was not ended for it"
    tell(str(file), "It had more.")
    assert folder.why_limited({7}) is None
    file.write_text("It had more. " * 1000 + "\n7")
    assert folder.why_limited({7}) is None


def test_a_list_is_held_no_longer_than_a_request_may_last():
    assert HOLD_S < REQUEST_TIMEOUT_S


def test_a_session_tells_lab_the_kernel_that_started_it():
    kernel = "3f2b8c52-6d0e-4a3e-9d43-5b1f0f6f2c11"
    session = {"id": 3, "name": session_name(f"/run/kernel-{kernel}.json"), "state": "idle"}
    assert session_item(session)["kernel"] == kernel
    scala = session | {"name": session_name(f"/run/kernel-{kernel}.json", kind="spark")}
    assert session_item(scala)["kernel"] == kernel
    assert session_item(session | {"name": f"pyspark-{kernel}"})["kernel"] is None
    assert session_item(session | {"kernel": "taken-up"})["kernel"] == "taken-up"


def test_the_control_planes_datasets_give_lab_all_that_it_shows():
    answer = DatasetAnswer(
        name="Raw", description="As it came.", created_at=datetime(2026, 5, 4, tzinfo=UTC), standard=False, version=1
    )
    assert dataset_item(answer.model_dump(mode="json")) == {"name": "Raw", "description": "As it came."}


def test_other_projects_datasets_lie_where_the_server_and_the_library_look_for_them():
    assert (shares.NO_LONGER, shares.NEXT_START) == _shared._NOTES


def test_programs_and_logs_are_the_same_in_lab_and_at_the_control_plane():
    for name in ("PROGRAM_ENDINGS", "MOST_PROGRAM_BYTES", "LOG_ENDING"):
        assert getattr(programs, name) == getattr(files_programs, name), name


def test_what_lab_opens_from_the_storage_is_the_same_here_and_at_the_control_plane():
    assert stored_files.MOST_BYTES == opening.MOST_OPENED_BYTES
    assert (stored_files.SHARED, stored_files.MARK) == (shares.SHARED, standing.MARK)
    known = [name for address in ("hdfs://a:1", "s3://lake") for name in parse_storage(address).on_machine or ()]
    assert all(stored_files.parse_place(name) for name in known)


@pytest.mark.parametrize("role", list(ProjectRole))
def test_the_control_plane_tells_a_server_its_persons_role(role):
    me = Me(
        kind=PrincipalKind.PROJECT_USER, name="ada", title="Ada", admin=False, auditor=False,
        must_change_password=False, project="weather",
        memberships=[MyMembership(project="weather", title="Weather", role=role)],
    )  # fmt: skip
    assert own_role.role_in(me.model_dump(mode="json"), user="ada", project="weather") == role.value
    assert ProjectRole.DATA_OWNER.value == own_role.DATA_OWNER
