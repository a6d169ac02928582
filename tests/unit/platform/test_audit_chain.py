"""The chain of the audit, and what else of it needs no database."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from hops_contract.origins import parse_networks, source_address
from hops_platform.audit.actions import Action
from hops_platform.audit.chain import Break, Chain, Entry, Head, Link, Walk, canonical
from hops_platform.audit.events import MAX_DETAILS, MAX_NAME, Event, clip, write_details
from hops_platform.audit.head import BrokenHeadError, HeadFile
from hops_platform.audit.service import harmless
from hops_platform.settings import Settings

CHAIN = Chain(b"k" * 32)
OTHER = Chain(b"o" * 32)
MOMENT = datetime(2026, 5, 4, 10, tzinfo=UTC)
CHANGES: dict[str, Any] = {
    "moment": MOMENT + timedelta(microseconds=1),
    "actor": "eve",
    "actor_kind": "service",
    "action": "member.remove",
    "project": "tides",
    "project_id": UUID(int=2),
    "thing_kind": "user",
    "thing": "joe",
    "source": "192.0.2.8",
    "request_id": "r2",
    "outcome": "refused",
    "reason": "x",
    "details": '{"role":"data_owner"}',
}


def entry(number: int) -> Entry:
    return Entry(
        number=number,
        moment=MOMENT,
        actor="ada",
        actor_kind="user",
        action="member.add",
        project="weather",
        project_id=UUID(int=1),
        thing_kind="member",
        thing="bob",
        source="192.0.2.7",
        request_id="r1",
        outcome="done",
        reason="",
        details="{}",
    )


def links(count: int, chain: Chain = CHAIN) -> list[Link]:
    made, head = [], Head()
    for number in range(1, count + 1):
        link = chain.link(entry(number), head)
        head = Head(number, link.own_hash)
        made.append(link)
    return made


def walk(found: Sequence[Link], *, head: Head | None = None) -> Break | None:
    walking = Walk(CHAIN, head or Head())
    for link in found:
        if (broken := walking.step(link)) is not None:
            return broken
    return walking.end()


def head_of(link: Link) -> Head:
    return Head(link.entry.number, link.own_hash)


def test_a_whole_chain_holds() -> None:
    made = links(5)
    assert walk(made, head=head_of(made[-1])) is None
    assert walk(made, head=head_of(made[2])) is None, "the head follows after the rows"
    assert walk([]) is None


@pytest.mark.parametrize("field", CHANGES)
def test_a_change_of_any_field_shows(field: str) -> None:
    made = links(3)
    made[1] = replace(made[1], entry=replace(made[1].entry, **{field: CHANGES[field]}))
    assert walk(made) == Break(2, "Row 2 was changed, or was not written by this platform.")


def test_every_field_is_tried() -> None:
    assert set(CHANGES) | {"number"} == set(Entry.__slots__)


def test_a_missing_row_is_named() -> None:
    made = links(6)
    assert walk(made[1:]) == Break(1, "Row 1 is missing.")
    assert walk([*made[:2], *made[4:]]) == Break(3, "Rows 3 to 4 are missing.")


def test_rows_that_change_places_show() -> None:
    made = links(3)
    first, second = made[0], made[1]
    swapped = [
        replace(second, entry=replace(second.entry, number=1)),
        replace(first, entry=replace(first.entry, number=2)),
    ]
    broken = walk([*swapped, made[2]])
    assert broken is not None
    assert broken.number == 1


def test_a_row_that_was_taken_from_another_chain_of_the_same_site_shows() -> None:
    made = links(3)
    other = CHAIN.link(replace(entry(2), thing="joe"), Head(1, "1" * 64))
    assert walk([made[0], other, made[2]]) == Break(
        2, "Row 2 does not follow the row before it: one of the two was replaced."
    )


def test_a_chain_made_anew_without_the_key_shows() -> None:
    broken = walk(links(3, OTHER))
    assert broken is not None
    assert broken.number == 1


def test_a_tail_that_was_cut_off_shows() -> None:
    made = links(5)
    assert walk(made[:3], head=head_of(made[-1])) == Break(4, "Rows 4 to 5 are missing.")
    assert walk([], head=head_of(made[-1])) == Break(1, "Rows 1 to 5 are missing.")


def test_another_end_of_the_same_length_shows() -> None:
    made = links(3)
    # Made with the key, so that only the head can tell which of the two was there first.
    other = CHAIN.link(replace(entry(3), thing="joe"), head_of(made[1]))
    broken = walk([*made[:2], other], head=head_of(made[2]))
    assert broken == Break(3, "Row 3 is not the one that was written here first.")


def test_one_moment_has_one_form_in_whatever_zone() -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=5)))
    assert canonical(replace(entry(1), moment=elsewhere), "") == canonical(entry(1), "")


def test_no_text_can_pass_for_several_fields() -> None:
    one = replace(entry(1), actor='ada","thing":"x')
    other = replace(entry(1), actor="ada", thing="x")
    assert canonical(one, "") != canonical(other, "")


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Chain(b"short")


def test_an_event_fits_its_row_and_every_database() -> None:
    happened = Event(action=Action.MEMBER_ADD, actor="a" * 500, thing="nul\x00 and \udc80", reason="r" * 900)
    made = happened.entry(7)
    assert (len(made.actor), made.thing_kind, made.thing) == (MAX_NAME, "member", "nul� and ?")
    assert len(made.reason) == 500
    assert clip("häh", 3) == "häh"


def test_details_are_bounded() -> None:
    assert write_details({"b": 1, "a": "ä"}) == '{"a":"\\u00e4","b":1}'
    assert write_details({"a": "x" * MAX_DETAILS}) == '{"left_out":true}'


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "ada", "a=b", "2026-05-04T10:00:00Z", "4711"])
def test_other_cells_stay_as_they_are(cell: str) -> None:
    assert harmless(cell) == cell


NETWORKS = parse_networks("10.1.0.0/16, 2001:db8:1::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "word", "source"),
    [
        ("192.0.2.7", "", 0, "192.0.2.7"),
        ("192.0.2.7", "203.0.113.9", 0, "192.0.2.7"),  # not a proxy: whatever it says is its own word
        ("127.0.0.1", "192.0.2.7", 0, "127.0.0.1"),  # code in a sandbox comes from there too
        ("::1", "192.0.2.7", 0, "::1"),
        ("", "192.0.2.7", 1, "192.0.2.7"),
        ("127.0.0.1", "::ffff:192.0.2.7", 1, "192.0.2.7"),
        ("", "203.0.113.9, 192.0.2.7", 1, "192.0.2.7"),  # the left one came from the caller
        ("", "203.0.113.9, 127.0.0.1", 1, "127.0.0.1"),  # who came to the proxy from loopback
        ("", "203.0.113.9, 192.0.2.7, 10.1.2.3", 1, "192.0.2.7"),  # two proxies in a row
        ("", "203.0.113.9, 10.1.2.3, 192.0.2.7", 1, "192.0.2.7"),
        ("", "192.0.2.7, nonsense", 1, ""),
        ("", "192.0.2.7,", 1, ""),
        ("", "1.1.1.1," * 50 + "10.1.0.1," * 50 + "10.1.0.2", 1, "10.1.0.1"),
        ("127.0.0.1", "", 1, "127.0.0.1"),
        ("10.1.9.9", "2001:db8::5", 0, "2001:db8::5"),
        ("10.1.9.9", f"fe80::5%{'a' * 200}", 0, "fe80::5"),  # a zone is any text
        ("10.1.9.9", "::ffff:192.0.2.7%a", 0, "192.0.2.7"),
        ("testclient", "192.0.2.7", 0, ""),
        ("fe80::1%eth0", "", 0, "fe80::1"),
        ("", f"fe80::1%{'<b>' * 100}, 10.1.2.3", 1, "fe80::1"),
        ("", "", 0, ""),
    ],
)
def test_the_address_is_what_trusted_proxies_say_and_nothing_else(
    peer: str, forwarded: str, word: int, source: str
) -> None:
    assert source_address(peer, forwarded, trusted=NETWORKS, is_believed=bool(word)) == source


def test_proxies_that_are_no_networks_are_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 network"):
        Settings(trusted_proxies="the one in the cellar")
    assert len(Settings(trusted_proxies="192.0.2.0/24").trusted_networks) == 1


@pytest.fixture
def head_file(tmp_path: Path) -> HeadFile:
    return HeadFile(tmp_path / "audit-head", CHAIN)


def test_the_head_is_private_and_only_grows(head_file: HeadFile, tmp_path: Path) -> None:
    assert (head_file.read(), head_file.furthest()) == (None, Head())
    for number in (3, 1, 2):
        head_file.advance(Head(number, str(number) * 64))
    assert head_file.read() == head_file.furthest() == Head(3, "3" * 64)
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert HeadFile(tmp_path / "audit-head", CHAIN).furthest() == Head(3, "3" * 64)


def test_of_many_that_write_the_head_at_once_the_furthest_wins(tmp_path: Path) -> None:
    # Each its own object, as processes have.
    files = [HeadFile(tmp_path / "audit-head", CHAIN) for _ in range(4)]
    heads = [Head(number, f"{number:064x}") for number in range(1, 201)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda pair: files[pair[0] % 4].advance(pair[1]), enumerate(heads)))
    assert files[0].read() == heads[-1]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"number": 1}', '{"number": 9, "own_hash": "x", "signature": "y"}'])
def test_a_head_that_was_not_signed_here_is_told_and_left_as_it_is(
    head_file: HeadFile, tmp_path: Path, text: str
) -> None:
    (tmp_path / "audit-head").write_text(text)
    with pytest.raises(BrokenHeadError):
        head_file.read()
    head_file.advance(Head(1, "1" * 64))
    assert (tmp_path / "audit-head").read_text() == text
    assert head_file.furthest() == Head(1, "1" * 64)


def test_a_head_that_is_removed_comes_back_with_the_next_row(head_file: HeadFile, tmp_path: Path) -> None:
    head_file.advance(Head(5, "5" * 64))
    (tmp_path / "audit-head").unlink()
    assert head_file.furthest() == Head(5, "5" * 64)
    head_file.advance(Head(4, "4" * 64))
    assert head_file.read() == Head(5, "5" * 64)
