from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from hops_contract.streams import MAX_TOPIC_LENGTH
from hops_platform.audit.actions import Action
from hops_platform.audit.requests import Known, records
from hops_platform.http import After, DatabaseSession, IdempotencyKeyHeader, Limit, PartsOf, in_one_step
from hops_platform.idempotency import create_once
from hops_platform.kafka import service
from hops_platform.kafka.models import Topic
from hops_platform.kafka.schemas import BrokersAnswer, NewTopic, TopicAnswer, TopicDeletion
from hops_platform.paging import DEFAULT_LIMIT, Page, fetch_page
from hops_platform.parts import Parts
from hops_platform.security.authentication import ProjectAccess
from hops_platform.security.guard import RequiresInProject
from hops_platform.security.permissions import Permission

router = APIRouter(tags=["topics"])
TopicName = Annotated[str, Path(max_length=MAX_TOPIC_LENGTH, examples=["measurements"])]


async def check_site(parts: PartsOf) -> Parts:
    """The parts of a site that has Kafka."""
    service.check_site(parts.engines.streams)
    return parts


PartsWithKafka = Annotated[Parts, Depends(check_site)]


@router.get("/projects/{project}/topics")
@in_one_step
def list_topics(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.TOPICS_LIST))],
    session: DatabaseSession,
    _parts: PartsWithKafka,
    limit: Limit = DEFAULT_LIMIT,
    after: After = None,
) -> Page[TopicAnswer]:
    """The project's topics by name."""
    rows, following = fetch_page(session, service.topics_of(access.project), key=Topic.name, limit=limit, after=after)
    return Page(items=[service.show_topic(access.project, row[0]) for row in rows], next=following)


@router.post(
    "/projects/{project}/topics",
    status_code=201,
    response_model=TopicAnswer,
    dependencies=[records(Action.TOPIC_CREATE)],
)
def create_topic(
    request: NewTopic,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.TOPICS_CREATE))],
    session: DatabaseSession,
    _parts: PartsWithKafka,
    known: Known,
    key: IdempotencyKeyHeader = None,
) -> dict[str, Any]:
    """Creates a topic. The cluster makes it at once, but after this answer; its state says how far that is."""
    known.thing = request.name
    return create_once(
        session,
        user_id=access.caller.person.id,
        key=key,
        route=f"POST projects/{access.project.id}/topics",
        request=request,
        create=lambda: service.create_topic(session, access.project, request, by=access.caller.person),
    )


@router.get("/projects/{project}/topics/{topic}")
def read_topic(
    topic: TopicName,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.TOPIC_READ))],
    session: DatabaseSession,
    _parts: PartsWithKafka,
) -> TopicAnswer:
    """One topic; nothing of what is in it."""
    return service.show_topic(access.project, service.find_topic(session, access.project, topic))


@router.delete(
    "/projects/{project}/topics/{topic}", status_code=204, dependencies=[records(Action.TOPIC_DELETE, "topic")]
)
def delete_topic(
    topic: TopicName,
    request: TopicDeletion,
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.TOPIC_DELETE))],
    session: DatabaseSession,
    _parts: PartsWithKafka,
) -> None:
    """Deletes a topic with all that is in it; nothing brings it back."""
    service.delete_topic(session, access.project, topic, repeated_name=request.name)


@router.get("/projects/{project}/brokers")
def read_brokers(
    access: Annotated[ProjectAccess, Depends(RequiresInProject(Permission.BROKERS_READ))], parts: PartsWithKafka
) -> BrokersAnswer:
    """How programs with the certificate of a project-user reach the project's topics."""
    return service.show_brokers(access.project, parts.engines.streams)
