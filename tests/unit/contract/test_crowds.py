"""The laws of a crowd: so many at once, so many of one, in turns, not for ever, no place for what is held, and lines
that neither shut anybody out nor cost more the longer they are."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Any

import pytest

from hops_contract.bodies import App, Message, Receive, Scope, Send
from hops_contract.crowds import STEP_ASIDE, Crowd, Shares, Who, _Places


def shares(**differing: int) -> Shares:
    return Shares(
        **{"at_once": 3, "of_one": 2, "of_unproven": 1, "trusted": 1, "in_line": 50, "in_lines": 200, **differing}
    )


SHARES = shares()
SOON_S = 5


class Service:
    """Answers a request when the test says so."""

    def __init__(self) -> None:
        self.working: list[str] = []
        self.begun: list[str] = []
        self.most: list[tuple[int, int]] = []
        self.open: dict[str, list[asyncio.Event]] = {}

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        name, done = scope["name"], asyncio.Event()
        self.working.append(name)
        self.begun.append(name)
        if name != "hub":
            people = [one for one in self.working if one != "hub"]
            self.most.append((len(people), people.count(name)))
        self.open.setdefault(name, []).append(done)
        try:
            if scope["path"] == "/held":
                scope[STEP_ASIDE]()
                self.working.remove(name)
            if scope["path"] == "/stream":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                self.working.remove(name)
            await done.wait()
            if scope["path"] == "/fails":
                raise OSError("broken")
            if scope["path"] == "/":
                await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        finally:
            if name in self.working:
                self.working.remove(name)

    def finish(self, name: str) -> None:
        self.open[name].pop(0).set()


def who(name: str) -> Who:
    return Who(name, trusted=name == "hub", proven=not name.startswith("stranger"))


def refuse(_scope: Scope) -> App:
    async def refusal(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 503, "headers": []})

    return refusal


class House:
    """The service with a crowd before it."""

    def __init__(self, *, patience_s: float = SOON_S, shares: Shares = SHARES) -> None:
        self.service = Service()
        self.crowd = Crowd(
            self.service,
            shares=shares,
            patience_s=patience_s,
            who=lambda scope: None if scope["name"] == "sign of life" else who(scope["name"]),
            refuse=refuse,
        )

    def ask(self, name: str, path: str = "/") -> asyncio.Task[int]:
        return asyncio.create_task(self._ask(name, path))

    async def _ask(self, name: str, path: str) -> int:
        answer: dict[str, Any] = {}

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            answer.update(message)

        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "name": name}
        await self.crowd(scope, receive, send)
        return int(answer["status"])


async def settle() -> None:
    for _ in range(200):
        await asyncio.sleep(0)


async def finish(house: House, name: str) -> None:
    house.service.finish(name)
    await settle()


def test_never_more_at_once_than_there_are_places_and_than_one_callers_share() -> None:
    async def scene() -> None:
        house = House()
        asked = [house.ask(name) for _ in range(10) for name in ("ada", "bob", "eve")]
        await settle()
        while house.service.working:
            await finish(house, house.service.working[0])
        assert await asyncio.gather(*asked) == [200] * 30
        assert max(house.service.most)[0] == 3
        assert max(of_one for _, of_one in house.service.most) <= 2

    asyncio.run(scene())


def test_who_has_one_request_waits_for_one_of_who_has_many() -> None:
    async def scene() -> None:
        house = House(shares=shares(at_once=2, of_one=2, trusted=1, in_line=50))
        many = [house.ask("ada") for _ in range(20)]
        await settle()
        one = house.ask("bob")
        await settle()
        assert house.service.begun == ["ada", "ada"]
        await finish(house, "ada")
        await finish(house, "ada")
        assert house.service.begun.index("bob") <= 3
        for task in (*many, one):
            task.cancel()

    asyncio.run(scene())


def test_who_has_all_of_their_share_leaves_the_rest_to_others() -> None:
    async def scene() -> None:
        house = House()
        many = [house.ask("ada") for _ in range(20)]
        await settle()
        one = house.ask("bob")
        await settle()
        assert house.service.working == ["ada", "ada", "bob"]
        for task in (*many, one):
            task.cancel()

    asyncio.run(scene())


def test_who_waits_too_long_is_refused_and_has_no_place() -> None:
    async def scene() -> None:
        house = House(patience_s=0.05)
        first = [house.ask("ada") for _ in range(2)]
        await settle()
        assert await house.ask("ada") == 503
        assert house.service.begun == ["ada", "ada"], "nothing of it was begun"
        await finish(house, "ada")
        await finish(house, "ada")
        again = [house.ask("ada") for _ in range(2)]
        await settle()
        assert house.service.working == ["ada", "ada"]
        for task in (*first, *again):
            task.cancel()

    asyncio.run(scene())


def test_a_full_line_refuses_who_has_waited_longest_and_not_who_comes() -> None:
    async def scene() -> None:
        house = House(shares=shares(at_once=1, of_one=1, in_line=2))
        first, oldest, second = (house.ask("ada") for _ in range(3))
        await settle()
        last = house.ask("ada")
        await settle()
        assert (await oldest, first.done(), second.done(), last.done()) == (503, False, False, False)
        for task in (first, second, last):
            await finish(house, "ada")
            assert await task == 200
        assert house.service.begun == ["ada"] * 3, "nothing of the refused one was begun"

    asyncio.run(scene())


def test_where_no_line_is_allowed_who_comes_is_refused() -> None:
    async def scene() -> None:
        for none in ({"in_line": 0}, {"in_lines": 0}):
            house = House(shares=shares(at_once=1, of_one=1, **none))
            one = house.ask("ada")
            await settle()
            assert await house.ask("ada") == 503
            one.cancel()

    asyncio.run(scene())


def test_all_lines_together_are_bounded_and_the_longest_gives_way() -> None:
    async def scene() -> None:
        house = House(shares=shares(at_once=1, of_one=1, in_line=5, in_lines=6))
        tasks = [house.ask(name) for name in ("ada", *["eve"] * 5, "bob")]
        await settle()
        assert not any(task.done() for task in tasks)
        tasks.append(house.ask("joe"))
        await settle()
        assert [task.done() for task in tasks] == [False, True, *[False] * 6], "eve's oldest"
        trusted = [house.ask("hub") for _ in range(5)]
        await settle()
        assert not any(task.done() for task in (*tasks[2:], *trusted)), "trusted ones push out nobody"
        for task in (*tasks, *trusted):
            task.cancel()

    asyncio.run(scene())


def test_who_is_not_proven_has_a_small_share() -> None:
    async def scene() -> None:
        house = House()
        tasks = [house.ask(name) for name in ("stranger", "stranger", "ada", "ada")]
        await settle()
        assert house.service.working == ["stranger", "ada", "ada"]
        for task in tasks:
            task.cancel()

    asyncio.run(scene())


def test_what_needs_no_place_stands_in_no_line() -> None:
    async def scene() -> None:
        house = House(shares=shares(at_once=1, of_one=1, in_line=0))
        tasks = [house.ask(name) for name in ("ada", "sign of life", "sign of life")]
        await settle()
        assert house.service.working == ["ada", "sign of life", "sign of life"]
        for task in tasks:
            task.cancel()

    asyncio.run(scene())


def test_who_goes_as_a_place_comes_gives_it_back() -> None:
    async def scene() -> None:
        house = House(shares=shares(at_once=1, of_one=1))
        first, going = house.ask("ada"), house.ask("ada")
        await settle()
        house.service.finish("ada")
        assert await first == 200
        assert house.service.working == [], "the other has its place and does not know it yet"
        going.cancel()
        last = house.ask("ada")
        await settle()
        house.service.open["ada"][-1].set()
        assert await last == 200

    asyncio.run(scene())


def test_a_request_costs_no_more_when_thousands_of_callers_wait() -> None:
    class Counted:
        """A caller's name that counts how often it is looked at."""

        looks = 0

        def __init__(self, name: int) -> None:
            self.name = name

        def __hash__(self) -> int:
            Counted.looks += 1
            return hash(self.name)

    def named(name: Hashable) -> Who:
        return Who(name)  # type: ignore[arg-type]

    async def looks_for_one(callers: int) -> float:
        places = _Places(1, shares(of_one=1, in_line=5, in_lines=10 * callers))
        first = named(Counted(-1))
        assert await places.take(first, SOON_S)
        names = [named(Counted(number)) for number in range(callers)]
        waiting = [asyncio.create_task(places.take(name, SOON_S)) for name in names]
        await asyncio.sleep(0)
        Counted.looks, rounds = 0, 20
        for before, name in zip([first, *names], names[:rounds], strict=False):
            places.give_back(before)
            assert places._taken[name] == 1
        looks = Counted.looks
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return looks / rounds

    few, many = asyncio.run(looks_for_one(30)), asyncio.run(looks_for_one(3000))
    assert many <= few * 1.1


