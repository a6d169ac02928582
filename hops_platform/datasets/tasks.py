"""What follows on the disk when datasets come and go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hops_platform.datasets.service import RESTORE_DATASET, TRASH_DATASET, restore_folder, trash_folder
from hops_platform.outbox import Handler, Task
from hops_platform.parts import Parts


def trash_dataset(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Moves the folder of a deleted dataset to the trash."""
    trash_folder(parts.engines.files, **payload)


def restore_dataset(parts: Parts, payload: Mapping[str, Any]) -> None:
    """Moves the folder of a restored dataset out of the trash; is it there no more, the dataset is an empty one."""
    restore_folder(parts.engines.files, **payload)
    parts.engines.storage.create_datasets(payload["project"], [payload["dataset"]])


TASKS: Mapping[Task, Handler[Parts]] = {RESTORE_DATASET: restore_dataset, TRASH_DATASET: trash_dataset}
