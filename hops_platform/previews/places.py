"""How many previews are read at the same moment: each has a process, with the memory that a process may use."""

from __future__ import annotations

from hops_platform.places import Places

AT_ONCE = 4
OF_ONE_PERSON = 2


def places_of_previews() -> Places:
    """The places."""
    return Places(
        at_once=AT_ONCE,
        of_one=OF_ONE_PERSON,
        calls="previews",
        pages="Wait until one of them is shown",
        crowded="Too many files are being looked at at this moment.",
    )
