"""How events come into the table: in the transaction of what they tell, at its very end.

Laws:

1. An event that was recorded in a transaction is written if and only if the transaction is committed.
2. All transactions that write events do so one after the other, from taking a number to the commit, so there is one
   chain without a fork. Nothing but the commit follows, so nobody waits long and nobody waits for one another.
3. The head follows after the commit. Should the process die in between, the head is behind, which is no damage.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import secrets
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from hops_platform.audit.chain import KEY_BYTES, Chain, Entry, Head, Link
from hops_platform.audit.events import Event
from hops_platform.audit.head import HEAD_FILE, HeadFile
from hops_platform.audit.models import AuditEvent
from hops_platform.database import Database
from hops_platform.projects.models import Project
from hops_platform.security.tokens import ensure_secret, read_secret

LOG = logging.getLogger("hops.audit")
AUDIT_KEY = "audit-key"
_FOLLOWED = "hops.audit.followed"
_PENDING = "hops.audit.pending"
_WRITTEN = "hops.audit.written"
_LOCK = 0x486F7073417564
"""Any number that no other lock of the same database has."""


def record(session: Session, happened: Event) -> None:
    """Writes ``happened`` with the transaction of ``session``.

    Raises:
        RuntimeError: The database of the session is followed by no trail, so the event would be lost.
    """
    if not session.info.get(_FOLLOWED):
        raise RuntimeError("No audit trail follows this database.")
    if not session.in_transaction():
        session.begin()  # else a rollback before the first statement would be none, and leave the event there
    session.info.setdefault(_PENDING, []).append(happened)


class Trail:
    """Writes what is recorded.

    Args:
        chain: With the key of this site.
        head: Where the end of the chain is kept beside the database.
    """

    def __init__(self, chain: Chain, head: HeadFile) -> None:
        self.chain = chain
        self.head = head

    def follow(self, database: Database) -> None:
        """From now on, events can be recorded in transactions of ``database``."""
        database.sessions.configure(info={_FOLLOWED: True})
        event.listen(database.sessions, "before_commit", self._append)
        event.listen(database.sessions, "after_commit", self._tell)
        event.listen(database.sessions, "after_rollback", _forget)

    def _append(self, session: Session) -> None:
        if session.in_nested_transaction() or not (pending := session.info.get(_PENDING)):
            return
        # What can fail or has to wait does so before the chain is taken.
        session.flush()
        happened = [replace(one, project_id=_project_id(session, one)) for one in pending]
        if session.get_bind().dialect.name == "postgresql":
            session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        head, links = self._end(session), []
        for one in happened:
            link = self.chain.link(one.entry(head.number + 1), head)
            head = Head(link.entry.number, link.own_hash)
            links.append(link)
        session.add_all([AuditEvent.of(link) for link in links])
        session.info[_PENDING] = []
        session.info[_WRITTEN] = links

    def _end(self, session: Session) -> Head:
        row = session.execute(
            select(AuditEvent.number, AuditEvent.own_hash).order_by(AuditEvent.number.desc()).limit(1)
        ).first()
        last = Head(row[0], row[1]) if row is not None else Head()
        known = self.head.furthest()
        if known.number <= last.number:
            return last
        # Going on where the rows end would hide that some were taken away. The gap shows for ever.
        LOG.error("rows %d to %d of the audit are missing", last.number + 1, known.number)
        return known

    def _tell(self, session: Session) -> None:
        if session.in_nested_transaction() or not (links := session.info.pop(_WRITTEN, None)):
            return
        for link in links:
            LOG.info("%s", summary(link.entry), extra={"audit": fields(link)})
        try:
            self.head.advance(Head(links[-1].entry.number, links[-1].own_hash))
        except OSError:
            # It is done and can't be undone; the next one tries again.
            LOG.exception("the head of the audit can't be written")


def _forget(session: Session) -> None:
    session.info.pop(_PENDING, None)
    session.info.pop(_WRITTEN, None)


def _project_id(session: Session, one: Event) -> uuid.UUID | None:
    if one.project is None or one.project_id is not None:
        return one.project_id
    return session.scalar(select(Project.id).where(Project.name == one.project))


def summary(entry: Entry) -> str:
    """An entry in one line, for people."""
    who = entry.actor or entry.actor_kind
    what = f"{entry.action} {entry.thing}".rstrip()
    where = f" in {entry.project}" if entry.project else ""
    return f"{who}: {what}{where}: {entry.outcome}"


def fields(link: Link) -> dict[str, Any]:
    """A link as it is mirrored to the logs."""
    entry = link.entry
    return {
        "number": entry.number,
        "moment": entry.moment.isoformat(),
        "actor": entry.actor,
        "actor_kind": entry.actor_kind,
        "action": entry.action,
        "project": entry.project,
        "thing_kind": entry.thing_kind,
        "thing": entry.thing,
        "source": entry.source,
        "request_id": entry.request_id,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "details": json.loads(entry.details),
        "own_hash": link.own_hash,
    }


def ensure_audit_key(path: Path) -> None:
    """Makes a key in ``path`` unless there is one."""
    ensure_secret(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode())


def load_trail(home: Path, key: Path) -> Trail:
    """The trail with the key in ``key``, and its head below ``home``.

    Raises:
        RuntimeError: The key is missing, others can read it, or it is none.
    """
    try:
        chain = Chain(base64.b64decode(read_secret(key), validate=True))
    except (binascii.Error, ValueError) as error:
        raise RuntimeError(f"The secret {key.name} is no key of the audit; restore it from a backup.") from error
    return Trail(chain, HeadFile(home / HEAD_FILE, chain))
