"""The demo's judgement: what it accepts as right, what it refuses, and how it reads a kernel and a page."""

import json

import httpx
import pytest

from hopslab.demo import checks
from hopslab.demo.kernel import CellResult, Collector
from hopslab.demo.logins import Login, given_login
from hopslab.demo.story import create_project, open_tensorboard, source_of, start_server, summary
from hopslab.demo.visitor import Visitor
from hopslab.errors import SiteError
from hopslab.settings import SiteSettings

RIGHT = {"best": 0.93, "parameters": {"dropout": 0.2}, "trials": 4, "logdir": "Experiments/application_1"}
FOUR_RUNS = [f"dropout={rate}/{kind}" for rate in (0.1, 0.2, 0.3, 0.4) for kind in ("train", "validation")]


def printed(text):
    return CellResult(outputs=[{"output_type": "stream", "name": "stdout", "text": text}])


def shown(**bundle):
    return CellResult(outputs=[{"output_type": "display_data", "data": bundle}])


def test_the_weather_files_rows_are_counted():
    assert checks.check_csv([printed("noise"), printed("1461 days\n|month|temp_max|")]) == checks.DAYS


@pytest.mark.parametrize("text", ["1460 days\n temp_max", "1461 days", ""])
def test_another_table_of_the_weather_is_refused(text):
    with pytest.raises(SiteError):
        checks.check_csv([printed(text)])


def test_the_sql_cell_has_to_show_its_table():
    table = shown(**{"text/html": "<th>precipitation_mm</th>"})
    assert checks.check_sql([("%%sql\nSELECT 1", table)]) > 0
    with pytest.raises(SiteError, match="showed no table"):
        checks.check_sql([("%%sql\nSELECT 1", printed("done"))])
    with pytest.raises(SiteError, match="no %%sql cell"):
        checks.check_sql([("1 + 1", table)])


def test_the_experiments_result_is_read_from_what_its_cell_printed():
    found = checks.check_experiment([printed("starting\n{not json}\n" + json.dumps(RIGHT))])
    assert found == checks.Experiment(0.93, {"dropout": 0.2}, 4, "Experiments/application_1")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"trials": 3}, "had 3 trials instead of 4"), ({"best": 0.11}, "learnt too little"), ({"best": None}, "No cell")],
)
def test_an_experiment_that_went_wrong_is_refused(wrong, reason):
    with pytest.raises(SiteError, match=reason):
        checks.check_experiment([printed(json.dumps(RIGHT | wrong))])


def test_a_cell_that_failed_is_named_with_its_reason():
    with pytest.raises(SiteError, match=r"Cell 3 .* ValueError: no such column"):
        checks.check_cell(3, CellResult(error="ValueError: no such column"))
    with pytest.raises(SiteError, match=r"Cell 1 .* NameError: x"):
        checks.check_cell(1, CellResult(outputs=[{"output_type": "error", "ename": "NameError", "evalue": "x"}]))
    checks.check_cell(1, printed("fine"))


def test_tensorboard_has_to_show_all_trials():
    assert len(checks.check_tensorboard(FOUR_RUNS)) == checks.TRIALS
    with pytest.raises(SiteError, match="shows 3 of 4"):
        checks.check_tensorboard(FOUR_RUNS[2:])


def test_the_tensorboard_that_the_notebook_shows_is_found():
    bundle = {checks.TENSORBOARD_MIME_TYPE: {"logdir": "Experiments/a"}}
    assert checks.tensorboard_logdir([printed(""), shown(**bundle)]) == "Experiments/a"
    with pytest.raises(SiteError, match="showed a TensorBoard"):
        checks.tensorboard_logdir([printed("")])


def message(kind, content, request="r1"):
    return {"msg_type": kind, "header": {}, "parent_header": {"msg_id": request}, "content": content}


def collected(*messages):
    collector = Collector("r1", CellResult())
    for each in messages:
        collector.take(each)
    return collector


def test_what_a_cell_prints_is_one_output_and_what_others_print_is_none():
    collector = collected(
        message("stream", {"name": "stdout", "text": "a"}),
        message("stream", {"name": "stdout", "text": "other"}, request="r2"),
        message("stream", {"name": "stdout", "text": "b"}),
    )
    assert collector._result.outputs == [{"output_type": "stream", "name": "stdout", "text": "ab"}]


def test_a_display_that_is_updated_shows_its_last_state():
    collector = collected(
        message("display_data", {"data": {"text/plain": "0 of 4"}, "transient": {"display_id": "p"}}),
        message("update_display_data", {"data": {"text/plain": "4 of 4"}, "transient": {"display_id": "p"}}),
        message("update_display_data", {"data": {"text/plain": "?"}, "transient": {"display_id": "unknown"}}),
    )
    assert collector._result.displayed("text/plain") == ["4 of 4"]


def test_a_cell_has_ended_when_it_was_answered_and_the_kernel_is_idle():
    reply, idle = message("execute_reply", {"status": "ok"}), message("status", {"execution_state": "idle"})
    assert not collected(reply).complete
    assert not collected(idle).complete
    assert collected(idle, reply).complete


def test_an_exception_is_kept_with_its_name():
    reply = message("execute_reply", {"status": "error", "ename": "ValueError", "evalue": "no"})
    assert collected(reply)._result.error == "ValueError: no"


def test_output_that_a_cell_cleared_is_gone():
    collector = collected(message("stream", {"name": "stdout", "text": "a"}), message("clear_output", {}))
    assert collector._result.outputs == []


