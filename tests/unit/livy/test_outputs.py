import asyncio
import json
import sys
import threading
import tracemalloc

import pytest

from hops_livy.engines.drivers import Executed
from hops_livy.outputs import DROPPED, Outputs

OK = Executed(status="ok")


def _outputs(*messages, limit=10_000):
    outputs = Outputs(limit)
    for kind, content in messages:
        outputs.add(kind, content)
    return outputs


def _stream(text, name="stdout"):
    return ("stream", {"name": name, "text": text})


def _display(data, display_id=None, kind="display_data"):
    return (kind, {"data": data, "metadata": {}, "transient": {"display_id": display_id} if display_id else {}})


def test_nothing_is_empty_text():
    assert _outputs().livy(0, OK)["data"] == {"text/plain": ""}


def test_printed_lines_lose_only_their_last_line_end():
    assert _outputs(_stream("a\n"), _stream("b\n")).livy(0, OK)["data"] == {"text/plain": "a\nb"}


def test_a_single_display_keeps_all_its_types():
    data = {"text/plain": "x", "text/html": "<b>x</b>", "application/vnd.hops.progress+json": {"done": 1}}
    assert _outputs(_display(data)).livy(0, OK)["data"] == data


def test_a_lone_plot_is_an_image():
    data = _outputs(_display({"image/png": "AAAA"})).livy(0, OK)["data"]
    assert data == {"text/plain": "", "image/png": "AAAA"}


def test_text_beside_a_plot_is_not_lost_on_a_client_that_shows_one_type():
    data = _outputs(_stream("1 < 2\n"), _display({"image/png": "AAAA", "text/plain": "<Figure>"})).livy(0, OK)["data"]
    assert "image/png" not in data
    assert "<pre>1 &lt; 2\n</pre>" in data["text/html"]
    assert "data:image/png;base64,AAAA" in data["text/html"]


def test_a_display_is_updated_in_place():
    shown = _outputs(
        _display({"text/plain": "0%"}, "p"),
        _stream("x\n"),
        _display({"text/plain": "100%"}, "p", "update_display_data"),
    ).folded()
    assert [item["type"] for item in shown] == ["display_data", "stream"]
    assert shown[0]["content"]["data"] == {"text/plain": "100%"}


def test_cleared_output_is_gone_and_a_waiting_clear_acts_with_the_next_output():
    at_once = _outputs(_stream("a"), ("clear_output", {"wait": False}), _stream("b"))
    waiting = _outputs(_stream("a"), ("clear_output", {"wait": True}))
    assert at_once.livy(0, OK)["data"]["text/plain"] == "b"
    assert waiting.livy(0, OK)["data"]["text/plain"] == "a"


def test_too_much_output_is_cut_with_a_sentence():
    outputs = _outputs(_stream("a" * 50), _stream("b" * 5000), _stream("c"), limit=1000)
    assert outputs.livy(0, OK)["data"]["text/plain"] == "a" * 50
    assert "cut off here" in outputs.events[-1].decode()


def test_an_error_names_its_class_once_and_ends_its_lines():
    error = {"ename": "ValueError", "evalue": "no", "traceback": ["one", "two"]}
    output = _outputs().livy(3, Executed(status="error", error=error))
    assert (output["status"], output["execution_count"]) == ("error", 3)
    assert (output["evalue"], output["traceback"]) == ("ValueError: no", ["one\n", "two\n"])


def _held(outputs):
    return sys.getsizeof(outputs.events) + sum(map(sys.getsizeof, outputs.events))


def test_messages_without_content_count_as_what_they_take():
    outputs = Outputs(16 * 1024 * 1024)
    for _ in range(200_001):
        outputs.add("clear_output", {})
    assert 0.8 < outputs.size / _held(outputs) < 1.2
    assert "200000 times" in outputs.events[-1].decode()
    outputs.drop()
    assert outputs.size < 1000


def test_what_is_counted_is_what_is_held_however_it_is_nested():
    outputs = Outputs(1024 * 1024)
    outputs.add("display_data", {"data": {"application/json": [[] for _ in range(200_000)]}, "metadata": {}})
    tracemalloc.start()
    try:
        outputs.add("display_data", {"data": {"application/json": [[] for _ in range(50_000)]}, "metadata": {}})
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 300_000
    assert outputs.folded()[0]["content"]["data"]["application/json"] == [[]] * 200_000


def test_what_is_nested_too_deeply_has_a_sentence_in_its_place():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    outputs = _outputs(_stream("a"), ("display_data", {"data": {"application/json": deep}}), _stream("b"))
    assert outputs.livy(0, OK)["data"]["text/plain"] == "ab"
    assert "nested too deeply" in outputs.events[1].decode()


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("stream", {}), ("stream", {"name": "stdout"}), ("stream", {"name": ["stdout"], "text": "x"}),
        ("stream", {"name": "stdout", "text": 5}), ("display_data", {}), ("display_data", {"data": ["x"]}),
        ("display_data", {"data": {}, "metadata": 3}), ("execute_result", {"data": 3}),
        ("update_display_data", {"data": None, "transient": {"display_id": "p"}}),
    ],
)  # fmt: skip
def test_a_message_that_is_none_has_a_sentence_in_its_place_and_hides_nothing_else(kind, content):
    outputs = _outputs(_stream("before\n"), _display({"text/plain": "0%"}, "p"), (kind, content), _stream("after\n"))
    shown = outputs.livy(0, OK)
    assert shown["data"] == {"text/plain": "before\n0%\nafter"}
    assert [item["content"].get("text") for item in shown["outputs"]] == [
        "before\n", None, "[Something is not shown here: it is no output as Jupyter has it.]\n", "after\n",
    ]  # fmt: skip


def test_what_an_earlier_service_heard_is_read_aside_and_once():
    asked = []

    def source():
        asked.append(threading.current_thread())
        yield _stream("a")
        yield _stream("b" * 2000)
        yield _stream("c")
        asked.append("beyond the bound")

    async def main():
        outputs = Outputs(1000, source)
        await asyncio.gather(outputs.load(), outputs.load())
        await outputs.load()
        assert [json.loads(event)["content"]["text"][:6] for event in outputs.events] == ["a", "\n[The "]
        assert len(asked) == 1
        assert asked[0] is not threading.main_thread()

    asyncio.run(main())


def test_what_is_dropped_while_it_is_read_stays_dropped():
    async def main():
        goes_on = threading.Event()

        def source():
            goes_on.wait(60)
            yield _stream("a" * 10)

        outputs = Outputs(1000, source)
        reading = asyncio.create_task(outputs.load())
        await asyncio.sleep(0.01)
        outputs.drop()
        goes_on.set()
        await reading
        assert [json.loads(event)["content"]["text"] for event in outputs.events] == [DROPPED]

    asyncio.run(main())
