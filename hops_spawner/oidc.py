"""Log-in by OpenID Connect at the Hub: the authorization code flow (with PKCE), by oauthenticator.

It ends with the ID token that the provider gave for the code. Who that is the control plane decides, which verifies the
token.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler
from tornado.httpclient import HTTPClientError
from tornado.web import HTTPError

from hops_contract.realms import (
    MAX_ID_TOKEN_LENGTH,
    OidcRealmSettings,
    RealmsError,
    check_web_address,
    provider_path,
    read_private,
)
from hops_spawner.realm_pages import LogInPage
from hops_spawner.realm_proofs import LoginRefusedError, RealmProof

_TIMEOUT_S = 10.0


class Provider(GenericOAuthenticator):
    """One provider, as the Hub speaks with it; what it says of itself is asked for at the first log-in.

    Args:
        settings: What the site's file of realms says of it.
        callback: Where the provider sends browsers back to.
    """

    def __init__(self, settings: OidcRealmSettings, callback: str, **more: Any) -> None:
        super().__init__(**more)
        self.settings = settings
        self._is_known = False
        self.oauth_callback_url = callback
        self.client_id, self.scope = settings.client_id, list(settings.scopes)
        self.enable_pkce = self.validate_server_cert = True
        self.http_request_kwargs: dict[str, Any] = {"connect_timeout": _TIMEOUT_S, "request_timeout": _TIMEOUT_S}
        if settings.ca_file is not None:
            self.http_request_kwargs["ca_certs"] = str(settings.ca_file)

    async def ask(self) -> None:
        """Learns the provider's addresses, unless they are known.

        Raises:
            LoginRefusedError: It does not answer, or is another one.
        """
        issuer = self.settings.issuer
        try:
            # Anew each time, so that it can be replaced.
            self.client_secret = read_private(self.settings.client_secret_file)
            if self._is_known:
                return
            told = await self.httpfetch(issuer.rstrip("/") + "/.well-known/openid-configuration")
            if told["issuer"] != issuer:
                raise LoginRefusedError(503, self._away())
            methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
            self.basic_auth = "client_secret_basic" in methods
            self.token_url = check_web_address(told["token_endpoint"])
            self.authorize_url = check_web_address(told["authorization_endpoint"])
            self._is_known = True
        except RealmsError as error:
            self.log.error("Nobody can log in by %s: %s", self.settings.shown, error)  # noqa: TRY400
            raise LoginRefusedError(503, self._away()) from None
        except (HTTPClientError, OSError, KeyError, TypeError, AttributeError, ValueError, HTTPError) as error:
            if isinstance(error, LoginRefusedError):
                raise
            self.log.warning("%s does not say what it is: %s", self.settings.shown, type(error).__name__)
            raise LoginRefusedError(503, self._away()) from None

    async def id_token_for(self, handler: OidcCallback) -> str:
        """The ID token for the code that the browser came back with.

        Raises:
            LoginRefusedError: The provider gives none.
        """
        await self.ask()
        try:
            params = self.build_access_tokens_request_params(handler)
            params.pop("data", None)
            token = (await self.get_token_info(handler, params))["id_token"]
        except (HTTPClientError, OSError, KeyError, TypeError, ValueError, HTTPError) as error:
            self.log.warning("%s gives no token for a code: %s", self.settings.shown, type(error).__name__)
            raise LoginRefusedError(403, f"{self.settings.shown} did not accept this log-in. Log in again.") from None
        if not isinstance(token, str) or len(token) > MAX_ID_TOKEN_LENGTH:
            raise LoginRefusedError(403, f"{self.settings.shown} gave no token that can be used.")
        return token

    def _away(self) -> str:
        return f"{self.settings.shown} does not answer, or is set up wrongly. Try again in a minute, or another way."


class _AtProvider(LogInPage):
    """Has the provider in the place of the Hub's authenticator, for as long as it is spoken with."""

    def initialize(self, provider: Provider) -> None:
        """Takes the provider of this address."""
        self.provider: Provider = provider
        self._speaks_with_provider = True

    @property
    def authenticator(self) -> Any:
        """The provider, or the Hub's own."""
        return self.provider if self._speaks_with_provider else self.settings["authenticator"]

    async def refuse(self, refused: LoginRefusedError) -> None:
        """Ends the request with the log-in page."""
        self._speaks_with_provider = False
        await super().refuse(refused)


