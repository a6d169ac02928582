"""Scripts of the documentation's pages, as the pages have them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def script_of(page: str) -> str:
    """The script of a page that says of it which test runs it.

    Args:
        page: Its path below ``docs/``.
    """
    found = re.search(r"<!-- run by .*? -->\n```sh\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def said_by(script: str, folder: Path, **variables: str) -> str:
    """What a script writes that is run in ``folder`` with nothing but ``variables``, and ends at its first failure."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "no_proxy": "*", **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
