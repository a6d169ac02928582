"""Logs people in at the Hub with the passwords that the control plane keeps.

Laws:

1. The Hub has no administrators. Whoever administrates it may open everybody's notebook servers; administrators of the
   platform administrate in the control plane, and are members of projects like everybody else.
2. A deactivated user's login ends within :data:`REFRESH_AGE_S`, tokens included.
3. So do all logins from before a change of the password, in every browser.
4. A password is sent once. Where a code is asked for after it, the page holds a challenge of the control plane in its
   place, which opens nothing without a code and ends after some minutes.
5. Who somebody of another realm (LDAP, Kerberos, OpenID Connect) is here the control plane says, as with passwords.
"""

from __future__ import annotations

import json
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import takewhile
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from pydantic import SecretStr
from traitlets import Unicode, default

from hops_contract.problems import TYPE_PREFIX
from hops_contract.realms import (
    LOCAL,
    LOCAL_TITLE,
    MAX_USERNAME_LENGTH,
    KerberosRealmSettings,
    LdapRealmSettings,
    OidcRealmSettings,
    RealmSettings,
    load_realms,
    mark_of_session,
    provider_path,
    ticket_path,
)
from hops_contract.slugs import is_slug
from hops_spawner.control_plane import CodeNeededError, ControlPlane, RefusedError, UnavailableError
from hops_spawner.log_ins import end_older_log_ins
from hops_spawner.proxy import came_by_proxy
from hops_spawner.realm_pages import handlers_of
from hops_spawner.realm_proofs import LoginRefusedError, RealmProof

MAX_PASSWORD_LENGTH = 1024
MAX_CHALLENGE_LENGTH = 400
MAX_CODE_LENGTH = 40
MAX_ASSERTION_LENGTH = 16_000
WRONG_CODE = f"{TYPE_PREFIX}wrong-code"
REFRESH_AGE_S = 5
_MOST_PROXIES = 10
UNKNOWN_LOGIN = "The user name or the password is wrong. Check both and try again."
CODE_NEEDED = "Type the code that your authenticator app shows now, or one of your recovery codes."
KEY_NOT_READ = "The security key's answer can't be read. Log in again."


def forwarded_for(handler: Any) -> str:
    """What the proxy says of where a request comes from; empty where it was not the proxy that asked.

    Whoever asks may have begun it as they liked: the proxy adds the address that it saw at the right end. The control
    plane reads it from there.
    """
    request = getattr(handler, "request", None)
    if request is None or not came_by_proxy(request):
        return ""
    told = ",".join(request.headers.get_list("X-Forwarded-For")).split(",")[-_MOST_PROXIES:]
    read = list(takewhile(lambda address: address is not None, map(_address, reversed(told))))
    return ", ".join(map(str, reversed(read)))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.strip())
    except ValueError:
        return None


def _browser_of(handler: Any) -> str | None:
    """The mark of the browser's session, which begins now if there is none yet; ``None`` without a browser."""
    if not isinstance(handler, BaseHandler):
        return None
    return mark_of_session(handler.get_session_cookie() or handler.set_session_cookie())


def _read_assertion(text: str) -> dict[str, Any]:
    try:
        read = json.loads(text) if len(text) <= MAX_ASSERTION_LENGTH else None
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise LoginRefusedError(403, KEY_NOT_READ)
    return read


