"""What a realm's groups make of somebody."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from hops_contract.realms import LdapRealmSettings, OidcRealmSettings
from hops_platform.errors import ForbiddenError

Folding = Callable[[str], str]
"""What two names of one group have in common."""


def check_admitted(settings: LdapRealmSettings | OidcRealmSettings, groups: Collection[str], *, by: Folding) -> None:
    """Refuses whoever is in none of the groups that the realm asks for.

    Raises:
        ForbiddenError: In none.
    """
    if settings.required_groups and not is_in(groups, settings.required_groups, by=by):
        raise ForbiddenError(
            f"Your account of {settings.shown} is in no group that may log in here.",
            remedy=f"Ask whoever looks after {settings.shown}.",
        )


def flag_of(groups: Collection[str], wanted: Collection[str], *, by: Folding) -> bool | None:
    """Whether somebody is in one of the groups; ``None`` where none is named, so that the realm decides nothing."""
    return is_in(groups, wanted, by=by) if wanted else None


def is_in(groups: Iterable[str], wanted: Iterable[str], *, by: Folding) -> bool:
    """Whether one of the groups is wanted."""
    return not {by(group) for group in groups}.isdisjoint(by(group) for group in wanted)


def as_they_stand(group: str) -> str:
    """For providers with groups that differ in case alone, which people may make themselves."""
    return group


def as_entries(group: str) -> str:
    """For directories, in which names of entries don't differ by case."""
    return ",".join(part.strip() for part in group.casefold().split(","))
