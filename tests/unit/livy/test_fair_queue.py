"""The laws of the queue: never too much, fair between projects and their members, and nobody waits for ever."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hops_livy.engines.amounts import NOTHING, UNBOUNDED, Amount, Room
from hops_livy.fair_queue import PATIENCE, Asked, Held, Lack, in_order, take_turn

WHOLE = Amount(sessions=10, memory_mib=16_000, gpus=4)
SMALL = Amount(sessions=1, memory_mib=1000)


def asked(number, owner="weather__ada", needs=SMALL, overtaken=0):
    return Asked(number=number, project=owner.partition("__")[0], owner=owner, needs=needs, overtaken=overtaken)


def held(owner, **amount):
    return Held(project=owner.partition("__")[0], owner=owner, amount=Amount(**amount))


def numbers(many):
    return [one.number for one in many]


def test_one_owner_is_served_in_the_order_of_asking():
    waiting = [asked(3), asked(1), asked(2)]
    assert numbers(in_order(waiting, [], WHOLE)) == [1, 2, 3]


def test_projects_take_turns_and_in_them_their_members():
    waiting = [
        asked(1), asked(2), asked(3),
        asked(4, "weather__ben"), asked(5, "weather__ben"),
        asked(6, "sales__otto"), asked(7, "sales__otto"),
    ]  # fmt: skip
    assert numbers(in_order(waiting, [], WHOLE)) == [1, 6, 4, 7, 2, 5, 3]


def test_who_holds_the_smallest_share_of_anything_goes_first():
    waiting = [asked(1, "weather__ada"), asked(2, "sales__otto"), asked(3, "maps__mia")]
    having = [held("weather__ada", gpus=2, memory_mib=1000), held("sales__otto", memory_mib=4000)]
    assert numbers(in_order(waiting, having, WHOLE)) == [3, 2, 1]


def test_a_person_has_no_larger_share_for_being_in_many_projects():
    waiting = [asked(number, f"own{number}__ada") for number in range(3)] + [asked(3, "sales__otto")]
    assert numbers(in_order(waiting, [], WHOLE)) == [0, 3, 1, 2]


def test_all_that_fit_start_and_the_others_are_told_what_is_lacking():
    waiting = [
        asked(1, needs=Amount(sessions=1, memory_mib=9000)),
        asked(2, "sales__otto", Amount(sessions=1, memory_mib=9000)),
        asked(3, "maps__mia", Amount(sessions=1, memory_mib=1000, gpus=5)),
    ]
    turn = take_turn(waiting, held=[], room=Room(free=WHOLE, whole=WHOLE))
    assert (numbers(turn.starts), numbers(turn.waits)) == ([1], [2, 3])
    assert turn.lacks == {2: Lack(machine=frozenset({"memory_mib"})), 3: Lack(machine=frozenset({"gpus"}))}


def test_small_ones_go_past_a_large_one_until_it_has_been_overtaken_often_enough():
    large = asked(0, needs=Amount(sessions=1, memory_mib=12_000))
    room = Room(free=Amount(sessions=10, memory_mib=4000), whole=WHOLE)
    for number in range(1, PATIENCE + 1):
        turn = take_turn([large, asked(number, "sales__otto")], held=[], room=room)
        assert numbers(turn.starts) == [number]
        (large,) = turn.waits
        assert large.overtaken == number
    turn = take_turn([large, asked(9, "sales__otto")], held=[], room=room)
    assert (turn.starts, numbers(turn.waits)) == ((), [0, 9])
    assert turn.lacks[9] == Lack(), "what is free is kept for the large one"


def test_who_takes_nothing_of_what_is_lacking_overtakes_nobody():
    waiting = [asked(0, needs=Amount(sessions=1, memory_mib=1000, gpus=4)), asked(1, "sales__otto")]
    turn = take_turn(waiting, held=[], room=Room(free=replace(WHOLE, gpus=1), whole=WHOLE))
    assert (numbers(turn.starts), turn.waits[0].overtaken) == ([1], 0)


def test_for_one_that_waits_for_gpus_only_so_much_memory_is_kept_as_it_needs():
    waiting = [
        asked(0, needs=Amount(sessions=1, memory_mib=6000, gpus=4), overtaken=PATIENCE),
        asked(1, "sales__otto", Amount(sessions=1, memory_mib=10_000)),
        asked(2, "sales__otto", Amount(sessions=1, memory_mib=1000)),
        asked(3, "sales__otto", Amount(sessions=1, memory_mib=1000, gpus=1)),
    ]
    turn = take_turn(waiting, held=[], room=Room(free=replace(WHOLE, gpus=2), whole=WHOLE))
    assert numbers(turn.starts) == [1]


@pytest.mark.parametrize("owners", [["weather__ada"] * 3, ["weather__ada", "sales__ada", "maps__ada"]])
def test_of_one_person_only_the_first_in_line_is_counted_in_however_many_projects(owners):
    needs = Amount(sessions=1, memory_mib=9000)
    line = [asked(number, owner, needs) for number, owner in enumerate(owners)]
    room = Room(free=Amount(sessions=10, memory_mib=1000), whole=WHOLE)
    turn = take_turn([*line, asked(7, "sales__otto")], held=[], room=room)
    assert {one.number: one.overtaken for one in turn.waits} == {0: 1, 1: 0, 2: 0}


def test_a_projects_limits_are_those_of_all_its_sessions_and_hold_up_nobody_else():
    limits = {"weather": Amount(sessions=UNBOUNDED, memory_mib=3000, gpus=1)}
    waiting = [
        asked(1, needs=Amount(sessions=1, memory_mib=2000), overtaken=PATIENCE),
        asked(2, "weather__ben", Amount(sessions=1, memory_mib=1000)),
        asked(3, "sales__otto", Amount(sessions=1, memory_mib=14_000)),
    ]
    having = [held("weather__mia", memory_mib=2000)]
    room = Room(free=replace(WHOLE, memory_mib=14_000), whole=WHOLE)
    turn = take_turn(waiting, held=having, room=room, limits=limits)
    assert (numbers(turn.starts), numbers(turn.waits)) == ([3], [1, 2])
    assert turn.lacks[1].project == {"memory_mib"}
    assert turn.lacks[2].project == frozenset(), "it is kept for the first"


NEEDS_OF_OTHERS = st.builds(Amount, sessions=st.just(1), memory_mib=st.integers(1, 15_000), gpus=st.integers(0, 4))


def test_from_others_nothing_is_kept_for_one_who_waits_for_sessions_of_their_own():
    large = asked(0, needs=Amount(sessions=1, memory_mib=14_000), overtaken=PATIENCE)
    own_later = [asked(1), asked(2, "sales__ada")]
    own = [held("weather__ada", memory_mib=1500, sessions=1), held("sales__ada", memory_mib=1500, sessions=1)]
    room = Room(free=replace(WHOLE, memory_mib=13_000), whole=WHOLE)
    turn = take_turn([large, *own_later, asked(3, "sales__otto")], held=own, room=room)
    assert numbers(turn.starts) == [3], "it stood empty for as long as the person's own sessions ran"
    assert turn.lacks[1] == turn.lacks[2] == Lack(), "of the person's own requests none comes before it"
    less = take_turn([large, *own_later, asked(3, "sales__otto")], held=own[:1], room=room)
    assert less.starts == (), "now others' sessions have it, and when these end it has room"


@given(st.lists(NEEDS_OF_OTHERS, min_size=1, max_size=6))
def test_who_keeps_sessions_of_their_own_for_ever_keeps_no_room_empty(crowd):
    """As long as one's own sessions are what one waits for, others start as if one did not wait."""
    large = asked(0, needs=Amount(sessions=1, memory_mib=15_500), overtaken=PATIENCE)
    own = held("weather__ada", memory_mib=1000, sessions=1)
    others = [asked(number, "sales__otto", needs) for number, needs in enumerate(crowd, start=1)]
    room = Room(free=WHOLE - own.amount, whole=WHOLE)
    with_it = take_turn([large, *others], held=[own], room=room)
    without_it = take_turn(others, held=[own], room=room)
    assert numbers(with_it.starts) == numbers(without_it.starts) != []


