"""What people are told of their place in the queue, and what of others they are not."""

import pytest

from hops_livy.engines.amounts import BOUNDLESS, UNBOUNDED, Amount
from hops_livy.fair_queue import Asked, Lack
from hops_livy.queue_place import Ahead, Place, Running, place_of

NEEDS = Amount(sessions=1, memory_mib=2048, gpus=2)
MOST = Amount(sessions=200, starts=4, memory_mib=UNBOUNDED, gpus=4)
LIMIT = Amount(sessions=5, memory_mib=4096, gpus=3)
RUNNING = [
    Running(session=7, project="weather", owner="weather__ben", amount=Amount(sessions=1, memory_mib=1024, gpus=1)),
    Running(session=8, project="sales", owner="sales__otto", amount=Amount(sessions=1, memory_mib=512, gpus=1)),
    Running(session=9, project="maps", owner="maps__mia", amount=Amount(sessions=1, memory_mib=512, gpus=1)),
]


def place(lack, *, running=RUNNING, position=2, limit=LIMIT, **more):
    asked = Asked(number=12, project="weather", owner="weather__ada", needs=NEEDS)
    return place_of(asked, lack, position=position, length=25, running=running, most=MOST, limit=limit, **more)


@pytest.mark.parametrize(
    ("lack", "sentence"),
    [
        (
            Lack(machine=frozenset({"gpus"})),
            (
                "Waits for 2 GPUs: 2nd of 25 in the queue. "
                "In use: 2 GPUs by other projects, 1 GPU by weather__ben (session 7)."
            ),
        ),
        (
            Lack(machine=frozenset({"gpus", "memory_mib"})),
            (
                "Waits for 2 GPUs and 2 GiB of memory: 2nd of 25 in the queue. "
                "In use: 2 GPUs and 1 GiB by other projects, 1 GPU and 1 GiB by weather__ben (session 7)."
            ),
        ),
        (
            Lack(project=frozenset({"gpus", "memory_mib"})),
            (
                "Waits for 2 GPUs of the project's 3 and 2 GiB of the project's 4 GiB of memory: "
                "2nd of 25 in the queue. In use: 1 GPU and 1 GiB by weather__ben (session 7)."
            ),
        ),
        (
            Lack(machine=frozenset({"sessions"}), project=frozenset({"sessions"})),
            (
                "Waits for one of the 200 sessions of this service to end and one of the 5 sessions of the project "
                "to end: 2nd of 25 in the queue. In use: 2 sessions of other projects, session 7 of weather__ben."
            ),
        ),
        (
            Lack(project=frozenset({"sessions"})),
            (
                "Waits for one of the 5 sessions of the project to end: 2nd of 25 in the queue. "
                "In use: session 7 of weather__ben."
            ),
        ),
        (
            Lack(machine=frozenset({"gpus"}), project=frozenset({"sessions"})),
            (
                "Waits for one of the 5 sessions of the project to end and 2 GPUs: 2nd of 25 in the queue. "
                "In use: 2 GPUs by other projects, 1 GPU by weather__ben (session 7)."
            ),
        ),
        (
            Lack(machine=frozenset({"starts"})),
            "Waits for one of the 4 sessions that are being started to be ready: 2nd of 25 in the queue.",
        ),
        (Lack(), "Waits for its turn, and what is free is kept for those before it: 2nd of 25 in the queue."),
    ],
)
def test_it_says_what_is_lacking_and_who_has_it(lack, sentence):
    assert place(lack).sentence() == sentence


def test_of_projects_one_is_no_member_of_nothing_is_told_but_how_much_they_have():
    told = str(place(Lack(machine=frozenset({"gpus", "memory_mib", "sessions"}))).shown())
    assert not any(secret in told for secret in ("sales", "otto", "maps", "mia", "8,", "9,"))


