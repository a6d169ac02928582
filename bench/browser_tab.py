"""A notebook in a Chromium of its own, which can be killed as browsers are."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from lab_server import CHROMIUM, CHROMIUM_ARGUMENTS
from playwright.sync_api import Page, sync_playwright
from stage import JUPYTER_TOKEN

START_S = 60.0
PATIENCE_MS = 120_000


def write_notebook(path: Path, code: str) -> None:
    """A notebook of one cell for the PySpark kernel."""
    cell = {"cell_type": "code", "id": "work", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
    kernel = {"name": "pyspark", "display_name": "PySpark", "language": "python"}
    path.write_text(
        json.dumps({"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})
    )


class BrowserTab:
    """Chromium with a notebook open in Lab; what is left of it ends with the block.

    Args:
        url: Address of the notebook server.
        notebook: Path of the notebook below its root.
    """

    def __init__(self, url: str, notebook: str) -> None:
        self._address = f"{url}/lab/tree/{notebook}?token={JUPYTER_TOKEN}&reset"
        self._page: Page

    def __enter__(self) -> Self:
        self._profile = tempfile.mkdtemp(prefix="tab-")
        self._process = subprocess.Popen(
            [
                CHROMIUM, *CHROMIUM_ARGUMENTS, "--headless", "--remote-debugging-port=0",
                f"--user-data-dir={self._profile}", "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._playwright = sync_playwright().start()
        browser = self._playwright.chromium.connect_over_cdp(self._debugging_address())
        self._page = browser.contexts[0].new_page()
        self._page.set_default_timeout(PATIENCE_MS)
        self._page.goto(self._address)
        self._page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._playwright.stop()
        shutil.rmtree(self._profile, ignore_errors=True)

    def run_cell(self) -> None:
        """Runs the first cell once the kernel is there."""
        # What is run before there is a kernel, Lab passes over in silence; its own circle looks idle all along.
        self._page.locator("#jp-main-statusbar").get_by_text("PySpark | Idle").wait_for()
        self._page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
        self._page.keyboard.press("Control+Enter")

    def wait_for_text(self, text: str) -> str:
        """What the cell has written, once ``text`` is there."""
        output = self._page.locator(".jp-Notebook .jp-CodeCell .jp-OutputArea").first
        output.get_by_text(text).wait_for()
        return output.inner_text()

    def kill(self) -> None:
        """SIGKILL for all of the browser's processes."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _debugging_address(self) -> str:
        file = Path(self._profile) / "DevToolsActivePort"
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if file.exists() and (lines := file.read_text().split()):
                return f"http://127.0.0.1:{lines[0]}"
            time.sleep(0.1)
        raise RuntimeError("Chromium did not start.")
