"""What a notebook is told of a session that the service does not know."""

from __future__ import annotations

import pytest
from hops_kernels.remote_errors import loss_in

ASKED = "Invalid status code '{}' from http://livy/sessions/7 with error payload: {}"
ABSENT = ASKED.format(404, '{"detail": "Session \'7\' not found: you have no such session."}')
IDLE = "Nothing was run for 120 minutes, the idle time of this session."


def test_one_that_nothing_was_heard_of_was_ended_by_its_owner():
    assert loss_in(ABSENT, "") == "It was stopped, by you or by a program of yours."


def test_one_whose_end_was_heard_of_before_ended_for_that_reason():
    assert loss_in(ABSENT, IDLE) == IDLE


@pytest.mark.parametrize(
    "message",
    [ASKED.format(503, "{}"), ASKED.format(401, "{}"), "Error sending http request and maximum retry encountered."],
)
def test_one_that_can_not_be_asked_for_now_may_be_there_still(message):
    assert loss_in(message, "") is None
