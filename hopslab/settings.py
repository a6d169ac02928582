"""The site's settings, read for the command line: what is wrong with them becomes a sentence."""

from __future__ import annotations

from pydantic import ValidationError

from hops_contract.faults import NAME, told_by
from hops_contract.realms import RealmsError, load_realms
from hopslab.errors import SiteError
from jupyterhub_config.settings import SOURCE, SiteSettings

__all__ = ["CHECKOUT", "SiteSettings", "check_realms", "load_settings"]

CHECKOUT = SOURCE
"""The folder that was cloned."""


def load_settings() -> SiteSettings:
    """The settings of this environment.

    Raises:
        SiteError: A variable holds what it can't, names a file that is not there, or the site would be reachable from
            elsewhere without TLS.
    """
    try:
        settings = SiteSettings()
    except ValidationError as error:
        raise refusal(error) from error
    for name, file in (("HOPS_TLS_CERT", settings.tls_cert), ("HOPS_TLS_KEY", settings.tls_key)):
        if file is not None and not file.is_file():
            raise SiteError(f"{name} names a file that is not there.", f"Correct {name}.")
    return settings


def check_realms(settings: SiteSettings) -> None:
    """Reads the file of realms, before anything is started that could not.

    Raises:
        SiteError: It can't be used.
    """
    try:
        load_realms(settings.realms)
    except RealmsError as error:
        raise SiteError(
            str(error), "Correct it and run the command again; docs/log-in.md says what it holds."
        ) from None


def refusal(error: ValidationError) -> SiteError:
    """The first thing that is wrong, in a sentence."""
    first = told_by(error)[0]
    named = NAME.findall(first)
    return SiteError(first, f"Correct or unset {named[0]}." if named else None)
