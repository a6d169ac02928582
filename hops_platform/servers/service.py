"""Notebook servers: their options, their grants, their state."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_contract.options import Capacity, ServerOptions
from hops_contract.servers import ServerConfig, ServerGrant
from hops_contract.slugs import is_slug, project_user
from hops_platform.certificates.service import files_of
from hops_platform.database import now
from hops_platform.engines.hub import HubServer
from hops_platform.environments.service import check_ready
from hops_platform.errors import (
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    PasswordChangeNeededError,
    SecondFactorSetUpNeededError,
)
from hops_platform.outbox import Delivery, Task, enqueue, entity_of
from hops_platform.parts import Parts
from hops_platform.projects.models import Membership, Project
from hops_platform.projects.service import STOP_SERVER, services_without
from hops_platform.quotas.service import is_full, limits_of
from hops_platform.quotas.use import check_room_for_server
from hops_platform.second_factor.checking import has_second_factor
from hops_platform.security.services import Service
from hops_platform.servers.limits import fitting_defaults, violations
from hops_platform.servers.models import RememberedOptions
from hops_platform.servers.schemas import ServerAnswer, ServerOptionsAnswer
from hops_platform.users.models import User
from hops_platform.violations import describe_violations, summarise

START_SERVER = Task("hub", "server.start")


def options_of(session: Session, membership: Membership, *, capacity: Capacity) -> ServerOptions:
    """What the member last asked for; the defaults before that, or when it is no longer understood."""
    row = session.get(RememberedOptions, (membership.project_id, membership.user_id))
    if row is not None:
        try:
            return ServerOptions.model_validate(row.options)
        except ValidationError:
            pass  # an older version wrote it; the defaults are better than no server
    return fitting_defaults(limits_of(session, membership.project), capacity)


def remember_options(session: Session, membership: Membership, options: ServerOptions, *, capacity: Capacity) -> None:
    """Checks and remembers what the member asks for.

    Raises:
        InvalidRequestError: It can't be had; says what, with the numbers.
    """
    found = violations(options, limits=limits_of(session, membership.project), capacity=capacity)
    if found:
        raise InvalidRequestError(
            "These options can't be had. " + " ".join(violation.message for violation in found),
            remedy="Ask for less, or ask an administrator for higher limits.",
            violations=found,
        )
    session.merge(
        RememberedOptions(
            project_id=membership.project_id, user_id=membership.user_id, options=options.model_dump(mode="json")
        )
    )
    session.flush()


def parse_options(raw: dict[str, Any]) -> ServerOptions:
    """Options as the Hub passed them on.

    Raises:
        InvalidRequestError: They are not options.
    """
    try:
        return ServerOptions.model_validate(raw)
    except ValidationError as error:
        found = describe_violations(error.errors(), within=("options",))
        raise InvalidRequestError(f"These are not a server's options. {summarise(found)}", violations=found) from error


def member_for_server(session: Session, project: Project, user: str) -> Membership:
    """The membership of a user for whom the Hub asks.

    Raises:
        NotFoundError: There is no such active user.
        ForbiddenError: The user is not a member.
    """
    row = session.scalar(select(User).where(User.name == user, User.active.is_(True))) if is_slug(user) else None
    if row is None:
        raise NotFoundError(f"There is no active user {user!r}.")
    membership = session.get(Membership, (project.id, row.id))
    if membership is None:
        raise ForbiddenError(
            f"{user!r} is not a member of {project.name!r}.", remedy="Ask one of its Data Owners to be added."
        )
    return membership


def show_options(session: Session, membership: Membership, *, capacity: Capacity) -> ServerOptionsAnswer:
    """A member's options on the wire, with all that a form needs to change them."""
    limits = limits_of(session, membership.project)
    return ServerOptionsAnswer(
        project_title=membership.project.title,
        options=options_of(session, membership, capacity=capacity),
        defaults=fitting_defaults(limits, capacity),
        limits=limits,
        capacity=capacity,
        schema=ServerOptions.model_json_schema(),
    )