@pytest.mark.parametrize("path", ["/held", "/stream"])
def test_what_is_held_open_takes_nobodys_place(path: str) -> None:
    async def scene() -> None:
        house = House()
        held = [house.ask("ada", path) for _ in range(30)]
        await settle()
        assert len(house.service.begun) == 30
        one = house.ask("ada")
        await settle()
        assert house.service.working == ["ada"]
        for task in (*held, one):
            task.cancel()
        await settle()
        # Each gave its place back once.
        fresh = [house.ask(name) for name in ("ada", "bob") for _ in range(5)]
        await settle()
        assert len(house.service.working) == 3
        for task in fresh:
            task.cancel()

    asyncio.run(scene())


def test_a_trusted_caller_has_places_of_its_own() -> None:
    async def scene() -> None:
        house = House()
        tasks = [house.ask(name) for name in ("ada", "ada", "bob", "hub", "hub")]
        await settle()
        assert house.service.working == ["ada", "ada", "bob", "hub"]
        for task in tasks:
            task.cancel()

    asyncio.run(scene())


def test_who_fails_or_goes_gives_the_place_back() -> None:
    async def scene() -> None:
        house = House(shares=shares(at_once=1, of_one=1, trusted=1, in_line=50))
        failing, going, gone, last = (house.ask("ada", path) for path in ("/fails", "/", "/", "/"))
        await settle()
        gone.cancel()
        await finish(house, "ada")
        with pytest.raises(OSError, match="broken"):
            await failing
        going.cancel()
        await settle()
        house.service.open["ada"].pop(0)
        await finish(house, "ada")
        assert await last == 200

    asyncio.run(scene())


def test_what_is_no_request_passes() -> None:
    async def scene() -> None:
        seen = []

        async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
            seen.append(scope["type"])

        crowd = Crowd(app, shares=SHARES, patience_s=1, who=lambda _: Who(""), refuse=refuse)
        await crowd({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
        assert seen == ["lifespan"]

    asyncio.run(scene())
