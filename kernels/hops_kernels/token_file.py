"""Proof of identity for each request: the token that the notebook server keeps fresh in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hdijupyterutils.ipywidgetfactory import IpyWidgetFactory
from sparkmagic.auth.customauth import Authenticator

from hops_kernels.configuration import read_server_config, server_folder
from hops_kernels.remote_errors import SessionProblem

TOKEN_FILE = "token.jwt"  # noqa: S105 - the name of the file
MAX_TOKEN_LENGTH = 4096


class TokenUnreadableError(SessionProblem):
    """There is no token to call the session service with."""


def read_token(folder: Path) -> str:
    """The token of this moment; it changes while a kernel lives.

    Raises:
        TokenUnreadableError: The file is missing, empty or no token.
    """
    remedy = "Stop the notebook server on the project's page and open it again."
    try:
        with (folder / TOKEN_FILE).open(encoding="ascii") as file:
            token = file.read(MAX_TOKEN_LENGTH + 2).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TokenUnreadableError(f"The notebook server's token can't be read. {remedy}") from error
    if not token or len(token) > MAX_TOKEN_LENGTH or any(character.isspace() for character in token):
        raise TokenUnreadableError(f"The notebook server's token file holds no token. {remedy}")
    return token


class TokenFileAuthenticator(Authenticator):
    """sparkmagic's authenticator for the session service: reads ``token.jwt`` for each request and keeps nothing.

    Args:
        parsed_attributes: sparkmagic's attributes of the endpoint; only ``url`` is used. Without them, as in
            sparkmagic's widget, it is the session service of this notebook server.
    """

    def __init__(self, parsed_attributes: Any = None) -> None:
        self._in_form = parsed_attributes is None
        super().__init__(parsed_attributes)
        self._folder = server_folder()
        if self._in_form:
            self.url = str(read_server_config(self._folder)["livy_url"]).rstrip("/")

    def get_widgets(self, widget_width: str) -> list[Any]:
        """For sparkmagic's form, which can't be without any, a line that says that there is nothing to type in."""
        if not self._in_form:
            return []
        sentence = "Your notebook server's own session service and token are used."
        return [IpyWidgetFactory().get_html(value=sentence, width=widget_width)]

    def update_with_widget_values(self) -> None:
        """Nothing was typed in."""

    def __call__(self, request: Any) -> Any:
        """Adds the token to ``request``."""
        request.headers["Authorization"] = f"Bearer {read_token(self._folder)}"
        return request

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TokenFileAuthenticator) and self.url == other.url

    def __hash__(self) -> int:
        return hash((self.url, type(self).__name__))
