"""A ``JAVA_HOME`` that Spark's own launcher can use, whatever Java it is."""

from __future__ import annotations

from pathlib import Path

from hops_contract.layout import Home
from hops_livy.java import Java


def java_home_for(java: Java, home: Home) -> Path:
    """The Java's own home, or one whose ``bin/java`` drops the one argument that this Java does not know.

    Spark starts executors with ``--add-modules=jdk.incubator.vector``; small runtimes lack that module and refuse to
    start. Spark runs without it.
    """
    if java.has_vector_module:
        return java.home
    wrapper = home.run / "java" / java.version
    program = wrapper / "bin" / "java"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        draft = program.with_suffix(".new")
        draft.write_text(_script(java.program), encoding="utf-8")
        draft.chmod(0o755)
        draft.replace(program)
    return wrapper


def _script(program: Path) -> str:
    return (
        "#!/bin/sh\n"
        "# Hands on to the real Java without the module that it lacks.\n"
        "for argument do\n"
        "  shift\n"
        '  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"\n'
        "done\n"
        f'exec "{program}" "$@"\n'
    )
