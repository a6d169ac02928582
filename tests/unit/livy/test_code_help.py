"""What a session's kernel replies about code, which code of the session may have written."""

import pytest

from hops_livy.builtin.kernel_client import completion_of, inspection_of
from hops_livy.engines.drivers import Completion, Inspection

TYPES = "_jupyter_types_experimental"


def test_attributes_are_words_without_the_dot():
    types = [{"start": 5, "end": 9, "text": ".range", "type": "attribute", "signature": ""}]
    found = completion_of(
        {"matches": [".range"], "cursor_start": 5, "cursor_end": 9, "metadata": {TYPES: types}}, cursor=9
    )
    word = {"start": 6, "end": 9, "text": "range", "type": "attribute", "signature": ""}
    assert found == Completion(matches=["range"], start=6, end=9, metadata={TYPES: [word]})


@pytest.mark.parametrize("reply", [{}, {"matches": "x", "cursor_start": 0, "cursor_end": 0}, {"matches": ["a"]}])
def test_a_reply_that_is_none_gives_no_words(reply):
    assert completion_of(reply, 3) == Completion(matches=[], start=3, end=3)


def test_words_are_bounded():
    reply = {"matches": [str(number) for number in range(5000)], "cursor_start": 0, "cursor_end": 0}
    assert len(completion_of(reply, 0).matches) == 1000


def test_nothing_is_known_of_a_name_that_was_not_found():
    assert inspection_of({"found": False, "data": {}}) == Inspection()
    assert inspection_of({"found": True, "data": "x"}) == Inspection()
    assert inspection_of({"found": True, "data": {"text/plain": "x"}}) == Inspection(
        found=True, data={"text/plain": "x"}
    )
