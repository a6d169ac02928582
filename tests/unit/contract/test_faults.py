"""All that is wrong with settings is told at once, also by what stops at the first."""

from __future__ import annotations

from collections.abc import Mapping

from hops_contract.faults import Fault, find_faults

WRONG = {"HOPS_SESSIONS": "many", "HOPS_QUEUE": "-1", "HOPS_MAIL_HOST": "mail", "PATH": "/bin"}


def stops_at_the_first(variables: Mapping[str, str]) -> list[str]:
    for name in ("HOPS_SESSIONS", "HOPS_QUEUE"):
        if name in variables:
            return [f"{name} is {variables[name]!r}; it must be a whole number."]
    if "HOPS_MAIL_HOST" in variables and "HOPS_MAIL_FROM" not in variables:
        return ["HOPS_MAIL_HOST needs HOPS_MAIL_FROM."]
    return []


def test_each_setting_that_is_wrong_is_told_once() -> None:
    assert find_faults(stops_at_the_first, WRONG) == [
        Fault("HOPS_SESSIONS", "HOPS_SESSIONS is 'many'; it must be a whole number."),
        Fault("HOPS_QUEUE", "HOPS_QUEUE is '-1'; it must be a whole number."),
        Fault("HOPS_MAIL_HOST", "HOPS_MAIL_HOST needs HOPS_MAIL_FROM."),
    ]
    assert find_faults(stops_at_the_first, {"PATH": "/bin"}) == []


def test_what_is_wrong_only_because_another_was_left_out_is_no_news() -> None:
    def read(variables: Mapping[str, str]) -> list[str]:
        if variables.get("HOPS_MAIL_FROM") == "no address":
            return ["HOPS_MAIL_FROM can't be used."]
        return stops_at_the_first(variables)

    wrong = {"HOPS_MAIL_HOST": "mail", "HOPS_MAIL_FROM": "no address"}
    assert find_faults(read, wrong) == [Fault("HOPS_MAIL_FROM", "HOPS_MAIL_FROM can't be used.")]


def test_what_is_never_well_and_names_nothing_ends() -> None:
    assert find_faults(lambda _: ["It is wrong."], WRONG) == [Fault("HOPS_", "It is wrong.")]
    assert find_faults(lambda _: ["HOPS_ABSENT must be set."], WRONG) == [
        Fault("HOPS_ABSENT", "HOPS_ABSENT must be set.")
    ]
