from __future__ import annotations

import pytest
from hops_kernels.configuration import (
    ServerFolderError,
    notebook_of,
    read_server_config,
    session_name,
    session_properties,
    sparkmagic_config,
)
from hops_kernels.remote_errors import explain_http_error, statement_error
from hops_kernels.statement_events import BrokenEventError, StatementEvent, parse_events

from hops_contract.options import Allocation, ServerOptions


@pytest.mark.parametrize(
    ("path", "notebook"),
    [
        ("/home/p/Jupyter/days.ipynb", "Jupyter/days.ipynb"),
        ("Jupyter/days.ipynb", "Jupyter/days.ipynb"),
        ("/home/p/Jupyter/../../q/days.ipynb", None),
        ("/home/p/Jupyter/Console 1", None),
        (f"/home/p/{'x' * 1000}.ipynb", None),
        ("", None),
    ],
)
def test_a_notebook_is_known_by_its_path_below_the_project_and_a_console_by_none(path, notebook):
    assert notebook_of({"JPY_SESSION_NAME": path}, "/home/p") == notebook


def test_a_kernel_and_its_notebook_are_told_with_the_request_for_a_session():
    server = {"livy_url": "http://127.0.0.1:9/", "options": ServerOptions().model_dump(mode="json")}
    told = sparkmagic_config(server, session_name="n", kernel="k", notebook="Jupyter/days.ipynb")
    asked = told["session_configs_defaults"]
    assert (asked["kernel"], asked["notebook"]) == ("k", "Jupyter/days.ipynb")


def test_fixed_options_become_the_whole_request():
    assert session_properties(ServerOptions(executors=3).model_dump(mode="json"), session_name="n") == {
        "name": "n", "driverMemory": "1024m", "executorMemory": "1024m", "executorCores": 1, "numExecutors": 3,
        "conf": {"spark.dynamicAllocation.enabled": "false"}, "ttl": "120m",
    }  # fmt: skip


def test_dynamic_options_with_gpus_become_the_whole_request():
    options = ServerOptions(
        allocation=Allocation.DYNAMIC, min_executors=0, max_executors=4, executor_cores=2, executor_memory_mib=2048,
        driver_memory_mib=4096, gpus_per_executor=1, gpu_label="a100", idle_timeout_minutes=0,
    )  # fmt: skip
    assert session_properties(options.model_dump(mode="json"), session_name="n") == {
        "name": "n", "driverMemory": "4096m", "executorMemory": "2048m", "executorCores": 2,
        "conf": {
            "spark.dynamicAllocation.enabled": "true", "spark.dynamicAllocation.minExecutors": "0",
            "spark.dynamicAllocation.maxExecutors": "4", "spark.executor.resource.gpu.amount": "1",
            "spark.hops.gpu.label": "a100",
        },
    }  # fmt: skip


def test_who_chose_not_to_wait_asks_so():
    options = ServerOptions(on_no_room="fail").model_dump(mode="json")
    assert session_properties(options, session_name="s")["onNoRoom"] == "fail"
    assert "onNoRoom" not in session_properties(ServerOptions().model_dump(mode="json"), session_name="s")


def test_sparkmagics_settings_are_these_and_no_others_and_hold_no_secret():
    server = {"livy_url": "http://127.0.0.1:9/services/livy/", "options": ServerOptions().model_dump(mode="json")}
    adapter = "hops_kernels.transport.PatientAdapter"
    service = {"username": "", "password": "", "url": "http://127.0.0.1:9/services/livy", "auth": "Hops_Token"}
    assert sparkmagic_config(server, session_name="n") == {
        "kernel_python_credentials": service,
        "kernel_scala_credentials": service,
        "authenticators": {"Hops_Token": "hops_kernels.token_file.TokenFileAuthenticator"},
        "session_configs": {},
        "session_configs_defaults": {
            "name": "n", "driverMemory": "1024m", "executorMemory": "1024m", "executorCores": 1, "numExecutors": 1,
            "conf": {"spark.dynamicAllocation.enabled": "false"}, "ttl": "120m",
        },
        "http_session_config": {
            "adapters": [{"prefix": "http://", "adapter": adapter}, {"prefix": "https://", "adapter": adapter}],
        },
        "all_errors_are_fatal": True,
        "wait_for_idle_timeout_seconds": 2_592_000,
        "livy_server_heartbeat_timeout_seconds": 900,
        "heartbeat_refresh_seconds": 30,
        "use_auto_viz": False,
        "coerce_dataframe": False,
        "logging_config": {
            "version": 1, "disable_existing_loggers": False, "handlers": {"nowhere": {"class": "logging.NullHandler"}},
            "loggers": {"magicsLogger": {"handlers": ["nowhere"], "level": "CRITICAL", "propagate": False}},
        },
    }  # fmt: skip


@pytest.mark.parametrize("content", ["", "[]", "{}", "{", "x" * 300_000])
def test_an_unusable_configuration_says_what_to_do(tmp_path, content):
    (tmp_path / "server.json").write_text(content)
    with pytest.raises(ServerFolderError, match="Stop the notebook server on the project's page"):
        read_server_config(tmp_path)


def test_events_are_read_with_comments_ids_and_several_data_lines():
    lines = [
        ": ping",
        "id: 7",
        'data: {"type": "stream",',
        'data: "content": {"text": "a"}}',
        "",
        "",
        'data: {"type": "done"}',
        "",
    ]
    assert list(parse_events(lines)) == [
        StatementEvent("stream", {"text": "a"}, "7"), StatementEvent("done", {}, "7"),
    ]  # fmt: skip


@pytest.mark.parametrize("data", ["nonsense", "[]", '{"type": 3}', '{"type": "stream", "content": [1]}'])
def test_an_event_that_is_no_message_is_refused(data):
    with pytest.raises(BrokenEventError):
        list(parse_events([f"data: {data}", ""]))


def test_a_refusal_is_said_in_the_services_own_words():
    message = (
        "Invalid status code '422' from http://x/sessions with error payload: "
        '{"title": "No", "detail": "Too much.", "remedy": "Ask for less.", '
        '"violations": [{"field": "a", "message": "b"}]}'
    )
    assert explain_http_error(message) == (422, "Too much. a: b Ask for less.")


def test_an_error_of_java_is_shown_by_its_short_name_with_its_own_lines():
    lines = ["java.lang.IllegalStateException: no\n", "  ... 32 elided\n"]
    error = statement_error(
        {
            "ename": "java.lang.IllegalStateException",
            "evalue": "java.lang.IllegalStateException: no",
            "traceback": lines,
        }
    )
    assert (type(error).__name__, str(error)) == ("IllegalStateException", "no")
    assert error._render_traceback_() == ["java.lang.IllegalStateException: no", "  ... 32 elided"]


@pytest.mark.parametrize("kind", ["pyspark", "spark"])
def test_a_sessions_name_tells_its_kind_and_its_kernel_and_is_never_the_same(kind):
    names = [session_name("/run/kernel-3f2b.json", kind=kind) for _ in range(2)]
    assert all(name.startswith(f"{kind}-3f2b-") for name in names)
    assert len(set(names)) == 2
