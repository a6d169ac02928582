"""What happens in a project: noted with what is recorded in the audit, read by members, and gone after a while."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from hops_platform.activity.models import MAX_THING, Activity
from hops_platform.activity.schemas import ActivityAnswer
from hops_platform.activity.sentences import DETAILS, STORAGE_FULL, kinds_for, sentence_of, told
from hops_platform.audit.actions import Action, ActorKind
from hops_platform.audit.events import Event, clip
from hops_platform.database import now
from hops_platform.paging import Page, decode_id, encode_cursor
from hops_platform.projects.models import Project
from hops_platform.security.authentication import ProjectAccess, permissions_in

KEPT = timedelta(days=90)
MOST_OF_PROJECT = 1000
"""Of one project so many are kept, the latest."""
_TRIMMED_AT_ONCE = 200


def note(session: Session, happened: Event, *, by: str | None = None) -> None:
    """Notes something that was done in a project, if it is told of, with the caller's transaction.

    Args:
        session: The database.
        happened: What, as the audit records it.
        by: The project that did it, where it is another one than that of ``happened``.
    """
    kind = happened.action.value
    if happened.project is None or not told(kind, elsewhere=by is not None):
        return
    key = happened.project_id
    if key is None:
        session.flush()  # it may have been made in this transaction
        key = session.scalar(select(Project.id).where(Project.name == happened.project))
    if key is None:
        return
    details = {name: str(happened.details[name]) for name in DETAILS if name in happened.details}
    session.add(
        Activity(
            project_id=key,
            kind=kind,
            actor="" if by is not None else _actor(happened),
            thing=clip(happened.thing, MAX_THING),
            details=details | ({"project": by} if by is not None else {}),
            elsewhere=by is not None,
        )
    )


def note_storage(session: Session, project_id: uuid.UUID, *, used: str, most: str) -> None:
    """Notes that a project has used up its storage; in words."""
    details = {"used": used, "most": most}
    session.add(Activity(project_id=project_id, kind=STORAGE_FULL, actor="", thing="", details=details))


def list_activity(session: Session, access: ProjectAccess, *, limit: int, after: str | None) -> Page[ActivityAnswer]:
    """A page of what the caller may be told, the latest first.

    Raises:
        MalformedRequestError: ``after`` is no position.
    """
    own = and_(Activity.actor == access.caller.principal.user, Activity.elsewhere.is_(False))
    query = select(Activity).where(
        Activity.project_id == access.project.id, or_(Activity.kind.in_(kinds_for(permissions_in(access))), own)
    )
    if after is not None:
        query = query.where(Activity.id < decode_id(after))
    rows = session.scalars(query.order_by(Activity.id.desc()).limit(limit + 1)).all()
    following = encode_cursor(str(rows[limit - 1].id)) if len(rows) > limit else None
    # A newer version may have noted what this one has no words for.
    known = [row for row in rows[:limit] if told(row.kind, elsewhere=row.elsewhere)]
    return Page(items=[show_activity(row) for row in known], next=following)


def show_activity(row: Activity) -> ActivityAnswer:
    """One thing that happened, on the wire."""
    return ActivityAnswer(
        id=row.id,
        moment=row.moment,
        kind=row.kind,
        actor=row.actor or None,
        text=sentence_of(row.kind, actor=row.actor, thing=row.thing, details=row.details, elsewhere=row.elsewhere),
    )


def forget_old(session: Session) -> int:
    """Removes what is older than it is kept, and what is more than is kept of one project; how much."""
    gone = session.execute(delete(Activity).where(Activity.moment < now() - KEPT).returning(Activity.id)).all()
    many = session.scalars(
        select(Activity.project_id)
        .group_by(Activity.project_id)
        .having(func.count() > MOST_OF_PROJECT)
        .limit(_TRIMMED_AT_ONCE)
    ).all()
    count = len(gone)
    for project in many:
        of_it = select(Activity.id).where(Activity.project_id == project).order_by(Activity.id.desc())
        last = session.scalar(of_it.offset(MOST_OF_PROJECT - 1).limit(1))
        count += len(
            session.execute(
                delete(Activity).where(Activity.project_id == project, Activity.id < last).returning(Activity.id)
            ).all()
        )
    return count


def _actor(happened: Event) -> str:
    """Whose doing it is; nobody's name for administrators, who need not be members."""
    if happened.action is Action.SERVER_GRANT:
        return happened.thing
    if happened.action is Action.LIMITS_EDIT or happened.actor_kind not in (ActorKind.USER, ActorKind.PROJECT_USER):
        return ""
    return happened.actor
