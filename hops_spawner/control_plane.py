"""What the Hub asks the control plane: passwords, the state of users, grants for notebook servers."""

from __future__ import annotations

import ssl
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from hops_contract.options import Capacity, ServerLimits, ServerOptions
from hops_contract.problems import TYPE_PREFIX, Problem
from hops_contract.servers import ServerGrant

ENVIRONMENT_NOT_READY = f"{TYPE_PREFIX}environment-not-ready"
SECOND_FACTOR_NEEDED = f"{TYPE_PREFIX}second-factor-needed"
OF_ENGINES = frozenset({f"{TYPE_PREFIX}engine-unavailable", f"{TYPE_PREFIX}engine-refused"})
UNAVAILABLE = f"{TYPE_PREFIX}control-plane-unavailable"
MAX_ANSWER_BYTES = 1024 * 1024

Wire = TypeVar("Wire", bound=BaseModel)


class RefusedError(Exception):
    """The control plane said no; its text is the sentence for the person who asked."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(sentence(problem))


class CodeNeededError(RefusedError):
    """The password is right, and a code is needed.

    Args:
        problem: What the control plane said.
        challenge: Stands for the password until the code is typed.
        security_key: What to ask a security key, in WebAuthn's JSON; ``None`` where there is none to ask.
    """

    def __init__(self, problem: Problem, challenge: str, security_key: dict[str, Any] | None = None) -> None:
        super().__init__(problem)
        self.challenge = challenge
        self.security_key = security_key


class UnavailableError(RefusedError):
    """The control plane gave no answer that can be used; asking again later may help.

    Args:
        problem: What it said of an engine that it needs, if it was that.
    """

    def __init__(self, problem: Problem | None = None) -> None:
        super().__init__(
            problem
            or Problem(
                type=UNAVAILABLE,
                title="The control plane does not answer",
                status=503,
                detail="HopsLab's control plane does not answer now.",
                remedy="Try again in a minute; it is started again by itself. If this lasts, tell an administrator.",
            )
        )


class UserState(BaseModel):
    """A user, as far as the Hub needs to know."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    active: bool
    tokens_valid_from: datetime


class LoginAnswer(BaseModel):
    """Answer to a login; the token itself is of no use to the Hub and is not kept."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    user: str
    ticket: str | None = None


class StartChoices(BaseModel):
    """What the start form shows."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    project_title: str
    options: ServerOptions
    limits: ServerLimits
    capacity: Capacity


def sentence(problem: Problem) -> str:
    """``problem`` for a person: what happened, each violation, what to do."""
    parts = [problem.detail, *(violation.message for violation in problem.violations), problem.remedy or ""]
    return " ".join(dict.fromkeys(part.strip() for part in parts if part.strip()))


