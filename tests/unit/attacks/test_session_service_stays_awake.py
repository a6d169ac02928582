"""Attacks of a project's member on the session service, which serves everybody from one event loop."""

import time

import pytest
from pydantic import ValidationError

from hops_livy import overview
from hops_livy.conf import checked_conf, memory_mib, shape_of
from hops_livy.errors import BadRequestError
from hops_livy.gpus import GpuLedger, NoGpuError
from hops_livy.outputs import Outputs
from hops_livy.statements import Statement
from hops_livy.wire import SessionRequest

MOST_S = 2.0  # of the processor, so that a busy machine fails nobody
"""What takes longer than this holds up everybody; unmended these took from ten seconds to hours."""


@pytest.fixture
def quickly():
    begun = time.process_time()
    yield
    assert time.process_time() - begun < MOST_S


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("text", ["1" + " " * 20_000 + "x", " " * 20_000 + "x", "1" * 20_000 + "x"])
def test_an_amount_of_memory_with_a_long_row_of_spaces_is_refused_at_once(text):
    with pytest.raises(ValueError, match="is not an amount of memory") as refused:
        memory_mib(text)
    assert len(str(refused.value)) < 200


@pytest.mark.usefixtures("quickly")
def test_a_setting_with_an_endless_name_is_refused_and_not_repeated():
    with pytest.raises(BadRequestError) as refused:
        checked_conf({f"spark.python.{number}{'module' * 60_000}x": "1" for number in range(5)})
    assert len(refused.value.detail) < 1000


@pytest.mark.usefixtures("quickly")
def test_a_body_full_of_wrong_settings_is_refused_at_once():
    with pytest.raises(ValidationError) as refused:
        SessionRequest.model_validate({"conf": {f"a{number}": [] for number in range(150_000)}})
    assert len(refused.value.errors()) == 1


@pytest.mark.usefixtures("quickly")
def test_a_cell_that_writes_letter_by_letter_does_not_hold_up_the_service():
    outputs = Outputs(16 * 1024 * 1024)
    for _ in range(100_000):
        outputs.add("stream", {"name": "stdout", "text": "x" * 20})
    assert outputs.folded() == [{"type": "stream", "content": {"name": "stdout", "text": "x" * 2_000_000}}]


@pytest.mark.usefixtures("quickly")
def test_code_of_a_million_blank_lines_does_not_hold_up_overviews():
    statement = Statement(id=0, code="\n" * 2**20 + "1", kind="pyspark", outputs=Outputs(1000))
    for _ in range(100):
        assert overview._statement(statement, with_code=True)["line"] == ""
    short = Statement(id=0, code="\n  \n  print(1)\n2", kind="pyspark", outputs=Outputs(1000))
    assert overview._statement(short, with_code=True)["line"] == "print(1)"
    assert overview._statement(short, with_code=False)["line"] is None


@pytest.mark.usefixtures("quickly")
@pytest.mark.parametrize("displays", ["many", "one"])
def test_a_cell_that_updates_thousands_of_displays_does_not_hold_up_the_service(displays):
    outputs = Outputs(16 * 1024 * 1024)
    for kind, text in (("display_data", "old"), ("update_display_data", "new")):
        for number in range(10_000):
            identity = str(number) if displays == "many" else "same"
            content = {"data": {"text/plain": text}, "metadata": {}, "transient": {"display_id": identity}}
            outputs.add(kind, content)
    shown = outputs.folded()
    assert len(shown) == 10_000
    assert all(item["content"]["data"] == {"text/plain": "new"} for item in shown)


def test_a_display_that_is_shown_again_after_an_update_is_not_set_back():
    outputs = Outputs(10_000)
    for kind, text in (("display_data", "a"), ("update_display_data", "b"), ("display_data", "c")):
        outputs.add(kind, {"data": {"text/plain": text}, "metadata": {}, "transient": {"display_id": "p"}})
    assert [item["content"]["data"]["text/plain"] for item in outputs.folded()] == ["b", "c"]


def test_a_display_with_an_id_that_is_no_text_is_shown_and_never_updated():
    outputs = Outputs(10_000)
    for kind in ("display_data", "update_display_data"):
        outputs.add(kind, {"data": {"text/plain": kind}, "metadata": {}, "transient": {"display_id": ["p"]}})
    assert [item["content"]["data"]["text/plain"] for item in outputs.folded()] == ["display_data"]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("spark.executor.cores", "0000000019999999"),
        ("spark.executor.instances", "000000001" + "9" * 5000),
        ("spark.executor.resource.gpu.amount", "00000000099"),
        ("spark.dynamicAllocation.maxExecutors", "000000000099999"),
    ],
)
def test_zeros_in_front_do_not_smuggle_a_number_past_its_bound(key, text):
    with pytest.raises(BadRequestError, match="is not a whole number from"):
        shape_of(SessionRequest(), {"spark.dynamicAllocation.enabled": "true", key: text})


def test_a_refusal_of_gpus_names_nobody_of_another_project():
    ledger = GpuLedger(3)
    ledger.take(1, session_id=1, owner="blue__bob")
    ledger.take(1, session_id=2, owner="red__ada")
    with pytest.raises(NoGpuError) as refused:
        ledger.take(2, session_id=3, owner="red__mallory")
    assert "blue" not in str(refused.value)
    assert "bob" not in str(refused.value)
    assert "In use: 1 by other projects, 1 by red__ada." in str(refused.value)
