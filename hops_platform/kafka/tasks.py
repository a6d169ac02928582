"""What follows on the cluster when topics, members and projects come and go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hops_platform.kafka.rights import DELETE_TOPICS, SETTLE_TOPICS, rights_of
from hops_platform.kafka.service import delete_on_cluster, make_missing
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts


def settle(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Makes what is missing of a project's topics, and lets those use them who may now."""
    project, streams = payload["project"], parts.engines.streams
    try:
        make_missing(parts.database, streams, project)
    finally:
        # What is taken away does not wait for what can't be made.
        with parts.database.session(writes=False) as session:
            rights = rights_of(session, project)
        streams.settle_rights(project, rights.topics, group_members=rights.group_members)


def delete(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Deletes topics, and what rights they leave behind."""
    delete_on_cluster(parts.engines.streams, payload["project"], payload["topics"])
    settle(parts, payload)


TASKS: Mapping[Task, Handler[Parts]] = {DELETE_TOPICS: delete, SETTLE_TOPICS: settle}
