"""The welcome template where datasets lie elsewhere than on the machine's disk."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from hops_contract.layout import Home
from hops_platform.adapters.disk import full_disk_told
from hops_platform.engines.files import NewUpload, ProjectUploads
from hops_platform.engines.places import parse_place
from hops_platform.errors import ConflictError, EngineRefusedError
from hops_platform.projects.template import TemplateError, fill

_PLATFORM = UUID(int=0)
"""Whose uploads these are: nobody's."""


class SentTemplates:
    """Writes the template into a temporary folder and sends what is in it, like anybody sends files.

    Args:
        home: The platform's home.
        uploads: Where it is sent.
    """

    def __init__(self, home: Home, uploads: ProjectUploads) -> None:
        self._home = home
        self._uploads = uploads

    def fill(self, project: str, *, title: str) -> None:
        """See :class:`~hops_platform.engines.templates.ProjectTemplates`."""
        with tempfile.TemporaryDirectory(prefix="hops-template-") as folder, full_disk_told():
            made = Path(folder)
            try:
                fill(made, self._home.base_environment, project, title)
            except TemplateError as error:
                raise EngineRefusedError(f"The welcome template could not be written: {error}") from error
            for file in sorted(made.glob("*/*")):
                self._send(project, file)

    def _send(self, project: str, file: Path) -> None:
        data = file.read_bytes()
        target = parse_place(project, file.parent.name, file.name)
        upload = self._uploads.begin(_PLATFORM, NewUpload(target=target, size=len(data), sha256=None, replace=False))
        try:
            with self._uploads.write(project, _PLATFORM, upload.id, offset=0) as writer:
                writer.write(data)
            # What is there already stays as it is.
            with suppress(ConflictError):
                self._uploads.finish(project, _PLATFORM, upload.id)
        finally:
            self._uploads.cancel(project, _PLATFORM, upload.id)