def grant_server(
    session: Session, project: Project, *, user: str, raw_options: dict[str, Any] | None, parts: Parts
) -> ServerGrant:
    """Lets a server start: its configuration and its first token.

    Raises:
        NotFoundError: There is no such active user.
        ForbiddenError: The user is not a member.
        PasswordChangeNeededError: The user has still to choose a password.
        SecondFactorSetUpNeededError: The site asks for a second factor, and the user has none.
        EnvironmentNotReadyError: The environment is being made.
        EnvironmentFailedError: The environment could not be made.
        InvalidRequestError: The options can't be had.
        QuotaExceededError: As many servers of the project run as may.
    """
    membership = member_for_server(session, project, user)
    if membership.user.must_change_password:
        raise PasswordChangeNeededError(
            "Your password was chosen by somebody else.", remedy="Choose your own on the platform's home page first."
        )
    if parts.settings.second_factor_required and not has_second_factor(session, membership.user):
        raise SecondFactorSetUpNeededError(
            "This site asks everybody for a second factor, and you have none.",
            remedy="Set one up first, on the platform's page 'Security'.",
        )
    check_room_for_server(session, project, user, parts.engines.hub)
    capacity = parts.engines.capacity.read()
    options = options_of(session, membership, capacity=capacity) if raw_options is None else parse_options(raw_options)
    remember_options(session, membership, options, capacity=capacity)
    check_ready(session, project)  # last: nobody shall wait for an environment to be told that the options can't be had
    signed = parts.signer.sign_project_user(user, project=project.name, role=membership.role)
    on_machine = parts.settings.storage_address.on_machine
    config = ServerConfig(
        project=project.name,
        project_title=project.title,
        user=user,
        role=membership.role,
        options=options,
        project_folder=parts.engines.storage.project_address(project.name),
        environment=parts.engines.environments.prefix(project.name),
        network=parts.settings.network_of(project.network),
        full=is_full(session, project),
        on_machine=None if on_machine is None else tuple(sorted(on_machine)),
        control_plane_url=parts.settings.public_control_plane_url(),
        livy_url=parts.settings.livy_url.rstrip("/"),
        spark=Service.SPARK in services_without(project.services_off),
    )
    return ServerGrant(
        config=config,
        token=SecretStr(signed.token),
        certificate=files_of(session, membership, parts.sealer),
        display_name=project.title,
    )


def restart_server(session: Session, membership: Membership, *, capacity: Capacity) -> None:
    """Stops and starts the member's server, with what was last asked for.

    Both are written down here and done later: it is the server itself that asks, and it won't live to see the end. One
    who asks again before the start was done asks for the same start.

    Raises:
        EnvironmentNotReadyError: The environment is being made.
        EnvironmentFailedError: The environment could not be made.
        InvalidRequestError: The options can't be had any more.
    """
    check_ready(session, membership.project)
    options = options_of(session, membership, capacity=capacity)
    remember_options(session, membership, options, capacity=capacity)
    user, project = membership.user.name, membership.project.name
    name = project_user(project, user)
    waits = select(Delivery.id).where(
        Delivery.topic == START_SERVER.topic, Delivery.entity == entity_of(START_SERVER, name)
    )
    if session.scalar(waits.limit(1)) is not None:
        return
    enqueue(session, STOP_SERVER, entity=name, project=project, payload={"project": project, "user": user})
    enqueue(
        session,
        START_SERVER,
        entity=name,
        project=project,
        payload={
            "project": project,
            "user": user,
            "title": membership.project.title,
            "options": options.model_dump(mode="json"),
            "asked_at": now().isoformat(),
        },
    )


def show_server(membership: Membership, server: HubServer, options: ServerOptions, *, base_url: str) -> ServerAnswer:
    """A server on the wire."""
    user, project = membership.user.name, membership.project.name
    return ServerAnswer(
        user=user,
        project=project,
        state=server.state,
        url=f"{base_url}user/{user}/{project}/",
        options=options,
        started_at=server.started_at,
        last_activity=server.last_activity,
        reason=server.reason,
    )
