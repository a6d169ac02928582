"""The output of a statement that an earlier service began: a part lies in a file, the rest is still to come."""

from __future__ import annotations

import asyncio
from typing import Any

from hops_livy.engines.drivers import MessageHandler
from hops_livy.spooled import Spooled

_AT_A_TIME = 100


class Joined:
    """Hands over a statement's output: first what a file holds, then what comes; each message once."""

    def __init__(self, on_message: MessageHandler) -> None:
        self._on_message = on_message
        self._held: list[tuple[str, str, dict[str, Any]]] | None = []
        self._known: set[str] = set()

    def hear(self, identity: str, kind: str, content: dict[str, Any]) -> None:
        """Takes a message that came just now."""
        if self._held is not None:
            self._held.append((identity, kind, content))
        elif identity not in self._known:
            self._on_message(kind, content)

    async def begin(self, spooled: Spooled) -> None:
        """The file has been read. Others get their turn meanwhile: there may be very many messages in it."""
        self._known = {message.id for message in spooled.messages}
        for number, message in enumerate(spooled.messages, start=1):
            self._on_message(message.kind, message.content)
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)
        held, self._held = self._held or [], None
        for item in held:
            self.hear(*item)
