"""What is told of a project to its members, in sentences; and what a reader must be able to see to be told.

Of what stands here alone something is told. It tells nothing that the same reader does not find elsewhere: each
sentence names the permission that shows what it is about. What people of another project have done is told as that
project's doing: who they are is nobody's business here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hops_contract.principal import ProjectRole
from hops_platform.audit.actions import Action
from hops_platform.security.permissions import Permission

STORAGE_FULL = "storage.full"
ADMINISTRATOR = "An administrator"
_ROLES = {ProjectRole.DATA_OWNER.value: "Data Owner", ProjectRole.DATA_SCIENTIST.value: "Data Scientist"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """How something is told.

    Attributes:
        needs: What the reader must be allowed to; what is one's own doing is always told.
        text: The sentence, with ``actor``, ``thing`` and the words of the details in braces.
        elsewhere: The sentence where another project did it, with ``project``; empty where that is not told.
    """

    needs: Permission
    text: str
    elsewhere: str = ""


SENTENCES: Mapping[str, Sentence] = MappingProxyType(
    {
        Action.DATASET_CREATE.value: Sentence(Permission.DATASETS_LIST, "{actor} created the dataset {thing}."),
        Action.DATASET_DELETE.value: Sentence(
            Permission.DATASETS_LIST,
            "{actor} deleted the dataset {thing}; it is in the trash.",
            "{project} deleted the dataset {thing}, which it shared with this project.",
        ),
        Action.DATASET_EDIT.value: Sentence(
            Permission.DATASETS_LIST, "{actor} changed the description of the dataset {thing}."
        ),
        Action.DATASET_PUBLISH.value: Sentence(
            Permission.SHARES_READ, "{actor} published the dataset {thing} for everybody here."
        ),
        Action.DATASET_WITHDRAW.value: Sentence(
            Permission.SHARES_READ,
            "{actor} withdrew the dataset {thing}, which was published.",
            "{project} withdrew {thing}, which this project had added.",
        ),
        Action.JOIN_REQUEST_ACCEPT.value: Sentence(Permission.MEMBERS_READ, "{actor} let {thing} join as {role}."),
        Action.LIMITS_EDIT.value: Sentence(Permission.LIMITS_READ, f"{ADMINISTRATOR} changed the project's limits."),
        Action.MEMBER_ADD.value: Sentence(Permission.MEMBERS_READ, "{actor} added {thing} as {role}."),
        Action.MEMBER_EDIT.value: Sentence(Permission.MEMBERS_READ, "{actor} made {thing} {role}."),
        Action.MEMBER_LEAVE.value: Sentence(Permission.MEMBERS_READ, "{actor} left the project."),
        Action.MEMBER_REMOVE.value: Sentence(Permission.MEMBERS_READ, "{actor} removed {thing} from the project."),
        Action.PROJECT_ARCHIVE.value: Sentence(Permission.PROJECT_READ, "{actor} archived the project."),
        Action.PROJECT_CREATE.value: Sentence(Permission.PROJECT_READ, "{actor} created the project."),
        Action.PROJECT_EDIT.value: Sentence(
            Permission.PROJECT_READ, "{actor} changed the project's title, description or listing."
        ),
        Action.PROJECT_RESTORE.value: Sentence(Permission.PROJECT_READ, "{actor} restored the deleted project."),
        Action.PROJECT_SET_SERVICES.value: Sentence(Permission.PROJECT_READ, "{actor} switched services: {thing}."),
        Action.PROJECT_UNARCHIVE.value: Sentence(
            Permission.PROJECT_READ, "{actor} took the project out of the archive."
        ),
        # Each start, whichever way it was asked for; what one has asked for oneself is one's own.
        Action.SERVER_GRANT.value: Sentence(Permission.SERVERS_LIST, "{thing} started a notebook server."),
        Action.SERVER_STOP.value: Sentence(Permission.SERVERS_LIST, "{actor} stopped their notebook server."),
        Action.SHARE_ACCEPT.value: Sentence(
            Permission.SHARES_LIST, "{actor} accepted the dataset {thing}.", "{project} accepted the dataset {thing}."
        ),
        Action.SHARE_ASK.value: Sentence(
            Permission.SHARES_LIST,
            "{actor} added the dataset {thing}, or asked for it.",
            "{project} added the dataset {thing}, or asked for it.",
        ),
        Action.SHARE_DECLINE.value: Sentence(
            Permission.SHARES_LIST, "{actor} declined the dataset {thing}.", "{project} declined the dataset {thing}."
        ),
        Action.SHARE_EDIT.value: Sentence(
            Permission.SHARES_READ,
            "{actor} changed what {to} may do with {thing}.",
            "{project} changed what this project may do with {thing}.",
        ),
        Action.SHARE_LEAVE.value: Sentence(
            Permission.SHARES_LIST, "{actor} gave the dataset {thing} back.", "{project} gave the dataset {thing} back."
        ),
        Action.SHARE_OFFER.value: Sentence(
            Permission.SHARES_READ, "{actor} offered {thing} to {to}.", "{project} offered the dataset {thing}."
        ),
        Action.SHARE_REVOKE.value: Sentence(
            Permission.SHARES_READ, "{actor} took {thing} back from {to}.", "{project} took the dataset {thing} back."
        ),
        Action.TOPIC_CREATE.value: Sentence(Permission.TOPICS_LIST, "{actor} created the topic {thing}."),
        Action.TOPIC_DELETE.value: Sentence(
            Permission.TOPICS_LIST, "{actor} deleted the topic {thing} with all that was in it."
        ),
        Action.TRASH_EMPTY.value: Sentence(Permission.TRASH_READ, "{actor} emptied the trash."),
        STORAGE_FULL: Sentence(
            Permission.LIMITS_READ,
            "There is no room left: {used} of {most} of storage are used. Nothing is uploaded, copied or unpacked "
            "until there is.",
        ),
    }
)
DETAILS = ("role", "to", "used", "most", "project")
"""The details that sentences use; no others are kept."""


def told(kind: str, *, elsewhere: bool) -> bool:
    """Whether something is told of this."""
    sentence = SENTENCES.get(kind)
    return sentence is not None and (not elsewhere or bool(sentence.elsewhere))


def sentence_of(kind: str, *, actor: str, thing: str, details: Mapping[str, str], elsewhere: bool) -> str:
    """The sentence of something that :func:`told` tells of."""
    sentence = SENTENCES[kind]
    words = dict.fromkeys(DETAILS, "") | dict(details)
    role = _ROLES.get(words["role"], "member")
    named = f"The project {words['project']}" if words["project"] else "Another project"
    return (sentence.elsewhere if elsewhere else sentence.text).format(
        actor=actor or ADMINISTRATOR,
        thing=thing,
        role=role,
        to=words["to"],
        used=words["used"],
        most=words["most"],
        project=named,
    )


def kinds_for(permissions: frozenset[Permission]) -> list[str]:
    """The kinds that one with these permissions is told of."""
    return [kind for kind, sentence in SENTENCES.items() if sentence.needs in permissions]
