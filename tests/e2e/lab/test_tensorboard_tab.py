from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

BOARD = {"id": "b1", "logdir": "Experiments/run_1", "url": "/hops/tensorboards/b1/", "started": 1_800_000_000}
PAGE = "<title>TensorBoard</title><h1>Scalars</h1>"


@pytest.fixture
def tensorboard(server_extension: Any) -> Any:
    server_extension.answers |= {
        "POST tensorboards": (201, BOARD),
        "GET tensorboards/b1/": (200, PAGE),
        "DELETE tensorboards/b1": (204, None),
    }
    return server_extension


def test_folder_opens_in_tensorboard_and_its_toolbar_stops_it(open_lab: Page, tensorboard: Any) -> None:
    listing = open_lab.locator(".jp-DirListing-content")
    listing.get_by_text("Experiments").dblclick()
    listing.get_by_text("run_1").click(button="right")
    open_lab.get_by_role("menuitem", name="Open in TensorBoard").click()
    frame = open_lab.frame_locator("iframe[title='TensorBoard over Experiments/run_1']")
    expect(frame.get_by_role("heading", name="Scalars")).to_be_visible()
    asked = [line for line in tensorboard.asked if line.startswith("POST tensorboards")]
    assert [json.loads(line.split(" ", 2)[2]) for line in asked] == [{"logdir": "Experiments/run_1"}]
    open_lab.get_by_role("button", name="End this TensorBoard").click()
    expect(open_lab.get_by_role("tab", name="TensorBoard: run_1")).to_have_count(0)
    assert "DELETE tensorboards/b1" in tensorboard.asked


def test_failed_start_tells_why_and_can_be_tried_again(open_lab: Page, tensorboard: Any) -> None:
    problem = {"title": "Full", "status": 409, "detail": "Eight TensorBoards run already.", "remedy": "Stop one."}
    tensorboard.answers["POST tensorboards"] = (409, problem)
    open_lab.locator(".jp-LauncherCard", has_text="TensorBoard").click()
    open_lab.get_by_role("dialog").get_by_role("button", name="Open").click()
    alert = open_lab.get_by_role("alert")
    expect(alert).to_contain_text("Eight TensorBoards run already.")
    tensorboard.answers["POST tensorboards"] = (201, BOARD)
    alert.get_by_role("button", name="Retry").click()
    frame = open_lab.frame_locator("iframe[title='TensorBoard over Experiments']")
    expect(frame.get_by_role("heading", name="Scalars")).to_be_visible()


def test_notebook_output_shows_progress_and_opens_tensorboard_on_a_click(
    open_lab: Page, lab: Any, tensorboard: Any
) -> None:
    write_notebook(lab.folder / "Jupyter" / "outputs.ipynb", created=time.time() - 3600)
    open_lab.locator(".jp-DirListing-content").get_by_text("Jupyter").dblclick()
    open_lab.locator(".jp-DirListing-content").get_by_text("outputs.ipynb").dblclick()
    bar = open_lab.get_by_role("progressbar", name="grid_search")
    expect(bar).to_have_attribute("aria-valuetext", "3 of 8 done, 2 running, 1 failed")
    assert not any(line.startswith("POST tensorboards") for line in tensorboard.asked)
    open_lab.get_by_role("button", name="Open TensorBoard: digits").click()
    frame = open_lab.frame_locator("iframe[title='TensorBoard over Experiments/run_1']")
    expect(frame.get_by_role("heading", name="Scalars")).to_be_visible()


def write_notebook(path: Path, *, created: float) -> None:
    def display(mime_type: str, data: dict[str, Any]) -> Any:
        return nbformat.v4.new_output("display_data", data={mime_type: data, "text/plain": "plain"})

    cell = nbformat.v4.new_code_cell(
        "experiment.grid_search(train, {'lr': [0.1, 0.01]})",
        outputs=[
            display(
                "application/vnd.hops.progress+json",
                {"label": "grid_search", "total": 8, "done": 3, "failed": 1, "running": 2},
            ),
            display(
                "application/vnd.hops.tensorboard+json",
                {"logdir": "Experiments/run_1", "title": "digits", "created": created},
            ),
        ],
    )
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), path)
