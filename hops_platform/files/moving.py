"""Moves: mostly one step; where all that is moved is worked through, they wait and are done like copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from uuid import UUID

from anyio import to_thread

from hops_platform.engines.leave import Leave
from hops_platform.engines.places import Place
from hops_platform.files.leave import NamedPlace, check_still
from hops_platform.parts import Parts
from hops_platform.security.authentication import ProjectAccess
from hops_platform.security.permissions import Permission

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What is moved.

    Attributes:
        what: See :meth:`~hops_platform.engines.files.ProjectFiles.moves_slowly`.
        project: Whose it is.
        into: The dataset that it comes into.
        permission: What the call needs.
        places: What it works with, as the call names it.
    """

    what: Place | UUID | None
    project: str
    into: str | None = None
    permission: Permission
    places: tuple[NamedPlace, ...] = ()


async def move_with(
    work: Callable[[], Told], moved: Moved, access: ProjectAccess, parts: Parts, step_aside: Callable[[], None]
) -> Told:
    """Does ``work``, which holds nothing of the request: it goes on where nobody waits for it any more.

    Raises:
        ForbiddenError: The right to it has ended while it waited for its turn.
        TooManyError: Too much is under way.
    """
    files, person = parts.engines.files, access.caller.person.name
    if not await to_thread.run_sync(partial(files.moves_slowly, moved.project, moved.what, into=moved.into)):
        return await to_thread.run_sync(work)
    leave = Leave(partial(check_still, parts.database, access, moved.permission, *moved.places))
    with parts.transfers.places.take(person):
        step_aside()
        return await parts.transfers.copies.run(person, leave, work, project=access.project.name)
