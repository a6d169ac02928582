"""Datasets of the project as the platform shows them: what there is, who deleted what, and files in and out.

Code in a session has the project's files at hand and reads and writes them with :mod:`hops.hdfs`. This module asks the
platform instead, so it also works on a machine elsewhere, with a person's own token, and what it deletes goes to the
project's trash. What one may do is decided by one's role, and a session's token neither uploads nor downloads.

A path begins with the dataset: ``raw/2026/may.csv``; that of another project with ``Shared/weather/raw``.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hops import _platform, _session
from hops._shared import why_not_seen
from hops.errors import DatasetError

__all__ = [
    "DatasetError",
    "Entry",
    "copy",
    "create",
    "delete",
    "describe",
    "download",
    "ls",
    "mkdir",
    "move",
    "names",
    "path",
    "publish",
    "restore",
    "share",
    "shares",
    "stat",
    "trash",
    "unshare",
    "upload",
    "withdraw",
]

_told = _platform.told_as(DatasetError)

_PIECE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies in a dataset.

    Attributes:
        name: Its name in its folder.
        kind: ``file``, ``folder``, ``link`` or ``other``.
        size: Bytes of a file, else ``None``.
        modified: When it was last written, as ISO 8601 text in UTC.
    """

    name: str
    kind: str
    size: int | None
    modified: str


@_told
def names() -> list[str]:
    """Names of the project's datasets.

    Raises:
        DatasetError: The platform refused, or does not answer.
    """
    return [item["name"] for item in _platform.pages("datasets")]


@_told
def describe(dataset: str) -> dict[str, Any]:
    """A dataset's description and README.

    Raises:
        DatasetError: There is none, the platform refused, or does not answer.
    """
    answer: dict[str, Any] = _platform.call("GET", _dataset(_split(dataset)[0]))
    return answer


@_told
def create(name: str, description: str = "") -> None:
    """Makes a dataset, which is there some moments later; for Data Owners, with a token of their own.

    Raises:
        DatasetError: There is one of that name, the platform refused, or does not answer.
    """
    _platform.call("POST", "datasets", json={"name": name, "description": description})


@_told
def path(dataset: str) -> str:
    """Where the files of a dataset lie in this session: one of the project, or ``Shared/weather/raw``.

    Raises:
        DatasetError: It is not there; the message says whether it is no longer shared.
        NoProjectError: This process belongs to no project.
    """
    root = _session.current().path
    found = f"{root}/{dataset.strip('/')}"
    if "://" in root:
        # Nothing is mounted on HDFS: a shared dataset is where its owner has it, and HDFS lets this project in.
        first, _, rest = dataset.strip("/").partition("/")
        return f"{root.rpartition('/')[0]}/{rest}" if first == "Shared" and rest else found
    reason = why_not_seen(root, found)
    if reason is not None or not Path(found).is_dir():
        raise DatasetError(
            reason or f"There is no dataset {dataset!r} here. dataset.names() lists those that there are."
        )
    return found


@_told
def shares(dataset: str) -> list[dict[str, Any]]:
    """Which projects have a dataset of this one, or may come to have it.

    Raises:
        DatasetError: There is no such dataset, the platform refused, or does not answer.
    """
    return list(_platform.pages(f"{_dataset(dataset)}/shares"))


