"""Names and passwords for the command line: asked for, or given by the control plane to whoever owns this machine."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hopslab.commands import run_quietly
from hopslab.errors import SiteError
from hopslab.settings import CHECKOUT
from hopslab.surroundings import VENV_BIN

DEMO_USER = "demo"
PASSWORD_VARIABLE = "HOPS_PASSWORD"  # noqa: S105 - a variable's name
MAX_PASSWORD_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in.

    Attributes:
        user: The name.
        password: The password.
    """

    user: str
    password: str = field(repr=False)


def demo_login(env: Mapping[str, str]) -> Login:
    """A user of its own for the demo, with a fresh password at each walk, so that none is kept anywhere.

    Raises:
        SiteError: The control plane refused.
    """
    return kept_login(DEMO_USER, env)


def kept_login(user: str, env: Mapping[str, str]) -> Login:
    """A user, made if need be, with a fresh password that need not be changed.

    Raises:
        SiteError: The control plane refused.
    """
    try:
        return _ask(["create", "--keep-password", user], env)
    except SiteError:
        # It is there from an earlier time.
        return _ask(["reset-password", "--keep-password", user], env)


def new_password(user: str, env: Mapping[str, str]) -> Login:
    """A new random password for ``user``, which they have to change.

    Raises:
        SiteError: There is no such user.
    """
    return _ask(["reset-password", "--", user], env)


def without_second_factor(user: str, env: Mapping[str, str]) -> None:
    """Takes the second factor of ``user`` away.

    Raises:
        SiteError: There is no such user, or they have none.
    """
    command: list[str | Path] = [VENV_BIN / "python", "-m", "hops_platform", "users"]
    command += ["reset-second-factor", "--", user]
    run_quietly(command, what="Asking the control plane", env=env, cwd=CHECKOUT, timeout_s=60)


def given_login(user: str, password_file: Path | None) -> Login:
    """The login of ``user`` with the password from a file, ``HOPS_PASSWORD`` or a prompt; never from the command line.

    Raises:
        SiteError: No password was given.
    """
    if password_file is not None:
        try:
            with password_file.open(encoding="utf-8") as source:
                password = source.readline(MAX_PASSWORD_LENGTH).rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SiteError("The password's file can't be read.", "Name a text file that you may read.") from error
    else:
        password = os.environ.get(PASSWORD_VARIABLE, "")
        if not password and sys.stdin.isatty():
            password = getpass.getpass(f"Password of {user}: ")
    if not password:
        raise SiteError("No password was given.", f"Use --password-file or {PASSWORD_VARIABLE}.")
    return Login(user=user, password=password)


def _ask(arguments: list[str], env: Mapping[str, str]) -> Login:
    command: list[str | Path] = [VENV_BIN / "python", "-m", "hops_platform", "users", *arguments]
    said = run_quietly(command, what="Asking the control plane for a login", env=env, cwd=CHECKOUT, timeout_s=60)
    try:
        answer = json.loads(said.strip().splitlines()[-1])
        return Login(user=answer["username"], password=answer["password"])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise SiteError("The control plane gave no login.") from error
