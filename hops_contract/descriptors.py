"""How many files and connections a service may hold open at the same moment."""

from __future__ import annotations

import resource

MOST_DESCRIPTORS = 2**20
"""What the system's own bound is where nobody has changed it; where a site has none at all, this is one."""


def raise_descriptor_limit() -> int:
    """Lets this process, and what it starts, hold as many open files as the site allows; the new limit.

    Systems start processes with a soft limit of 1,024, for programs that can't count further: a few hundred
    connections, each with a file beside it, and nothing can be opened any more. Called by each service as it starts.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