@_told
def share(dataset: str, project: str, write: bool = False, download: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
    """Offers a dataset to another project, whose Data Owner has to accept; for Data Owners, with a token of their own.

    Args:
        dataset: One of this project.
        project: Name of the other one.
        write: Whether it may be changed there.
        download: Whether Data Owners there may download it and copy out of it.

    Raises:
        DatasetError: There is no such dataset or project, the platform refused, or does not answer.
    """
    wanted = {"project": project, "mode": "write" if write else "read", "download": download}
    answer: dict[str, Any] = _platform.call("POST", f"{_dataset(dataset)}/shares", json=wanted)
    return answer


@_told
def unshare(dataset: str, project: str) -> None:
    """Takes a dataset back from another project; for Data Owners.

    Raises:
        DatasetError: It is not shared with that, the platform refused, or does not answer.
    """
    _platform.call("DELETE", f"{_dataset(dataset)}/shares/{quote(project, safe='')}")


@_told
def publish(dataset: str) -> None:
    """Lets everybody find a dataset and add it to their own project for reading; for Data Owners.

    Raises:
        DatasetError: It is published already, the platform refused, or does not answer.
    """
    _platform.call("POST", f"{_dataset(dataset)}/publication")


@_told
def withdraw(dataset: str, users: str = "stay") -> None:
    """Lets nobody find a dataset any more; for Data Owners.

    Args:
        dataset: One of this project.
        users: Whether those who have added it by themselves ``stay`` or ``go``.

    Raises:
        DatasetError: It is not published, the platform refused, or does not answer.
    """
    _platform.call("DELETE", f"{_dataset(dataset)}/publication", json={"users": users})


@_told
def ls(path: str) -> list[Entry]:
    """What lies in a folder, by name.

    Raises:
        DatasetError: There is none, the platform refused, or does not answer.
    """
    dataset, inner = _split(path)
    return [Entry(**item) for item in _platform.pages(f"{_dataset(dataset)}/files", path=inner)]


@_told
def stat(path: str) -> Entry:
    """What one file or folder is.

    Raises:
        DatasetError: There is none, the platform refused, or does not answer.
    """
    dataset, inner = _split(path)
    return Entry(**_platform.call("GET", f"{_dataset(dataset)}/entry", params={"path": inner}))


@_told
def mkdir(path: str) -> None:
    """Makes a folder in one that is there.

    Raises:
        DatasetError: There is something already, the platform refused, or does not answer.
    """
    dataset, inner = _split(path)
    _platform.call("POST", f"{_dataset(dataset)}/folders", json={"path": inner})


@_told
def move(src: str, dest: str) -> None:
    """Moves or renames within the project; ``dest`` is the whole new path, and nothing is replaced.

    Raises:
        DatasetError: There is something already, the platform refused, or does not answer.
    """
    _relocate("move", src, dest)


@_told
def copy(src: str, dest: str) -> None:
    """Copies within the project; ``dest`` is the whole new path, and nothing is replaced.

    Raises:
        DatasetError: There is something already, it is too much at once, the platform refused, or does not answer.
    """
    _relocate("copy", src, dest)


@_told
def delete(path: str) -> str:
    """Moves a file or a folder to the project's trash; returns the id that :func:`restore` takes.

    Raises:
        DatasetError: There is none, the platform refused, or does not answer.
    """
    dataset, inner = _split(path)
    return str(_platform.call("POST", f"{_dataset(dataset)}/files:trash", json={"path": inner})["id"])


@_told
def trash() -> list[dict[str, Any]]:
    """What was deleted in the project, the latest first.

    Raises:
        DatasetError: The platform refused, or does not answer.
    """
    return list(_platform.pages("trash"))


@_told
def restore(item: str, dest: str | None = None) -> str:
    """Moves something out of the trash, to where it was or to ``dest``; returns its path.

    Raises:
        DatasetError: There is something already, the platform refused, or does not answer.
    """
    wanted: dict[str, str] = {}
    if dest is not None:
        wanted["to_dataset"], inner = _split(dest)
        if inner:
            wanted["to"] = inner
    answer = _platform.call("POST", f"trash/{quote(item, safe='')}:restore", json=wanted)
    return "/".join(filter(None, (answer["dataset"], answer["path"])))


@_told
def upload(local_path: str | os.PathLike[str], path: str, overwrite: bool = False) -> None:  # noqa: FBT001, FBT002  # as hdfs
    """Sends a file, or a folder with all its files; goes on where a broken connection has stopped it.

    Args:
        local_path: A file or a folder on this machine.
        path: The whole path that it has in the project.
        overwrite: Whether files that are there are replaced.

    Raises:
        DatasetError: The platform refused, or does not answer.
        FileNotFoundError: There is no such file here.
    """
    source = Path(local_path)
    if not source.is_dir():
        _upload_file(source, path, overwrite)
        return
    for file in sorted(source.rglob("*")):
        if file.is_file() and not file.is_symlink():
            _upload_file(file, f"{path.rstrip('/')}/{file.relative_to(source).as_posix()}", overwrite)


@_told
def download(path: str, local_path: str | os.PathLike[str] = "", overwrite: bool = False) -> str:  # noqa: FBT001, FBT002  # as hdfs
    """Fetches a file; goes on where a broken connection has stopped it.

    Args:
        path: A file of the project.
        local_path: A folder, or the whole name that it gets here; this folder by default.
        overwrite: Whether a file that is here is replaced.

    Returns:
        Where it is here.

    Raises:
        DatasetError: The platform refused, or does not answer.
        FileExistsError: There is such a file here.
    """
    target = Path(local_path) if str(local_path) else Path()
    if target.is_dir():
        target /= path.rsplit("/", 1)[-1]
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} is there already. Give overwrite=True if it may be replaced.")
    draft = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with draft.open("xb") as file:
            _download_into(file, path)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return str(target)


