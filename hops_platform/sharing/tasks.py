"""What follows in sandboxes and on the storage when shares and members come and go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hops_platform.engines.sandboxes import EndedShare, Ending
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts
from hops_platform.sharing.rights import SETTLE_RIGHTS, rights_of
from hops_platform.sharing.standing import SETTLE, visible_in


def settle_sandboxes(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Lets the sandboxes of a project show what is shared with it now."""
    with parts.database.session(writes=False) as session:
        visible = visible_in(session, payload["project"])
    # Tasks of an earlier release say nothing of what ended.
    ended = [
        EndedShare(
            project=one["project"],
            dataset=one["dataset"],
            ending=Ending(one["ending"]),
            at=datetime.fromisoformat(one["at"]),
        )
        for one in payload.get("ended", ())
    ]
    parts.engines.sandboxes.settle(payload["project"], visible, ended)


def settle_rights(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Lets those use the datasets of a project on the storage who may now."""
    with parts.database.session(writes=False) as session:
        rights = rights_of(session, payload["project"])
    parts.engines.storage.settle_rights(payload["project"], rights)


TASKS: Mapping[Task, Handler[Parts]] = {SETTLE: settle_sandboxes, SETTLE_RIGHTS: settle_rights}