def test_it_names_those_who_have_most_and_no_more_than_eight_and_says_how_many_there_are():
    many = [Running(session=n, project="weather", owner=f"weather__u{n}", amount=Amount(gpus=n)) for n in range(1, 20)]
    told = place(Lack(machine=frozenset({"gpus"})), running=many, limit=BOUNDLESS)
    assert [one.session for one in told.held_by] == list(range(19, 11, -1))
    assert told.sentence().endswith("12 GPUs by weather__u12 (session 12) and 11 more.")
    assert len(told.shown()["heldBy"]) == 8


BOTH = Lack(machine=frozenset({"gpus", "memory_mib"}))


def test_what_is_free_and_not_enough_is_told_of_what_is_lacking_here_alone():
    free = Amount(sessions=9, memory_mib=1700, gpus=1)
    assert place(BOTH, free=free).sentence().endswith("(session 7). Free: 1 GPU and 1.5 GiB.")
    assert place(BOTH, free=free).without_the_queue().endswith("(session 7). Free: 1 GPU and 1.5 GiB.")
    assert place(Lack(machine=frozenset({"gpus"})), free=free).sentence().endswith("Free: 1 GPU.")
    for lack in (Lack(project=frozenset({"gpus"})), Lack(machine=frozenset({"sessions"})), Lack()):
        assert "Free" not in place(lack, free=free).sentence()
    assert "Free" not in place(BOTH, free=Amount(memory_mib=-700)).sentence(), "nothing is"


def test_memory_that_other_programs_take_and_give_back_is_no_news():
    assert place(BOTH, free=Amount(memory_mib=1700)) == place(BOTH, free=Amount(memory_mib=1600))


def test_who_is_served_before_is_told_and_of_other_projects_how_many():
    ahead = Ahead(own=(("weather__ben", 10), ("weather__ada", 11)), others=3)
    told = place(Lack(), ahead=ahead)
    names = "weather__ben (session 10), weather__ada (session 11)"
    assert told.sentence().endswith(f"queue. Before it: {names}, 3 of other projects.")
    assert "Before" not in told.without_the_queue()
    assert place(Lack(), ahead=Ahead(others=1)).sentence().endswith("queue. Before it: 1 of other projects.")
    many = place(Lack(), ahead=Ahead(own=tuple((f"weather__u{n}", n) for n in range(20)), others=1)).sentence()
    assert many.endswith("weather__u7 (session 7), 12 more of the project, 1 of other projects.")


ONE = Amount(sessions=1, starts=1, memory_mib=UNBOUNDED)


@pytest.mark.parametrize(
    ("lack", "sentence"),
    [
        (Lack(machine=frozenset({"sessions"})), "Waits for the only session of this service to end:"),
        (Lack(project=frozenset({"sessions"})), "Waits for the project's only session to end:"),
        (Lack(machine=frozenset({"starts"})), "Waits for the session that is being started to be ready:"),
    ],
)
def test_of_one_is_said_what_is_said_of_one(lack, sentence):
    asked = Asked(number=12, project="weather", owner="weather__ada", needs=NEEDS)
    told = place_of(asked, lack, position=1, length=1, running=RUNNING[:1], most=ONE, limit=ONE)
    assert told.sentence().startswith(sentence)


def test_programs_are_told_of_sessions_in_the_fields_that_there_are():
    assert place(Lack(project=frozenset({"sessions"}))).shown()["heldBy"] == [
        {"who": "weather__ben", "session": 7, "memoryMib": 0, "gpus": 0}
    ]


def test_one_that_does_not_wait_is_told_that_others_asked_before():
    assert place(Lack()).without_the_queue() == "Others asked before you, and what is free is kept for them."


@pytest.mark.parametrize(
    ("position", "ordinal"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (21, "21st"), (112, "112th")],
)
def test_places_are_said_as_people_say_them(position, ordinal):
    assert (
        Place(position=position, length=200, waits_for="x").sentence() == f"Waits for x: {ordinal} of 200 in the queue."
    )