RED = {"red": Amount(sessions=UNBOUNDED, memory_mib=60)}
HUNDRED = Amount(sessions=10, memory_mib=100)


def of(memory_mib):
    return Amount(sessions=1, memory_mib=memory_mib)


def test_from_members_nothing_is_kept_within_the_limits_for_one_who_waits_for_sessions_of_their_own():
    large = asked(0, "red__mallory", of(55), overtaken=PATIENCE)
    own_later, nia = asked(1, "red__mallory", of(10)), asked(2, "red__nia", of(10))
    room = Room(free=of(70) + Amount(sessions=9), whole=HUNDRED)
    turn = take_turn([large, own_later, nia], held=[held("red__mallory", memory_mib=30)], room=room, limits=RED)
    assert numbers(turn.starts) == [2], "it stood empty for as long as mallory's own session ran"
    assert turn.lacks[1] == Lack(), "of the person's own requests none comes before it"
    others = take_turn([large, nia], held=[held("red__bob", memory_mib=30)], room=room, limits=RED)
    assert others.starts == (), "now others' sessions have it, and when these end it has room"


def test_within_the_limits_nothing_is_kept_from_members_for_one_whose_own_sessions_fill_the_machine():
    large = asked(0, "red__mallory", of(30), overtaken=PATIENCE)
    own = held("blue__mallory", memory_mib=80)
    room = Room(free=of(20) + Amount(sessions=8), whole=HUNDRED)
    limits = {"red": Amount(sessions=UNBOUNDED, memory_mib=35)}
    turn = take_turn([large, asked(1, "red__nia", of(10))], held=[own], room=room, limits=limits)
    assert numbers(turn.starts) == [1]


