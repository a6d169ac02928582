"""``python -P …/hops_session/__main__.py LAUNCH``: runs one session or batch.

``LAUNCH`` is a file that says what to run.

The Java machine is started before anything else is imported: it needs longest, and Python's imports run beside it.
"""

import importlib
import json
import sys
from pathlib import Path


def main() -> None:
    """Starts what the launch file asks for."""
    launch = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # This folder holds one package with an unmistakable name; users' modules are found before it.
    sys.path.append(str(Path(__file__).resolve().parent.parent))
    importlib.import_module("hops_session.first_process").stand_before(launch)
    importlib.import_module("hops_session.desertion").watch(launch)
    jvm = importlib.import_module("hops_session.jvm").start_jvm(launch)
    importlib.import_module(f"hops_session.{launch['role']}").run(launch, jvm)


main()
