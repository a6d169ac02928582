"""What TensorBoard's page HPARAMS shows of a trial: its parameters beside what came of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EVENTS = "events.out.tfevents.*"


def write(logdir: Path, parameters: Mapping[str, Any], *, tag: str, metric: float | None) -> None:
    """Adds the trial's parameters and its metric to the events that it has written.

    A trial that wrote none has nothing to show in TensorBoard, and one without TensorFlow would pay seconds for its
    import: both are left alone.

    Args:
        logdir: The trial's log directory.
        parameters: Argument name → value, as JSON can hold it.
        tag: Name of the metric.
        metric: The metric, if there is one.
    """
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None or next(logdir.rglob(EVENTS), None) is None:
        return
    from tensorboard.plugins.hparams.api_pb2 import STATUS_SUCCESS
    from tensorboard.plugins.hparams.summary import session_end_pb
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb

    shown = {name: value if isinstance(value, bool | int | float) else str(value) for name, value in parameters.items()}
    writer = tensorflow.summary.create_file_writer(str(logdir), filename_suffix=".hparams")
    with writer.as_default():
        for message in (hparams_pb(shown, trial_id=logdir.name), session_end_pb(STATUS_SUCCESS)):
            tensorflow.summary.experimental.write_raw_pb(message.SerializeToString(), step=0)
        if metric is not None:
            tensorflow.summary.scalar(tag, metric, step=0)
    writer.close()
