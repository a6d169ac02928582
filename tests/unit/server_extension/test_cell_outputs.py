"""What a statement wrote, as a notebook holds it."""

from __future__ import annotations

from jupyterlab_hops.cell_outputs import notebook_outputs

BUNDLE = {"data": {"text/plain": "42"}, "metadata": {}}


def test_each_message_becomes_an_output_and_an_error_is_the_last():
    statement = {
        "cell": 4,
        "output": {
            "status": "error", "ename": "ValueError", "evalue": "ValueError: no", "traceback": ["a\n", "b\n"],
            "outputs": [
                {"type": "stream", "content": {"name": "stdout", "text": "x"}},
                {"type": "display_data", "content": {**BUNDLE, "transient": {"display_id": "d"}}},
                {"type": "display_data", "content": {"data": {}}},
                {"type": "execute_result", "content": {**BUNDLE, "execution_count": 99}},
                {"type": "unheard_of", "content": {}},
            ],
        },
    }  # fmt: skip
    assert notebook_outputs(statement) == [
        {"output_type": "stream", "name": "stdout", "text": "x"},
        {"output_type": "display_data", **BUNDLE},
        {"output_type": "execute_result", "execution_count": 4, **BUNDLE},
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["a", "b"]},
    ]


def test_a_statement_that_waits_has_none():
    assert notebook_outputs({"output": None}) == []
