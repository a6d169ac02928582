from __future__ import annotations

import pytest

from hops_contract.problems import TYPE_PREFIX, Problem
from hops_spawner.refusals import StartRefusedError, failed_start, seen_by_user


def problem(kind: str, status: int, detail: str) -> Problem:
    return Problem(type=TYPE_PREFIX + kind, title="X", status=status, detail=detail, remedy="Do this.")


def test_a_project_of_others_looks_like_none_at_all() -> None:
    forbidden = problem("forbidden", 403, "'grace' is not a member of 'weather'.")
    absent = problem("not-found", 404, "There is no project 'weather'.")
    assert seen_by_user(forbidden, "weather") == seen_by_user(absent, "weather")
    assert seen_by_user(absent, "weather").status == 404


@pytest.mark.parametrize(("kind", "status"), [("invalid-request", 422), ("password-change-needed", 403), ("x", 409)])
def test_what_a_member_is_told_is_passed_on(kind: str, status: int) -> None:
    told = problem(kind, status, "It is so.")
    assert seen_by_user(told, "weather") is told


def test_what_comes_from_people_is_text_on_the_page_and_in_the_log() -> None:
    refused = StartRefusedError(problem("x", 422, "<b>100% & more</b>"), log_tail="<script>alert(1)</script>")
    assert refused.status_code == 422
    assert refused.jupyterhub_html_message == (
        "<strong>&lt;b&gt;100% &amp; more&lt;/b&gt;</strong><span>Do this.</span>"
        '<details class="hops-log"><summary>Log of the server</summary>'
        "<pre>&lt;script&gt;alert(1)&lt;/script&gt;</pre></details>"
    )
    assert refused.jupyterhub_message.startswith("<b>100% & more</b> Do this.")
    assert refused.get_message() % () == "<b>100% & more</b> Do this."  # formatted so by whoever logs it


def test_a_failed_start_is_a_problem_of_its_own_kind() -> None:
    failed = failed_start("It ended.", "Try again.", log_tail="Traceback", status=504)
    assert (failed.problem.type, failed.problem.status) == (f"{TYPE_PREFIX}server-start-failed", 504)
    assert failed.jupyterhub_message == "It ended. Try again.\n\nLog of the server:\nTraceback"
