"""Mail by SMTP (RFC 5321), over TLS from the start (RFC 8314) or by STARTTLS (RFC 3207).

Laws:

1. Nothing is sent to a server whose certificate does not prove its name; without TLS only to this machine itself.
2. The password is read from its file for each connection and stands in no error and no log.
3. What goes wrong is told without addresses, which the outbox's list and the log would show.
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate
from functools import cached_property
from pathlib import Path

from hops_platform.engines.mailer import Letter
from hops_platform.errors import EngineRefusedError, EngineUnavailableError
from hops_platform.security.tokens import read_secret
from hops_platform.settings import MailTls

_TIMEOUT_S = 20.0


class SmtpMailer:
    """A mail server, one connection for each letter.

    Args:
        host: Its name, which its certificate has to prove.
        port: Its port.
        tls: How the connection is protected.
        sender: The address in From.
        user: Name of the log-in; empty for none.
        password_file: Holds the password of the log-in; for its owner alone to read.
        authorities: PEM file of the authorities that are trusted; the system's when ``None``.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: MailTls,
        sender: str,
        user: str = "",
        password_file: Path | None = None,
        authorities: Path | None = None,
    ) -> None:
        self._host, self._port, self._tls, self._sender = host, port, tls, sender
        self._user, self._password_file, self._authorities = user, password_file, authorities

    @property
    def sends(self) -> bool:
        """See :class:`~hops_platform.engines.mailer.Mailer`."""
        return True

    def probe(self) -> str:
        """See :class:`~hops_platform.engines.mailer.Mailer`."""
        with _told(), self._logged_in():
            return f"SMTP at {self._host}"

    def send(self, letter: Letter) -> None:
        """See :class:`~hops_platform.engines.mailer.Mailer`."""
        message = build_message(letter, sender=self._sender)
        with _told(), self._logged_in() as server:
            server.send_message(message, from_addr=self._sender, to_addrs=[letter.to])

    @contextmanager
    def _logged_in(self) -> Iterator[smtplib.SMTP]:
        with self._connected() as server:
            if self._user:
                server.login(self._user, self._password())
            yield server

    def _connected(self) -> smtplib.SMTP:
        if self._tls is MailTls.IMPLICIT:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=_TIMEOUT_S, context=self._context)
        server = smtplib.SMTP(self._host, self._port, timeout=_TIMEOUT_S)
        if self._tls is MailTls.STARTTLS:
            try:
                server.starttls(context=self._context)
            except BaseException:
                server.close()
                raise
        return server

    def _password(self) -> str:
        try:
            return read_secret(self._password_file) if self._password_file is not None else ""
        except (OSError, RuntimeError):
            raise EngineRefusedError(
                "The password for the mail server can't be read.",
                remedy="Its file (HOPS_MAIL_PASSWORD_FILE) has to be there, with mode 0600.",
            ) from None

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._authorities)


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong, in the platform's words."""
    try:
        yield
    except ssl.SSLCertVerificationError:
        # The causes are left out of the chain on purpose: they hold addresses, and what the server said of them.
        raise EngineUnavailableError("The mail server's certificate does not prove its name.") from None
    except smtplib.SMTPAuthenticationError:
        raise EngineRefusedError("The mail server refused the log-in.") from None
    except smtplib.SMTPRecipientsRefused:
        raise EngineRefusedError("The mail server refused the address.") from None
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError):
        raise EngineRefusedError("The mail server refused the mail.") from None
    except smtplib.SMTPNotSupportedError:
        raise EngineRefusedError("The mail server does not know STARTTLS, or how to log in.") from None
    except (smtplib.SMTPException, OSError):
        raise EngineUnavailableError("The mail server does not answer.") from None


def build_message(letter: Letter, *, sender: str) -> EmailMessage:
    """``letter`` as a message: plain text, marked as written by a program so that nobody's absence answers it."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{letter.name}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    return message
