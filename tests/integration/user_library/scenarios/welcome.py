"""Runs the code cells of a project's welcome notebook in order, on two executors."""

# ruff: noqa: T201, S102  # a scenario prints what it found; the cells are the notebook's own

from __future__ import annotations

import json

import session
from hops import experiment

spark = session.start("local-cluster[2,1,1024]", spark_executor_memory="1024m")
notebook = json.loads((session.PROJECT / "Jupyter/Welcome.ipynb").read_text())
cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
names = {"spark": spark, "__name__": "__main__"}
rows = 0
for number, cell in enumerate(cells, 1):
    if cell.startswith("%%sql"):
        rows = spark.sql(cell.partition("\n")[2]).count()
        continue
    code = "\n".join(line for line in cell.splitlines() if not line.startswith("%"))
    exec(compile(code, f"cell {number}", "exec"), names)
result = names["result"]
print(
    json.dumps(
        {
            "rows": rows,
            "trials": [[trial.state, trial.metric, trial.host, trial.seconds] for trial in result.trials],
            "best": names["best_outputs"]["accuracy"],
            "events": len(list(session.PROJECT.glob("Experiments/*/*/**/events.out.tfevents*"))),
            "is_search": isinstance(result, experiment.SearchResult),
        }
    )
)
