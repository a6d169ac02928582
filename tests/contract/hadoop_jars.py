"""Hadoop's jars for tests with real engines, fetched once through the Ivy that pyspark ships."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

RESOLVER = (
    '<ivysettings><settings defaultResolver="central"/><resolvers>'
    # Every jar is named in the list: no description of any need be read, which would take minutes.
    '<ibiblio name="central" m2compatible="true" usepoms="false"/></resolvers></ivysettings>'
)
_FETCH_S = 240


def fetch_jars(listed: Path, *, home: Path, java: Path | str, name: str) -> Path:
    """The folder with the jars; the test is skipped with a reason where they can't be had.

    Args:
        listed: A file with a line for each jar: group, name, version.
        home: The platform's home, whose base environment has the Ivy and whose cache keeps the jars.
        java: The program.
        name: What is started with them; its folder in the cache is called so.
    """
    cache = home / "cache" / name
    libraries = cache / "lib"
    rows = [line.split() for line in listed.read_text().splitlines() if line and not line.startswith("#")]
    if all((libraries / f"{jar}-{version}.jar").exists() for _, jar, version in rows):
        return libraries
    ivy = sorted(home.glob("environments/base/lib/python3*/site-packages/pyspark/jars/ivy-*.jar"))
    if not ivy:
        pytest.skip(f"{name} is left out: the base environment, whose Ivy fetches its jars, is not made")
    cache.mkdir(parents=True, exist_ok=True)
    wanted = "".join(
        f'<dependency org="{group}" name="{jar}" rev="{version}" transitive="false"/>' for group, jar, version in rows
    )
    (cache / "settings.xml").write_text(RESOLVER)
    (cache / "ivy.xml").write_text(
        f'<ivy-module version="2.0"><info organisation="hopslab" module="{name}"/>'
        f"<dependencies>{wanted}</dependencies></ivy-module>"
    )
    done = subprocess.run(
        [
            str(java), "-jar", str(ivy[0]), "-settings", str(cache / "settings.xml"), "-cache", str(cache / "ivy"),
            "-ivy", str(cache / "ivy.xml"), "-retrieve", f"{libraries}/[artifact]-[revision].[ext]",
        ],
        capture_output=True, text=True, timeout=_FETCH_S, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"{name} is left out: its jars can't be fetched: {done.stdout[-300:]}")
    return libraries