class HopsAuthenticator(Authenticator):
    """Asks the control plane whether a password is right and whether a user is still active."""

    control_plane_url = Unicode(help="Address of the control plane; ends with /.").tag(config=True)
    credential_file = Unicode(help="File with the Hub's credential at the control plane.").tag(config=True)

    realms_file = Unicode(help="The site's file of realms; empty for none.").tag(config=True)
    site_url = Unicode(help="The Hub's address as browsers see it; ends with /hub/.").tag(config=True)

    @default("allow_all")
    def _everyone_whom_the_control_plane_knows(self) -> bool:
        return True

    @default("auth_refresh_age")
    def _a_deactivated_user_is_out_at_once(self) -> int:
        return REFRESH_AGE_S

    @default("auth_refresh_strict")
    def _with_a_token_too(self) -> bool:
        return True

    @property
    def control_plane(self) -> ControlPlane:
        """The control plane, called as the Hub."""
        return ControlPlane(self.control_plane_url, Path(self.credential_file))

    @cached_property
    def realms(self) -> dict[str, RealmSettings]:
        """The realms of the site's file, by name."""
        return {realm.name: realm for realm in load_realms(Path(self.realms_file) if self.realms_file else None)}

    @property
    def password_realms(self) -> list[tuple[str, str]]:
        """Name and title of each realm with passwords, as the log-in page offers them; empty without a choice."""
        others = [(name, one.shown) for name, one in self.realms.items() if isinstance(one, LdapRealmSettings)]
        return [*others, (LOCAL, LOCAL_TITLE)] if others else []

    @property
    def other_ways(self) -> list[tuple[str, str]]:
        """Path below the Hub's and title of each way in without a password."""
        ways = []
        for name, one in self.realms.items():
            if isinstance(one, KerberosRealmSettings):
                ways.append((ticket_path(name), one.shown))
            elif isinstance(one, OidcRealmSettings):
                ways.append((provider_path(name), one.shown))
        return ways

    @property
    def password_pages(self) -> list[tuple[str, str]]:
        """Title and address of each realm that says where its passwords are changed."""
        return [(one.shown, one.password_url) for one in self.realms.values() if one.password_url]

    def get_handlers(self, app: Any) -> list[tuple[Any, ...]]:
        """The Hub's own addresses for log-ins, and those of the site's realms."""
        return [*super().get_handlers(app), *handlers_of(self.realms, self.site_url)]

    def normalize_username(self, username: str) -> str:
        """The name as the control plane writes it."""
        return username.strip().lower()

    def validate_username(self, username: str) -> bool:
        """Whether the name obeys the law of names."""
        return is_slug(username)

    async def authenticate(self, handler: Any, data: dict[str, Any]) -> dict[str, Any]:
        """The user whose name and password were typed, or whose code after them; or whom a realm has let in.

        Raises:
            LoginRefusedError: The login failed; its text says why and what to do.
        """
        realm = str(data.get("realm", ""))
        try:
            name = await self._name_of(data, handler, forwarded=forwarded_for(handler))
            known = handler.find_user(name) if handler is not None else None
            if known is not None:
                # Before the new cookie is made, or the next request would end it together with the old ones.
                end_older_log_ins(known, (await self.control_plane.user(name)).tokens_valid_from)
        except UnavailableError as error:
            raise LoginRefusedError(503, f"You can't log in now. {error}", realm=realm) from None
        except CodeNeededError as error:
            options = json.dumps(error.security_key) if error.security_key is not None else ""
            raise LoginRefusedError(
                403, CODE_NEEDED, challenge=error.challenge, failed=False, security_key=options
            ) from None
        except RefusedError as error:
            again = data.get("challenge", "") if error.problem.type == WRONG_CODE else ""
            raise LoginRefusedError(403, str(error), challenge=again, realm=realm) from None
        return {"name": name, "admin": False}

    async def _name_of(self, data: dict[str, Any], handler: Any, *, forwarded: str) -> str:
        proof = data.get("proof")
        # A form's fields are texts: nothing that a browser sends is taken for one.
        if isinstance(proof, RealmProof):
            # Not for a password: a session that begins between its page and that of the code would end the form.
            return await self._name_by(proof, browser=_browser_of(handler), forwarded=forwarded)
        challenge, code = data.get("challenge", ""), data.get("code", "").strip()
        if challenge:
            if len(challenge) > MAX_CHALLENGE_LENGTH:
                raise LoginRefusedError(403, UNKNOWN_LOGIN)
            if assertion := data.get("assertion", ""):
                return await self.control_plane.finish_log_in(
                    SecretStr(challenge), SecretStr(""), assertion=_read_assertion(assertion), forwarded=forwarded
                )
            if not 0 < len(code) <= MAX_CODE_LENGTH:
                raise LoginRefusedError(403, CODE_NEEDED, challenge=challenge)
            return await self.control_plane.finish_log_in(SecretStr(challenge), SecretStr(code), forwarded=forwarded)
        password, realm = data.get("password", ""), data.get("realm", "")
        if realm not in ("", LOCAL):
            return await self._name_in(realm, data.get("username", ""), password, forwarded=forwarded)
        username = self.normalize_username(data.get("username", ""))
        if not (is_slug(username) and 0 < len(password) <= MAX_PASSWORD_LENGTH):
            # The same answer as for a wrong password: it must not tell which names there are.
            raise LoginRefusedError(403, UNKNOWN_LOGIN)
        return await self.control_plane.log_in(username, SecretStr(password), forwarded=forwarded)

    async def _name_in(self, realm: str, username: str, password: str, *, forwarded: str) -> str:
        known = isinstance(self.realms.get(realm), LdapRealmSettings)
        if not (known and 0 < len(username) <= MAX_USERNAME_LENGTH and 0 < len(password) <= MAX_PASSWORD_LENGTH):
            raise LoginRefusedError(403, UNKNOWN_LOGIN, realm=realm if known else "")
        answer = await self.control_plane.log_in_by(
            realm, username=username, password=SecretStr(password), forwarded=forwarded
        )
        return answer.user

    async def _name_by(self, proof: RealmProof, *, browser: str | None, forwarded: str) -> str:
        answer = await self.control_plane.log_in_by(
            proof.realm,
            ticket=SecretStr(proof.ticket) if proof.ticket else None,
            id_token=SecretStr(proof.id_token) if proof.id_token else None,
            nonce=SecretStr(proof.nonce) if proof.nonce else None,
            browser=browser,
            forwarded=forwarded,
        )
        proof.answer = answer.ticket or ""
        return answer.user

    async def refresh_user(self, user: Any, handler: Any = None) -> bool | dict[str, Any]:  # noqa: ARG002
        """Whether ``user`` is still who they were; a deactivated or deleted user has to log in again, and can't.

        While the control plane does not answer nobody is logged out: whatever the login is used for asks it again.
        """
        try:
            state = await self.control_plane.user(user.name)
        except UnavailableError:
            self.log.warning("The control plane does not answer; the login of %s stays as it is.", user.name)
            return True
        except RefusedError as refusal:
            self.log.info("The login of %s ends: %s", user.name, refusal)
            return False
        if state.active and end_older_log_ins(user, state.tokens_valid_from):
            self.log.info("The logins of %s end: the password was changed.", user.name)
            return False
        # With the name and the flag, so that a Hub's administrator of earlier times is none any more.
        return {"name": user.name, "admin": False} if state.active else False
