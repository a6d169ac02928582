"""What code in a sandbox reaches of the network."""

from __future__ import annotations

from enum import StrEnum


class Network(StrEnum):
    """What the code of a project reaches of the network from a sandbox."""

    PLATFORM = "platform"
    """The platform's services, and what the site lets all reach."""
    OPEN = "open"
    """All that the machine reaches."""
