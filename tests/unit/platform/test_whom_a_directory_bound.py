"""Active Directory binds people by names of two kinds: who is let in is who was bound, and no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hops_contract.realms import LdapRealmSettings
from hops_platform.adapters.realms.ldap import LdapRealm, _NotBoundError
from hops_platform.engines.realms import GivenPassword
from hops_platform.errors import WrongCredentialsError


class Directory(LdapRealm):
    """One with mallory's account, which her domain calls bob@example.org, and perhaps bob's own."""

    def __init__(self, bind_template: str, *accounts: Mapping[str, str], lets_in: bool = True) -> None:
        super().__init__(
            LdapRealmSettings(
                kind="active-directory",
                name="staff",
                servers=("ldaps://dc.example.org",),
                base="dc=example,dc=org",
                bind_template=bind_template,
                service_dn="cn=hopslab",
                service_password_file=Path("/secret"),
            )
        )
        self.accounts, self.lets_in = accounts, lets_in
        self.bound: list[str] = []
        self.asked: list[str] = []

    @contextmanager
    def _bound(self, name: str, _password: str) -> Iterator[Any]:
        self.bound.append(name)
        if not self.lets_in:
            raise _NotBoundError
        yield None

    @contextmanager
    def _as_service(self) -> Iterator[Any]:
        yield None

    def _search(self, _connection: Any, _base: str, wanted: str, **_more: Any) -> list[Mapping[str, Any]]:
        self.asked.append(wanted)
        return [
            {"dn": f"cn={one['sAMAccountName']}", "raw_attributes": {key: [text.encode()] for key, text in one.items()}}
            for one in self.accounts
            if any(f"({key}={text})" in wanted for key, text in one.items())
        ]


MALLORY = {"sAMAccountName": "mallory", "userPrincipalName": "bob@example.org", "objectGUID": "m"}
BOB = {"sAMAccountName": "bob", "objectGUID": "b"}


def who(directory: LdapRealm) -> str:
    return directory.authenticate(GivenPassword(username="bob", password="heron teapot")).identity.username


def test_whose_principal_name_is_anothers_account_is_not_let_in_as_that_one() -> None:
    with pytest.raises(WrongCredentialsError):
        who(Directory("{username}@example.org", MALLORY, BOB))


def test_who_is_called_so_in_one_way_alone_is_let_in() -> None:
    assert who(Directory("{username}@example.org", MALLORY)) == "mallory"
    assert who(Directory("{username}@example.org", BOB)) == "bob"
    assert who(Directory("EXAMPLE\\{username}", MALLORY, BOB)) == "bob", "so only accounts are called"


@pytest.mark.parametrize("lets_in", [True, False], ids=["a nobody is bound", "as usual"])
def test_who_is_not_there_is_refused_by_the_same_steps_as_who_is(*, lets_in: bool) -> None:
    nobody, somebody = Directory("", MALLORY, lets_in=lets_in), Directory("", BOB, lets_in=False)
    for directory in (nobody, somebody):
        with pytest.raises(WrongCredentialsError):
            who(directory)
    assert (len(nobody.bound), len(nobody.asked)) == (len(somebody.bound), len(somebody.asked)) == (1, 1)
    assert nobody.bound != ["cn=mallory"]
