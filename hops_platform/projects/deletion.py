"""Deleting projects, restoring them for a time, and deleting them for good.

A deleted project has no members, so that nobody sees it: its row, its files and its environment are there, and who was
in it stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from hops_contract.principal import ProjectRole
from hops_contract.slugs import is_slug
from hops_platform.database import now
from hops_platform.errors import ConflictError, InvalidRequestError, NotFoundError
from hops_platform.invitations.models import Invitation
from hops_platform.joining.models import JoinRequest
from hops_platform.kafka.rights import delete_all_topics
from hops_platform.outbox import Delivery
from hops_platform.projects.models import FormerMembership, Membership, Project
from hops_platform.projects.schemas import DeletedProject
from hops_platform.projects.service import (
    END_SESSIONS,
    REMOVE_ENVIRONMENT,
    STOP_SERVER,
    TRASH_FOLDERS,
    check_room,
    end_work_of,
    follow,
    issue_certificate,
)
from hops_platform.security.authentication import Caller
from hops_platform.sharing.standing import settle_around
from hops_platform.users.models import User

_PURGED_AT_ONCE = 20


def delete_project(session: Session, project: Project, *, repeated_name: str) -> None:
    """Deletes a project: servers and sessions end, nobody sees it any more; its files stay for a time.

    Raises:
        InvalidRequestError: The repeated name is another.
    """
    _check_name(project, repeated_name)
    # Before its members are read: whoever is added at the same moment is among them, or is not added.
    session.execute(select(Project.id).where(Project.id == project.id).with_for_update())
    for membership in session.scalars(select(Membership).where(Membership.project_id == project.id)).all():
        end_work_of(session, project.name, membership.user.name)
        session.add(
            FormerMembership(
                project_id=project.id,
                user_id=membership.user_id,
                role_name=membership.role_name,
                created_at=membership.created_at,
            )
        )
        session.delete(membership)
    # Nobody would answer them; whoever still wants to come in asks again where it is restored.
    session.execute(delete(JoinRequest).where(JoinRequest.project_id == project.id))
    session.execute(delete(Invitation).where(Invitation.project_id == project.id))
    project.deleted_at = now()
    session.flush()
    settle_around(session, project)


def deleted_projects(caller: Caller) -> Select[Project]:
    """The query of the deleted projects that the caller may restore: was Data Owner of, or administrates."""
    query = select(Project).where(Project.deleted_at.is_not(None))
    if caller.administrates:
        return query
    return query.join(FormerMembership, FormerMembership.project_id == Project.id).where(
        FormerMembership.user_id == caller.person.id,
        FormerMembership.role_name == ProjectRole.DATA_OWNER.value,
    )


def find_deleted(session: Session, caller: Caller, name: str) -> Project:
    """A deleted project that the caller may restore.

    Raises:
        NotFoundError: There is none of this name.
    """
    # Locked: it can't be restored while it is deleted for good, nor the other way round.
    query = deleted_projects(caller).where(Project.name == name).with_for_update(of=Project)
    project = session.scalar(query) if is_slug(name) else None
    if project is None:
        raise NotFoundError(
            f"There is no deleted project {name!r} that you can restore.",
            remedy="After some days it is deleted for good; an administrator may still find its files in the trash.",
        )
    return project


def restore_project(session: Session, caller: Caller, project: Project, *, most: int) -> None:
    """Restores a deleted project with its members; whoever owned it and restores it must have room for it.

    Raises:
        ConflictError: The caller is Data Owner of as many projects as one may be, or what ended with the project has
            not ended everywhere.
    """
    former = session.scalars(select(FormerMembership).where(FormerMembership.project_id == project.id)).all()
    for row in former:
        session.delete(row)  # before the room is looked at, in which deleted projects count
    session.flush()
    if any(row.user_id == caller.person.id for row in former):
        check_room(session, caller.person, most)
    # Only what would end the new server or session; a folder that can't be made keeps nobody from a restored project.
    ending = select(Delivery.id).where(
        Delivery.project == project.name, Delivery.channel.in_((STOP_SERVER.channel, END_SESSIONS.channel))
    )
    if session.scalar(ending.limit(1)) is not None:
        raise ConflictError(
            "Servers and sessions of this project are still being ended.", remedy="Try again in some seconds."
        )
    for row in former:
        user = session.get_one(User, row.user_id)
        membership = Membership(
            project_id=project.id,
            user_id=row.user_id,
            role_name=row.role_name,
            created_at=row.created_at,
            tokens_valid_from=now(),  # what ended with the project does not come back with it
            user=user,
            project=project,
        )
        session.add(membership)
        issue_certificate(session, membership)
    project.deleted_at = None
    session.flush()
    settle_around(session, project)


def purge_project(session: Session, project: Project, *, repeated_name: str) -> None:
    """Deletes a deleted project for good: its files go to the platform's trash, its name is free.

    Raises:
        InvalidRequestError: The repeated name is another.
    """
    _check_name(project, repeated_name)
    _purge(session, project)


def purge_old(session: Session, *, kept: timedelta) -> Sequence[Project]:
    """Deletes for good what was deleted longer ago than ``kept``, some at a time; what it was."""
    old = session.scalars(
        select(Project)
        .where(Project.deleted_at < now() - kept)
        .order_by(Project.deleted_at)
        .limit(_PURGED_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for project in old:
        _purge(session, project)
    return old


def show_deleted(project: Project, *, kept: timedelta) -> DeletedProject:
    """A deleted project on the wire."""
    deleted_at = project.deleted_at or now()
    return DeletedProject(name=project.name, title=project.title, deleted_at=deleted_at, kept_until=deleted_at + kept)


def _purge(session: Session, project: Project) -> None:
    follow(session, TRASH_FOLDERS, project.name, {})
    follow(session, REMOVE_ENVIRONMENT, project.name, {})
    delete_all_topics(session, project)
    session.delete(project)
    session.flush()


def _check_name(project: Project, repeated: str) -> None:
    if repeated != project.name:
        raise InvalidRequestError(f"To delete this project, say its name: {project.name}.")
