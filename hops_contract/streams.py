"""The brokers of a site's Kafka (``HOPS_KAFKA``), and what topics and consumer groups of a project are called there.

Laws:

1. What a project has on the cluster begins with ``project__``. No slug holds ``_``, so it belongs to one project only.
2. A topic's name is 1 to 64 of ``a-z``, ``0-9``, ``_`` and ``-``, from a letter to a letter or digit. There is no
   ``.`` in it: Kafka takes ``a.b`` and ``a_b`` for the same in its metrics, and refuses the second of them.
"""

from __future__ import annotations

import re

MAX_TOPIC_LENGTH = 64
TOPIC_PATTERN = r"^[a-z][a-z0-9_-]{0,62}[a-z0-9]$|^[a-z]$"
TOPIC_RULE = "1 to 64 lower-case letters, digits, '_' and '-', from a letter to a letter or digit"
MOST_BROKERS = 32

_TOPIC = re.compile(TOPIC_PATTERN.replace("$", r"\Z"))
_BROKER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?:([0-9]{1,5})")
_MOST_PORT = 65535
_SEPARATOR = "__"


def is_topic_name(text: str) -> bool:
    """Whether ``text`` can be the name of a topic in its project (law 2)."""
    return _TOPIC.match(text) is not None


def prefix_of(project: str) -> str:
    """What the names of a project's topics and consumer groups begin with on the cluster (law 1)."""
    return f"{project}{_SEPARATOR}"


def topic_on_cluster(project: str, topic: str) -> str:
    """What a project's topic is called on the cluster: ``project__topic``."""
    return f"{prefix_of(project)}{topic}"


def read_brokers(text: str) -> tuple[str, ...]:
    """The brokers between the commas of a setting, each ``host:port``; none where it is empty.

    Raises:
        ValueError: One of them is none, or there are too many; the message says what it must be.
    """
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    for one in found:
        matched = _BROKER.fullmatch(one)
        if matched is None or not 0 < int(matched[1]) <= _MOST_PORT:
            raise ValueError(f"{one[:100]!r} is no broker: it must be a host, a colon and a port")
    if len(found) > MOST_BROKERS:
        raise ValueError(f"these are {len(found)} brokers; {MOST_BROKERS} are the most")
    return found
