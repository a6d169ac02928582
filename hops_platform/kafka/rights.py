"""Which project-users may use which topic on the cluster, and what follows there when that may have changed.

What counts is what the tables say when it is delivered. So every change of members, projects and users is followed
alike, whatever code makes it; a site without Kafka follows none, and a project without topics has no rights there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hops_contract.streams import topic_on_cluster
from hops_platform.database import Database
from hops_platform.engines.streams import TopicRights
from hops_platform.following import Concern, Following
from hops_platform.kafka.models import Topic, TopicState
from hops_platform.outbox import Delivery, Task, enqueue, enqueue_once, entity_of
from hops_platform.projects.finding import active_project_users
from hops_platform.projects.models import Membership, Project
from hops_platform.security.services import Service
from hops_platform.users.models import User

SETTLE_TOPICS = Task("kafka", "topics.settle")
DELETE_TOPICS = Task("kafka", "topics.delete")


@dataclass(frozen=True, slots=True)
class ProjectRights:
    """Who may use what of a project on the cluster.

    Attributes:
        topics: Its topics.
        group_members: Who may read in its consumer groups.
    """

    topics: list[TopicRights] = field(default_factory=list)
    group_members: list[str] = field(default_factory=list)


def follow_topics(database: Database) -> None:
    """From now on, changes made in transactions of ``database`` are followed by the cluster."""
    _FOLLOWING.begin(database)


def rights_of(session: Session, project: str) -> ProjectRights:
    """Who may use the topics of a project: its members; for reading only while it is archived.

    Nobody while it is deleted or has Kafka switched off. None if there is no such project, or it has no topics.
    """
    row = session.scalar(select(Project).where(Project.name == project))
    if row is None:
        return ProjectRights()
    ready = select(Topic.name).where(Topic.project_id == row.id, Topic.state_name == TopicState.READY.value)
    names = [topic_on_cluster(project, name) for name in session.scalars(ready.order_by(Topic.name))]
    if not names:
        return ProjectRights()
    if row.deleted_at is not None or Service.KAFKA.value in row.services_off:
        return ProjectRights([TopicRights(topic=name) for name in names])
    members = active_project_users(session, {row.id})[row.id]
    if row.archived_at is not None:
        return ProjectRights([TopicRights(topic=name, readers=members) for name in names], members)
    return ProjectRights([TopicRights(topic=name, writers=members) for name in names], members)


def settle_topics(session: Session, project: str) -> None:
    """Lets the cluster be brought to what the tables say of a project."""
    enqueue_once(session, SETTLE_TOPICS, entity=project, payload={"project": project})


def settle_all_topics(session: Session) -> int:
    """The same for every project that has topics and for which nothing is to be done yet; for how many.

    Somebody may have changed rights on the cluster, or it may have been put back to an older state.
    """
    names = session.scalars(
        select(Project.name).where(select(Topic.id).where(Topic.project_id == Project.id).exists())
    ).all()
    waiting = set(session.scalars(select(Delivery.entity).where(Delivery.channel == SETTLE_TOPICS.channel)))
    left = [name for name in names if entity_of(SETTLE_TOPICS, name) not in waiting]
    for name in left:
        settle_topics(session, name)
    return len(left)


def delete_all_topics(session: Session, project: Project) -> None:
    """Lets all topics of a project go, which goes itself."""
    # Locked: of a topic that is being made at this moment it is known whether there will be one.
    query = select(Topic).where(Topic.project_id == project.id).with_for_update(of=Topic)
    _delete(session, project, [row.name for row in session.scalars(query) if row.begun])


def delete_one_topic(session: Session, project: Project, topic: Topic) -> None:
    """Lets a topic, whose row the caller holds, go on the cluster, if the one that it has is the platform's."""
    _delete(session, project, [topic.name] if topic.begun else [])


def _delete(session: Session, project: Project, names: list[str]) -> None:
    if names:
        payload = {"project": project.name, "topics": names}
        enqueue(session, DELETE_TOPICS, entity=project.name, project=project.name, payload=payload)


def _write(session: Session, touched: set[UUID]) -> None:
    own = select(Membership.project_id).where(Membership.user_id.in_(touched))
    has_topics = select(Topic.id).where(Topic.project_id == Project.id).exists()
    query = select(Project.name).where(or_(Project.id.in_(touched), Project.id.in_(own)), has_topics)
    for name in session.scalars(query.order_by(Project.name)):
        settle_topics(session, name)


_FOLLOWING = Following(
    "topics",
    {Membership: Concern("project_id"), Project: Concern("id"), User: Concern("id", only="active")},
    _write,
)
