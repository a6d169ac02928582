from __future__ import annotations

import pytest
from playwright.sync_api import expect

from hops_contract.options import Allocation
from tests.e2e.axe import faults_of

pytestmark = pytest.mark.browser
FORM = "/hub/spawn/ada/weather"
PENDING = "/hub/spawn-pending/ada/weather"


def test_login_shows_the_reason_and_waits_for_the_password(visit):
    page = visit("/hub/login?username=ada&error=Too+many+failed+attempts.+Try+again+after+10:42+UTC.")
    expect(page.get_by_role("alert")).to_have_text("Too many failed attempts. Try again after 10:42 UTC.")
    expect(page.get_by_label("User name")).to_have_value("ada")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")


def test_the_form_shows_only_what_applies_and_sums_it_up(visit, platform):
    page = visit(FORM)
    expect(page.get_by_label("Number of executors")).to_be_visible()
    expect(page.get_by_label("At most (executors)")).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text("2 GiB of 16 GiB · 1 of 8 cores · 0 of 2 GPUs")
    page.get_by_label("Dynamic").check()
    expect(page.get_by_label("Number of executors")).to_be_hidden()
    page.get_by_label("At most (executors)").fill("20")
    expect(page.get_by_role("status")).to_have_text(
        "21 GiB of 16 GiB, too much · 20 of 8 cores, they take turns · 0 of 2 GPUs"
    )
    expect(page.get_by_label("GPU label")).to_be_hidden()
    page.get_by_label("GPUs per executor").press("ArrowUp")
    expect(page.get_by_label("GPU label")).to_be_visible()


def test_a_preset_fills_the_form_and_the_form_sends_it(visit, platform):
    page = visit(FORM)
    preset = page.get_by_role("button", name="Two executors")
    preset.click()
    expect(preset).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Start").click()
    page.wait_for_function("document.title === 'started'")
    assert platform.options.executors == 2


def test_the_form_works_without_a_script(visit, platform):
    page = visit(FORM, java_script_enabled=False)
    expect(page.get_by_role("button", name="Small")).to_be_hidden()
    page.get_by_label("Dynamic").check()
    page.get_by_label("At most (executors)").fill("3")
    page.get_by_label("Memory per executor", exact=True).fill("1.5")
    page.get_by_role("button", name="Start").click()
    page.wait_for_load_state()
    assert platform.options.allocation is Allocation.DYNAMIC
    assert platform.options.max_executors == 3
    assert platform.options.executor_memory_mib == 1536


def test_a_refused_form_keeps_what_was_typed_and_leads_to_the_first_fault(visit, platform):
    page = visit(FORM)
    page.get_by_label("Number of executors").fill("many")
    page.get_by_label("Memory of the driver", exact=True).fill("9999")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("2 fields can't be read.")
    executors = page.get_by_label("Number of executors")
    expect(executors).to_have_value("many")
    expect(executors).to_be_focused()
    expect(executors).to_have_accessible_description(
        "At most 8 in this project. Number of executors: 'many' is not a whole number."
    )
    expect(page.get_by_label("Memory of the driver", exact=True)).to_have_value("9999")


def test_a_start_shows_how_far_it_is(visit, platform):
    platform.events = [
        {"progress": 10, "message": "Checking your rights"},
        {"progress": 60, "message": "Starting <b>JupyterLab</b>"},
        {"progress": 61, "message": "never", "after_s": 60},
    ]
    page = visit(PENDING)
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "60")
    expect(page.get_by_role("status")).to_have_text("Starting <b>JupyterLab</b>")
    page.get_by_text("What happened so far").click()
    expect(page.get_by_role("listitem")).to_have_count(2)


def test_a_failed_start_gives_reason_log_and_the_way_on(visit, platform):
    html = (
        "<strong>There is no memory for it. Ask for less.</strong><img src=x onerror=alert(1)>"
        "<details><summary>Log of the server</summary><pre>Cannot allocate &lt;memory&gt;</pre></details>"
    )
    platform.events = [{"progress": 100, "failed": True, "message": "Spawn failed: x", "html_message": html}]
    page = visit(PENDING)
    expect(page.get_by_role("alert")).to_have_text("There is no memory for it. Ask for less.")
    options = page.get_by_role("link", name="Change the options")
    expect(options).to_be_focused()
    page.get_by_text("Show log").click()
    expect(page.locator("#failure-log pre")).to_have_text("Cannot allocate <memory>")
    options.click()
    page.wait_for_url(f"**{FORM}")


def test_a_start_can_be_stopped(visit, platform):
    platform.events = [{"progress": 10, "message": "Checking"}, {"progress": 11, "message": "x", "after_s": 60}]
    page = visit(PENDING)
    page.get_by_role("button", name="Stop starting").click()
    page.wait_for_url("**/services/hops/")
    assert platform.calls == [("DELETE", "hub/weather", "x")]


PAGES = ["/hub/login", FORM, PENDING, "/hub/error?reason=no", "/hub/not_running?failed=1"]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_in_light_and_dark(visit, path):
    page = visit(path)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert faults_of(page) == [], scheme


@pytest.mark.parametrize("path", PAGES)
def test_nothing_runs_off_the_side_of_a_small_screen(visit, platform, path):
    page = visit(path, viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
