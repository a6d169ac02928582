"""What the browser of a Data Scientist is told: pages of this server save no files.

Notebooks, TensorBoard and Spark's pages show what code has made, a link among it that holds a whole file in itself and
saves it at a click. No route is asked for that, but a browser lets no page do so that says of itself that it must not.
It is a word to the browser of one who plays by the rules; who does not has other ways.
"""

from __future__ import annotations

from collections.abc import MutableMapping

SANDBOX = (
    "sandbox allow-forms allow-modals allow-pointer-lock allow-popups allow-presentation allow-same-origin "
    "allow-scripts"
)
"""Everything that a page may do elsewhere, but for saving files and leaving its tab to another page by itself."""
HEADER = "Content-Security-Policy"
FRAMES = "frame-ancestors 'self'"
"""Jupyter's own policy, where no other is set."""


def forbid(headers: MutableMapping[str, str]) -> None:
    """Adds that word to the ``headers`` that the server sends with all its pages."""
    policy = headers.get(HEADER, FRAMES)
    if SANDBOX not in policy:
        headers[HEADER] = f"{policy}; {SANDBOX}"
