"""Topics of a project: created, listed and deleted here; the cluster follows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from hops_contract.streams import is_topic_name, prefix_of, topic_on_cluster
from hops_platform.database import Database
from hops_platform.engines.streams import Streams
from hops_platform.errors import ConflictError, EngineRefusedError, InvalidRequestError, NotFoundError
from hops_platform.kafka.models import Topic, TopicState
from hops_platform.kafka.rights import DELETE_TOPICS, delete_one_topic, settle_topics
from hops_platform.kafka.schemas import BrokersAnswer, NewTopic, TopicAnswer
from hops_platform.outbox import still_to_do
from hops_platform.projects.models import Project
from hops_platform.quotas.service import check_room_for_topic
from hops_platform.users.models import User

FOREIGN = "The cluster has a topic of this name already, which the platform did not make. Choose another name."


def check_site(streams: Streams) -> None:
    """Checks that the site has Kafka.

    Raises:
        ConflictError: It has none.
    """
    if not streams.brokers:
        raise ConflictError(
            "This site has no Kafka, so that there are no topics.",
            remedy="Ask an administrator: HOPS_KAFKA names the brokers of the site's cluster.",
        )


def topics_of(project: Project) -> Select[Topic]:
    """The query of a project's topics."""
    return select(Topic).where(Topic.project_id == project.id)


def find_topic(session: Session, project: Project, name: str, *, hold: bool = False) -> Topic:
    """The topic of that name, whose row nobody else changes if it is held.

    Raises:
        NotFoundError: There is none.
    """
    query = topics_of(project).where(Topic.name == name)
    query = query.with_for_update(of=Topic) if hold else query
    found = session.scalar(query) if is_topic_name(name) else None
    if found is None:
        raise NotFoundError(f"The project has no topic {name[:64]!r}.", remedy="GET topics lists those that it has.")
    return found


def create_topic(session: Session, project: Project, request: NewTopic, *, by: User) -> TopicAnswer:
    """Creates a topic; the cluster follows.

    Raises:
        ConflictError: The name is taken, or a deleted topic of this name is still being deleted there.
        QuotaExceededError: The project has as many as it may have.
    """
    # Of requests at the same moment one after the other counts.
    session.scalar(select(Project.id).where(Project.id == project.id).with_for_update())
    if session.scalar(topics_of(project).where(Topic.name == request.name)) is not None:
        raise ConflictError(f"The name {request.name!r} is taken.", remedy="Choose another name.")
    leaving = still_to_do(session, DELETE_TOPICS, project=project.name)
    if any(request.name in one["topics"] for one in leaving):
        raise ConflictError(
            f"A deleted topic {request.name!r} is still being deleted on the cluster.",
            remedy="Try again in a moment; if this stays so, an administrator sees why in the list of deliveries.",
        )
    used = session.scalar(select(func.count()).select_from(Topic).where(Topic.project_id == project.id)) or 0
    check_room_for_topic(session, project, used)
    topic = Topic(
        project_id=project.id,
        name=request.name,
        partitions=request.partitions,
        replicas=request.replicas,
        made_by_id=by.id,
        made_by=by,
    )
    session.add(topic)
    session.flush()
    settle_topics(session, project.name)
    return show_topic(project, topic)


def delete_topic(session: Session, project: Project, name: str, *, repeated_name: str) -> None:
    """Deletes a topic; on the cluster it goes with all that is in it.

    Raises:
        InvalidRequestError: The repeated name is another.
        NotFoundError: There is none.
    """
    # Held: of one that is being made at this moment it is known whether the cluster will have it.
    topic = find_topic(session, project, name, hold=True)
    if repeated_name != topic.name:
        raise InvalidRequestError(f"To delete this topic, say its name: {topic.name}.")
    delete_one_topic(session, project, topic)
    session.delete(topic)
    session.flush()


def show_topic(project: Project, topic: Topic) -> TopicAnswer:
    """A topic on the wire."""
    return TopicAnswer(
        name=topic.name,
        on_cluster=topic_on_cluster(project.name, topic.name),
        partitions=topic.partitions,
        replicas=topic.replicas,
        state=topic.state,
        error=topic.error,
        made_by=topic.made_by.name if topic.made_by is not None else None,
        created_at=topic.created_at,
    )


def show_brokers(project: Project, streams: Streams) -> BrokersAnswer:
    """How programs reach the project's topics, on the wire."""
    return BrokersAnswer(brokers=list(streams.brokers), prefix=prefix_of(project.name))


def make_missing(database: Database, streams: Streams, project: str) -> None:
    """Makes those topics of a project on the cluster that are not made yet; which can't be made, their rows say.

    Raises:
        EngineUnavailableError: The cluster does not answer; the rest is made when it does.
    """
    with database.session(writes=False) as session:
        rows = session.scalars(
            select(Topic)
            .join(Project, Project.id == Topic.project_id)
            .where(Project.name == project, Topic.state_name == TopicState.CREATING.value)
            .order_by(Topic.name)
        ).all()
        session.expunge_all()
    for row in rows:
        _make(database, streams, project, row)


def delete_on_cluster(streams: Streams, project: str, names: Sequence[str]) -> None:
    """Deletes topics of a project on the cluster."""
    for name in names:
        streams.delete_topic(topic_on_cluster(project, name))


def _make(database: Database, streams: Streams, project: str, topic: Topic) -> None:
    called = topic_on_cluster(project, topic.name)
    before = topic.begun
    if not before:
        if streams.has_topic(called):
            _note(database, topic, TopicState.FAILED, FOREIGN)
            return
        if not _note(database, topic, TopicState.CREATING, begun=True):
            return  # it was deleted meanwhile
    try:
        made = streams.create_topic(called, partitions=topic.partitions, replicas=topic.replicas)
    except EngineRefusedError as error:
        _note(database, topic, TopicState.FAILED, f"{error.detail} {error.remedy or ''}".strip())
        return
    if not made and not before:
        # Somebody else was faster by a moment.
        _note(database, topic, TopicState.FAILED, FOREIGN)
        return
    _note(database, topic, TopicState.READY, begun=True)


def _note(
    database: Database, topic: Topic, state: TopicState, error: str | None = None, *, begun: bool = False
) -> bool:
    """Keeps how far a topic is; whether it is still wanted."""
    with database.session() as session:
        # Held: who deletes it at this moment sees whether the cluster has it, or that nobody sets about making it.
        row = session.scalar(select(Topic).where(Topic.id == topic.id).with_for_update(of=Topic))
        if row is None:
            return False
        row.state_name, row.error, row.begun = state.value, error, begun
        return True
