"""Routes that do not ask Jupyter's authorizer, and what they hand over.

Not all handlers ask: extensions of others may never have heard of it. So those that are not in the table of ``rights``
are made to, where the application chooses who serves a request: there, none is forgotten, whoever added it, and when.

And Lab looks for its own files in the server's folder as well, into which code of the project can write whatever it
likes: a way to any file, beside all routes that hand over files. There, nothing of Lab's is found any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from tornado import httputil, web

from jupyterlab_hops.authorizer import check
from jupyterlab_hops.rights import right_of

FOLDERS_OF_FILES = ("path", "labextensions_path")
"""The options by which static handlers are told their folders, where these are lists."""


class Guarded:
    """Mixed into the handlers of routes that are not in the table."""

    guarded: type[web.RequestHandler]
    """What it was mixed into."""

    async def prepare(self) -> None:
        """Refuses, before anything of the handler's own is done."""
        if not isinstance(self, web.RequestHandler):
            raise TypeError("Only handlers are guarded.")
        await check(self)
        prepared: Any = super().prepare()  # type: ignore[misc]
        if prepared is not None:
            await ensure_async(prepared)


def guarded(handler: type[web.RequestHandler]) -> type[web.RequestHandler]:
    """``handler``, for Data Owners alone."""
    return type(f"Guarded{handler.__name__}", (Guarded, handler), {"guarded": handler})


def platforms_folders(folders: Iterable[str], tenants: Iterable[Path]) -> list[str]:
    """Those of ``folders`` in which no code of the project can write.

    Args:
        folders: Where a route looks for files.
        tenants: The folders of the project and of the server.
    """
    theirs = [folder.resolve() for folder in tenants]
    return [one for one in folders if not any(Path(one).resolve().is_relative_to(folder) for folder in theirs)]


def guard(application: web.Application, tenants: Iterable[Path]) -> None:
    """Closes the routes of ``application`` that are not in the table, also those that are added later.

    Args:
        application: The notebook server's.
        tenants: See :func:`platforms_folders`.
    """
    tenants = tuple(tenants)
    delegate = application.get_handler_delegate
    closed: dict[type[web.RequestHandler], type[web.RequestHandler]] = {}

    def _guarded_delegate(
        request: httputil.HTTPServerRequest,
        target_class: type[web.RequestHandler],
        target_kwargs: dict[str, Any] | None = None,
        *arguments: Any,
        **options: Any,
    ) -> Any:
        if right_of(target_class) is None:
            if target_class not in closed:
                closed[target_class] = guarded(target_class)
            target_class = closed[target_class]
        if target_kwargs and any(isinstance(target_kwargs.get(name), list) for name in FOLDERS_OF_FILES):
            target_kwargs = {
                name: platforms_folders(value, tenants)
                if name in FOLDERS_OF_FILES and isinstance(value, list)
                else value
                for name, value in target_kwargs.items()
            }
        return delegate(request, target_class, target_kwargs, *arguments, **options)

    application.get_handler_delegate = _guarded_delegate  # type: ignore[method-assign]
