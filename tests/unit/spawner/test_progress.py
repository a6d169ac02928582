from __future__ import annotations

import asyncio

from hops_spawner.progress import StartProgress


def test_a_late_reader_is_told_all_steps_and_none_twice() -> None:
    async def watch() -> list[list[str]]:
        progress = StartProgress()

        async def read() -> list[str]:
            return [event["message"] async for event in progress.events()]

        early = asyncio.create_task(read())
        progress.reach(10, "checking")
        progress.reach(10, "checking")
        await asyncio.sleep(0)
        progress.reach(60, "starting")
        late = asyncio.create_task(read())
        await asyncio.sleep(0)
        progress.end()
        return [await early, await late]

    assert asyncio.run(watch()) == [["checking", "starting"]] * 2
