"""What is said of a thing in the trash, written beside it wherever it lies."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

from hops_platform.engines.files import EntryKind, TrashItem

ABOUT = "about.json"
ITEM = "item"


def as_text(item: TrashItem) -> str:
    """What is written beside it."""
    return json.dumps(
        {
            "dataset": item.dataset,
            "path": item.path,
            "kind": item.kind.value,
            "description": item.description,
            "deleted_by": item.deleted_by,
            "deleted_at": item.deleted_at.isoformat(),
        }
    )


def from_text(item: UUID, text: str) -> TrashItem:
    """What was written beside it."""
    about = json.loads(text)
    return TrashItem(
        id=item,
        dataset=about["dataset"],
        path=about["path"],
        kind=EntryKind(about["kind"]),
        description=about["description"],
        deleted_by=about["deleted_by"],
        deleted_at=datetime.fromisoformat(about["deleted_at"]),
    )
