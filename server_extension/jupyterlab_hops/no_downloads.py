"""What the browser of a Data Scientist is told: pages of this server save no files.

Notebooks, TensorBoard and Spark's pages show what code has made, a link among it that holds a whole file in itself and
saves it at a click. No route is asked for that, but a browser lets no page do so that says of itself that it must not.
It is a word to the browser of one who plays by the rules; who does not has other ways.
"""

from __future__ import annotations

from collections.abc import MutableMapping

SANDBOX = (
    "sandbox allow-forms allow-modals allow-pointer-lock allow-popups allow-popups-to-escape-sandbox "
    "allow-presentation allow-same-origin allow-scripts"
)
"""All that a page may do elsewhere, but for saving files.

A window that is opened is what its own address says: of this server it has the same word, of another project or another
site it has not, and one without an address has that of the page that opened it.
"""
HEADER = "Content-Security-Policy"
FRAMES = "frame-ancestors 'self'"
"""Jupyter's own policy, where no other is set."""


def forbid(headers: MutableMapping[str, str]) -> None:
    """Adds that word to the ``headers`` that the server sends with all its pages."""
    policy = headers.get(HEADER, FRAMES)
    if SANDBOX not in policy:
        headers[HEADER] = f"{policy}; {SANDBOX}"
