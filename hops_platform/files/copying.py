"""Copying, packing and unpacking: two places within reach of a project, and work that can take long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_platform.audit.circumstances import Circumstances
from hops_platform.datasets.service import Use
from hops_platform.engines.files import Copied
from hops_platform.engines.leave import Leave
from hops_platform.engines.places import Place
from hops_platform.errors import QuotaExceededError
from hops_platform.files.leave import NamedPlace, check_still
from hops_platform.files.schemas import CopyAnswer, Move
from hops_platform.files.service import show_copied
from hops_platform.parts import Parts
from hops_platform.projects.models import Project
from hops_platform.quotas.room import HeldRoom
from hops_platform.quotas.service import check_storage_room, no_storage_elsewhere
from hops_platform.security.authentication import ProjectAccess
from hops_platform.security.permissions import Permission

MOST_COPIED_ENTRIES = 20_000
MOST_COPIED_BYTES = 10 * 2**30


class CopyWork(Protocol):
    """What a storage does: its ``copy``, ``pack`` or ``unpack``."""

    def __call__(self, source: Place, target: Place, *, most_entries: int, most_bytes: int, leave: Leave) -> Copied:
        """Does it; see the ports in :mod:`hops_platform.engines.files`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyCall:
    """A call that makes something at one place of what lies at another.

    Attributes:
        dataset: Where the source lies.
        request: From where to where.
        session: Of the request.
        parts: The platform's.
        step_aside: Gives the request's place to others while it waits.
        known: What the audit says of it.
    """

    dataset: str
    request: Move
    session: Session
    parts: Parts
    step_aside: Callable[[], None]
    known: Circumstances


async def copy_with(work: CopyWork, call: CopyCall, access: ProjectAccess, *, permission: Permission) -> CopyAnswer:
    """Does ``work`` when it is the turn of whoever was let in with ``access``, as long as they have the permission.

    Raises:
        ForbiddenError: A share does not allow it, or the right to it has ended meanwhile.
        NotFoundError: A dataset or the source is not there (any more).
        QuotaExceededError: The project that it comes into has less room for it than it needs.
        TooLargeError: It is more than may be copied at once.
        TooManyError: Too much is under way.
    """
    request = call.request
    to = request.to_dataset or call.dataset
    call.known.thing = f"{call.dataset}/{request.path}"
    call.known.details["to"] = f"{to}/{request.to}"
    target = NamedPlace(to, request.to, Use.WRITE)
    source = NamedPlace(call.dataset, request.path, Use.TAKE_OUT if to != call.dataset else Use.READ)
    to_place = await call.parts.transfers.run(target.within, call.session, access)
    from_place = await call.parts.transfers.run(source.within, call.session, access)
    owner = await call.parts.transfers.run(_with_room, call.session, access, to_place)
    room = HeldRoom(call.parts.database, owner)
    look = partial(check_still, call.parts.database, access, permission, target, source)
    leave = Leave(look, take=room.take)
    with call.parts.transfers.places.take(access.caller.person.name):
        call.step_aside()
        doing = partial(_work_in, room, work, from_place, to_place, leave)
        try:
            copied = await call.parts.transfers.copies.run(
                access.caller.person.name, leave, doing, project=access.project.name
            )
        except QuotaExceededError as error:
            if to_place.project == access.project.name:
                raise
            raise no_storage_elsewhere(to_place.project) from error
        return show_copied(copied)


def _work_in(room: HeldRoom, work: CopyWork, source: Place, target: Place, leave: Leave) -> Copied:
    """Does it, and counts it: also where nobody waits for the answer any more."""
    with room:
        copied = work(source, target, most_entries=MOST_COPIED_ENTRIES, most_bytes=MOST_COPIED_BYTES, leave=leave)
        room.keep(copied.size)
        return copied


def _with_room(session: Session, access: ProjectAccess, target: Place) -> Project:
    """The project of ``target``, in which it need not be the caller who is a member, if it has any room."""
    owner = session.scalars(select(Project).where(Project.name == target.project)).one()
    try:
        check_storage_room(session, owner)
    except QuotaExceededError as error:
        if target.project == access.project.name:
            raise
        raise no_storage_elsewhere(target.project) from error
    session.commit()
    return owner
