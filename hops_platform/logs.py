"""Logs as JSON, one object a line; what could hold a secret is never given to them."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any


class JsonFormatter(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (duration := getattr(record, "duration_ms", None)) is not None:
            entry["duration_ms"] = duration
        for name in ("request_id", "audit"):
            if (more := getattr(record, name, None)) is not None:
                entry[name] = more
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def set_up_logs(level: int) -> None:
    """Sends all logs of this process to its standard error as JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Its line for each request would hold the addresses of the Hub's calls.
    logging.getLogger("httpx").setLevel(logging.WARNING)
