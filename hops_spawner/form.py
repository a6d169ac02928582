"""The options form of a notebook server: what it shows, and what it sends.

Laws:

1. ``options_from_form(form_values(options)) == options`` for every legal ``options``.
2. Nothing typed is lost: what was refused is shown again as it was typed, each violation beside its field.
3. The form works without its script; the script only adds presets, the live sum, and hides what does not apply.

The field names are those of :class:`~hops_contract.options.ServerOptions`. A memory field ``x`` has a companion
``x_unit`` with ``MiB`` or ``GiB``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError

from hops_contract.options import Allocation, Capacity, OnNoRoom, ServerLimits, ServerOptions
from hops_contract.problems import TYPE_PREFIX, Problem, Violation

FormValues = Mapping[str, Sequence[str]]

UNITS: Final = {"MiB": 1, "GiB": 1024}
MEMORY_FIELDS: Final = ("executor_memory_mib", "driver_memory_mib")
_UNIT_SUFFIX: Final = "_unit"
_HUB_FIELDS: Final = frozenset({"_xsrf"})
_LONGEST_VALUE: Final = 64
_TYPES_SHOWN: Final = 40  # characters of a refused value that a sentence repeats
_ONLY_WHEN_DYNAMIC: Final = frozenset({"min_executors", "max_executors"})
_ONLY_WHEN_FIXED: Final = frozenset({"executors"})


class FormRefusedError(ValueError):
    """What was typed is not a set of options; its text is one sentence a person can act on.

    Attributes:
        violations: Each field that can't be read, and why.
    """

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = list(violations)
        super().__init__(" ".join(violation.message for violation in violations))

    def problem(self) -> Problem:
        """The same, in the one shape of an error."""
        several = len(self.violations) > 1
        return Problem(
            type=f"{TYPE_PREFIX}invalid-request",
            title="Invalid request",
            status=422,
            detail=f"{len(self.violations)} fields can't be read." if several else self.violations[0].message,
            remedy="Correct the marked fields and start again." if several else "Correct the field and start again.",
            violations=self.violations,
        )


@dataclass(frozen=True, slots=True)
class Preset:
    """A ready choice, offered only where the project's limits and the machine allow it."""

    title: str
    summary: str
    values: dict[str, str]


