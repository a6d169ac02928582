"""What people are told of their place in the queue, and what of others they are not."""

import pytest

from hops_livy.engines.amounts import BOUNDLESS, UNBOUNDED, Amount
from hops_livy.fair_queue import Asked, Lack
from hops_livy.queue_place import Place, Running, place_of

NEEDS = Amount(sessions=1, memory_mib=2048, gpus=2)
MOST = Amount(sessions=200, starts=4, memory_mib=UNBOUNDED, gpus=4)
LIMIT = Amount(sessions=5, memory_mib=4096, gpus=3)
RUNNING = [
    Running(session=7, project="weather", owner="weather__ben", amount=Amount(sessions=1, memory_mib=1024, gpus=1)),
    Running(session=8, project="sales", owner="sales__otto", amount=Amount(sessions=1, memory_mib=512, gpus=1)),
    Running(session=9, project="maps", owner="maps__mia", amount=Amount(sessions=1, memory_mib=512, gpus=1)),
]


def place(lack, *, running=RUNNING, position=2, limit=LIMIT):
    asked = Asked(number=12, project="weather", owner="weather__ada", needs=NEEDS)
    return place_of(asked, lack, position=position, length=25, running=running, most=MOST, limit=limit)


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
                "Waits for 2 GPUs and 2048 MiB of memory: 2nd of 25 in the queue. "
                "In use: 2 GPUs and 1024 MiB by other projects, 1 GPU and 1024 MiB by weather__ben (session 7)."
            ),
        ),
        (
            Lack(project=frozenset({"gpus", "memory_mib"})),
            (
                "Waits for 2 GPUs of the project's 3 and 2048 MiB of the project's 4096 MiB of memory: "
                "2nd of 25 in the queue. In use: 1 GPU and 1024 MiB by weather__ben (session 7)."
            ),
        ),
        (
            Lack(machine=frozenset({"sessions"}), project=frozenset({"sessions"})),
            (
                "Waits for one of the 200 sessions of this service to end and one of the 5 sessions of the project "
                "to end: 2nd of 25 in the queue."
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


def test_it_names_those_who_have_most_and_no_more_than_eight():
    many = [Running(session=n, project="weather", owner=f"weather__u{n}", amount=Amount(gpus=n)) for n in range(1, 20)]
    held = place(Lack(machine=frozenset({"gpus"})), running=many, limit=BOUNDLESS).held_by
    assert [one.session for one in held] == list(range(19, 11, -1))


@pytest.mark.parametrize(
    ("position", "ordinal"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (21, "21st"), (112, "112th")],
)
def test_places_are_said_as_people_say_them(position, ordinal):
    assert (
        Place(position=position, length=200, waits_for="x").sentence() == f"Waits for x: {ordinal} of 200 in the queue."
    )
