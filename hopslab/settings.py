"""How a site is set: variables ``HOPS_…`` with defaults that work on one machine."""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from hops_contract.layout import Home
from hopslab.errors import SiteError

CHECKOUT = Path(__file__).resolve().parent.parent
"""The folder that was cloned."""


class Profile(StrEnum):
    """Where notebook servers and Spark sessions run."""

    LOCAL = "local"
    KUBERNETES = "kubernetes"


class SiteSettings(BaseSettings):
    """What the conductor of a site needs to know. The other products read the same variables for themselves."""

    model_config = SettingsConfigDict(env_prefix="HOPS_", env_ignore_empty=True, extra="ignore")

    home: Path = Field(default=CHECKOUT / ".hopslab", description="Everything that the platform keeps.")
    bind: str = Field(default="127.0.0.1", description="Address on which people reach the platform.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port on which people reach the platform.")
    tls_cert: Path | None = Field(default=None, description="PEM file with the certificate and its chain.")
    tls_key: Path | None = Field(default=None, description="PEM file with the certificate's key.")
    profile: Profile = Field(default=Profile.LOCAL, description="Where servers and sessions run.")

    @property
    def layout(self) -> Home:
        """Where things lie below the home."""
        return Home(self.home.expanduser().absolute())

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        if self.bind == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.bind.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def url(self) -> str:
        """The address to open, with ``/`` at its end."""
        host = "127.0.0.1" if self.bind in {"0.0.0.0", "::"} else self.bind  # noqa: S104 - compared, not bound
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        return f"{'https' if self.tls_cert else 'http'}://{host}:{self.port}/"


def load_settings() -> SiteSettings:
    """The settings of this environment.

    Raises:
        SiteError: A variable holds what it can't, or the site would be reachable from elsewhere without TLS.
    """
    try:
        settings = SiteSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "HOPS_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SiteError(f"{name} can't be used: {first['msg']}.", f"Correct or unset {name}.") from error
    check_exposure(settings)
    return settings


def check_exposure(settings: SiteSettings) -> None:
    """Refuse an address that others can reach without TLS, and half of a certificate.

    Raises:
        SiteError: The settings would expose passwords, or name a file that is not there.
    """
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SiteError("A certificate needs its key.", "Set both HOPS_TLS_CERT and HOPS_TLS_KEY, or neither.")
    for name, file in (("HOPS_TLS_CERT", settings.tls_cert), ("HOPS_TLS_KEY", settings.tls_key)):
        if file is not None and not file.is_file():
            raise SiteError(f"{name} names a file that is not there.", f"Correct {name}.")
    if not settings.loopback and settings.tls_cert is None:
        raise SiteError(
            f"HOPS_BIND={settings.bind} lets other machines in, and without TLS passwords would travel in the clear.",
            "Set HOPS_TLS_CERT and HOPS_TLS_KEY, or leave HOPS_BIND at 127.0.0.1.",
        )
