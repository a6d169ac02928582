"""What follows in sandboxes and on the storage when shares and members come and go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from hops_platform.engines.sandboxes import EndedShare, Ending
from hops_platform.engines.storage import DatasetRights
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts
from hops_platform.sharing.rights import LET_OUT, SETTLE_RIGHTS, rights_of
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
    look = partial(_rights_now, parts, payload["project"])
    parts.engines.storage.settle_rights(payload["project"], look(), again=look)


def let_out(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Lets those out of the datasets of a project on the storage who may not be in any more."""
    parts.engines.storage.let_out(payload["project"], _rights_now(parts, payload["project"]))


def _rights_now(parts: Parts, project: str) -> Sequence[DatasetRights]:
    with parts.database.session(writes=False) as session:
        return rights_of(session, project)


TASKS: Mapping[Task, Handler[Parts]] = {SETTLE: settle_sandboxes, LET_OUT: let_out, SETTLE_RIGHTS: settle_rights}
