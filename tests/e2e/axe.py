"""What a screen reader's users meet: axe, run in the page that a test looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

_AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"


def faults_of(page: Page, part: str = "html") -> list[Any]:
    """What axe finds; the page's own policy lets no script be put in, so that it is run by the browser's debugger.

    Args:
        page: The page.
        part: Selector of the part of it that is looked at.
    """
    page.evaluate(_AXE.read_text())
    found = page.evaluate("async part => (await axe.run(part)).violations", part)
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]
