"""Trials that write events, and what TensorBoard's page HPARAMS then knows of them."""

# ruff: noqa: T201, PLC0415  # a scenario prints what it found, and trials import where they run

from __future__ import annotations

import json
import os
from pathlib import Path

import session
from hops import experiment
from tensorboard import context
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams.backend_context import Context

spark = session.start("local[2]")


def train(lr, act):
    import tensorflow as tf

    writer = tf.summary.create_file_writer(str(Path(os.environ["TENSORBOARD_LOGDIR"], "train")))
    with writer.as_default():
        tf.summary.scalar("loss", 1 - lr, step=0)
    writer.close()
    if lr < 0:
        raise ValueError("negative")
    return {"accuracy": lr}


def known(logdir):
    events = EventMultiplexer()
    events.AddRunsFromDirectory(logdir)
    events.Reload()
    page = Context(TBContext(data_provider=MultiplexerDataProvider(events, logdir)))
    request = context.RequestContext()
    metadata = page.hparams_metadata(request, "")
    return sorted(metadata), page.experiment_from_metadata(request, "", True, metadata, [])


logdir, *_ = experiment.grid_search(train, {"lr": [0.1, 0.2, -1.0], "act": ["relu"]}, optimization_key="accuracy")
runs, found = known(logdir)
plain, _ = known(experiment.launch(lambda: 1).logdir)
print(
    json.dumps(
        {
            "runs": runs,
            "parameters": sorted(one.name for one in found.hparam_infos),
            "metrics": sorted(f"{one.name.group}/{one.name.tag}" for one in found.metric_infos),
            "without_events": plain,
        }
    )
)
