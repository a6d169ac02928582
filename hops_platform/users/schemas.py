"""Users, log-in and tokens on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from hops_contract.principal import PrincipalKind, ProjectRole
from hops_contract.realms import MAX_ID_TOKEN_LENGTH, MAX_NONCE_LENGTH, MAX_TICKET_LENGTH, MIN_NONCE_LENGTH
from hops_contract.slugs import MAX_SLUG_LENGTH, SLUG_PATTERN, SLUG_RULE, is_slug
from hops_platform.api_keys.proofs import KEY_LENGTH
from hops_platform.audit.events import Detail
from hops_platform.second_factor.challenges import MAX_CHALLENGE_LENGTH
from hops_platform.second_factor.codes import MAX_CODE_LENGTH
from hops_platform.security.passwords import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from hops_platform.security_keys.schemas import KeyAnswer
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
Code = Annotated[
    SecretStr,
    Field(
        min_length=1,
        max_length=MAX_CODE_LENGTH,
        description="A code of the authenticator app, or a recovery code.",
        examples=["492039"],
    ),
]
GivenPassword = Annotated[SecretStr, Field(max_length=MAX_PASSWORD_LENGTH, examples=["correct horse battery staple"])]
Title = Annotated[str, Field(max_length=MAX_TITLE_LENGTH, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["Ada Lovelace"])]


class Strict(BaseModel):
    """A request: unknown fields are refused, so that a misspelt one is not lost."""

    model_config = ConfigDict(extra="forbid")


Challenge = Annotated[
    SecretStr,
    Field(
        max_length=MAX_CHALLENGE_LENGTH,
        description="Of the problem that asked for a code; stands for the password.",
        examples=["q83vEjRW…"],
    ),
]
KeyAnswerField = Annotated[
    KeyAnswer, Field(description="Of a security key, to what that problem asks in 'security_key'.")
]
WAYS_IN = (
    "One of: username and password, with or without code and realm; challenge and code; challenge and assertion; "
    "api_key, with or without project; realm and ticket; realm, id_token and nonce."
)
WAYS_TO_PROVE = "One of: password, with or without code; challenge and code; challenge and assertion."


def ways_in(request: BaseModel) -> frozenset[str]:
    """The fields of ``request`` that are given."""
    return frozenset(name for name in type(request).model_fields if getattr(request, name) is not None)


class LoginRequest(Strict):
    """A log-in: with a password, with the code that was asked for after one, or with an API key."""

    model_config = ConfigDict(
        json_schema_extra={
            "description": WAYS_IN,
            "examples": [{"username": "ada", "password": "correct horse battery staple", "code": "492039"}],
        }
    )

    username: str | None = Field(default=None, min_length=1, max_length=64, pattern=r"^[^\x00]*$", examples=["ada"])
    password: GivenPassword | None = None
    code: Code | None = None
    challenge: Challenge | None = None
    assertion: KeyAnswerField | None = None
    api_key: SecretStr | None = Field(
        default=None,
        max_length=KEY_LENGTH,
        description="A key with the scope sessions:run; the token is a project-user's.",
        examples=["hops_Zr4kQ0xB…"],
    )
    project: Slug | None = Field(
        default=None, description="Only with an API key: in which project.", examples=["weather"]
    )

    realm: Slug | None = Field(
        default=None, description="Who knows the name and the password, if not this platform.", examples=["staff"]
    )
    ticket: SecretStr | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_TICKET_LENGTH,
        description="A token of SPNEGO, in base64; for a realm of the kind kerberos.",
        examples=["YIICcQYGKwYBBQUC…"],
    )
    id_token: SecretStr | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_ID_TOKEN_LENGTH,
        description="Of OpenID Connect; only from the Hub, which got it from the provider.",
        examples=["eyJhbGciOiJSUzI1NiIs…"],
    )
    nonce: SecretStr | None = Field(
        default=None,
        min_length=MIN_NONCE_LENGTH,
        max_length=MAX_NONCE_LENGTH,
        description="With an ID token: what the log-in was begun with.",
        examples=["4f1c0a…"],
    )
    browser: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="Only from the Hub, with a ticket or an ID token: a hash of the browser's session there. For a "
        "while that session, and no other, needs no further proof of who it is.",
        examples=[None],
    )

    @model_validator(mode="after")
    def _check_one_way(self) -> Self:
        if ways_in(self) - {"browser"} not in _WAYS_IN or (self.browser is not None and self.realm is None):
            raise ValueError(WAYS_IN)
        return self


_WAYS_IN = frozenset(
    {
        frozenset({"username", "password"}),
        frozenset({"username", "password", "code"}),
        frozenset({"username", "password", "realm"}),
        frozenset({"username", "password", "code", "realm"}),
        frozenset({"realm", "ticket"}),
        frozenset({"realm", "id_token", "nonce"}),
        frozenset({"challenge", "code"}),
        frozenset({"challenge", "assertion"}),
        frozenset({"api_key"}),
        frozenset({"api_key", "project"}),
    }
)


class TokenAnswer(BaseModel):
    """A token, good until ``expires_at``."""

    token: str = Field(examples=["eyJhbGciOiJFZERTQSIs…"])
    expires_at: datetime = Field(examples=["2026-05-04T10:15:00Z"])
    user: str = Field(examples=["ada"])
    ticket: str | None = Field(
        default=None, description="What proves to who sent a ticket who this is, in base64.", examples=[None]
    )


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
    second_factor: bool = Field(description="Whether a code is asked for at each log-in.", examples=[True])
    tokens_valid_from: datetime = Field(
        description="Log-ins from before have ended: it moves with the password.", examples=["2026-05-04T10:00:00Z"]
    )
    created_at: datetime = Field(examples=["2026-05-04T10:00:00Z"])
    realm: str | None = Field(
        default=None, description="Who keeps the password, if not this platform.", examples=[None]
    )


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
    second_factor_needed: bool = Field(
        default=False, description="Whether a second factor has to be set up before all else.", examples=[False]
    )
    project: str | None = Field(
        default=None, description="Only for a project-user, and with an API key of one project.", examples=[None]
    )
    realm: str | None = Field(default=None, description="Who keeps my password, if not this platform.", examples=[None])
    password_url: str = Field(default="", description="Where I change it then; empty if not told.", examples=[""])
    memberships: list[MyMembership] = Field(description="The first page; `GET projects` lists them all.")
