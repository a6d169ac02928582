"""Finding projects, asking to join them, and finding people to add."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Select, delete, func, or_, select
from sqlalchemy.orm import Session

from hops_contract.principal import ProjectRole
from hops_contract.slugs import is_slug
from hops_platform.database import now
from hops_platform.errors import ConflictError, NotFoundError
from hops_platform.joining.models import JoinRequest
from hops_platform.joining.schemas import JoinRequestAnswer, ListedProject, Standing
from hops_platform.projects.finding import matching, owners_of
from hops_platform.projects.models import Membership, Project
from hops_platform.projects.schemas import Candidate, MemberAnswer, NewMember
from hops_platform.projects.service import add_member
from hops_platform.users.models import User

ASKED_AT_ONCE = 20
"""So many requests of one user may wait for an answer."""
DECLINED_FOR = timedelta(days=7)
"""So long a declined one can't be made again."""
CANDIDATES = 10
SHORTEST_SEARCH = 2
"""Letters; with fewer the list of users would be everybody's."""


def listed_projects(search: str) -> Select[Project]:
    """The query of the projects that everybody may find: in whose name, title or description ``search`` occurs."""
    open_to = (Project.deleted_at.is_(None), Project.archived_at.is_(None))
    query = select(Project).where(Project.listed.is_(True), *open_to)
    return matching(query, search, Project.name, Project.title, Project.description)


def show_listed(session: Session, projects: Sequence[Project], person: User) -> list[ListedProject]:
    """Projects on the wire, with where ``person`` stands."""
    ids = [project.id for project in projects]
    owners = owners_of(session, ids)
    mine = set(
        session.scalars(
            select(Membership.project_id).where(Membership.user_id == person.id, Membership.project_id.in_(ids))
        )
    )
    asked = {
        row.project_id: row
        for row in session.scalars(
            select(JoinRequest).where(JoinRequest.user_id == person.id, JoinRequest.project_id.in_(ids))
        )
    }
    return [
        ListedProject(
            name=project.name,
            title=project.title,
            description=project.description,
            owners=owners[project.id],
            standing=Standing.MEMBER if project.id in mine else _standing(asked.get(project.id)),
        )
        for project in projects
    ]


def ask_to_join(session: Session, person: User, name: str, message: str) -> ListedProject:
    """Asks the Data Owners of a listed project to become a member.

    Raises:
        NotFoundError: No listed project has this name.
        ConflictError: The caller is a member, has asked already, was declined lately, or asks too many.
    """
    # Held: it is not deleted, with the requests that there are, while one more is written.
    listed = listed_projects("").where(Project.name == name).with_for_update(read=True)
    project = session.scalar(listed) if is_slug(name) else None
    if project is None:
        raise NotFoundError(f"There is no project {name!r} that you can ask to join.")
    if session.get(Membership, (project.id, person.id)) is not None:
        raise ConflictError("You are a member already.")
    _forget_declined(session)
    standing = _standing(session.get(JoinRequest, (project.id, person.id)))
    if standing is Standing.ASKED:
        raise ConflictError("You have asked already.", remedy="A Data Owner of the project will answer.")
    if standing is Standing.DECLINED:
        raise ConflictError(
            "Your request was declined.", remedy=f"You can ask again after {DECLINED_FOR.days} days, or talk to them."
        )
    waiting = session.scalar(
        select(func.count())
        .select_from(JoinRequest)
        .where(JoinRequest.user_id == person.id, JoinRequest.declined_at.is_(None))
    )
    if (waiting or 0) >= ASKED_AT_ONCE:
        raise ConflictError(
            f"You have asked to join {waiting} projects; {ASKED_AT_ONCE} are the most at once.",
            remedy="Wait for answers, or take some back.",
        )
    session.add(JoinRequest(project_id=project.id, user_id=person.id, message=message))
    session.flush()
    return show_listed(session, [project], person)[0]


def take_back(session: Session, person: User, name: str) -> None:
    """Takes the caller's own request back; one that was declined stays.

    Raises:
        NotFoundError: There is none that waits.
    """
    row = session.scalar(
        select(JoinRequest)
        .join(Project, Project.id == JoinRequest.project_id)
        .where(Project.name == name, JoinRequest.user_id == person.id, JoinRequest.declined_at.is_(None))
    )
    if row is None:
        raise NotFoundError("You have no request there that waits for an answer.")
    session.delete(row)
    session.flush()


def requests_to(project: Project) -> Select[User, JoinRequest]:
    """The query of those who wait for an answer."""
    members = select(Membership.user_id).where(Membership.project_id == project.id)
    return (
        select(User, JoinRequest)
        .join(JoinRequest, JoinRequest.user_id == User.id)
        .where(
            JoinRequest.project_id == project.id,
            JoinRequest.declined_at.is_(None),
            User.active.is_(True),
            # Who was added without an answer waits for none.
            User.id.not_in(members),
        )
    )


def accept(session: Session, project: Project, user: str, role: ProjectRole) -> MemberAnswer:
    """Makes one who asked a member.

    Raises:
        NotFoundError: Nobody of this name waits for an answer.
    """
    _waiting(session, project, user)
    return add_member(session, project, NewMember(user=user, role=role))


def decline(session: Session, project: Project, user: str) -> None:
    """Declines a request; who asked sees it, and can't ask again for a while.

    Raises:
        NotFoundError: Nobody of this name waits for an answer.
    """
    _waiting(session, project, user).declined_at = now()
    session.flush()


def candidates(session: Session, project: Project, search: str) -> list[Candidate]:
    """The first users who are no members and whose name or title begins with ``search``, also a later word of it."""
    sought = search.strip().lower()
    if len(sought) < SHORTEST_SEARCH:
        return []
    members = select(Membership.user_id).where(Membership.project_id == project.id)
    rows = session.scalars(
        select(User)
        .where(
            User.active.is_(True),
            User.id.not_in(members),
            or_(
                User.name.startswith(sought, autoescape=True),
                func.lower(User.title).startswith(sought, autoescape=True),
                func.lower(User.title).contains(f" {sought}", autoescape=True),
            ),
        )
        .order_by(User.name)
        .limit(CANDIDATES)
    )
    return [Candidate(name=row.name, title=row.title) for row in rows]


def show_request(row: JoinRequest) -> JoinRequestAnswer:
    """A request on the wire."""
    return JoinRequestAnswer(
        user=row.user.name, title=row.user.title, message=row.message, created_at=row.created_at or now()
    )


def _waiting(session: Session, project: Project, user: str) -> JoinRequest:
    row = session.execute(requests_to(project).where(User.name == user)).one_or_none() if is_slug(user) else None
    if row is None:
        raise NotFoundError(f"{user!r} waits for no answer here.", remedy="The request may have been answered already.")
    return row[1]


def _standing(row: JoinRequest | None) -> Standing:
    if row is None or (row.declined_at is not None and row.declined_at < now() - DECLINED_FOR):
        return Standing.NONE
    return Standing.ASKED if row.declined_at is None else Standing.DECLINED


def _forget_declined(session: Session) -> None:
    session.execute(delete(JoinRequest).where(JoinRequest.declined_at < now() - DECLINED_FOR))