def _relocate(verb: str, src: str, dest: str) -> None:
    dataset, inner = _split(src)
    to_dataset, to = _split(dest)
    _platform.call(
        "POST", f"{_dataset(dataset)}/files:{verb}", json={"path": inner, "to": to, "to_dataset": to_dataset}
    )


def _upload_file(source: Path, path: str, overwrite: bool) -> None:  # noqa: FBT001
    dataset, inner = _split(path)
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
        new = {"path": inner, "size": size, "sha256": digest, "replace": overwrite}
        # Sent again after a broken connection, it is the same upload.
        key = {"Idempotency-Key": secrets.token_urlsafe(24)}
        begun = _platform.call_again("POST", f"{_dataset(dataset)}/uploads", json=new, headers=key)
        place = f"uploads/{begun['id']}"
        _send_pieces(file, place, size)
    _platform.call_again("POST", f"{place}:finish", patient=True)


def _send_pieces(file: Any, place: str, size: int) -> None:
    received, failed = 0, 0
    while received < size:
        file.seek(received)
        try:
            answer = _platform.call("PUT", f"{place}/content", params={"offset": received}, data=file.read(_PIECE))
            received, failed = answer["received"], 0
        except _platform.LostError as error:
            failed = _platform.wait_after(failed, error)
            # Some of it may have come.
            received = _platform.call_again("GET", place)["received"]


def _download_into(file: Any, path: str) -> None:
    dataset, inner = _split(path)
    failed, version = 0, ""
    while True:
        headers = {"Range": f"bytes={file.tell()}-", "If-Range": version} if file.tell() else {}
        try:
            with _platform.send(
                "GET", f"{_dataset(dataset)}/content", params={"path": inner}, headers=headers, stream=True
            ) as answer:
                if file.tell() and answer.status_code == 200:  # noqa: PLR2004  # it was changed meanwhile: from the start
                    file.seek(0)
                    file.truncate()
                version = answer.headers["ETag"]
                _receive(answer, file)
                return
        except _platform.LostError as error:
            failed = _platform.wait_after(failed, error)


def _receive(answer: Any, file: Any) -> None:
    import requests

    left = int(answer.headers["Content-Length"])
    try:
        for piece in answer.iter_content(1024 * 1024):
            file.write(piece)
            left -= len(piece)
    except requests.RequestException as error:
        raise _platform.LostError("The connection broke.") from error
    if left:
        raise _platform.LostError("The connection broke.")


def _split(path: str) -> tuple[str, str]:
    dataset, _, inner = path.strip("/").partition("/")
    if dataset == "Shared":
        owner, _, inner = inner.partition("/")
        shared, _, inner = inner.partition("/")
        # As it stands in addresses, where a slash would end it.
        dataset = f"Shared:{owner}:{shared}" if owner and shared else ""
    if not dataset:
        raise DatasetError("A path begins with the dataset, like raw/2026/may.csv or Shared/weather/raw/may.csv.")
    return dataset, inner


def _dataset(name: str) -> str:
    return f"datasets/{quote(name, safe='')}"
