"""Amounts as people read them, the same in the form, on the pages and in every message."""

from __future__ import annotations

_MIB_PER_GIB = 1024
_QUARTER = _MIB_PER_GIB // 4


def memory_text(mib: int) -> str:
    """Memory that was asked for or granted: ``1.5 GiB``; to the mebibyte where it is no quarter of a gibibyte."""
    if mib < _MIB_PER_GIB or mib % _QUARTER:
        return f"{mib} MiB"
    return f"{mib / _MIB_PER_GIB:g} GiB"


def measured_memory_text(mib: int) -> str:
    """Memory that was measured: ``512 MiB``, from 1 GiB on to a tenth of it."""
    return f"{mib} MiB" if mib < _MIB_PER_GIB else f"{mib / _MIB_PER_GIB:.1f}".removesuffix(".0") + " GiB"
