"""The welcome template that ships with the control plane."""

from __future__ import annotations

from hops_contract.layout import Home
from hops_platform.adapters.disk import full_disk_told
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.errors import EngineRefusedError
from hops_platform.projects.template import FILLED, TemplateError, fill


class PackagedTemplates:
    """Writes the template below ``HOPS_HOME/projects``; its data come from packages of the base environment.

    Args:
        home: The platform's home.
    """

    def __init__(self, home: Home) -> None:
        self._home = home

    def fill(self, project: str, *, title: str) -> None:
        """See :class:`~hops_platform.engines.templates.ProjectTemplates`."""
        try:
            # What code has put in their places meanwhile would keep the template out for ever.
            LocalStorage(self._home).create_datasets(project, FILLED)
            with full_disk_told():
                fill(self._home.project(project), self._home.base_environment, project, title)
        except TemplateError as error:
            raise EngineRefusedError(f"The welcome template could not be written: {error}") from error
