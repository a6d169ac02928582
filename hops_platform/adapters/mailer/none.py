"""A site without mail."""

from __future__ import annotations

from hops_platform.engines.mailer import Letter
from hops_platform.errors import EngineRefusedError


class NoMailer:
    """Sends nothing: an administrator, or who invites, is shown a link to hand over."""

    @property
    def sends(self) -> bool:
        """See :class:`~hops_platform.engines.mailer.Mailer`."""
        return False

    def probe(self) -> str:
        """See :class:`~hops_platform.engines.mailer.Mailer`."""
        return "none"

    def send(self, letter: Letter) -> None:  # noqa: ARG002
        """See :class:`~hops_platform.engines.mailer.Mailer`."""
        raise EngineRefusedError("This site has no mail.", remedy="Set HOPS_MAIL_HOST, or hand links over.")