def form_values(options: ServerOptions) -> dict[str, list[str]]:
    """What a browser would send for ``options``, as the form shows them."""
    values: dict[str, list[str]] = {}
    for name, value in options.model_dump(mode="json").items():
        if name in MEMORY_FIELDS:
            unit = "GiB" if value % UNITS["GiB"] == 0 else "MiB"
            values[name] = [str(value // UNITS[unit])]
            values[name + _UNIT_SUFFIX] = [unit]
        else:
            values[name] = ["" if value is None else str(value)]
    return values


def options_from_form(form: FormValues) -> ServerOptions:
    """The options that a submitted form asks for.

    Fields that do not apply to the chosen allocation are taken where they can be read and are otherwise left at their
    default; a field that is absent has its default too.

    Raises:
        FormRefusedError: A field can't be read or lies outside what is possible at all.
    """
    violations: list[Violation] = []
    values: dict[str, Any] = {}
    dynamic = _text(form, "allocation") == Allocation.DYNAMIC
    idle = _ONLY_WHEN_FIXED if dynamic else _ONLY_WHEN_DYNAMIC
    schema = _schema()
    known = {*schema, *(name + _UNIT_SUFFIX for name in MEMORY_FIELDS), *_HUB_FIELDS}
    for name in sorted(set(form) - known):
        violations.append(Violation(field=name, message=f"{_shown(name)} is not an option of a notebook server."))  # noqa: PERF401
    for name in schema:
        text = _text(form, name)
        if name not in form or (not text and name == "gpu_label"):
            continue
        try:
            values[name] = _read(name, text, _text(form, name + _UNIT_SUFFIX) or "MiB")
        except ValueError as refusal:
            if name not in idle:
                violations.append(Violation(field=name, message=str(refusal)))
    if violations:
        raise FormRefusedError(violations)
    try:
        return ServerOptions.model_validate(values)
    except ValidationError as error:
        raise FormRefusedError([_violation(item, values) for item in error.errors()]) from None


def presets(limits: ServerLimits, capacity: Capacity) -> list[Preset]:
    """The ready choices that fit."""
    gib = UNITS["GiB"]
    choices = [
        ("Small", "1 executor, 1 core, 1 GiB", ServerOptions()),
        ("Two executors", "Each 1 core, 1 GiB", ServerOptions(executors=2)),
        (
            "GPU",
            "1 executor, 1 GPU, 4 GiB",
            ServerOptions(executor_cores=2, executor_memory_mib=4 * gib, driver_memory_mib=gib, gpus_per_executor=1),
        ),
    ]
    return [
        Preset(title, summary, _preset_values(options))
        for title, summary, options in choices
        if _fits(options, limits, capacity)
    ]


def render_form(
    options: ServerOptions,
    limits: ServerLimits,
    capacity: Capacity,
    problem: Problem | None = None,
    *,
    project_title: str,
    project: str = "",
    typed: FormValues | None = None,
) -> str:
    """HTML of the form, to stand inside a ``<form>``; everything that comes from people is escaped.

    Args:
        options: Shown where nothing was typed: remembered ones, or the defaults.
        limits: Of the project.
        capacity: Of the machine or cluster.
        problem: Why the last attempt was refused.
        project_title: Title of the project.
        project: Name of the project, for the links back to it.
        typed: The refused form, shown again to the letter.
    """
    values = {name: texts[0] for name, texts in form_values(options).items()}
    values |= {name: _text(typed, name) for name in typed or {} if name in values}
    beside, above = _placed(problem)
    schema = _schema()
    return (
        _environment()
        .get_template("form.html")
        .render(
            project=project,
            project_title=project_title or project,
            values=values,
            fields={name: schema[name] | {"name": name, "error": beside.get(name, "")} for name in schema},
            problem=problem,
            headline=_headline(problem, beside),
            other_violations=above,
            presets=presets(limits, capacity),
            limits=limits,
            capacity=capacity,
            memory_mib=min(limits.max_total_memory_mib, capacity.memory_mib),
            gpus=min(limits.max_gpus, capacity.gpus),
            units=tuple(UNITS),
            total=_total_text(options, limits, capacity) if typed is None else "",
        )
    )


def mebibytes(mib: int) -> str:
    """``mib`` for people: ``512 MiB``, ``1.5 GiB``, ``16 GiB``."""
    if mib < UNITS["GiB"]:
        return f"{mib} MiB"
    return f"{mib / UNITS['GiB']:.1f}".removesuffix(".0") + " GiB"


def _total_text(options: ServerOptions, limits: ServerLimits, capacity: Capacity) -> str:
    memory = min(limits.max_total_memory_mib, capacity.memory_mib)
    parts = [
        f"{mebibytes(options.total_memory_mib)} of {mebibytes(memory)}",
        f"{options.most_executors * options.executor_cores} of {capacity.cores} cores",
    ]
    if capacity.gpus or options.total_gpus:
        parts.append(f"{options.total_gpus} of {min(limits.max_gpus, capacity.gpus)} GPUs")
    return " · ".join(parts)


def _preset_values(options: ServerOptions) -> dict[str, str]:
    kept = {"idle_timeout_minutes", "on_no_room"}
    return {name: texts[0] for name, texts in form_values(options).items() if name not in kept}


def _fits(options: ServerOptions, limits: ServerLimits, capacity: Capacity) -> bool:
    return (
        options.most_executors <= limits.max_executors
        and options.executor_cores <= limits.max_executor_cores
        and options.most_executors * options.executor_cores <= capacity.cores
        and options.executor_memory_mib <= limits.max_executor_memory_mib
        and options.driver_memory_mib <= limits.max_driver_memory_mib
        and options.total_memory_mib <= min(limits.max_total_memory_mib, capacity.memory_mib)
        and options.total_gpus <= min(limits.max_gpus, capacity.gpus)
    )


def _placed(problem: Problem | None) -> tuple[dict[str, str], list[str]]:
    """Violations beside the fields they name, and those that name no field of the form."""
    beside: dict[str, str] = {}
    above: list[str] = []
    for violation in problem.violations if problem else []:
        name = violation.field.rpartition(".")[2]
        if name in _schema():
            beside[name] = f"{beside[name]} {violation.message}" if name in beside else violation.message
        elif problem and violation.message != problem.detail:
            above.append(violation.message)
    return beside, above


def _headline(problem: Problem | None, beside: Mapping[str, str]) -> str:
    """The detail without the sentences that stand beside their fields."""
    detail = problem.detail if problem else ""
    for violation in problem.violations if problem else []:
        if violation.field.rpartition(".")[2] in beside:
            detail = detail.replace(violation.message, "")
    return " ".join(detail.split()) or "Some fields have to be corrected."


def _read(name: str, text: str, unit: str) -> int | str:
    schema = _schema()[name]
    title = schema["title"]
    if name == "allocation":
        if text not in list(Allocation):
            raise ValueError(f"{title}: choose 'fixed' or 'dynamic', not {_shown(text)}.")
        return text
    if name == "on_no_room":
        if text not in list(OnNoRoom):
            raise ValueError(f"{title}: choose 'wait' or 'fail', not {_shown(text)}.")
        return text
    if name == "gpu_label":
        return text
    if name in MEMORY_FIELDS:
        return _memory(title, text, unit, schema)
    if not text:
        raise ValueError(f"{title}: a number is missing.")
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= _LONGEST_VALUE):
        raise ValueError(f"{title}: {_shown(text)} is not a whole number.")
    return _within(title, int(text), schema, str)


def _memory(title: str, text: str, unit: str, schema: Mapping[str, Any]) -> int:
    title = title.removesuffix(" (MiB)")
    if unit not in UNITS:
        raise ValueError(f"{title}: {_shown(unit)} is not a unit; use MiB or GiB.")
    try:
        amount = Decimal(text) if text.isascii() and len(text) <= _LONGEST_VALUE else Decimal("nan")
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite():
        raise ValueError(f"{title}: {_shown(text)} is not a number." if text else f"{title}: a number is missing.")
    if amount.adjusted() > _TYPES_SHOWN:
        raise ValueError(
            f"{title}: {_shown(text)} {unit} is more than {mebibytes(schema['maximum'])}, the most possible."
        )
    return _within(title, math.ceil(amount * UNITS[unit]), schema, mebibytes)


def _within(title: str, number: int, schema: Mapping[str, Any], words: Any) -> int:
    if number < schema["minimum"]:
        raise ValueError(f"{title}: {words(number)} is less than {words(schema['minimum'])}, the least possible.")
    if number > schema["maximum"]:
        shown = words(number) if number < 10**_TYPES_SHOWN else "That"
        raise ValueError(f"{title}: {shown} is more than {words(schema['maximum'])}, the most possible.")
    return number


def _violation(item: Mapping[str, Any], values: Mapping[str, Any]) -> Violation:
    if item["loc"]:
        name = str(item["loc"][0])
        rule = "letters, digits, '.', '_' and '-', at most 63, from a letter or digit to a letter or digit"
        text = f"{_schema()[name]['title']}: {_shown(str(values.get(name)))} is not a label: {rule}."
        return Violation(field=name, message=text)
    # Rules over several fields: the text is the model's own; the field is the one a person would change.
    dynamic = values.get("allocation") == Allocation.DYNAMIC
    field = "min_executors" if dynamic and item["msg"].startswith("Value error, At least") else "gpu_label"
    return Violation(field=field, message=item["msg"].removeprefix("Value error, "))


def _text(form: FormValues | None, name: str) -> str:
    texts = (form or {}).get(name)
    return texts[0].strip() if texts else ""


def _shown(text: str) -> str:
    return f"'{text[:_TYPES_SHOWN]}…'" if len(text) > _TYPES_SHOWN else f"'{text}'"


@cache
def _schema() -> dict[str, dict[str, Any]]:
    properties: dict[str, dict[str, Any]] = ServerOptions.model_json_schema()["properties"]
    return properties


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["mebibytes"] = mebibytes
    return environment
