"""What travels from the driver to a Spark task."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RunPlan:
    """What all trials of one Spark job share.

    Attributes:
        root: The run's folder, as an address that :func:`hops._storage.locate` understands.
        function: The user's function, serialised; only a trial's own process opens it.
        metric_key: The output that is the metric.
        metric_required: Whether a trial without a metric has failed.
        local_logdir: Whether events are written to the machine's own disk first.
        tries: How often a trial is started before it counts as failed.
        earlier: Attempts of earlier jobs of the same run.
        variables: Variables that the trials' processes need to know their project.
        import_path: Folders that modules of the user may lie in.
    """

    root: str
    function: bytes
    metric_key: str | None
    metric_required: bool
    local_logdir: bool
    tries: int
    earlier: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    import_path: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrialPlan:
    """One trial.

    Attributes:
        index: Position in the run.
        folder: Its folder below the run's; empty for the run's folder itself.
        path: Its folder, seen from the project.
        arguments: The arguments, serialised.
        shown: The arguments, as JSON can hold them.
        generation: Generation of an evolution.
    """

    index: int
    folder: str
    path: str
    arguments: bytes
    shown: dict[str, object]
    generation: int | None = None
