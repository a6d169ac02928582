"""Users, log-in and tokens on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from hops_contract.principal import PrincipalKind, ProjectRole
from hops_contract.slugs import MAX_SLUG_LENGTH, SLUG_PATTERN, SLUG_RULE, is_slug
from hops_platform.audit.events import Detail
from hops_platform.security.passwords import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from hops_platform.users.models import MAX_TITLE_LENGTH


def _check_slug(name: str) -> str:
    if not is_slug(name):
        raise ValueError(f"A name is {SLUG_RULE}.")
    return name


# The pattern is only shown: in Python its `$` would also match before a line's end, which `is_slug` knows.
Slug = Annotated[
    str,
    Field(
        max_length=MAX_SLUG_LENGTH,
        description=f"A name: {SLUG_RULE}.",
        examples=["ada"],
        json_schema_extra={"pattern": SLUG_PATTERN},
    ),
    AfterValidator(_check_slug),
]
NewPassword = Annotated[
    SecretStr,
    Field(min_length=MIN_PASSWORD_LENGTH, max_length=MAX_PASSWORD_LENGTH, examples=["correct horse battery staple"]),
]
GivenPassword = Annotated[SecretStr, Field(max_length=MAX_PASSWORD_LENGTH, examples=["correct horse battery staple"])]
Title = Annotated[str, Field(max_length=MAX_TITLE_LENGTH, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["Ada Lovelace"])]


class Strict(BaseModel):
    """A request: unknown fields are refused, so that a misspelt one is not lost."""

    model_config = ConfigDict(extra="forbid")


class LoginRequest(Strict):
    """A log-in."""

    username: str = Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$", examples=["ada"])
    password: GivenPassword


class TokenAnswer(BaseModel):
    """A token, good until ``expires_at``."""

    token: str = Field(examples=["eyJhbGciOiJFZERTQSIs…"])
    expires_at: datetime = Field(examples=["2026-05-04T10:15:00Z"])
    user: str = Field(examples=["ada"])


class PasswordChange(Strict):
    """A user's own new password."""

    old_password: GivenPassword
    new_password: NewPassword


class UserAnswer(BaseModel):
    """A user."""

    name: str = Field(examples=["ada"])
    title: str = Field(examples=["Ada Lovelace"])
    active: bool = Field(examples=[True])
    admin: bool = Field(examples=[False])
    auditor: bool = Field(description="May read the audit of the whole site.", examples=[False])
    must_change_password: bool = Field(examples=[False])
    locked_until: datetime | None = Field(default=None, examples=[None])
    tokens_valid_from: datetime = Field(
        description="Log-ins from before have ended: it moves with the password.", examples=["2026-05-04T10:00:00Z"]
    )
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])


class NewUser(Strict):
    """A user to create; must change the password at the first log-in."""

    name: Slug
    title: Title = ""
    password: NewPassword
    admin: bool = Field(default=False, examples=[False])


class UserEdit(Strict):
    """What to change of a user; what is left out stays."""

    title: Title | None = None
    active: bool | None = Field(default=None, examples=[True])
    admin: bool | None = Field(default=None, examples=[False])
    auditor: bool | None = Field(default=None, description="May read the audit of the whole site.", examples=[True])
    password: NewPassword | None = Field(default=None, description="Must be changed at the next log-in.")
    unlock: bool = Field(default=False, description="Ends a lock-out.", examples=[True])

    def recorded(self) -> dict[str, Detail]:
        """What is changed, for the audit; of a password only that there is another."""
        changed = sorted(name for name in self.model_fields_set if getattr(self, name) not in {None, False})
        flags = {name: getattr(self, name) for name in ("active", "admin", "auditor")}
        given = {name: value for name, value in flags.items() if value is not None}
        return {"changed": sorted({*changed, *given}), **given}


class MyMembership(BaseModel):
    """A project of mine."""

    project: str = Field(examples=["weather"])
    title: str = Field(examples=["Weather of the coast"])
    role: ProjectRole


class Me(BaseModel):
    """Who I am."""

    kind: PrincipalKind
    name: str = Field(examples=["ada"])
    title: str = Field(examples=["Ada Lovelace"])
    admin: bool = Field(examples=[False])
    auditor: bool = Field(examples=[False])
    must_change_password: bool = Field(examples=[False])
    project: str | None = Field(default=None, description="Only for a project-user.", examples=[None])
    memberships: list[MyMembership] = Field(description="The first page; `GET projects` lists them all.")
