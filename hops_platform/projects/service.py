"""Projects and their members, and what must follow elsewhere when they change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import Session

from hops_contract.layout import STANDARD_DATASETS
from hops_contract.principal import ProjectRole
from hops_contract.slugs import is_slug, project_user
from hops_platform.certificates.models import Reason
from hops_platform.certificates.service import ISSUE, revoke_of_member
from hops_platform.database import now
from hops_platform.datasets.models import Dataset
from hops_platform.environments.models import Environment
from hops_platform.errors import ConflictError, ForbiddenError, NotFoundError
from hops_platform.invitations.models import Invitation
from hops_platform.joining.models import JoinRequest
from hops_platform.outbox import Delivery, Task, enqueue
from hops_platform.paging import GatheredList
from hops_platform.projects.models import FormerMembership, Membership, Project, Template
from hops_platform.projects.schemas import (
    EnvironmentAnswer,
    MemberAnswer,
    MemberInList,
    NewMember,
    NewProject,
    ProjectAnswer,
    ProjectEdit,
    ProjectInList,
)
from hops_platform.quotas.models import StorageUse
from hops_platform.security.authentication import Caller
from hops_platform.security.services import Service
from hops_platform.settings import NetworkRule
from hops_platform.users.models import User
from hops_platform.versions import edit_version

CREATE_FOLDERS = Task("storage", "project.create-folders")
FILL_TEMPLATE = Task("storage", "project.fill-template")
TRASH_FOLDERS = Task("storage", "project.trash-folders")
CREATE_ENVIRONMENT = Task("environments", "environment.create")
REMOVE_ENVIRONMENT = Task("environments", "environment.remove")
STOP_SERVER = Task("hub", "server.stop")
END_SESSIONS = Task("sessions", "sessions.end")
# A list asks for each of its projects.
_SERVICES = tuple(service.value for service in Service)


def create_project(session: Session, caller: Caller, request: NewProject, *, most: int) -> ProjectAnswer:
    """Creates a project with its standard datasets; its files and its environment follow.

    Args:
        session: The database.
        caller: Who creates it, and becomes its Data Owner.
        request: What was asked for.
        most: Of how many projects a user may be Data Owner; administrators are not bound.

    Raises:
        ConflictError: The name is taken, the files of a deleted project of this name are still being put away, or the
            caller has as many projects as one may have.
    """
    name = request.name
    check_room(session, caller.person, most)
    if session.scalar(select(Project.id).where(Project.name == name)) is not None:
        # A deleted one keeps its name while it can be restored, which is told to nobody but those who can.
        raise ConflictError(
            f"The name {name!r} is taken.",
            remedy="Choose another name; that of a project you deleted is free once it is deleted for good.",
        )
    if session.scalar(select(Delivery.id).where(Delivery.project == name).limit(1)) is not None:
        raise ConflictError(
            f"A deleted project {name!r} is still being put away.",
            remedy="Try again in a moment, or choose another name.",
        )
    project = Project(name=name, title=request.title or name, description=request.description)
    session.add(project)
    session.flush()
    membership = Membership(
        project_id=project.id,
        user_id=caller.person.id,
        role_name=ProjectRole.DATA_OWNER.value,
        user=caller.person,
        project=project,
    )
    environment = Environment(project_id=project.id)
    datasets = [Dataset(project_id=project.id, name=dataset) for dataset in STANDARD_DATASETS]
    session.add_all([membership, environment, StorageUse(project_id=project.id), *datasets])
    session.flush()
    follow(session, CREATE_FOLDERS, name, {"datasets": list(STANDARD_DATASETS)})
    if request.template is Template.WELCOME:
        follow(session, FILL_TEMPLATE, name, {"title": project.title})
    follow(session, CREATE_ENVIRONMENT, name, {})
    issue_certificate(session, membership)
    return show_project(session, project, membership)


def check_room(session: Session, person: User, most: int) -> None:
    """Checks that ``person`` may be Data Owner of one more project.

    Raises:
        ConflictError: Of as many as one may be; administrators are not bound.
    """
    if person.admin:
        return
    # Of requests at the same moment one after the other counts.
    session.scalar(select(User.id).where(User.id == person.id).with_for_update())
    deleted = _owned(session, person, FormerMembership)
    owned = _owned(session, person, Membership) + deleted
    if owned >= most:
        among = f" ({deleted} of them deleted, which can be restored still)" if deleted else ""
        raise ConflictError(
            f"You are Data Owner of {owned} projects{among}; {most} are the most here.",
            remedy="Delete a project that is no longer needed for good, or ask an administrator.",
        )


def _owned(session: Session, person: User, table: type[Membership | FormerMembership]) -> int:
    query = select(func.count()).where(table.user_id == person.id, table.role_name == ProjectRole.DATA_OWNER.value)
    return session.scalar(query) or 0


def edit_project(session: Session, project: Project, edit: ProjectEdit, *, rule: NetworkRule, version: int) -> None:
    """Changes what is named of the version that the caller read.

    Args:
        session: The database.
        project: The project.
        edit: What to change.
        rule: Who decides about the network on this site.
        version: The version.

    Raises:
        ForbiddenError: The site does not leave it to projects what their code reaches of the network.
        PreconditionFailedError: Somebody else changed it in between.
    """
    values = edit.model_dump(exclude_none=True)
    network = values.pop("network", None)
    if network is not None and network is not project.network:
        if rule is not NetworkRule.PROJECT:
            raise ForbiddenError(
                "What code reaches of the network is the same for all projects of this site.",
                remedy="Ask an administrator: the setting HOPS_SANDBOX_NETWORK decides.",
            )
        values["network_name"] = network.value
    edit_version(session, project, version=version, **values)


def find_member(session: Session, project: Project, user: str) -> Membership:
    """The membership of ``user``.

    Raises:
        NotFoundError: It is not a member.
    """
    membership = (
        session.scalar(
            select(Membership)
            .join(User, User.id == Membership.user_id)
            .where(Membership.project_id == project.id, User.name == user)
        )
        if is_slug(user)
        else None
    )
    if membership is None:
        raise NotFoundError(f"The project has no member {user!r}.")
    return membership


def add_member(session: Session, project: Project, request: NewMember) -> MemberAnswer:
    """Adds a user.

    Raises:
        NotFoundError: There is no such active user, or the project was deleted at the same moment.
        ConflictError: It is a member already.
    """
    # Until this is written, nobody deletes the project; and a deleted one gets no members.
    held = select(Project.id).where(Project.id == project.id, Project.deleted_at.is_(None)).with_for_update(read=True)
    if session.scalar(held) is None:
        raise NotFoundError(f"There is no project {project.name!r} any more.")
    user = session.scalar(select(User).where(User.name == request.user, User.active.is_(True)))
    if user is None:
        raise NotFoundError(f"There is no user {request.user!r}.", remedy="Ask an administrator to create one.")
    if session.get(Membership, (project.id, user.id)) is not None:
        raise ConflictError(f"{user.name!r} is a member already.", remedy="Change the role instead.")
    membership = Membership(
        project_id=project.id,
        user_id=user.id,
        role_name=request.role.value,
        # One who was a member before has tokens of that time.
        tokens_valid_from=now(),
        user=user,
        project=project,
    )
    session.add(membership)
    session.flush()
    # Who was added waits for no answer, and would else have asked again by being removed.
    session.execute(delete(JoinRequest).where(JoinRequest.project_id == project.id, JoinRequest.user_id == user.id))
    issue_certificate(session, membership)
    return show_member(membership)


def change_role(session: Session, membership: Membership, role: ProjectRole, *, version: int) -> None:
    """Gives a member another role.

    A running server keeps its old token until it is renewed; what it may do here follows the new role at once.

    Raises:
        ConflictError: It is the last Data Owner.
        PreconditionFailedError: Somebody else changed it in between.
    """
    if role is not ProjectRole.DATA_OWNER:
        _check_owner_remains(session, membership)
        _withdraw_invitations(session, membership)
    edit_version(session, membership, version=version, role_name=role.value)


def remove_member(session: Session, membership: Membership) -> None:
    """Removes a member, whose server and sessions in the project end.

    Raises:
        ConflictError: It is the last Data Owner.
    """
    _check_owner_remains(session, membership)
    end_work_of(session, membership.project.name, membership.user.name)
    _withdraw_invitations(session, membership)
    session.delete(membership)
    session.flush()


def page_of_projects(
    session: Session, user: User, *, archived: bool, limit: int, after: str | None
) -> tuple[list[ProjectInList], str | None]:
    """A page of a user's projects by name: of those that are archived, or of those that are not."""
    rows, following = _PROJECTS[archived].fetch(session, limit=limit, after=after, user_id=user.id)
    return [_project_in_list(row) for row in rows], following


