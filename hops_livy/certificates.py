"""The certificate of a session's owner, asked of the control plane when the session starts."""

from __future__ import annotations

import logging
from typing import Protocol
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from hops_contract.certificates import CertificateFiles
from hops_contract.principal import Principal

LOG = logging.getLogger(__name__)
_PATIENCE_S = 5.0


class Certificates(Protocol):
    """Where the certificates of project-users are found."""

    async def of(self, owner: Principal, token: str) -> dict[str, bytes]:
        """Files with the certificate of ``owner`` by their names; empty when there is none to be had now."""


class NoCertificates:
    """For a service without a control plane."""

    async def of(self, owner: Principal, token: str) -> dict[str, bytes]:  # noqa: ARG002
        """None."""
        return {}


class ExportedCertificates:
    """Those that the control plane hands out to who has a project-user's token.

    Args:
        projects_url: Address of the control plane's projects; ends with ``/``.
        client: HTTP client.
    """

    def __init__(self, projects_url: str, client: httpx.AsyncClient) -> None:
        self._projects_url = projects_url
        self._client = client

    async def of(self, owner: Principal, token: str) -> dict[str, bytes]:
        """See :class:`Certificates`. A session without one starts all the same: most need none."""
        try:
            answer = await self._client.post(
                f"{self._projects_url}{quote(str(owner.project), safe='')}/certificate:export",
                headers={"Authorization": f"Bearer {token}"},
                timeout=_PATIENCE_S,
            )
            return CertificateFiles.model_validate(answer.raise_for_status().json()).files()
        except (httpx.HTTPError, ValidationError, ValueError) as error:
            # Not the error's text: it may show the answer, and with it a key.
            LOG.warning("%s gets no certificate in its session: %s", owner.project_user, type(error).__name__)
            return {}
