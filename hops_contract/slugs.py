"""Names of users, projects and datasets.

Laws:

1. A slug is 1 to 30 characters of ``a-z``, ``0-9`` and ``-``; it begins with a letter, does not end with ``-`` and
   holds no ``--``. JupyterHub therefore takes it for a named server, and it needs no escaping in a URL, a
   file path, a Kubernetes label or a certificate.
2. A project-user is ``project__user``. No slug holds ``_``, so it splits in one way only.
3. A dataset's name is a slug whose letters may also be upper case and which may hold ``_`` and ``.``
   inside; never ``.`` or ``..``.
"""

from __future__ import annotations

import re

MAX_SLUG_LENGTH = 30
SLUG_PATTERN = r"^[a-z](?:[a-z0-9]|-(?!-)){0,28}[a-z0-9]$|^[a-z]$"
DATASET_NAME_PATTERN = r"^[A-Za-z][A-Za-z0-9_.-]{0,62}[A-Za-z0-9]$|^[A-Za-z]$"
SLUG_RULE = "1 to 30 lower-case letters, digits and single hyphens, from a letter to a letter or digit"

_SLUG = re.compile(SLUG_PATTERN.replace("$", r"\Z"))
_SEPARATOR = "__"


def is_slug(text: str) -> bool:
    """Whether ``text`` is a legal name of a user or a project (law 1)."""
    return _SLUG.match(text) is not None


def project_user(project: str, user: str) -> str:
    """The name of ``user`` inside ``project``: ``project__user`` (law 2).

    Raises:
        ValueError: One of the two is not a slug.
    """
    for text in (project, user):
        if not is_slug(text):
            raise ValueError(f"{text!r} is not a name: {SLUG_RULE}.")
    return f"{project}{_SEPARATOR}{user}"


def split_project_user(name: str) -> tuple[str, str]:
    """``(project, user)`` of a project-user's name.

    Raises:
        ValueError: ``name`` is not of the form ``project__user``.
    """
    project, separator, user = name.partition(_SEPARATOR)
    if not (separator and is_slug(project) and is_slug(user)):
        raise ValueError(f"{name!r} is not the name of a project-user (project__user).")
    return project, user
