"""How many calls to the session service are under way at the same moment.

Each takes one of the 40 threads that serve all requests, and while it does the session service asks this service who
the caller is, which takes another. Were all threads taken by such calls, none would be left to answer that.
"""

from __future__ import annotations

from hops_platform.places import Places

AT_ONCE = 16
"""With a question back for each, fewer than there are threads."""
OF_ONE_PERSON = 4


def places_of_calls() -> Places:
    """The places of calls to the session service."""
    return Places(
        at_once=AT_ONCE,
        of_one=OF_ONE_PERSON,
        calls="requests for Spark sessions",
        pages="Close some of the pages that show sessions",
        crowded="Too many people look after Spark sessions at this moment.",
    )
