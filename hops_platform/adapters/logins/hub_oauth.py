"""OAuth with JupyterHub, by its own client for services."""

from __future__ import annotations

import threading
from functools import cached_property
from urllib.parse import urlencode

from jupyterhub.services.auth import HubOAuth
from tornado.web import HTTPError

from hops_platform.errors import EngineRefusedError, EngineUnavailableError

# No longer than the Hub itself takes until a log-in ends with its user or its password.
_CACHE_S = 5


class HubOAuthLogins:
    """Log-ins at the Hub. Client id, callback and scopes come from the variables that the Hub sets for its services."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def begin(self, state: str) -> tuple[str, str]:
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        verifier, challenge, method = self._auth.generate_pkce_code_challenge()
        query = urlencode({"state": state, "code_challenge": challenge, "code_challenge_method": method})
        return f"{self._auth.login_url}&{query}", verifier

    def finish(self, code: str, *, verifier: str) -> str:
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        try:
            with self._lock:
                return str(self._auth.token_for_code(code, code_verifier=verifier))
        except HTTPError as error:
            raise EngineRefusedError("The Hub did not accept this log-in.", remedy="Log in again.") from error

    def end_all(self, user: str) -> None:  # noqa: ARG002 - the cache has tokens, not names
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        with self._lock:
            self._auth.cache.clear()

    def user_of(self, token: str, *, hub_session: str) -> str | None:
        """See :class:`~hops_platform.engines.logins.BrowserLogins`."""
        try:
            with self._lock:  # the Hub's client keeps a cache that is not made for several threads
                model = self._auth.user_for_token(token, session_id=hub_session)
        except HTTPError as error:
            raise EngineUnavailableError("The Hub does not answer.", remedy="Try again in a moment.") from error
        if not model or model.get("kind") != "user":
            return None
        # A token that was given out for something else (a notebook server, say) must not pass for a log-in.
        if not self._auth.check_scopes(self._auth.access_scopes, model):
            return None
        return str(model["name"])

    @cached_property
    def _auth(self) -> HubOAuth:
        return HubOAuth(cache_max_age=_CACHE_S)
