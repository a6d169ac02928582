"""This project: who is in it, what it uses, and datasets of others in it, shared, offered, or published for everybody.

``from hops import dataset`` shares a dataset of this project with others. Code in a session sees what is shared; who
accepts, adds and gives back is a Data Owner with a token of their own, on a machine elsewhere.

A shared dataset is named by the project that owns it: ``weather/raw``. Here its files lie at ``Shared/weather/raw``.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from hops import _platform
from hops.errors import ProjectError

__all__ = [
    "ProjectError",
    "accept",
    "add",
    "decline",
    "describe",
    "leave",
    "members",
    "published",
    "shared",
    "use",
]

_told = _platform.told_as(ProjectError)


@_told
def describe() -> dict[str, Any]:
    """The project as its page shows it: title, description, the network of its code, whether it is archived.

    Raises:
        ProjectError: The platform refused, or does not answer.
    """
    answer: dict[str, Any] = _platform.call("GET", "")
    return answer


@_told
def members() -> list[dict[str, Any]]:
    """Who is in the project: ``user``, ``title``, ``role`` and ``since``.

    Raises:
        ProjectError: The platform refused, or does not answer.
    """
    return list(_platform.pages("members"))


@_told
def shared() -> list[dict[str, Any]]:
    """What other projects share with this one, offer it (``state`` is ``offered``), or are asked for (``asked``).

    Raises:
        ProjectError: The platform refused, or does not answer.
    """
    return list(_platform.pages("shares"))


@_told
def use() -> list[dict[str, Any]]:
    """What this project uses of what it may use: storage and homes in it, servers, sessions, executors, and so on.

    Returns:
        One dictionary each: ``what`` it is (``storage_bytes``, ``servers``, …), how much is ``used`` (``None`` where
        nobody can tell now) and the ``limit`` (``None`` for no limit).

    Raises:
        ProjectError: The platform refused, or does not answer.
    """
    items: list[dict[str, Any]] = _platform.call("GET", "use")["items"]
    return items


@_told
def accept(name: str) -> dict[str, Any]:
    """Accepts a dataset that another project offers; for Data Owners.

    Raises:
        ProjectError: Nothing of that name is offered, the platform refused, or does not answer.
    """
    answer: dict[str, Any] = _platform.call("POST", f"{_share(name)}:accept")
    return answer


@_told
def decline(name: str) -> None:
    """Declines a dataset that another project offers; for Data Owners.

    Raises:
        ProjectError: Nothing of that name is offered, the platform refused, or does not answer.
    """
    _platform.call("POST", f"{_share(name)}:decline")


@_told
def leave(name: str) -> None:
    """Gives a shared dataset back, or takes back that it was asked for; for Data Owners.

    Raises:
        ProjectError: Nothing of that name is shared, the platform refused, or does not answer.
    """
    _platform.call("DELETE", _share(name))


@_told
def published(search: str = "") -> list[dict[str, Any]]:
    """The datasets that everybody here finds, in whose name or description ``search`` occurs.

    Raises:
        ProjectError: The platform refused, or does not answer.
    """
    return list(_platform.pages("/published-datasets", search=search))


@_told
def add(name: str, write: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002  # as in dataset
    """Adds a published dataset for reading, at once; for writing its Data Owners are asked; for Data Owners.

    Raises:
        ProjectError: Nothing of that name is published, the platform refused, or does not answer.
    """
    project, inner = _parts(name)
    wish = {"project": project, "dataset": inner, "mode": "write" if write else "read"}
    answer: dict[str, Any] = _platform.call("POST", "shares", json=wish)
    return answer


def _share(name: str) -> str:
    return "shares/" + "/".join(quote(part, safe="") for part in _parts(name))


def _parts(name: str) -> tuple[str, str]:
    project, _, inner = name.removeprefix("Shared/").strip("/").partition("/")
    if not project or not inner or "/" in inner:
        raise ProjectError("Name the project that owns the dataset, and the dataset: weather/raw.")
    return project, inner
