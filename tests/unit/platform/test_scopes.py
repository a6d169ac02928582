from __future__ import annotations

from hops_platform.security.permissions import Permission
from hops_platform.security.policy import PROJECT_USER_CEILING, ROLE_PERMISSIONS, Role
from hops_platform.security.scopes import (
    IN_PERSON,
    OF_EVERY_KEY,
    SCOPE_PERMISSIONS,
    SCOPE_WORDS,
    SITE_SCOPES,
    Scope,
    known_scopes,
    permissions_of_scopes,
)


def test_every_permission_was_decided_on() -> None:
    given = frozenset[Permission]().union(*SCOPE_PERMISSIONS.values())
    assert given | OF_EVERY_KEY | IN_PERSON == frozenset(Permission)
    assert not (given | OF_EVERY_KEY) & IN_PERSON


def test_every_scope_has_words_and_permissions_and_the_scopes_are_alphabetised() -> None:
    assert set(SCOPE_WORDS) == set(SCOPE_PERMISSIONS) == set(Scope)
    assert all(SCOPE_PERMISSIONS.values())
    assert [scope.name for scope in Scope] == sorted(scope.name for scope in Scope)
    assert [scope.value for scope in Scope] == sorted(scope.value for scope in Scope)


def test_what_makes_proofs_of_identity_is_for_people_alone() -> None:
    everything = permissions_of_scopes(Scope)
    for word in (
        "api-keys:", "me:address", "me:certificates", "me:password", "me:sec", "password-resets:give",
        "registrations:decide", "second-factor:", "users:create", "users:edit",
    ):  # fmt: skip
        assert not [permission for permission in everything if permission.value.startswith(word)]
    assert Permission.CERTIFICATES_SIGN not in everything


def test_only_scopes_of_the_site_have_what_only_administrators_have() -> None:
    of_the_site = (Role.ADMINISTRATOR, Role.AUDITOR)
    others = frozenset[Permission]().union(*(ROLE_PERMISSIONS[role] for role in Role if role not in of_the_site))
    alone = frozenset[Permission]().union(*(ROLE_PERMISSIONS[role] for role in of_the_site)) - others
    for scope in set(Scope) - SITE_SCOPES:
        assert not SCOPE_PERMISSIONS[scope] & alone, scope


def test_running_code_gives_what_code_has_anyway_and_the_renewal_of_its_token() -> None:
    assert SCOPE_PERMISSIONS[Scope.SESSIONS_RUN] == PROJECT_USER_CEILING | {Permission.TOKENS_RENEW}


def test_a_scope_of_an_older_version_gives_nothing() -> None:
    assert known_scopes(["projects:read", "once:known"]) == {Scope.PROJECTS_READ}
    assert permissions_of_scopes(known_scopes(["once:known"])) == OF_EVERY_KEY
