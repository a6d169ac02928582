"""What a training function gave back, as outputs that can be stored and a metric that can be compared."""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NO_METRIC = "Your function needs to return a metric (number) which should be maximized or minimized"
MAX_TEXT = 100_000
METRIC = "metric"
"""Under which a returned number stands."""


class MetricError(ValueError):
    """The function returned no metric where one is needed."""


def outputs_of(returned: Any) -> dict[str, Any]:
    """The returned value as a dictionary that JSON can hold: a single value stands under ``metric``."""
    if returned is None:
        return {}
    if isinstance(returned, Mapping):
        return {str(key): plain(value) for key, value in returned.items()}
    return {METRIC: plain(returned)}


def metric_of(outputs: Mapping[str, Any], key: str | None, *, required: bool) -> float | None:
    """The number to compare trials by.

    Args:
        outputs: What :func:`outputs_of` made of the returned value.
        key: The output to take; ``metric`` by default.
        required: Whether its absence is an error.

    Raises:
        MetricError: There is none, and one is required, or what stands there is no number.
    """
    name = key or METRIC
    if name not in outputs:
        if not required:
            return None
        if not outputs:
            raise MetricError(f"{NO_METRIC}; it returned nothing.")
        raise MetricError(f"{NO_METRIC}; {name!r} is not among what it returned: {', '.join(map(repr, outputs))}.")
    value = outputs[name]
    number = _number(value)
    if number is None and required:
        raise MetricError(f"{NO_METRIC}; what it returned as {name!r} is not one.")
    return number


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: numbers of other libraries become Python's, everything unknown its text."""
    if isinstance(value, bool | int | str) or value is None:
        return value[:MAX_TEXT] if isinstance(value, str) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    single = _single(value)
    return str(value)[:MAX_TEXT] if single is None else plain(single)


def files_in(outputs: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """The outputs that name existing files: output → file. Relative names are seen from ``folder``."""
    found = {}
    for key, value in outputs.items():
        if isinstance(value, str) and value and "\n" not in value and len(value) < 4096:  # noqa: PLR2004
            path = folder / value
            try:
                if path.is_file():
                    found[key] = path
            except (OSError, ValueError):
                continue
    return found


def storage_error(error: OSError) -> str:
    """What to tell of a file that could not be written: the cause and the remedy, without the path."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return (
            "The disk is full, or the share of it that this project may use "
            f"({error.strerror or 'no space left'}). Delete what is no longer needed, or write less, and run it again."
        )
    reason = error.strerror or type(error).__name__
    return f"Files of the run could not be read or written ({reason}). Run it again once the files' place answers."


def _single(value: Any) -> Any:
    """The one number of a NumPy scalar, an array or a tensor with a single element; None for anything else."""
    numpy = getattr(value, "numpy", None)
    value = numpy() if callable(numpy) else value
    item = getattr(value, "item", None)
    if not callable(item):
        return None
    try:
        single = item()
    except (TypeError, ValueError):
        return None
    return single if isinstance(single, bool | int | float | str) else None


def _number(value: Any) -> float | None:
    """The number; texts count only as the names of infinities and of not-a-number, which JSON can't hold."""
    if isinstance(value, str):
        return float(value) if value in {"nan", "inf", "-inf"} else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