@pytest.fixture
def visitor():
    """A visitor of a site whose answers a test gives: ``{"GET /path": (status, body)}``."""
    made = Visitor(SiteSettings())
    answers, seen = {}, []

    def answer(request):
        seen.append(request)
        status, body = answers[f"{request.method} {request.url.path}"]
        return httpx.Response(status, json=body) if not isinstance(body, str) else httpx.Response(status, html=body)

    made.close()
    made._client = httpx.Client(
        base_url=SiteSettings().url, transport=httpx.MockTransport(answer), follow_redirects=True
    )
    made.answers, made.seen = answers, seen
    yield made
    made.close()


def test_a_refusal_is_told_in_the_pages_own_words(visitor):
    visitor.answers["POST /services/hops/api/v1/projects"] = (
        422, {"detail": "The project can't be made.", "violations": [{"message": "The name is taken."}]},
    )  # fmt: skip
    with pytest.raises(SiteError, match=r"The project can't be made\. The name is taken\."):
        visitor.call("POST", "projects", {"name": "x"})


def test_a_wrong_password_is_told_in_the_forms_words(visitor):
    visitor.answers["GET /hub/login"] = (200, "<form>")
    visitor.answers["POST /hub/login"] = (
        403,
        '<div class="hops-problem"><strong>Invalid username\n or password</strong></div>',
    )
    with pytest.raises(SiteError, match="refused ada: Invalid username or password"):
        visitor.log_in("ada", "wrong")


def test_changing_calls_carry_the_pages_token_and_creations_a_key(visitor):
    visitor.answers["GET /services/hops/"] = (200, '<meta name="hops-csrf" content="a&amp;b">')
    visitor.answers["POST /services/hops/api/v1/projects"] = (201, {})
    visitor.open_projects()
    visitor.call("POST", "projects", {})
    sent = visitor.seen[-1].headers
    assert sent["X-Hops-CSRF"] == "a&b"
    assert len(sent["Idempotency-Key"]) == 32


def test_of_two_cookies_the_one_for_the_deeper_path_is_sent(visitor):
    visitor._client.cookies.set("_xsrf", "hub", domain="127.0.0.1", path="/hub/")
    visitor._client.cookies.set("_xsrf", "deep", domain="127.0.0.1", path="/hub/spawn/")
    assert visitor.cookie("_xsrf", "/hub/spawn/ada/p") == "deep"
    assert visitor.cookie("_xsrf", "/hub/") == "hub"
    assert visitor.cookie("_xsrf", "/user/") == ""


def test_a_server_that_fails_ends_the_walk_with_its_reason(visitor):
    visitor.user = "ada"
    visitor.answers["GET /hub/spawn/ada/p"] = (200, "<form>")
    visitor.answers["POST /hub/spawn/ada/p"] = (200, "")
    visitor.answers["GET /services/hops/api/v1/projects/p/server"] = (
        200, {"state": "stopped", "reason": "There is no memory left."},
    )  # fmt: skip
    with pytest.raises(SiteError, match="There is no memory left"):
        start_server(visitor, "p", "user/ada/p/")
    assert b"executors=2" in visitor.seen[1].content


def test_an_environment_that_can_not_be_made_ends_the_walk(visitor):
    visitor.answers["GET /services/hops/"] = (200, '<meta name="hops-csrf" content="t">')
    visitor.answers["POST /services/hops/api/v1/projects"] = (201, {})
    visitor.answers["GET /services/hops/api/v1/projects/p"] = (
        200, {"environment": {"state": "failed", "error": "The disk is full."}},
    )  # fmt: skip
    with pytest.raises(SiteError, match="The disk is full"):
        create_project(visitor, "p")


def test_tensorboard_is_asked_until_it_shows_all_runs(visitor, monkeypatch):
    monkeypatch.setattr("hopslab.demo.story.POLL_S", 0)
    rounds = iter([FOUR_RUNS[:2], FOUR_RUNS])
    visitor.get = lambda path: (
        httpx.Response(200, json=next(rounds))
        if path.endswith("data/runs")
        else httpx.Response(200, request=httpx.Request("GET", "http://site/user/ada/p/hops/tensorboards/1/"))
    )
    assert len(open_tensorboard(visitor, "user/ada/p/", "Experiments/a")) == checks.TRIALS


def test_a_password_comes_from_a_file_or_a_variable_and_is_never_printed(tmp_path, monkeypatch):
    monkeypatch.setenv("HOPS_PASSWORD", "from the variable")
    file = tmp_path / "password"
    file.write_text("from the file\nsecond line\n")
    assert given_login("ada", file) == Login("ada", "from the file")
    assert given_login("ada", None).password == "from the variable"
    assert "variable" not in repr(given_login("ada", None))
    monkeypatch.delenv("HOPS_PASSWORD")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(SiteError, match="No password"):
        given_login("ada", None)
    with pytest.raises(SiteError, match="can't be read"):
        given_login("ada", tmp_path / "absent")


@pytest.mark.parametrize("source", ["a = 1\nb = 2", ["a = 1\n", "b = 2"]])
def test_a_cells_text_is_read_in_both_forms(source):
    assert source_of({"source": source}) == "a = 1\nb = 2"


def test_the_summary_names_the_best_run_and_where_things_lie():
    text = summary({"trials": 4, "best_accuracy": 0.931, "best_parameters": {"dropout": 0.2}, "paths": {"a": "/P/x"}})
    assert "4 runs, best accuracy 0.931" in text
    assert "/P/x" in text