class ControlPlane:
    """The control plane's REST API, called as service ``hub``.

    Args:
        url: Its address, as in ``HOPS_CONTROL_PLANE_URL``; ends with ``/``.
        credential_file: Holds the Hub's credential; read for each call, so that it can be replaced.
        timeout_s: How long one call may take.
        transport: Only for tests.
    """

    def __init__(
        self,
        url: str,
        credential_file: Path,
        *,
        timeout_s: float = 15.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base = url.rstrip("/") + "/api/v1/"
        self._credential_file = credential_file
        self._timeout_s = timeout_s
        self._transport = transport

    async def log_in(self, username: str, password: SecretStr, *, forwarded: str = "") -> str:
        """The name of the user whose password this is.

        It proves to be the Hub's question, which needs no proof, so that it waits behind no stranger's.

        Args:
            username: The name that was typed.
            password: The password that was typed.
            forwarded: What the proxy said of where the browser is, for the audit; empty where it said nothing.

        Raises:
            CodeNeededError: The password is right; the user has a second factor.
            RefusedError: Wrong password, locked or deactivated user; the text says which, and what to do.
            UnavailableError: The control plane does not answer.
        """
        body = {"username": username, "password": password.get_secret_value()}
        answer = await self._ask("POST", "tokens", LoginAnswer, body=body, forwarded=forwarded)
        return answer.user

    async def finish_log_in(
        self, challenge: SecretStr, code: SecretStr, *, assertion: dict[str, Any] | None = None, forwarded: str = ""
    ) -> str:
        """The name of the user who was asked for a code or a security key, if this is one, or its answer.

        Args:
            challenge: What stands for the password.
            code: The code that was typed.
            assertion: The answer of a security key, in place of a code.
            forwarded: As with :meth:`log_in`.

        Raises:
            RefusedError: Wrong code, locked or deactivated user, or the log-in took too long.
            UnavailableError: The control plane does not answer.
        """
        proof = {"code": code.get_secret_value()} if assertion is None else {"assertion": assertion}
        body = {"challenge": challenge.get_secret_value(), **proof}
        answer = await self._ask("POST", "tokens", LoginAnswer, body=body, forwarded=forwarded)
        return answer.user

    async def log_in_by(
        self,
        realm: str,
        *,
        username: str | None = None,
        password: SecretStr | None = None,
        ticket: SecretStr | None = None,
        id_token: SecretStr | None = None,
        nonce: SecretStr | None = None,
        browser: str | None = None,
        forwarded: str = "",
    ) -> LoginAnswer:
        """Who somebody of a realm is: by name and password, by a ticket, or by an ID token.

        Args:
            realm: The realm's name.
            username: What was typed.
            password: What was typed.
            ticket: A token of SPNEGO, in base64.
            id_token: What the provider gave the Hub.
            nonce: What the log-in was begun with that ``id_token`` is for.
            browser: The mark of the browser's session (:func:`hops_contract.realms.mark_of_session`).
            forwarded: As with :meth:`log_in`.

        Raises:
            CodeNeededError: It is good; the user has a second factor.
            RefusedError: It is not good, or they are nobody here (yet); the text says which, and what to do.
            UnavailableError: The control plane, or the realm, does not answer.
        """
        secret = {"password": password, "ticket": ticket, "id_token": id_token, "nonce": nonce}
        body = {name: value.get_secret_value() for name, value in secret.items() if value is not None}
        plain = {"username": username, "browser": browser}
        body |= {name: value for name, value in plain.items() if value is not None}
        return await self._ask("POST", "tokens", LoginAnswer, body={"realm": realm, **body}, forwarded=forwarded)

    async def user(self, name: str) -> UserState:
        """The state of a user.

        Raises:
            RefusedError: There is no such user.
            UnavailableError: The control plane does not answer.
        """
        return await self._ask("GET", f"users/{quote(name, safe='')}", UserState)

    async def choices(self, project: str, user: str) -> StartChoices:
        """What the start form of ``user`` in ``project`` shows.

        Raises:
            RefusedError: There is no such project for this user.
            UnavailableError: The control plane does not answer.
        """
        path = f"projects/{quote(project, safe='')}/members/{quote(user, safe='')}/server-options"
        return await self._ask("GET", path, StartChoices)

    async def grant(self, project: str, user: str, options: dict[str, Any] | None) -> ServerGrant:
        """Permission for ``user`` to start a server in ``project``.

        Args:
            project: The project's name.
            user: The user's name.
            options: As asked for; ``None`` takes the remembered ones.

        Raises:
            RefusedError: Not a member, options that can't be had, or the environment is still being made
                (:data:`ENVIRONMENT_NOT_READY`).
            UnavailableError: The control plane does not answer.
        """
        path = f"projects/{quote(project, safe='')}/server-grants"
        return await self._ask("POST", path, ServerGrant, body={"user": user, "options": options})

    async def _ask(self, method: str, path: str, shape: type[Wire], *, body: Any = None, forwarded: str = "") -> Wire:
        headers = {"Authorization": f"Bearer {self._credential()}"}
        if forwarded:
            headers["X-Forwarded-For"] = forwarded
        client = httpx.AsyncClient(
            timeout=self._timeout_s, trust_env=False, transport=self._transport, verify=_trusted_authorities()
        )
        try:
            async with client:
                response = await client.request(method, self._base + path, json=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL):
            # The cause is left out of the chain on purpose: it would show the request, and with it a password.
            raise UnavailableError from None
        if response.is_success and len(response.content) <= MAX_ANSWER_BYTES:
            try:
                return shape.model_validate_json(response.content)
            except ValidationError:
                raise UnavailableError from None
        raise _refusal(response)

    def _credential(self) -> str:
        try:
            return self._credential_file.read_text().strip()
        except OSError:
            raise UnavailableError from None


def _refusal(response: httpx.Response) -> RefusedError:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return UnavailableError()
    if response.is_server_error or not response.is_client_error:
        return UnavailableError(problem if problem.type in OF_ENGINES else None)
    challenge = (problem.model_extra or {}).get("challenge")
    if problem.type == SECOND_FACTOR_NEEDED and isinstance(challenge, str):
        options = (problem.model_extra or {}).get("security_key")
        return CodeNeededError(problem, challenge, options if isinstance(options, dict) else None)
    return RefusedError(problem)


@cache
def _trusted_authorities() -> ssl.SSLContext:
    """Made once: reading the system's authorities takes longer than the call itself."""
    return ssl.create_default_context()
