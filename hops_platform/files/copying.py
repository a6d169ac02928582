"""Copying, packing and unpacking: two places within reach of a project, and work that can take long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_platform.audit.circumstances import Circumstances
from hops_platform.datasets.service import Use, place_in
from hops_platform.engines.files import Copied
from hops_platform.engines.leave import Leave
from hops_platform.engines.places import Place
from hops_platform.errors import QuotaExceededError, TooLargeError
from hops_platform.files.leave import NamedPlace, check_still
from hops_platform.files.schemas import CopyAnswer, Move
from hops_platform.files.service import show_copied
from hops_platform.parts import Parts
from hops_platform.projects.models import Project
from hops_platform.quotas.service import add_storage, in_words, storage_room
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
        permission: What the call needs.
        access: What it was let in with.
        session: Of the request.
        parts: The platform's.
        step_aside: Gives the request's place to others while it waits.
        known: What the audit says of it.
    """

    dataset: str
    request: Move
    permission: Permission
    access: ProjectAccess
    session: Session
    parts: Parts
    step_aside: Callable[[], None]
    known: Circumstances


async def copy_with(work: CopyWork, call: CopyCall) -> CopyAnswer:
    """Does ``work`` when it is the caller's turn, as long as the caller may.

    Raises:
        ForbiddenError: A share does not allow it, or the right to it has ended meanwhile.
        NotFoundError: A dataset or the source is not there (any more).
        QuotaExceededError: The project that it comes into has less room for it than it needs.
        TooManyError: Too much is under way.
    """
    request, access = call.request, call.access
    to = request.to_dataset or call.dataset
    call.known.thing = f"{call.dataset}/{request.path}"
    call.known.details["to"] = f"{to}/{request.to}"
    target = NamedPlace(to, request.to, Use.WRITE)
    source = NamedPlace(call.dataset, request.path, Use.TAKE_OUT if to != call.dataset else Use.READ)
    to_place = await call.parts.transfers.run(_place, call, target)
    from_place = await call.parts.transfers.run(_place, call, source)
    person = access.caller.person.name
    leave = Leave(partial(check_still, call.parts.database, access, call.permission, target, source))
    room = await call.parts.transfers.run(_room, call, to_place)
    bounds = {"most_entries": MOST_COPIED_ENTRIES, "most_bytes": min(MOST_COPIED_BYTES, room)}
    with call.parts.transfers.places.take(person):
        call.step_aside()
        run = call.parts.transfers.copies.run
        try:
            copied = await run(person, leave, partial(work, from_place, to_place, **bounds, leave=leave))
        except TooLargeError as error:
            if room < MOST_COPIED_BYTES:
                raise _beyond_quota(call, to_place, room) from error
            raise
        await call.parts.transfers.run(add_storage, call.session, to_place.project, copied.size)
        return show_copied(copied)


def _room(call: CopyCall, target: Place) -> int:
    """How many bytes may come into the project of ``target``, in which it need not be the caller who is a member."""
    owner = call.session.scalar(select(Project).where(Project.name == target.project))
    try:
        room = storage_room(call.session, owner) if owner is not None else None
    except QuotaExceededError as error:
        if target.project == call.access.project.name:
            raise
        raise _no_room_elsewhere(target) from error
    call.session.commit()
    return MOST_COPIED_BYTES if room is None else room


def _beyond_quota(call: CopyCall, target: Place, room: int) -> QuotaExceededError:
    if target.project != call.access.project.name:
        return _no_room_elsewhere(target)
    return QuotaExceededError(
        f"This is more than the {in_words(room)} that may still come into the project {target.project!r}, or more "
        "files than can be copied at once.",
        remedy="Delete files and empty the trash, or ask an administrator for more.",
    )


def _no_room_elsewhere(target: Place) -> QuotaExceededError:
    """How much another project has and may have is none of the caller's business."""
    return QuotaExceededError(
        f"The project {target.project!r}, which shares this dataset, has no room for it, or it is more files than can "
        "be copied at once.",
        remedy="Ask a Data Owner there.",
    )


def _place(call: CopyCall, named: NamedPlace) -> Place:
    return place_in(call.session, call.access, named.dataset, named.path, use=named.use)