class OidcLogIn(_AtProvider, OAuthLoginHandler):
    """Sends the browser to the provider."""

    async def get(self) -> None:
        """Begins a log-in."""
        try:
            await self.provider.ask()
        except LoginRefusedError as refused:
            await self.refuse(refused)
            return
        OAuthLoginHandler.get(self)

    def set_state_cookie(self, state_cookie_value: str) -> None:
        """See oauthenticator."""
        self._begun = state_cookie_value
        super().set_state_cookie(state_cookie_value)

    def authorize_redirect(self, *args: Any, extra_params: dict[str, Any], **more: Any) -> None:
        """See tornado; with what binds the ID token to this log-in, and asks for the person where that is wanted."""
        asked = {"nonce": _nonce_of(self._begun)}
        if self.get_query_argument("prompt", "") == "login":
            # By the second the provider has to say when it asked, in words that it signs.
            asked |= {"prompt": "login", "max_age": "0"}
        super().authorize_redirect(*args, extra_params=extra_params | asked, **more)

    def _generate_state_id(self) -> str:
        # Of this provider: what another one sends here was not begun with it.
        return f"{self.provider.settings.name}.{super()._generate_state_id()}"


class OidcCallback(_AtProvider, OAuthCallbackHandler):
    """Takes the browser back from the provider."""

    async def get(self) -> None:
        """Ends a log-in."""
        try:
            self._check()
            token = await self.provider.id_token_for(self)
            # From here on it is a log-in at the Hub as any other.
            self._speaks_with_provider = False
            nonce = _nonce_of(self.get_state_cookie())
            user = await self.login_user(
                {"proof": RealmProof(self.provider.settings.name, id_token=token, nonce=nonce)}
            )
        except LoginRefusedError as refused:
            await self.refuse(refused)
            return
        self._jupyterhub_user = user
        self.redirect(self._where_to(user))

    def _check(self) -> None:
        try:
            self.check_arguments()
        except HTTPError:
            # What the provider, or whoever made this address, says is not repeated on a page of this site.
            ended = "This log-in was not begun by this browser, was ended, or took too long. Log in again."
            raise LoginRefusedError(400, ended) from None

    def check_state(self) -> None:
        """See oauthenticator; and it must have been begun with this provider."""
        super().check_state()
        begun_with = _part_of(self.get_state_cookie(), "state_id").partition(".")[0]
        if begun_with != self.provider.settings.name:
            raise HTTPError(400, "OAuth state of another provider")

    def _where_to(self, user: Any) -> str:
        next_url = _part_of(self.get_state_cookie(), "next_url")
        parts = urlsplit(next_url)
        is_path = next_url.startswith("/") and not next_url.startswith(("//", "/\\"))
        if is_path and not parts.scheme and not parts.netloc and "\\" not in next_url:
            return next_url
        return str(LogInPage.get_next_url(self, user))


def handlers_of_provider(settings: OidcRealmSettings, site_url: str) -> list[tuple[Any, ...]]:
    """The Hub's addresses for log-in by this provider.

    Args:
        settings: What the site's file of realms says of it.
        site_url: The Hub's address as browsers see it; ends with ``/hub/``.
    """
    path = provider_path(settings.name)
    back = f"{path.rpartition('/')[0]}/callback"
    given = {"provider": Provider(settings, f"{site_url}{back}")}
    return [(f"/{path}", OidcLogIn, given), (f"/{back}", OidcCallback, given)]


def _nonce_of(state: str) -> str:
    """What the ID token of a log-in with this state has to hold: nobody has it who has not the browser's cookie."""
    return hashlib.sha256(f"nonce {_part_of(state, 'code_verifier')}".encode()).hexdigest()


def _part_of(state: str, name: str) -> str:
    """A part of the state that this Hub has signed; empty where there is none."""
    try:
        value = json.loads(base64.urlsafe_b64decode(state)).get(name)
    except (ValueError, AttributeError):
        return ""
    return value if isinstance(value, str) else ""
