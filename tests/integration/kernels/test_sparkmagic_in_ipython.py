"""sparkmagic's magics and widgets in a plain IPython kernel, unmodified, with the platform's authenticator."""

from __future__ import annotations

import pytest

from .conftest import kernel_running, make_server_folder

pytestmark = pytest.mark.spark

SET_UP = """
import sparkmagic.utils.configuration as conf
AUTHENTICATOR = "hops_kernels.token_file.TokenFileAuthenticator"
conf.override_all({
    "authenticators": {"Hops_Token": AUTHENTICATOR},
    "session_configs": {"driverMemory": "512m", "executorMemory": "512m"},
    "kernel_python_credentials": {}, "kernel_scala_credentials": {}, "kernel_r_credentials": {},
    "use_auto_viz": False,
})
%load_ext sparkmagic.magics
"""
DELETE = """
def buttons(widget):
    found = [widget] if getattr(widget, "description", None) == "Delete" else []
    return found + [button for child in getattr(widget, "children", ()) for button in buttons(child)]

(button,) = buttons(widget.manage_session)
button.click()
"""


@pytest.fixture(scope="module")
def ipython(service, project_python, tmp_path_factory):
    """Runs cells, each of which must succeed, and gives what they print."""
    folder = make_server_folder(tmp_path_factory.mktemp("server") / "folder", service.url, service.plane.token())
    with kernel_running(
        project_python, folder, tmp_path_factory.mktemp("home"), module="ipykernel_launcher"
    ) as running:

        def run(code):
            cell = running.run(code, timeout=240)
            assert cell.reply["status"] == "ok", cell.messages
            return cell

        run(SET_UP)
        yield run


@pytest.fixture
def sessions(service):
    """Name-less view of what the service has."""

    def listed():
        with service.client() as client:
            return [(one["kind"], one["state"]) for one in client.get("/sessions").json()["sessions"]]

    return listed


def shown(cell):
    return cell.stdout + cell.stderr + str([content["data"] for content in cell.of("display_data")])


@pytest.mark.parametrize(
    ("language", "kind", "result"), [("python", "pyspark", "2"), ("scala", "spark", "val res1: Int = 2")]
)
def test_a_session_is_added_used_looked_at_and_deleted(service, ipython, sessions, *, language, kind, result):
    access = f"-u {service.url} -t Hops_Token"
    ipython(f"%spark add -s one -l {language} {access}")
    assert sessions() == [(kind, "idle")]
    assert result in shown(ipython("%%spark -s one\n1 + 1"))
    ipython("%%spark -s one -c sql -o rows -q\nSELECT 7 AS n, 'x' AS s")
    assert ipython("print(rows.to_dict('records'))").stdout == "[{'n': 7, 's': 'x'}]\n"
    assert "one" in ipython("%spark info").stdout
    ipython("%spark logs -s one")
    ipython(f"%spark add -s one -l {language} {access} -k")
    assert len(sessions()) == 1
    ipython("%spark delete -s one")
    assert sessions() == []


def test_an_error_of_the_session_is_shown(service, ipython, sessions):
    ipython(f"%spark add -s bad -l python -u {service.url} -t Hops_Token")
    assert "ZeroDivisionError: division by zero" in shown(ipython("%%spark -s bad\n1 / 0"))
    ipython("%spark cleanup")
    assert sessions() == []


def test_the_widgets_add_an_endpoint_and_create_and_delete_a_session(service, ipython, sessions):
    ipython("widget = get_ipython().run_line_magic('manage_spark', '')")
    ipython("widget.add_endpoint.auth_type.value = AUTHENTICATOR\nwidget.add_endpoint.run()")
    assert ipython("print(list(widget.endpoints))").stdout == f"['{service.url}']\n"
    ipython(
        "widget.create_session.session_widget.value = 'made-here'\n"
        "widget.create_session.lang_widget.value = 'python'\nwidget.create_session.run()"
    )
    assert sessions() == [("pyspark", "idle")]
    ipython(DELETE)
    assert sessions() == []
