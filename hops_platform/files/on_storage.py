"""Which datasets Lab has at hand, and which it asks the control plane for."""

from __future__ import annotations

from collections.abc import Collection

from hops_platform.engines.places import Place
from hops_platform.errors import ConflictError


def check_on_storage(place: Place, on_machine: Collection[str] | None) -> None:
    """Checks that a dataset lies on the site's storage: what lies on the machine's disk is at hand there.

    Raises:
        ConflictError: It does not.
    """
    if on_machine is None or place.dataset in on_machine:
        raise ConflictError(
            f"{place.dataset!r} lies on the machine's disk, where notebooks and Lab have it at hand.",
            remedy="Open and save its files there.",
        )