def test_the_machine_keeps_no_room_for_one_whom_the_limits_of_the_project_hold_too():
    large = asked(0, "red__ada", of(50), overtaken=PATIENCE)
    waiting = [large, asked(1, "red__ada", of(5)), asked(2, "blue__ada", of(10)), asked(3, "sales__otto", of(30))]
    having = [held("red__bob", memory_mib=30), held("sales__otto", memory_mib=40)]
    room = Room(free=of(30) + Amount(sessions=8), whole=HUNDRED)
    turn = take_turn(waiting, held=having, room=room, limits=RED)
    assert numbers(turn.starts) == [3], "it stood empty until a session of the project ended"
    assert (turn.lacks[0].machine, turn.lacks[0].project) == ({"memory_mib"}, {"memory_mib"})


@pytest.mark.parametrize("needs", [of(61), of(101)])
def test_for_more_than_there_can_be_nothing_is_kept_not_even_from_oneself(needs):
    waiting = [
        asked(0, "red__ada", needs, overtaken=PATIENCE),
        asked(1, "red__ada", of(10)),
        asked(2, "blue__ada", of(80)),
    ]
    turn = take_turn(waiting, held=[], room=Room(free=HUNDRED, whole=HUNDRED), limits=RED)
    assert sorted(numbers(turn.starts)) == [1, 2]


def test_for_what_waits_behind_an_earlier_request_of_the_person_nothing_is_kept_from_others():
    waiting = [
        asked(0, "red__ada", of(50), overtaken=PATIENCE),
        asked(1, "blue__ada", of(60), overtaken=PATIENCE),
        asked(2, "sales__otto", of(60)),
    ]
    room = Room(free=of(70) + Amount(sessions=9), whole=HUNDRED)
    turn = take_turn(waiting, held=[held("red__bob", memory_mib=30)], room=room, limits=RED)
    assert numbers(turn.starts) == [2]


def test_nobody_is_kept_waiting_by_sessions_that_begin_again_and_again_in_two_projects():
    """The limits of one project and the room of the machine are never short at once, but always one of them."""
    large, fresh = asked(0, "red__ada", of(25), overtaken=PATIENCE), itertools.count(1)
    limits, whole = {"red": Amount(sessions=UNBOUNDED, memory_mib=30)}, Amount(sessions=10, memory_mib=50)
    running = [asked(next(fresh), "blue__ada", of(30))]
    for step in range(40):
        waiting = [large, asked(next(fresh), "red__ben", of(20)), asked(next(fresh), "blue__ada", of(30))]
        having = [Held(project=one.project, owner=one.owner, amount=one.needs) for one in running]
        free = whole - sum((one.needs for one in running), NOTHING)
        turn = take_turn(waiting, held=having, room=Room(free=free, whole=whole), limits=limits)
        if large in turn.starts:
            return
        running += turn.starts
        ending = "blue__ada" if step % 2 == 0 else "red__ben"
        running = [one for one in running if one.owner != ending]
    pytest.fail("it never started")


@given(st.lists(NEEDS_OF_OTHERS, min_size=1, max_size=6), st.integers(1, 15_000))
def test_who_keeps_sessions_of_their_own_in_a_project_for_ever_keeps_nothing_of_its_limits(crowd, limit):
    limits = {"weather": Amount(sessions=10, memory_mib=limit, gpus=4)}
    large = asked(0, needs=Amount(sessions=1, memory_mib=limit), overtaken=PATIENCE)
    own = held("weather__ada", memory_mib=1, sessions=1)
    others = [asked(number, "weather__ben", needs) for number, needs in enumerate(crowd, start=1)]
    room = Room(free=WHOLE - own.amount, whole=WHOLE)
    with_it = take_turn([large, *others], held=[own], room=room, limits=limits)
    without_it = take_turn(others, held=[own], room=room, limits=limits)
    assert numbers(with_it.starts) == numbers(without_it.starts)


NEEDS = st.builds(
    Amount,
    sessions=st.just(1),
    memory_mib=st.integers(1, WHOLE.memory_mib),
    gpus=st.integers(0, WHOLE.gpus),
)
OWNERS = st.sampled_from(["weather__ada", "weather__ben", "sales__otto", "maps__mia"])
WAITING = st.lists(st.builds(asked, st.integers(0, 999), OWNERS, NEEDS, st.integers(0, PATIENCE)), max_size=12,
                   unique_by=lambda one: one.number)  # fmt: skip
