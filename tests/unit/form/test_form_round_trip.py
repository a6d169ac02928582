from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hops_contract.options import Allocation, OnNoRoom, ServerOptions
from hops_spawner.form import FormRefusedError, form_values, options_from_form

LABEL_RULE = "letters, digits, '.', '_' and '-', at most 63, from a letter or digit to a letter or digit"
ENDS = st.sampled_from("Aaz09")
LABELS = st.builds("{}{}{}".format, ENDS, st.text("aZ9_.-", max_size=61), ENDS)


@st.composite
def server_options(draw: st.DrawFn) -> ServerOptions:
    low, high = sorted(draw(st.tuples(st.integers(1, 1000), st.integers(1, 1000))))
    gpus = draw(st.integers(0, 64))
    memory = st.one_of(st.integers(512, 4 * 1024 * 1024), st.integers(1, 4096).map(lambda gib: gib * 1024))
    return ServerOptions(
        allocation=draw(st.sampled_from(Allocation)),
        executors=draw(st.integers(1, 1000)),
        min_executors=low,
        max_executors=high,
        executor_cores=draw(st.integers(1, 256)),
        executor_memory_mib=draw(memory),
        driver_memory_mib=draw(memory),
        gpus_per_executor=gpus,
        gpu_label=draw(st.none() | LABELS) if gpus else None,
        on_no_room=draw(st.sampled_from(OnNoRoom)),
        idle_timeout_minutes=draw(st.integers(0, 7 * 24 * 60)),
    )


@given(server_options())
def test_what_the_form_shows_is_what_it_sends(options):
    assert options_from_form(form_values(options)) == options


def test_an_empty_form_asks_for_the_defaults():
    assert options_from_form({}) == ServerOptions()


def test_the_xsrf_field_of_the_hub_is_no_option():
    assert options_from_form({"_xsrf": ["abc"]}) == ServerOptions()


@pytest.mark.parametrize(
    ("text", "unit", "mib"), [("1.5", "GiB", 1536), ("2", "GiB", 2048), ("700", "MiB", 700), ("0.7", "GiB", 717)]
)
def test_memory_may_be_typed_in_either_unit(text, unit, mib):
    form = {"executor_memory_mib": [text], "executor_memory_mib_unit": [unit]}
    assert options_from_form(form).executor_memory_mib == mib


@pytest.mark.parametrize(
    ("form", "field", "sentence"),
    [
        ({"executors": ["two"]}, "executors", "Number of executors: 'two' is not a whole number."),
        ({"on_no_room": ["perhaps"]}, "on_no_room", "When there is no room: choose 'wait' or 'fail', not 'perhaps'."),
        ({"executors": [""]}, "executors", "Number of executors: a number is missing."),
        ({"executors": ["²"]}, "executors", "Number of executors: '²' is not a whole number."),
        ({"executors": ["0"]}, "executors", "Number of executors: 0 is less than 1, the least possible."),
        ({"executors": ["1001"]}, "executors", "Number of executors: 1001 is more than 1000, the most possible."),
        (
            {"gpus_per_executor": ["-1"]},
            "gpus_per_executor",
            "GPUs per executor: -1 is less than 0, the least possible.",
        ),
        (
            {"driver_memory_mib": ["0.1"], "driver_memory_mib_unit": ["GiB"]},
            "driver_memory_mib",
            "Memory of the driver: 103 MiB is less than 512 MiB, the least possible.",
        ),
        ({"driver_memory_mib": ["NaN"]}, "driver_memory_mib", "Memory of the driver: 'NaN' is not a number."),
        (
            {"driver_memory_mib": ["1e999999999"]},
            "driver_memory_mib",
            "Memory of the driver: '1e999999999' MiB is more than 4096 GiB, the most possible.",
        ),
        (
            {"driver_memory_mib": ["1"], "driver_memory_mib_unit": ["TiB"]},
            "driver_memory_mib",
            "Memory of the driver: 'TiB' is not a unit; use MiB or GiB.",
        ),
        ({"allocation": ["some"]}, "allocation", "Executors: choose 'fixed' or 'dynamic', not 'some'."),
        (
            {"allocation": ["dynamic"], "min_executors": ["4"], "max_executors": ["2"]},
            "min_executors",
            "At least 4 executors is more than at most 2.",
        ),
        (
            {"gpu_label": ["a100"]},
            "gpu_label",
            "A GPU label without GPUs asks for nothing; set GPUs per executor, or leave the label empty.",
        ),
        (
            {"gpus_per_executor": ["1"], "gpu_label": ["a b"]},
            "gpu_label",
            f"GPU label: 'a b' is not a label: {LABEL_RULE}.",
        ),
        ({"image": ["evil"]}, "image", "'image' is not an option of a notebook server."),
    ],
)
def test_a_refusal_names_the_field_and_the_numbers(form, field, sentence):
    with pytest.raises(FormRefusedError) as refused:
        options_from_form(form)
    assert [(item.field, item.message) for item in refused.value.violations] == [(field, sentence)]
    assert str(refused.value) == sentence
    assert refused.value.problem().status == 422


def test_fields_of_the_other_allocation_never_refuse():
    assert (
        options_from_form({"allocation": ["fixed"], "min_executors": ["?"], "max_executors": [""]}) == ServerOptions()
    )
    dynamic = options_from_form({"allocation": ["dynamic"], "executors": ["none"]})
    assert dynamic == ServerOptions(allocation=Allocation.DYNAMIC)


def test_all_unreadable_fields_are_named_at_once():
    with pytest.raises(FormRefusedError) as refused:
        options_from_form({"executors": ["x"], "executor_cores": ["y"], "driver_memory_mib": ["z"]})
    assert [item.field for item in refused.value.violations] == ["executors", "executor_cores", "driver_memory_mib"]
    assert refused.value.problem().detail == "3 fields can't be read."


@given(st.dictionaries(st.sampled_from([*form_values(ServerOptions())]), st.lists(st.text(), max_size=2)))
def test_whatever_is_typed_is_either_options_or_a_refusal(form):
    refusal, options = None, None
    try:
        options = options_from_form(form)
    except FormRefusedError as error:
        refusal = error
    if options is None:
        assert refusal.violations
        assert str(refusal)
    else:
        assert options_from_form(form_values(options)) == options
