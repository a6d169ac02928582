"""What the contracts of files, archives and uploads do again and again."""

from __future__ import annotations

from uuid import uuid4

from hops_platform.engines.files import NewUpload, ProjectFiles, ProjectUploads
from hops_platform.engines.leave import Leave
from hops_platform.engines.places import Place
from hops_platform.errors import ForbiddenError


def place(*parts: str, dataset: str = "raw") -> Place:
    """A place of the project weather."""
    return Place("weather", dataset, parts)


def ended_leave(every_s: float) -> Leave:
    """A leave that was looked at when it stood, and has ended since."""
    looks = iter([None])

    def look() -> None:
        if next(looks, 1):
            raise ForbiddenError("Your right has ended.")

    leave = Leave(look, every_s=every_s)
    leave.check()
    return leave


def send(uploads: ProjectUploads, target: Place, data: bytes, *, replace: bool = False) -> None:
    """Uploads a file in one piece."""
    owner = uuid4()
    upload = uploads.begin(owner, NewUpload(target=target, size=len(data), sha256=None, replace=replace))
    with uploads.write(target.project, owner, upload.id, offset=0) as writer:
        writer.write(data)
    uploads.finish(target.project, owner, upload.id)


def read(files: ProjectFiles, source: Place) -> bytes:
    """What a file holds."""
    with files.open_file(source).file as file:
        return file.read()
