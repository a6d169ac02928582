"""The class data sharing archive: what makes a driver's Java machine start in half the time.

One archive serves all projects, because every driver has the class path of the base environment's Spark.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from hops_contract.layout import Home
from hops_livy.java import Java


def stamp(java: Java, spark: Path) -> str:
    """Names what an archive was made for: the Java and the jars, each with size and time."""
    jars = [(jar.name, jar.stat().st_size, jar.stat().st_mtime_ns) for jar in sorted((spark / "jars").glob("*.jar"))]
    described = json.dumps([java.version, str(java.home), str(spark), jars])
    return hashlib.sha256(described.encode()).hexdigest()[:16]


def archive_path(home: Home, java: Java, spark: Path) -> Path:
    """Where the archive for this Java and this Spark lies."""
    return home.archives / f"spark-{stamp(java, spark)}.jsa"


def usable_archive(home: Home, java: Java, spark: Path) -> Path | None:
    """The archive, if it has been made."""
    path = archive_path(home, java, spark)
    return path if path.is_file() else None
