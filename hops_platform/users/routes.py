from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from hops_contract.slugs import MAX_SLUG_LENGTH
from hops_platform.addresses.service import tell_password_changed
from hops_platform.api_keys.exchange import exchange_key
from hops_platform.audit.actions import Action, ActorKind
from hops_platform.audit.circumstances import Circumstances
from hops_platform.audit.events import Detail
from hops_platform.audit.requests import CALLER, Client, Known, event_of, records, records_apart
from hops_platform.audit.trail import record
from hops_platform.engines.realms import GivenIdToken, GivenPassword, GivenTicket, Proof
from hops_platform.errors import ForbiddenError, InvalidRequestError
from hops_platform.http import After, DatabaseSession, IdempotencyKeyHeader, Limit, PartsOf, in_one_step
from hops_platform.idempotency import create_once
from hops_platform.paging import DEFAULT_LIMIT, Page, fetch_page
from hops_platform.parts import Parts
from hops_platform.realms import log_ins as by_realm
from hops_platform.security.authentication import Caller
from hops_platform.security.bearers import is_hubs
from hops_platform.security.guard import Public, Requires, RequiresRenewable
from hops_platform.security.permissions import Permission
from hops_platform.security.rates import failures_counted
from hops_platform.security.tokens import SignedToken
from hops_platform.security_keys.ceremonies import relying_party
from hops_platform.users import log_ins, service
from hops_platform.users.models import User, find_user
from hops_platform.users.passwords import change_password, realm_of
from hops_platform.users.schemas import (
    LoginRequest,
    Me,
    NewUser,
    PasswordChange,
    TokenAnswer,
    UserAnswer,
    UserEdit,
)

router = APIRouter(tags=["users"])
UserName = Annotated[str, Path(max_length=MAX_SLUG_LENGTH, examples=["ada"])]


@router.post("/tokens", dependencies=[Depends(Public(Permission.TOKENS_CREATE)), records_apart(Action.LOGIN_PASSWORD)])
def create_token(request: LoginRequest, sent: Request, parts: PartsOf, known: Known, client: Client) -> TokenAnswer:
    """Logs in with a password and, where one is asked for, a code or a security key; or exchanges an API key.

    With `realm` it is LDAP, Kerberos or OpenID Connect that says who it is. The first log-in may make the user.

    After five failures, of passwords and codes together, the name is locked for a growing time. After sixty wrong
    passwords in ten minutes, whatever the names, nobody logs in by a password from the same address until they end.
    """
    ticket = None
    with failures_counted(parts.database, client) if request.password is not None else nullcontext():
        if request.realm is not None:
            signed, user, answer = _log_in_by_realm(request, request.realm, sent, parts, known)
            ticket = base64.b64encode(answer).decode() if answer else None
        else:
            signed, user = _log_in(request, parts, known)
    known.thing, known.actor, known.actor_kind = user, user, ActorKind.USER
    return TokenAnswer(token=signed.token, expires_at=signed.expires_at, user=user, ticket=ticket)


def _log_in_by_realm(
    request: LoginRequest, realm: str, sent: Request, parts: Parts, known: Circumstances
) -> tuple[SignedToken, str, bytes]:
    # Not the name that was typed: it may be a password in the wrong field, and what is known here is not what is there.
    known.details["realm"] = realm
    if request.id_token is not None:
        known.action = Action.LOGIN_OIDC
    elif request.ticket is not None:
        known.action = Action.LOGIN_TICKET
    if request.id_token is not None or request.browser is not None:
        _check_from_hub(sent, parts)
    logged_in = by_realm.log_in(
        parts.database,
        by_realm.find_realm(parts.engines.realms, realm),
        _proof_of(request),
        browser=request.browser,
        note=partial(_note_change, sent, realm),
        code=request.code.get_secret_value() if request.code is not None else None,
        signer=parts.signer,
        sealer=parts.sealer,
        party=relying_party(parts.settings.public_url),
    )
    return logged_in.token, logged_in.user, logged_in.answer


def _note_change(sent: Request, realm: str, session: Session, user: User, changed: Mapping[str, bool]) -> None:
    """Records what a log-in did besides, as done by the platform: nobody asked for it."""
    action = Action.USER_EDIT if changed else Action.USER_CREATE
    details: dict[str, Detail] = {"realm": realm, **changed}
    if changed:
        details["changed"] = sorted(changed)
    done = replace(event_of(sent, action), actor="hops", actor_kind=ActorKind.SERVICE, thing=user.name, details=details)
    record(session, done)


def _proof_of(request: LoginRequest) -> Proof:
    if request.id_token is not None:
        nonce = request.nonce.get_secret_value() if request.nonce is not None else ""
        return GivenIdToken(token=request.id_token.get_secret_value(), nonce=nonce)
    if request.ticket is not None:
        try:
            return GivenTicket(token=base64.b64decode(request.ticket.get_secret_value(), validate=True))
        except (binascii.Error, ValueError):
            raise InvalidRequestError("The ticket is not base64.") from None
    password = request.password.get_secret_value() if request.password is not None else ""
    return GivenPassword(username=request.username or "", password=password)


def _check_from_hub(sent: Request, parts: Parts) -> None:
    """An ID token alone proves too little: whoever else the provider gave it to could show it. The Hub fetched it."""
    if not is_hubs(sent.headers.get("Authorization"), parts.hub_credential):
        raise ForbiddenError("Log-in by OpenID Connect goes through the log-in page.", remedy="Open it in a browser.")


