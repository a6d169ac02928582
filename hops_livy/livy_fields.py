"""Fields of Livy's requests: which are honoured, which are refused, and in which words.

Law: what is not honoured is refused by name; nothing is dropped in silence.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from hops_contract.principal import Principal
from hops_livy.engines.drivers import BatchFile
from hops_livy.errors import BadRequestError, LeftOutError
from hops_livy.wire import BatchRequest, Resources

_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def check_fields(request: Resources, principal: Principal, *, batch: bool) -> None:
    """Checks that ``request`` chooses nothing that the platform chooses.

    Raises:
        ServiceError: It does; the sentence names the field.
    """
    for name in request.model_extra or ():
        near = get_close_matches(name, [field.alias or key for key, field in type(request).model_fields.items()], 1)
        raise BadRequestError(
            f"There is no field {name[:100]!r} of a {'batch' if batch else 'session'}.",
            remedy=f"Did you mean {near[0]}?" if near else "Settings of Spark go into conf.",
        )
    if request.proxy_user not in (None, principal.project_user, principal.user):
        raise BadRequestError("proxyUser can't be chosen: a session acts as its owner only.")
    if request.queue:
        raise LeftOutError(
            "queue can't be chosen: the site has one for all sessions. Whether to wait for room says onNoRoom."
        )
    for name, value in (("jars", request.jars), ("files", request.files), ("archives", request.archives)):
        if value:
            raise LeftOutError(f"{name} are not offered; put the files into the project and read them from there.")
    if request.py_files and not batch:
        raise LeftOutError("pyFiles of sessions are not offered; use sc.addPyFile in a cell.")


def batch_of(request: BatchRequest, project_folder: Path) -> BatchFile:
    """What the batch runs.

    Raises:
        LeftOutError: It is no Python.
        BadRequestError: The project has no such file.
    """
    if request.class_name or not request.file.endswith(".py"):
        raise LeftOutError("Batches of Java classes are not offered; give a Python file (*.py) of the project.")
    return BatchFile(
        file=_project_file(project_folder, request.file),
        arguments=tuple(request.args),
        python_files=tuple(_project_file(project_folder, name) for name in request.py_files),
    )


def seconds(text: str | None) -> float:
    """Seconds of a ``ttl`` as Livy writes it, for instance ``30m``; a bare number is seconds, nothing is 0."""
    match = re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", text or "")
    return int(match[1]) * _UNITS_S[match[2] or "s"] if match else 0.0


def _project_file(project_folder: Path, name: str) -> Path:
    text = name.removeprefix("file://")
    try:
        path = (project_folder / text.lstrip("/") if not text.startswith(str(project_folder)) else Path(text)).resolve()
        found = path.is_relative_to(project_folder.resolve()) and path.is_file()
    except (OSError, ValueError, RuntimeError):
        found = False  # no path at all: a name too long, a link to itself, half a character
    if not found:
        raise BadRequestError(f"The project has no file {name!r}; give its path below the project's folder.")
    return path
