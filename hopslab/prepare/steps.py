"""The steps between a checkout and a site that can start, in their order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hops_contract.layout import Home
from hopslab.commands import run_quietly
from hopslab.errors import SiteError
from hopslab.prepare.front_end import ensure_built, ensure_packages
from hopslab.prepare.java import ensure_java
from hopslab.prepare.node import ensure_node
from hopslab.progress import READY, Progress
from hopslab.settings import CHECKOUT, SiteSettings
from hopslab.surroundings import VENV_BIN, surroundings

TOTAL_STEPS = 8
"""With the platform's environment before (``bootstrap``) and the start after these."""
FREE_DISK_MIB = 2048


@dataclass(frozen=True, slots=True)
class FirstLogin:
    """The administrator that was made at the first start.

    Attributes:
        user: The name.
        password: The password, known only now.
    """

    user: str
    password: str


def prepare(settings: SiteSettings, progress: Progress) -> FirstLogin | None:
    """Make what is missing: front end, base environment, Java, archive, database, keys, first administrator.

    Returns:
        The first login, only when it was made now.

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
    progress.step("Class data archive", lambda: class_data_archive(home, env))
    made: list[FirstLogin] = []
    progress.step("Database and keys", lambda: made.extend(initialise(env)))
    return made[0] if made else None


def make_home(root: Path) -> None:
    """The platform's home, for its owner alone.

    Raises:
        SiteError: It can't be written.
    """
    try:
        for folder in (root, root / "run", root / "logs", root / "secrets", root / "projects"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
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
    """The class data archive that makes a Spark driver start sooner.

    Raises:
        SiteError: It can't be made.
    """
    before = set(home.archives.glob("*.jsa"))
    _platform(["hops_livy", "archive"], what="Making the class data archive", env=env)
    return READY if before and before == set(home.archives.glob("*.jsa")) else None


def initialise(env: Mapping[str, str]) -> list[FirstLogin]:
    """Database, keys and, at the first start, an administrator.

    Raises:
        SiteError: The database can't be brought up to date.
    """
    said = _platform(["hops_platform", "init"], what="Preparing the database", env=env)
    try:
        created = json.loads(said.strip().splitlines()[-1])["created_admin"]
        return [FirstLogin(user=created["username"], password=created["password"])] if created else []
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise SiteError("The control plane did not say whether its database is ready.") from error


def _platform(arguments: list[str], *, what: str, env: Mapping[str, str]) -> str:
    return run_quietly([VENV_BIN / "python", "-m", *arguments], what=what, env=env, cwd=CHECKOUT)