def _log_in(request: LoginRequest, parts: Parts, known: Circumstances) -> tuple[SignedToken, str]:
    code = request.code.get_secret_value() if request.code is not None else None
    party = relying_party(parts.settings.public_url)
    if request.api_key is not None:
        known.action = Action.LOGIN_API_KEY
        with parts.database.session(writes=False) as session:
            return exchange_key(
                session,
                request.api_key.get_secret_value(),
                project=request.project,
                signer=parts.signer,
                in_use=parts.keys_in_use,
                second_factor_required=parts.settings.second_factor_required,
            )
    if request.challenge is not None:
        known.action = Action.LOGIN_CODE if request.assertion is None else Action.LOGIN_SECURITY_KEY
        challenge = request.challenge.get_secret_value()
        known.thing = log_ins.name_in_challenge(challenge, sealer=parts.sealer)
        return log_ins.finish_log_in(
            parts.database,
            challenge=challenge,
            code=code or "",
            answer=request.assertion,
            signer=parts.signer,
            sealer=parts.sealer,
            party=party,
        )
    username = request.username or ""
    known.thing = log_ins.known_name(parts.database, username)
    signed = log_ins.log_in(
        parts.database,
        username=username,
        password=request.password.get_secret_value() if request.password is not None else "",
        code=code,
        signer=parts.signer,
        sealer=parts.sealer,
        party=party,
    )
    return signed, username


@router.post("/tokens:renew")
def renew_token(
    caller: Annotated[Caller, Depends(RequiresRenewable(Permission.TOKENS_RENEW))],
    session: DatabaseSession,
    parts: PartsOf,
) -> TokenAnswer:
    """Renews the token that the request is sent with, while it is good; a project-user's up to 72 hours longer."""
    signed = log_ins.renew_token(session, caller, signer=parts.signer)
    return TokenAnswer(token=signed.token, expires_at=signed.expires_at, user=caller.principal.user)


@router.get("/me")
def read_me(
    caller: Annotated[Caller, Depends(Requires(Permission.ME_READ))], session: DatabaseSession, parts: PartsOf
) -> Me:
    """Who the caller is, and in which projects."""
    user = caller.user
    realm = realm_of(session, user) if user is not None else None
    site = parts.engines.realms.get(realm or "")
    return Me(
        kind=caller.principal.kind,
        name=caller.principal.user,
        title=user.title if user else "",
        admin=caller.administrates,
        auditor=caller.audits,
        must_change_password=user is not None and user.must_change_password,
        second_factor_needed=caller.lacks_second_factor,
        realm=realm,
        password_url=site.password_url if site is not None else "",
        project=caller.only_project,
        memberships=service.first_memberships(session, caller, limit=DEFAULT_LIMIT),
    )


@router.put("/me/password", dependencies=[records(Action.PASSWORD_CHANGE, CALLER)])
def change_my_password(
    request: PasswordChange,
    caller: Annotated[Caller, Depends(Requires(Permission.ME_PASSWORD))],
    session: DatabaseSession,
    parts: PartsOf,
    known: Known,
) -> TokenAnswer:
    """Changes the caller's password. All log-ins from before end, browsers too; the answer holds a new token."""
    signed = change_password(
        session,
        caller,
        database=parts.database,
        old=request.old_password.get_secret_value(),
        new=request.new_password.get_secret_value(),
        signer=parts.signer,
    )
    tell_password_changed(session, caller.person, mail=parts.engines.mailer.sends)
    known.record_now(session)
    session.commit()
    parts.engines.logins.end_all(caller.principal.user)
    return TokenAnswer(token=signed.token, expires_at=signed.expires_at, user=caller.principal.user)


@router.get("/users", dependencies=[Depends(Requires(Permission.USERS_LIST))])
@in_one_step
def list_users(session: DatabaseSession, limit: Limit = DEFAULT_LIMIT, after: After = None) -> Page[UserAnswer]:
    """All users by name."""
    rows, following = fetch_page(session, select(User), key=User.name, limit=limit, after=after)
    return Page(items=[service.show_user(session, row[0]) for row in rows], next=following)


@router.post("/users", status_code=201, response_model=UserAnswer, dependencies=[records(Action.USER_CREATE)])
def create_user(
    request: NewUser,
    caller: Annotated[Caller, Depends(Requires(Permission.USERS_CREATE))],
    session: DatabaseSession,
    known: Known,
    key: IdempotencyKeyHeader = None,
) -> dict[str, Any]:
    """Creates a user, who must change the password at the first log-in."""
    known.thing, known.details["admin"] = request.name, request.admin
    return create_once(
        session,
        user_id=caller.person.id,
        key=key,
        route="POST users",
        request=request,
        create=lambda: service.create_requested_user(session, request),
    )


@router.get("/users/{user}", dependencies=[Depends(Requires(Permission.USERS_READ))])
def read_user(user: UserName, session: DatabaseSession) -> UserAnswer:
    """One user."""
    return service.show_user(session, find_user(session, user))


@router.patch(
    "/users/{user}", dependencies=[Depends(Requires(Permission.USERS_EDIT)), records(Action.USER_EDIT, "user")]
)
def edit_user(user: UserName, request: UserEdit, session: DatabaseSession, parts: PartsOf, known: Known) -> UserAnswer:
    """Changes a user: title, active, administrator, auditor, a new password, the end of a lock-out."""
    row = find_user(session, user)
    service.edit_user(session, row, request)
    known.details.update(request.recorded())
    if request.password is not None:
        known.record_now(session)
        session.commit()
        parts.engines.logins.end_all(user)
    return service.show_user(session, row)
