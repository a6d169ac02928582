"""What the session service holds while it runs, in view of sessions' code."""

from __future__ import annotations

import asyncio
import os

from hops_livy.service_lock import ServiceLock


def test_sessions_find_what_the_service_holds_and_nothing_that_it_does_not_hold_yet(tmp_path, monkeypatch):
    alive, opened = tmp_path / "shown" / "alive", []
    really = os.open

    def watched(path, *rest, **more):
        opened.append(path)
        return really(path, *rest, **more)

    monkeypatch.setattr(os, "open", watched)
    lock = ServiceLock(tmp_path / "lock", alive=alive)
    asyncio.run(lock.take())
    monkeypatch.undo()
    try:
        assert [path.name for path in alive.parent.iterdir()] == ["alive"]
        assert [path for path in opened if alive.parent in path.parents] == [], "code could hold it first"
    finally:
        lock.give_back()
