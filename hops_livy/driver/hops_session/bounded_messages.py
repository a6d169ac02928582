"""Messages of the kernel, no larger than the session service takes: cut here, where the memory is the user's."""

from __future__ import annotations

from typing import Any

from jupyter_client.session import Session

from .spool import Spool

MOST_BYTES = 16 * 1024 * 1024
"""Of one message's content, packed."""
_KEPT_CHARACTERS = 1024 * 1024
"""Of a text that is cut; as JSON a character has six bytes at most."""
_KEPT_LINES = 50
_BUSY = {"execution_state": "busy"}
_MIB = 1024 * 1024


class BoundedSession(Session):
    """Jupyter's session, with a bound: what is too large goes in a shorter form that says so.

    What only a notebook's front end listens to is not sent at all: that a request has begun, and its code once more.

    Attributes:
        spool: Keeps what statements write; set once, before the first statement.
    """

    spool: Spool | None = None

    def send(
        self,
        stream: Any,
        msg_or_type: dict[str, Any] | str,
        *arguments: Any,
        buffers: list[Any] | None = None,
        **options: Any,
    ) -> dict[str, Any] | None:
        """See :meth:`jupyter_client.session.Session.send`. Nothing that the service shows has buffers."""
        if msg_or_type == "execute_input" or (msg_or_type == "status" and arguments[:1] == (_BUSY,)):
            return None
        if isinstance(msg_or_type, dict):
            buffers = buffers or msg_or_type.get("buffers")
            msg_or_type = {**msg_or_type, "buffers": []}
        small = [buffer for buffer in buffers or [] if memoryview(buffer).nbytes <= MOST_BYTES]
        sent: dict[str, Any] | None = super().send(stream, msg_or_type, *arguments, buffers=small, **options)
        return sent

    def serialize(self, msg: dict[str, Any], ident: list[bytes] | bytes | None = None) -> list[bytes]:
        """See :meth:`jupyter_client.session.Session.serialize`."""
        content = msg.get("content")
        if isinstance(content, dict):
            packed = self.pack(content)
            if len(packed) > MOST_BYTES:
                packed = self.pack(shortened(str(msg["header"]["msg_type"]), content, len(packed)))
            if self.spool is not None:
                header, parent = msg["header"], msg.get("parent_header") or {}
                self.spool.keep(str(parent.get("msg_id", "")), header["msg_id"], header["msg_type"], packed)
            msg = {**msg, "content": packed}
        parts: list[bytes] = super().serialize(msg, ident)
        return parts


def shortened(kind: str, content: dict[str, Any], size: int) -> dict[str, Any]:
    """A form of ``content`` that is small, shows the beginning where there is one, and says what is missing.

    Args:
        kind: The message's type.
        content: The content, which is too large.
        size: Its size in bytes.
    """
    told = f"{size / _MIB:.0f} MiB are too much for one output: {MOST_BYTES // _MIB} MiB are the most."
    match kind:
        case "stream":
            return {**content, "text": _cut(content.get("text"), told)}
        case "display_data" | "update_display_data" | "execute_result":
            # A page or a picture of which an end is missing shows nothing.
            return {**content, "data": {"text/plain": f"[This is not shown. {told}]"}, "metadata": {}}
        case "execute_reply" if content.get("status") == "ok":
            return {**content, "payload": [], "user_expressions": {}}
        case "error" | "execute_reply":
            lines = [_cut(line, told) for line in content.get("traceback", [])[-_KEPT_LINES:]]
            shown = {name: _cut(content.get(name), told) for name in ("ename", "evalue")}
            kept = {name: value for name, value in content.items() if name in {"status", "execution_count"}}
            return {**kept, **shown, "traceback": lines[-1:] if len("".join(lines)) > _KEPT_CHARACTERS else lines}
        case _:
            return {"status": "error", "ename": "TooLarge", "evalue": told, "traceback": []}


def _cut(text: object, told: str) -> str:
    whole = str(text)
    return whole if len(whole) <= _KEPT_CHARACTERS else f"{whole[:_KEPT_CHARACTERS]}\n[Cut off here. {told}]\n"
