"""The notebook server's own folder: its configuration and the token that proves who it is."""

from __future__ import annotations

import base64
import binascii
import json
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER_VARIABLE = "HOPS_SERVER_FOLDER"
CONFIG_FILE = "server.json"
LISTENS_FILE = "listens"
SESSIONS_STAY_FILE = "sessions-stay"
"""Read by kernels (``hops_kernels.configuration``)."""
NOTEBOOKS_FOLDER = "notebooks"
"""A file for each kernel whose notebook was renamed since its start; read by them, as that word is."""
TOKEN_FILE = "token.jwt"  # noqa: S105 - the name of the file
MAX_CONFIG_BYTES = 256 * 1024
MAX_TOKEN_LENGTH = 4096
MAX_WORDS_LENGTH = 500
REMEDY = "Stop the notebook server on the project's page and open it again."


class ServerFolderError(Exception):
    """The folder can't be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Times:
    """When a token was signed and when it ends, in seconds since the epoch."""

    issued: float
    expires: float


def usable_token(text: object) -> str:
    """``text``, if it can be a token.

    Raises:
        ValueError: It can't.
    """
    if not isinstance(text, str) or not text.isascii() or len(text) > MAX_TOKEN_LENGTH or len(text.split()) != 1:
        raise ValueError("What should be a token is none.")
    return text


@dataclass(frozen=True, slots=True)
class ServerFolder:
    """The folder that the spawner made for this notebook server.

    Attributes:
        path: Where it lies.
        config: ``server.json``, as ``hops_contract.servers.ServerConfig`` says.
    """

    path: Path
    config: dict[str, Any]

    @classmethod
    def from_environment(cls) -> ServerFolder:
        """The folder that ``HOPS_SERVER_FOLDER`` names.

        Raises:
            ServerFolderError: There is none, or its configuration can't be read.
        """
        folder = os.environ.get(FOLDER_VARIABLE)
        if not folder:
            raise ServerFolderError(f"{FOLDER_VARIABLE} is not set: this server was not started for a project.")
        return cls.open(Path(folder))

    @classmethod
    def open(cls, path: Path) -> ServerFolder:
        """Reads the configuration in ``path``.

        Raises:
            ServerFolderError: It can't be read.
        """
        try:
            with (path / CONFIG_FILE).open("rb") as file:
                content = file.read(MAX_CONFIG_BYTES + 1)
        except OSError as error:
            raise ServerFolderError(f"{CONFIG_FILE} can't be read: {error.strerror}. {REMEDY}") from error
        try:
            config = json.loads(content) if len(content) <= MAX_CONFIG_BYTES else None
        except ValueError:
            config = None
        wanted = ("project", "user", "options", "project_folder", "environment", "control_plane_url", "livy_url")
        if not isinstance(config, dict) or any(name not in config for name in wanted):
            raise ServerFolderError(f"{CONFIG_FILE} is not a notebook server's configuration. {REMEDY}")
        return cls(path, config)

    @contextmanager
    def sessions_stay(self) -> Iterator[None]:
        """Tells this server's kernels to leave their Spark sessions alone when they end; taken back on failure.

        The folder, and the word in it, ends with the server.
        """
        word = self.path / SESSIONS_STAY_FILE
        with suppress(OSError):  # a full disk: the sessions end, as with a stop
            word.touch(mode=0o600)
        try:
            yield
        except BaseException:
            word.unlink(missing_ok=True)
            raise

    def token(self) -> str:
        """The token of this moment.

        Raises:
            ServerFolderError: There is none.
        """
        try:
            token = (self.path / TOKEN_FILE).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ServerFolderError(f"This server's token can't be read. {REMEDY}") from error
        if not token or len(token) > MAX_TOKEN_LENGTH or len(token.split()) != 1:
            raise ServerFolderError(f"This server's token file holds no token. {REMEDY}")
        return token

    def replace_token(self, token: str) -> None:
        """Puts ``token`` in the place of the old one: whoever reads meanwhile gets the one or the other, whole.

        Raises:
            OSError: The disk refuses.
            ValueError: ``token`` is none.
        """
        _replace(self.path / TOKEN_FILE, usable_token(token))

    def why_limited(self, processes: Collection[int]) -> str | None:
        """Why a limit of this server's sandbox ended one of ``processes`` just now, as a sentence; else nothing.

        It is written outside of the sandbox, where nobody in it can write: the sentence, and a line for each process.
        """
        try:
            with (self.path.with_name(f"{self.path.name}.limited") / "why").open(errors="replace") as file:
                sentence, *ended = file.read(2 * MAX_WORDS_LENGTH).split("\n")
        except OSError:
            return None
        return sentence if sentence and not {str(process) for process in processes}.isdisjoint(ended) else None

    def keep_notebook(self, kernel: str, notebook: str) -> None:
        """Tells a kernel the path that its notebook has now; its environment tells that of its start.

        Args:
            kernel: Its id.
            notebook: The path, below the project's folder.

        Raises:
            OSError: The disk refuses.
        """
        folder = self.path / NOTEBOOKS_FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        _replace(folder / kernel, notebook)


def _replace(target: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def times_of(token: str) -> Times:
    """``iat`` and ``exp`` of ``token``. Nothing is verified: the server only plans its own renewal with them.

    Raises:
        ValueError: ``token`` is no JWT with both.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return Times(issued=float(claims["iat"]), expires=float(claims["exp"]))
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error) as error:
        raise ValueError("The token says nothing readable about its life.") from error