def _projects(*, archived: bool) -> GatheredList:
    query = (
        select(
            Membership.project_name.label("name"),
            Membership.role_name,
            Project.title,
            Project.description,
            Project.listed,
            Project.network_name,
            Project.created_at,
            Project.archived_at,
            Project.services_off,
            Project.version,
            Environment.state_name,
            Environment.error,
        )
        .join(Project, Project.id == Membership.project_id)
        .join(Environment, Environment.project_id == Membership.project_id)
        .where(
            Membership.user_id == bindparam("user_id"),
            Project.archived_at.is_not(None) if archived else Project.archived_at.is_(None),
        )
    )
    return GatheredList(query, key=Membership.project_name)


_PROJECTS = {archived: _projects(archived=archived) for archived in (False, True)}


def _project_in_list(row: Sequence[Any]) -> ProjectInList:
    (
        name, role, title, description, listed, network, created_at, archived_at, services_off, version, state, error,
    ) = row  # fmt: skip
    return {
        "name": name,
        "title": title,
        "description": description,
        "listed": listed,
        "network": network,
        "role": role,
        "environment": {"state": state, "error": error},
        "created_at": created_at,
        "archived_at": archived_at,
        "services": names_without(services_off),
        "version": version,
    }


def show_project(session: Session, project: Project, membership: Membership | None) -> ProjectAnswer:
    """A project on the wire, as one of its members sees it, or an administrator."""
    environment = session.get_one(Environment, project.id)
    return ProjectAnswer(
        name=project.name,
        title=project.title,
        description=project.description,
        listed=project.listed,
        network=project.network,
        role=membership.role if membership is not None else None,
        environment=EnvironmentAnswer(state=environment.state, error=environment.error),
        created_at=project.created_at,
        archived_at=project.archived_at,
        services=services_without(project.services_off),
        version=project.version,
    )


