"""The steps between a checkout and a site that can start, in their order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hops_contract.layout import Home
from hopslab.commands import run_quietly
from hopslab.errors import SiteError, UnusableSettingsError
from hopslab.prepare.front_end import ensure_built, ensure_packages
from hopslab.prepare.java import ensure_java
from hopslab.prepare.node import ensure_node
from hopslab.prepare.sandbox import ensure_sandbox
from hopslab.progress import READY, Progress
from hopslab.settings import CHECKOUT, SiteSettings
from hopslab.surroundings import VENV_BIN, surroundings

SHARED_STEPS = 7
"""The platform's environment (``bootstrap``) and those of :func:`prepare`."""
TOTAL_STEPS = 9
"""With the database before the start, and the start."""


@dataclass(frozen=True, slots=True)
class FirstLogin:
    """The administrator that was made at the first start.

    Attributes:
        user: The name.
        password: The password, known only now.
    """

    user: str
    password: str = field(repr=False)


def prepare(settings: SiteSettings, progress: Progress) -> None:
    """Make what is missing of what takes long: front end, base environment, Java, archive.

    Raises:
        SiteError: A step failed.
    """
    home = settings.layout
    make_home(home.root)
    progress.step("Front end's packages", lambda: _front_end_packages(settings))
    # Only now is a Node that was installed in the step before on PATH.
    env = surroundings(settings)
    progress.step("Lab extension", lambda: ensure_built(env))
    progress.step("Project environment", lambda: base_environment(env))
    progress.step("Java", lambda: ensure_java(home.base_environment, env))
    progress.step("Sandbox", lambda: ensure_sandbox(settings.sandbox, env))
    progress.step("Archive for fast starts of Spark", lambda: class_data_archive(home, env))


def make_home(root: Path) -> None:
    """The platform's home, for its owner alone.

    Raises:
        SiteError: It can't be written.
    """
    try:
        for folder in (root, root / "run", root / "logs", root / "secrets", root / "projects"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Earlier steps may have made it, and the Hub's database is readable for whoever reaches it.
        root.chmod(0o700)
        probe = root / "run" / ".writable"
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        raise SiteError(
            f"The platform's home can't be written: {error.strerror}.",
            "Set HOPS_HOME to a folder of your own with space.",
        ) from error


def _front_end_packages(settings: SiteSettings) -> str | None:
    ensure_node(surroundings(settings))
    return ensure_packages(surroundings(settings))


def base_environment(env: Mapping[str, str]) -> str | None:
    """The environment that projects' environments are copies of.

    Raises:
        SiteError: It can't be made.
    """
    said = _platform(["hops_platform", "environments", "build-base"], what="Making the project environment", env=env)
    return READY if "up to date" in said else None


def class_data_archive(home: Home, env: Mapping[str, str]) -> str | None:
    """The class data archive that makes a Spark driver start sooner; without it everything works, only slower.

    Raises:
        UnusableSettingsError: The session service could not start with its settings either.
    """
    before = set(home.archives.glob("*.jsa"))
    try:
        _platform(["hops_livy", "archive"], what="Making the class data archive", env=env)
    except UnusableSettingsError:
        raise
    except SiteError as error:
        return f"none, so that sessions start slower ({str(error).splitlines()[-1]})"
    return READY if before and before == set(home.archives.glob("*.jsa")) else None


def initialise(env: Mapping[str, str], progress: Progress) -> FirstLogin | None:
    """Database, keys and, at the first start, an administrator.

    Returns:
        The first login, only when it was made now.

    Raises:
        SiteError: The database can't be brought up to date.
    """
    answers: list[str] = []
    arguments = ["hops_platform", "init"]
    progress.step(
        "Database and keys", lambda: answers.append(_platform(arguments, what="Preparing the database", env=env))
    )
    return first_login_in(answers[0])


def first_login_in(said: str) -> FirstLogin | None:
    """The first login in what the control plane ``said`` while it prepared its database.

    Raises:
        SiteError: It said something else.
    """
    try:
        created = json.loads(said.strip().splitlines()[-1])["created_admin"]
        return FirstLogin(user=created["username"], password=created["password"]) if created else None
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise SiteError("The control plane did not say whether its database is ready.") from error


def _platform(arguments: list[str], *, what: str, env: Mapping[str, str]) -> str:
    return run_quietly([VENV_BIN / "python", "-m", *arguments], what=what, env=env, cwd=CHECKOUT)
