"""Logs people in at the Hub with the passwords that the control plane keeps.

Laws:

1. The Hub has no administrators. Whoever administrates it may open everybody's notebook servers; administrators of the
   platform administrate in the control plane, and are members of projects like everybody else.
2. A deactivated user's login ends within :data:`REFRESH_AGE_S`, tokens included.
3. So do all logins from before a change of the password, in every browser.
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from pydantic import SecretStr
from tornado.web import HTTPError
from traitlets import Unicode, default

from hops_contract.slugs import is_slug
from hops_spawner.control_plane import ControlPlane, RefusedError, UnavailableError
from hops_spawner.log_ins import end_older_log_ins

MAX_PASSWORD_LENGTH = 1024
REFRESH_AGE_S = 5
UNKNOWN_LOGIN = "The user name or the password is wrong. Check both and try again."


class LoginRefusedError(HTTPError):
    """A login that failed; the Hub shows its text on the login page."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.jupyterhub_message = text


def forwarded_for(handler: Any) -> str:
    """What the proxy says of where a request comes from; empty where it says nothing that can be passed on.

    Whoever asks may have begun it as they liked: the proxy adds the address that it saw at the right end.
    """
    request = getattr(handler, "request", None)
    told = ",".join(request.headers.get_list("X-Forwarded-For")) if request is not None else ""
    last = told.rpartition(",")[2].strip()
    try:
        return str(ip_address(last))
    except ValueError:
        return ""


class HopsAuthenticator(Authenticator):
    """Asks the control plane whether a password is right and whether a user is still active."""

    control_plane_url = Unicode(help="Address of the control plane; ends with /.").tag(config=True)
    credential_file = Unicode(help="File with the Hub's credential at the control plane.").tag(config=True)

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

    def normalize_username(self, username: str) -> str:
        """The name as the control plane writes it."""
        return username.strip().lower()

    def validate_username(self, username: str) -> bool:
        """Whether the name obeys the law of names."""
        return is_slug(username)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any]:
        """The user whose name and password were typed.

        Raises:
            LoginRefusedError: The login failed; its text says why and what to do.
        """
        username = self.normalize_username(data.get("username", ""))
        password = data.get("password", "")
        if not (is_slug(username) and 0 < len(password) <= MAX_PASSWORD_LENGTH):
            # The same answer as for a wrong password: it must not tell which names there are.
            raise LoginRefusedError(403, UNKNOWN_LOGIN)
        try:
            name = await self.control_plane.log_in(username, SecretStr(password), forwarded=forwarded_for(handler))
            known = handler.find_user(name) if handler is not None else None
            if known is not None:
                # Before the new cookie is made, or the next request would end it together with the old ones.
                end_older_log_ins(known, (await self.control_plane.user(name)).tokens_valid_from)
        except UnavailableError as error:
            raise LoginRefusedError(503, f"You can't log in now. {error}") from None
        except RefusedError as error:
            raise LoginRefusedError(403, str(error)) from None
        return {"name": name, "admin": False}

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