FREE = st.builds(Amount, sessions=st.integers(-2, 10), memory_mib=st.integers(-500, 16_000), gpus=st.integers(-1, 4))
LIMITS = st.dictionaries(
    st.sampled_from(["weather", "sales"]),
    st.builds(Amount, sessions=st.integers(0, 10), memory_mib=st.integers(0, 16_000), gpus=st.integers(0, 4)),
)
HELD = st.lists(st.builds(lambda owner, amount: Held(project=owner.partition("__")[0], owner=owner, amount=amount),
                          OWNERS, NEEDS), max_size=5)  # fmt: skip


@given(WAITING, HELD, FREE, LIMITS)
def test_never_more_is_given_than_there_is(waiting, having, free, limits):
    turn = take_turn(waiting, held=having, room=Room(free=free, whole=WHOLE), limits=limits)
    given_out = sum((one.needs for one in turn.starts), NOTHING)
    assert not free.lacks(given_out)
    for project, most in limits.items():
        own = sum((one.needs for one in turn.starts if one.project == project), NOTHING)
        before = sum((one.amount for one in having if one.project == project), NOTHING)
        assert not (most - before).lacks(own)
    assert sorted(numbers([*turn.starts, *turn.waits])) == sorted(numbers(waiting)), (
        "nobody is lost, nobody served twice"
    )
    assert set(turn.lacks) == set(numbers(turn.waits))


@given(WAITING, HELD, FREE, LIMITS, st.randoms())
def test_the_same_question_has_the_same_answer(waiting, having, free, limits, random):
    shuffled = random.sample(waiting, len(waiting))
    room = Room(free=free, whole=WHOLE)
    first = take_turn(waiting, held=having, room=room, limits=limits)
    assert take_turn(shuffled, held=having, room=room, limits=limits) == first


PEOPLE = st.sampled_from(["weather__ada", "weather__ben", "sales__ada", "sales__otto", "maps__mia"])
WITHIN = st.builds(Amount, sessions=st.just(1), memory_mib=st.integers(1, 8000), gpus=st.integers(0, 2))


def never_started(victims, crowd, *, rounds, limits=None, ends=lambda _running: 0):
    """Numbers of those of ``victims`` that have not started, though ``crowd`` comes after them again and again.

    Args:
        victims: Owners and needs of those that wait first.
        crowd: Owners and needs of those that come after them, for ever.
        rounds: So often, for each of both, the queue moves and a session ends.
        limits: Of projects.
        ends: Which of those that run ends next; default: the one that has run longest.
    """
    waiting = [asked(number, owner, needs) for number, (owner, needs) in enumerate(victims)]
    running, fresh = [], itertools.count(len(victims))
    crowd_forever = itertools.cycle(crowd)
    pending = set(range(len(victims)))
    for _ in range(rounds * (len(victims) + len(crowd))):
        while len(waiting) < len(victims) + 4:
            owner, needs = next(crowd_forever)
            waiting.append(asked(next(fresh), owner, needs))
        free = WHOLE - sum((one.needs for one in running), NOTHING)
        having = [Held(project=one.project, owner=one.owner, amount=one.needs) for one in running]
        turn = take_turn(waiting, held=having, room=Room(free=free, whole=WHOLE), limits=limits)
        waiting = list(turn.waits)
        running += turn.starts
        pending -= set(numbers(turn.starts))
        if not pending:
            break
        if running:
            running.pop(ends(running))
    return sorted(pending)


@pytest.mark.parametrize("longest_first", [True, False])
@given(
    st.lists(st.tuples(PEOPLE, WITHIN), min_size=1, max_size=3),
    st.lists(st.tuples(PEOPLE, WITHIN), min_size=1, max_size=6),
    st.dictionaries(
        st.sampled_from(["weather", "sales"]),
        st.builds(Amount, sessions=st.integers(1, 4), memory_mib=st.integers(8000, 16_000), gpus=st.integers(2, 4)),
    ),
    st.randoms(use_true_random=False),
)
def test_nobody_waits_for_ever_while_sessions_end(longest_first, victims, crowd, limits, random):
    """Whatever comes after them, again and again, of others or of themselves, within limits or not: they start."""

    def ends(running):
        return 0 if longest_first else random.randrange(len(running))

    assert never_started(victims, crowd, rounds=60, limits=limits, ends=ends) == []


@given(st.lists(NEEDS, min_size=1, max_size=3), st.lists(st.tuples(OWNERS, NEEDS), min_size=1, max_size=6))
def test_nobody_waits_for_ever_for_all_of_the_machine_while_sessions_end(victims, crowd):
    """Whatever comes after them, again and again, and however little the others hold: they start."""
    assert never_started([("weather__ada", needs) for needs in victims], crowd, rounds=40) == []