def services_without(off: Iterable[str]) -> list[Service]:
    """All services but those that are switched off."""
    return [Service(name) for name in names_without(off)]


def names_without(off: Iterable[str]) -> list[str]:
    """The names of all services but those that are switched off."""
    return [name for name in _SERVICES if name not in off]


def page_of_members(
    session: Session, project: Project, *, limit: int, after: str | None
) -> tuple[list[MemberInList], str | None]:
    """A page of a project's members by name."""
    rows, following = _MEMBERS.fetch(session, limit=limit, after=after, project_id=project.id)
    shown: list[MemberInList] = [
        {"user": user, "title": title, "role": role, "since": since, "version": version}
        for user, title, role, since, version in rows
    ]
    return shown, following


_MEMBERS = GatheredList(
    select(User.name, User.title, Membership.role_name, Membership.created_at, Membership.version)
    .join(Membership, Membership.user_id == User.id)
    .where(Membership.project_id == bindparam("project_id")),
    key=User.name,
)


def show_member(membership: Membership) -> MemberAnswer:
    """A member on the wire."""
    return MemberAnswer(
        user=membership.user.name,
        title=membership.user.title,
        role=membership.role,
        since=membership.created_at or now(),
        version=membership.version,
    )


def end_all_work_of(session: Session, user: User) -> None:
    """Ends the servers and sessions of one who may no longer log in, in all projects."""
    for membership in session.scalars(select(Membership).where(Membership.user_id == user.id)):
        end_work_of(session, membership.project.name, user.name)
        _withdraw_invitations(session, membership)


def issue_certificate(session: Session, membership: Membership) -> None:
    """Lets a member's certificate be made."""
    project, user = membership.project.name, membership.user.name
    payload = {"project": project, "user": user}
    enqueue(session, ISSUE, entity=project_user(project, user), project=project, payload=payload)


def end_work_of(session: Session, project: str, user: str) -> None:
    """Ends what a member's code runs in a project, and refuses their certificate."""
    # With the transaction, and so before anything else: who asks with it is refused from then on.
    revoke_of_member(session, project, user, reason=Reason.CESSATION_OF_OPERATION)
    stop_server_of(session, project, user)
    end_sessions_of(session, project, user)


def stop_server_of(session: Session, project: str, user: str) -> None:
    """Stops a member's notebook server in a project."""
    payload = {"project": project, "user": user}
    enqueue(session, STOP_SERVER, entity=project_user(project, user), project=project, payload=payload)


def end_sessions_of(session: Session, project: str, user: str, *, reason: str | None = None) -> None:
    """Ends a member's sessions in a project, also those that are kept ready.

    Without a reason, which one is given who stays a member, the session service takes no older token any more.
    """
    payload = {"project": project, "user": user} | ({} if reason is None else {"reason": reason})
    enqueue(session, END_SESSIONS, entity=project_user(project, user), project=project, payload=payload)


def follow(session: Session, task: Task, project: str, payload: dict[str, object]) -> None:
    """Lets something follow elsewhere for a project."""
    enqueue(session, task, entity=project, project=project, payload={"project": project, **payload})


def _withdraw_invitations(session: Session, inviter: Membership) -> None:
    """Nobody comes in on the word of one who could not add them."""
    session.execute(
        delete(Invitation).where(Invitation.project_id == inviter.project_id, Invitation.inviter_id == inviter.user_id)
    )


def _check_owner_remains(session: Session, membership: Membership) -> None:
    # The rows are locked in one order, so that two Data Owners can't leave at the same moment.
    owners = session.scalars(
        select(Membership.user_id)
        .where(
            Membership.project_id == membership.project_id,
            Membership.role_name == ProjectRole.DATA_OWNER.value,
        )
        .order_by(Membership.user_id)
        .with_for_update()
    ).all()
    if list(owners) == [membership.user_id]:
        raise ConflictError(
            "A project needs at least one Data Owner, and this is the last.",
            remedy="Make another member Data Owner first, or delete the project.",
        )
