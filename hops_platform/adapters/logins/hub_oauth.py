"""OAuth with JupyterHub, by its own client for services.

The client asks one question after the other. What anybody may make up, tokens and codes, is asked in a line of its
own, so that it holds up nobody whom the Hub has stood by before.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, cast
from urllib.parse import urlencode

from jupyterhub.services.auth import HubOAuth
from tornado.web import HTTPError

from hops_platform.adapters.logins.proven import ProvenTokens
from hops_platform.errors import BusyError, EngineRefusedError, EngineUnavailableError

# No longer than the Hub itself takes until a log-in ends with its user or its password.
_CACHE_S = 5
UNPROVEN_AT_ONCE = 6
"""One is asked, the others wait for their turns with a thread each."""


class _Line:
    """A client of the Hub for one thread at a time: it keeps a cache that is not made for several."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    @cached_property
    def auth(self) -> HubOAuth:
        """Made when it is first needed: it reads the variables that the Hub sets."""
        return HubOAuth(cache_max_age=_CACHE_S)


class HubOAuthLogins:
    """Log-ins at the Hub. Client id, callback and scopes come from the variables that the Hub sets for its services."""

    def __init__(self) -> None:
        self._proven = ProvenTokens()
        self._line_of_proven, self._line_of_unproven = _Line(), _Line()
        self._unproven = threading.BoundedSemaphore(UNPROVEN_AT_ONCE)

    def begin(self, state: str) -> tuple[str, str]:
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        auth = self._line_of_unproven.auth  # asks nothing
        verifier, challenge, method = auth.generate_pkce_code_challenge()
        query = urlencode({"state": state, "code_challenge": challenge, "code_challenge_method": method})
        return f"{auth.login_url}&{query}", verifier

    def finish(self, code: str, *, verifier: str) -> str:
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        try:
            with self._turn_of_unproven() as auth:
                return str(auth.token_for_code(code, code_verifier=verifier))
        except HTTPError as error:
            raise EngineRefusedError("The Hub did not accept this log-in.", remedy="Log in again.") from error

    def end_all(self, user: str) -> None:
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        # All of the cache, which has tokens and not names. What is not proven is not kept.
        with self._line_of_proven.lock:
            self._line_of_proven.auth.cache.clear()
        self._proven.forget_all_of(user)

    def user_of(self, token: str, *, hub_session: str) -> str | None:
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        try:
            name = self._name(self._ask(token, hub_session))
        except HTTPError as error:
            raise EngineUnavailableError("The Hub does not answer.", remedy="Try again in a moment.") from error
        if name is None:
            self._proven.forget(token)
        else:
            self._proven.remember(token, name)
        return name

    def person_of(self, token: str) -> str | None:
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        return self._proven.person_of(token)

    def _ask(self, token: str, hub_session: str) -> dict[str, Any] | None:
        if self._proven.person_of(token) is not None:
            with self._line_of_proven.lock:
                answer = self._line_of_proven.auth.user_for_token(token, session_id=hub_session)
        else:
            with self._turn_of_unproven() as auth:
                answer = auth.user_for_token(token, use_cache=False)
        return cast("dict[str, Any] | None", answer)

    def _name(self, model: dict[str, Any] | None) -> str | None:
        if not model or model.get("kind") != "user":
            return None
        # A token that was given out for something else (a notebook server, say) must not pass for a log-in.
        auth = self._line_of_proven.auth
        return str(model["name"]) if auth.check_scopes(auth.access_scopes, model) else None

    @contextmanager
    def _turn_of_unproven(self) -> Iterator[HubOAuth]:
        if not self._unproven.acquire(blocking=False):
            raise BusyError(
                "Too many browsers log in at this moment.", remedy="Try again in a moment.", retry_after_s=2
            )
        try:
            with self._line_of_unproven.lock:
                yield self._line_of_unproven.auth
        finally:
            self._unproven.release()
