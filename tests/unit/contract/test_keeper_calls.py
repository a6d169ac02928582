"""The filter of what the kernel refuses code of a sandbox, run as the kernel does."""

from __future__ import annotations

import struct

import pytest

from hops_contract.keeper.calls import filter_of

ALLOWED, NO_CALL, NO_FAMILY = 0x7FFF0000, 0x00050026, 0x00050061
MACHINES = {"x86_64": (0xC000003E, 41, 250, 319), "aarch64": (0xC00000B7, 198, 219, 279)}


def answer(program: bytes, *, architecture: int, number: int, argument: int = 0) -> int:
    data = struct.pack("=IIQQ", number, architecture, 0, argument)
    steps, at, held = list(struct.iter_unpack("=HBBI", program)), 0, 0
    while True:
        word, yes, no, value = steps[at]
        at += 1
        if word == 0x20:
            (held,) = struct.unpack_from("=I", data, value)
        elif word == 0x06:
            return value
        else:
            at += yes if (held == value if word == 0x15 else held >= value) else no


@pytest.mark.parametrize("machine", MACHINES)
def test_what_no_namespace_keeps_apart_is_refused_and_all_else_is_not(machine: str) -> None:
    architecture, socket, keyctl, memory = MACHINES[machine]
    program = filter_of(machine)
    assert program is not None
    for number in (keyctl, keyctl - 1, keyctl - 2, memory, 425, 447):
        assert answer(program, architecture=architecture, number=number) == NO_CALL
    families = {
        family: answer(program, architecture=architecture, number=socket, argument=family) for family in range(50)
    }
    assert {family for family, said in families.items() if said == ALLOWED} == {0, 1, 2, 10, 16, 17}
    assert set(families.values()) == {ALLOWED, NO_FAMILY}
    others = set(range(500)) - {socket, keyctl, keyctl - 1, keyctl - 2, memory, 425, 447}
    assert {answer(program, architecture=architecture, number=number, argument=40) for number in others} == {ALLOWED}


def test_calls_by_other_numbers_are_refused() -> None:
    program = filter_of("x86_64")
    assert program is not None
    assert answer(program, architecture=0x40000003, number=1) == NO_CALL, "of 32 bits"
    assert answer(program, architecture=0xC000003E, number=0x40000000 + 1) == NO_CALL, "x32"


def test_a_machine_whose_numbers_are_not_known_has_none() -> None:
    assert filter_of("s390x") is None
