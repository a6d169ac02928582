from hops_livy.engines.drivers import Executed
from hops_livy.outputs import Outputs

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
    assert "cut off here" in outputs.events[-1]["content"]["text"]


def test_an_error_names_its_class_once_and_ends_its_lines():
    error = {"ename": "ValueError", "evalue": "no", "traceback": ["one", "two"]}
    output = _outputs().livy(3, Executed(status="error", error=error))
    assert (output["status"], output["execution_count"]) == ("error", 3)
    assert (output["evalue"], output["traceback"]) == ("ValueError: no", ["one\n", "two\n"])


def test_messages_without_content_count_as_what_they_take():
    outputs = Outputs(1024 * 1024)
    for _ in range(200_001):
        outputs.add("display_data", {})
    assert outputs.size > 50 * 1024 * 1024
    assert "200000 times" in outputs.events[-1]["content"]["text"]
    outputs.drop()
    assert outputs.size < 1000
