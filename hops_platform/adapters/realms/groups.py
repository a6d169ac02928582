"""What a realm's groups make of somebody."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from hops_contract.realms import LdapRealmSettings, OidcRealmSettings
from hops_platform.errors import ForbiddenError


def check_admitted(settings: LdapRealmSettings | OidcRealmSettings, groups: Collection[str]) -> None:
    """Refuses whoever is in none of the groups that the realm asks for.

    Raises:
        ForbiddenError: In none.
    """
    if settings.required_groups and not is_in(groups, settings.required_groups):
        raise ForbiddenError(
            f"Your account of {settings.shown} is in no group that may log in here.",
            remedy=f"Ask whoever looks after {settings.shown}.",
        )


def flag_of(groups: Collection[str], wanted: Collection[str]) -> bool | None:
    """Whether somebody is in one of the groups; ``None`` where none is named, so that the realm decides nothing."""
    return is_in(groups, wanted) if wanted else None


def is_in(groups: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether one of the groups is wanted. Names of groups differ in case as names of entries do: not at all."""
    return not {_plain(group) for group in groups}.isdisjoint(_plain(group) for group in wanted)


def _plain(group: str) -> str:
    return ",".join(part.strip() for part in group.casefold().split(","))
