"""Runs another program quietly; what it said is shown only when it fails, and known failures become sentences."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hopslab.errors import SiteError, UnusableSettingsError

SHOWN_CHARACTERS = 3000
OF_THE_MACHINE = (
    (
        ("No space left on device", "ENOSPC", "Disk quota exceeded"),
        "the disk is full",
        "Free at least 4 GB and run the command again.",
    ),
    (
        ("Cannot allocate memory", "MemoryError", "JavaScript heap out of memory", "insufficient memory for the Java"),
        "there is not enough memory",
        "At least 4 GiB of free memory are needed; stop other programs and run the command again.",
    ),
)
OF_INDEXES = (
    (
        (
            "certificate verify failed",
            "invalid peer certificate",
            "self signed certificate",
            "SELF_SIGNED_CERT",
            "UnknownIssuer",
        ),
        "the certificate of a package index is not trusted",
        "Set SSL_CERT_FILE to a file with your organisation's authorities and run the command again.",
    ),
    (
        (
            "Failed to fetch",
            "error sending request",
            "ENOTFOUND",
            "ECONNREFUSED",
            "ETIMEDOUT",
            "dns error",
            "EAI_AGAIN",
        ),
        "a package index does not answer",
        "Check the network and the proxy's variables (HTTPS_PROXY, PIP_INDEX_URL), and run the command again.",
    ),
)


def run_quietly(
    command: Sequence[str | Path],
    *,
    what: str,
    env: Mapping[str, str],
    cwd: Path,
    given: str | None = None,
    timeout_s: float = 1800,
) -> str:
    """Standard output of ``command``.

    Args:
        command: Program and arguments; never a secret.
        what: What it does, as the beginning of a sentence.
        env: Its environment.
        cwd: Its working folder.
        given: Text for its standard input, for instance a password.
        timeout_s: How long it may take, in seconds.

    Raises:
        UnusableSettingsError: It said, by its exit status, that a setting can't be used.
        SiteError: It can't be started, failed or took too long.
    """
    try:
        done = subprocess.run(
            [str(part) for part in command],
            env=dict(env),
            cwd=cwd,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SiteError(f"{what} took longer than {timeout_s:.0f} s.", "Run the command again.") from error
    except OSError as error:
        raise SiteError(f"{what} could not start: {error.strerror or 'unknown reason'}.") from error
    if done.returncode == os.EX_CONFIG:
        raise UnusableSettingsError(done.stderr.strip()[-SHOWN_CHARACTERS:], "Correct or unset it, and try again.")
    if done.returncode:
        raise failure(what, f"{done.stdout}\n{done.stderr}")
    return done.stdout


def failure(what: str, said: str, *, fetches: bool = True) -> SiteError:
    """The error for a program that failed after it ``said`` something.

    Args:
        what: What it does, as the beginning of a sentence.
        said: Its output.
        fetches: Whether it fetches packages; else a connection that was refused has nothing to do with an index.
    """
    for marks, reason, remedy in (*OF_THE_MACHINE, *(OF_INDEXES if fetches else ())):
        if any(mark in said for mark in marks):
            return SiteError(f"{what} failed: {reason}.", remedy)
    return SiteError(f"{what} failed:\n{said.strip()[-SHOWN_CHARACTERS:]}")
