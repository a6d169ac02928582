"""Time to interactive of JupyterLab and bytes over the wire, with and without the extension.

Two Labs run side by side, one with the extension and one without (the peer). A fresh browser profile with an empty
cache opens them in turn; from navigation until the launcher's cards are there and the main thread is free is the time
to interactive. Bytes are what the browser received; the extension's own are also given compressed, all its files
taken together, those included that are only loaded when needed.

Usage: python bench/lab.py [--runs 7]
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab_server import CHROMIUM, CHROMIUM_ARGUMENTS, EXTENSION, RunningLab, running_lab
from playwright.sync_api import Browser, sync_playwright

GOAL_RATIO = 1.05
GOAL_COMPRESSED_BYTES = 350_000
LEAST_RUNS = 5
READY_MS = 60_000
# Cards are there, the splash is gone and the main thread is free: the browser calls back when idle.
READY = """() => new Promise(resolve => {
  const look = () => document.querySelector('.jp-LauncherCard') && !document.querySelector('#jupyterlab-splash')
    ? requestIdleCallback(() => resolve(performance.now())) : requestAnimationFrame(look);
  look();
})"""


@dataclass(frozen=True)
class Visit:
    """One opening of Lab."""

    interactive_s: float
    received_bytes: int


def visit(browser: Browser, lab: RunningLab, name: str) -> Visit:
    """Opens ``lab`` with an empty cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        page = context.new_page()
        received: list[float] = []
        network = context.new_cdp_session(page)
        network.send("Network.enable")
        network.on("Network.loadingFinished", _adder(received))
        page.goto(lab.workspace(name), wait_until="commit", timeout=READY_MS)
        interactive_ms = page.evaluate(READY)
        return Visit(interactive_ms / 1000, int(sum(received)))
    finally:
        context.close()


def _adder(received: list[float]) -> Callable[[dict[str, Any]], None]:
    return lambda event: received.append(event["encodedDataLength"])


def compressed_bytes(folder: Path) -> int:
    """All scripts and styles of the extension, each compressed as a server would."""
    return sum(len(gzip.compress(path.read_bytes(), 6)) for path in sorted(folder.rglob("*")) if path.suffix == ".js")


def measure(runs: int) -> dict[str, Any]:
    """The result of ``runs`` visits of each Lab, taken in turn."""
    visits: dict[bool, list[Visit]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        homes = {which: Path(folder) / name for which, name in ((True, "with"), (False, "without"))}
        with (
            running_lab(homes[True], with_extension=True) as ours,
            running_lab(homes[False], with_extension=False) as stock,
        ):
            labs = {True: ours, False: stock}
            for which in (True, False):
                visit(browser, labs[which], "first")  # the server reads its files from disk for the first time
            for run in range(runs):
                for which in (True, False) if run % 2 else (False, True):
                    measured = visit(browser, labs[which], f"run-{run}")
                    visits[which].append(measured)
                    name = "with extension" if which else "without"
                    print(f"{name:>15}: {measured.interactive_s:.2f} s, {measured.received_bytes / 1000:.0f} kB")
        browser.close()
    value = statistics.median(one.interactive_s for one in visits[True])
    peer = statistics.median(one.interactive_s for one in visits[False])
    compressed = compressed_bytes(EXTENSION / "static")
    return {
        "bench": "lab",
        "value": round(value, 3),
        "unit": "s to interactive, median",
        "peer": round(peer, 3),
        "ratio": round(value / peer, 3),
        "extension_compressed_bytes": compressed,
        "received_bytes": int(statistics.median(one.received_bytes for one in visits[True])),
        "peer_received_bytes": int(statistics.median(one.received_bytes for one in visits[False])),
        "runs": runs,
        "goal": f"ratio <= {GOAL_RATIO} and extension <= {GOAL_COMPRESSED_BYTES} bytes compressed",
        "holds": value / peer <= GOAL_RATIO and compressed <= GOAL_COMPRESSED_BYTES,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    runs: int = parser.parse_args().runs
    if runs < LEAST_RUNS:
        parser.error(f"--runs is {runs}; a median needs at least {LEAST_RUNS}.")
    print(json.dumps(measure(runs)))


if __name__ == "__main__":
    main()
