"""Runs the recipes of the documentation, one after another, as a notebook would."""

# ruff: noqa: T201, S102  # a scenario prints what it found; the blocks are the documentation's own

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import session

page = Path(os.environ["DOCUMENTATION_PAGE"]).read_text()
blocks = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
notebook = {"spark": session.start("local[2]"), "__name__": "__main__"}
for number, block in enumerate(blocks, 1):
    exec(compile(block, f"recipe {number}", "exec"), notebook)
print(
    json.dumps(
        {
            "blocks": len(blocks),
            "states": [trial.state for trial in notebook["result"].trials],
            "weights": len(notebook["weights"]),
            "best": notebook["best"],
        }
    )
)
