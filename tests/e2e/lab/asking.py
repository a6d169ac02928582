"""What a page asks by itself."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page


def retry(problem: Locator) -> None:
    """Tries again what a panel could not read, unless the panel has done that by itself in this very moment.

    Args:
        problem: What the panel says, with the button; it is in view.
    """
    problem.get_by_role("button", name="Retry").evaluate_all("found => found.forEach(button => button.click())")


def when_quiet(page: Page, asked: Callable[[], int]) -> int:
    """How often something was asked, when what was under way has come: for a second nothing did, or at all events then.

    Args:
        page: Where time goes by.
        asked: Counts the requests so far.
    """
    before, count = -1, asked()
    for _ in range(30):
        if before == count:
            break
        page.wait_for_timeout(1_000)
        before, count = count, asked()
    return count
