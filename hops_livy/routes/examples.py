"""What the operations answer, in examples, for the description of the API (``openapi.json``)."""

from __future__ import annotations

from typing import Any

from hops_contract.problems import MEDIA_TYPE
from hops_livy.errors import ConflictError

INFO = {"driverLogUrl": None, "sparkUiUrl": None, "reason": None}
_READY = {**INFO, "sparkUiUrl": "/user/ada/weather/hops/session/3/ui/"}
BATCH = {
    "id": 7, "name": None, "appId": "local-1795400000000", "owner": "weather__ada", "proxyUser": "weather__ada",
    "state": "running", "appInfo": INFO, "log": ["read 1461 days"],
}  # fmt: skip
SESSION = {**BATCH, "id": 3, "state": "idle", "log": [], "kind": "pyspark", "appInfo": _READY}
WAITS = (
    "Waits for 2 GPUs: 2nd of 5 in the queue. In use: 2 GPUs by weather__ben (session 12), 2 GPUs by other projects. "
    "Before it: 1 of other projects."
)
BUNDLE = {"text/plain": "1461"}
HAPPENING: dict[str, object] = {
    "number": 12, "at": 1795400850.123, "is": "ended", "session": 3, "since": 1795400000.5, "project": "weather",
    "owner": "ada",
    "by": {"user": "grace", "kind": "user"}, "source": "192.0.2.7", "reason": "It was stopped by Data Owner grace.",
    "details": {"state": "killed", "lived_s": 850},
}  # fmt: skip
STATEMENT = {
    "id": 0, "code": "days.count()", "state": "available", "progress": 1.0,
    "output": {"status": "ok", "execution_count": 0, "data": BUNDLE},
    "started": 1795400000000, "completed": 1795400000850, "cell": 4, "cell_id": "6a1f0c52", "seen": True,
}  # fmt: skip
QUEUE: dict[str, object] = {
    "position": 2, "length": 5, "waitsFor": "2 GPUs",
    "heldBy": [
        {"who": "weather__ben", "session": 12, "memoryMib": 0, "gpus": 2},
        {"who": "other projects", "session": None, "memoryMib": 0, "gpus": 2},
    ],
}  # fmt: skip
SUMMARY: dict[str, object] = {
    "id": 3, "name": None, "kind": "pyspark", "state": "starting", "reason": WAITS, "queue": QUEUE,
    "kernel": "3f2b8c52-6d0e-4a3e-9d43-5b1f0f6f2c11", "notebook": "Jupyter/days.ipynb", "app_id": None,
    "created": 1795400000.0, "idle_timeout_s": 7200.0, "ends": None, "statements": 0,
    "resources": {
        "dynamic": False, "executors": 2, "min_executors": None, "max_executors": None, "executor_cores": 1,
        "executor_memory_mib": 1024, "driver_memory_mib": 1024, "gpus_per_executor": 0, "gpu_label": None, "gpus": [],
    },
}  # fmt: skip
COMPLETION = {
    "candidates": ["range"], "matches": ["range"], "cursor_start": 6, "cursor_end": 9,
    "metadata": {"_jupyter_types_experimental": [
        {"start": 6, "end": 9, "text": "range", "type": "function", "signature": "(start, end, step, numPartitions)"},
    ]},
}  # fmt: skip
INSPECTION = {
    "found": True, "data": {"text/plain": "Signature: spark.range(start: int, end: Optional[int] = None, …)"},
    "metadata": {},
}  # fmt: skip
OVERVIEW_ITEM: dict[str, object] = {
    "id": 3, "name": None, "owner": "weather__ada", "project": "weather", "user": "ada", "own": True,
    "kind": "pyspark", "state": "idle", "reason": None, "kernel": "3f2b8c52-6d0e-4a3e-9d43-5b1f0f6f2c11",
    "notebook": "Jupyter/days.ipynb", "app_id": "local-1795400000000", "created": 1795400000.0,
    "idle_since": 1795400120.5, "idle_timeout_s": 7200.0, "ends": 1795407320.5, "heard": 1795400150.2, "statements": 1,
    "waiting": 0,
    "last_statement": {
        "id": 0, "state": "available", "status": "ok", "started": 1795400100.0, "completed": 1795400120.5,
        "line": "days.count()",
    },
    "queue": None, "resources": SUMMARY["resources"], "spark_ui": "/user/ada/weather/hops/session/3/ui/",
}  # fmt: skip
OVERVIEW: dict[str, object] = {
    "scope": "own", "items": [OVERVIEW_ITEM], "next": None, "total": 1, "idle": 1, "version": "9a3f0c5b7d2e8146",
    "kept_ready": None,
}  # fmt: skip
LOG = {"id": 3, "from": 0, "total": 1, "log": ["read 1461 days"]}
EVENTS = (
    'id: 0\ndata: {"type": "stream", "content": {"name": "stdout", "text": "one\\n"}}\n\n'
    'data: {"type": "progress", "content": {"active": true, "name": "count at line 1", "stage": 3, "stages": 5, '
    '"stage_done": 17, "stage_tasks": 200, "tasks_done": 57, "tasks": 240, "tasks_running": 4, "tasks_failed": 0}}\n\n'
)
_REFUSED = ConflictError(
    "4 GPUs were asked for; 0 of 4 are free now. In use: 4 by weather__ada.", remedy="Wait, or ask for less."
)
PROBLEM: dict[int | str, dict[str, Any]] = {
    status: {"description": "A problem, in words.", "content": {MEDIA_TYPE: {"example": _REFUSED.body()}}}
    for status in ("default", 422)  # 422 only so that the framework's own shape, which is never sent, is not described
}


def gives(example: object, status: int = 200, media_type: str = "application/json") -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of an operation that answers with ``example``."""
    return {status: {"content": {media_type: {"example": example}}}}
