"""The one error of the command line: a sentence for the person who typed the command."""

from __future__ import annotations


class SiteError(Exception):
    """Something that the command can't do; the message says why.

    Args:
        message: What happened, in a sentence.
        remedy: What the reader can do about it, in a sentence.
    """

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy


class UnusableSettingsError(SiteError):
    """A part of the platform can't use its settings; the message names them."""
