"""Looks at the variables ``HOPS_…``: those that a part of the platform can't use, and those that mean nothing."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from hops_contract.faults import NAME, Fault, told_by
from hopslab.commands import run_quietly
from hopslab.doctor.findings import Finding, better, good, missing
from hopslab.errors import SiteError
from hopslab.settings import CHECKOUT, load_settings
from hopslab.surroundings import VENV_BIN
from jupyterhub_config.services import FOR_THE_PROXY

SUBJECT = "Settings"
REFERENCE = "docs/reference/settings.md says what may stand there."
_DOCUMENTATION = CHECKOUT / "docs"
_READERS = (("hops_platform", "settings", "check"), ("hops_livy", "check-settings"))
_TIMEOUT_S = 120.0
_OF_THE_HUB = FOR_THE_PROXY | {"HOPS_PROXY_SOCKET"}
"""The Hub keeps these from its services, or says them itself."""


def look_at_settings(variables: Mapping[str, str]) -> list[Finding]:
    """All settings that are wrong, each by its name, and names that mean nothing.

    Args:
        variables: The environment that the site is started with.
    """
    try:
        faults = find_wrong(variables)
    except SiteError as error:
        return [missing(SUBJECT, str(error), error.remedy or "Run `make up`.")]
    findings = [missing(fault.name, fault.said, f"Correct or unset it; {REFERENCE}") for fault in faults]
    findings += [better(fault.name, fault.said, "Correct the name, or unset it.") for fault in find_unknown(variables)]
    number = sum(name.startswith("HOPS_") for name in variables)
    return findings or [good(SUBJECT, f"{number} of the site's own" if number else "the defaults")]


def check_settings(variables: Mapping[str, str]) -> None:
    """Says what :func:`look_at_settings` finds, before anything is started that could not use it.

    Raises:
        SiteError: A setting is wrong.
    """
    for fault in find_unknown(variables):
        print(fault.said)
    if faults := find_wrong(variables):
        names = ", ".join(fault.name for fault in faults)
        raise SiteError("\n".join(fault.said for fault in faults), f"Correct or unset {names}; {REFERENCE}")


def find_wrong(variables: Mapping[str, str]) -> list[Fault]:
    """What the parts of the platform can't use, as they say it themselves; each variable once.

    Raises:
        SiteError: A part can't be asked.
    """
    found = _wrong_for_the_hub()
    env = {name: value for name, value in variables.items() if name not in _OF_THE_HUB}
    for module, *words in _READERS:
        command: list[str | Path] = [VENV_BIN / "python", "-m", module, *words]
        said = run_quietly(command, what="Reading the settings", env=env, cwd=CHECKOUT, timeout_s=_TIMEOUT_S)
        found += [Fault(str(one["name"]), str(one["said"])) for one in json.loads(said)]
    return list({fault.name: fault for fault in reversed(found)}.values())[::-1]


def find_unknown(variables: Mapping[str, str]) -> list[Fault]:
    """Names that begin as settings do and that the documentation, which has them all, does not know."""
    known = _documented()
    unknown = sorted(name for name in variables if name.startswith("HOPS_") and name not in known)
    return [Fault(name, _said_of(name, known)) for name in unknown] if known else []


def _said_of(name: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.8)
    return f"{name} means nothing to the platform{f': did you mean {near[0]}?' if near else '.'}"


@cache
def _documented() -> frozenset[str]:
    pages = [page for page in _DOCUMENTATION.rglob("*.md") if "_build" not in page.parts]
    return frozenset(name for page in pages for name in NAME.findall(page.read_text(encoding="utf-8")))


def _wrong_for_the_hub() -> list[Fault]:
    try:
        load_settings()
    except SiteError as error:
        cause = error.__cause__
        sentences = told_by(cause) if isinstance(cause, ValidationError) else [str(error)]
        return [Fault(next(iter(NAME.findall(sentence)), SUBJECT), sentence) for sentence in sentences]
    return []
