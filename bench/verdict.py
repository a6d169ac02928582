"""The last line of every benchmark: one JSON object with its figure beside the peer's, and whether the goal holds."""

from __future__ import annotations

import json
from typing import Any


def tell(
    *, bench: str, value: float | None, unit: str, peer: float | None, goal: object, holds: bool, **more: Any
) -> int:
    """Prints the line and returns the exit code: 0 only where the goal holds.

    Args:
        bench: The benchmark's name.
        value: Its figure; ``None`` where it could not be measured.
        unit: What ``value`` and ``peer`` are counted in.
        peer: The peer's figure of the same run.
        goal: What must be reached.
        holds: Whether it was.
        more: Figures beside it.
    """
    ratio = round(value / peer, 3) if value is not None and peer else None
    line = {
        "bench": bench, "value": _rounded(value), "unit": unit, "peer": _rounded(peer), "ratio": ratio, "goal": goal,
        "holds": holds, **more,
    }  # fmt: skip
    print(json.dumps(line), flush=True)
    return 0 if holds else 1


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 3)
