"""The mailer against a real SMTP server, with TLS of both kinds and log-ins."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hops_platform.adapters.mailer.none import NoMailer
from hops_platform.adapters.mailer.smtp import SmtpMailer
from hops_platform.engines.mailer import Letter
from hops_platform.errors import EngineRefusedError, EngineUnavailableError, PlatformError
from hops_platform.settings import MailTls

SECRET = "heron teapot"
LETTER = Letter(to="ada@example.org", subject="Grüße", text="A line.\n.\n\nAnother, für Ada.\n", name="n1")


@dataclass
class Mailbox:
    """What a server took, and how it answers."""

    taken: list[Envelope] = field(default_factory=list)
    refuses: str = ""
    logged_in: bool = False

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.refuses == "recipient":
            return "550 No such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, session: Any, envelope: Envelope
    ) -> str:
        if self.refuses == "data":
            return "554 No such mail"
        self.logged_in = bool(session.authenticated)
        self.taken.append(envelope)
        return "250 OK"


class Server(Controller):
    """One of aiosmtpd's, which asks for TLS first."""

    def __init__(self, mailbox: Mailbox, *, starttls: ssl.SSLContext | None, implicit: ssl.SSLContext | None) -> None:
        self._starttls = starttls
        super().__init__(mailbox, hostname="127.0.0.1", port=0, ssl_context=implicit)
        self.mailbox = mailbox

    def factory(self) -> SMTP:
        def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
            assert isinstance(given, LoginPassword)
            good = (given.login, given.password) == (b"hops", SECRET.encode())
            return AuthResult(success=good, handled=False)

        secured = self._starttls is not None
        return SMTP(
            self.handler,
            tls_context=self._starttls,
            require_starttls=secured,
            authenticator=check,
            auth_required=secured,
            auth_require_tls=secured,
        )

    @property
    def address(self) -> tuple[str, int]:
        assert self.server is not None
        name = self.server.sockets[0].getsockname()
        return str(name[0]), int(name[1])

    def _trigger_server(self) -> None:
        """Looks at a port that is chosen by the system; the original looks at the one that was asked for, 0."""
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and its key, good for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    moment = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(hours=1))
        .not_valid_after(moment + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("mail") / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def context(authority: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(authority)
    return made


@pytest.fixture
def serve(context: ssl.SSLContext) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(tls: MailTls, mailbox: Mailbox | None = None) -> Server:
        server = Server(
            mailbox or Mailbox(),
            starttls=context if tls is MailTls.STARTTLS else None,
            implicit=context if tls is MailTls.IMPLICIT else None,
        )
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "mail-password"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    return file


def mailer(server: Server, tls: MailTls, **more: Any) -> SmtpMailer:
    return SmtpMailer(*server.address, tls=tls, sender="hops@example.org", **more)


@pytest.mark.parametrize("tls", [MailTls.STARTTLS, MailTls.IMPLICIT])
def test_a_letter_comes_as_it_was_written(
    serve: Callable[..., Server], tls: MailTls, authority: Path, password_file: Path
) -> None:
    server = serve(tls)
    sender = mailer(server, tls, authorities=authority, user="hops", password_file=password_file)
    assert sender.sends
    sender.send(LETTER)
    (taken,) = server.mailbox.taken
    assert server.mailbox.logged_in
    assert (taken.mail_from, taken.rcpt_tos) == ("hops@example.org", ["ada@example.org"])
    message = message_from_bytes(bytes(taken.content or b""), policy=default)
    assert (message["Subject"], message["To"], message["From"]) == ("Grüße", "ada@example.org", "hops@example.org")
    assert message.get_content().replace("\r\n", "\n") == LETTER.text


def test_to_this_machine_itself_a_letter_goes_in_the_clear_where_that_was_set(serve: Callable[..., Server]) -> None:
    server = serve(MailTls.NONE)
    mailer(server, MailTls.NONE).send(LETTER)
    assert len(server.mailbox.taken) == 1


@pytest.mark.parametrize("tls", [MailTls.STARTTLS, MailTls.IMPLICIT])
def test_a_server_that_proves_nothing_gets_nothing(
    serve: Callable[..., Server], tls: MailTls, password_file: Path
) -> None:
    server = serve(tls)
    with pytest.raises(EngineUnavailableError, match="does not prove its name"):
        mailer(server, tls, user="hops", password_file=password_file).send(LETTER)
    assert server.mailbox.taken == []


def test_a_server_that_offers_no_tls_gets_nothing(serve: Callable[..., Server], password_file: Path) -> None:
    server = serve(MailTls.NONE)
    with pytest.raises(EngineRefusedError, match="STARTTLS"):
        mailer(server, MailTls.STARTTLS, user="hops", password_file=password_file).send(LETTER)
    assert server.mailbox.taken == []


@pytest.mark.parametrize(("refuses", "said"), [("recipient", "the address"), ("data", "the mail")])
def test_a_refusal_names_nobody(serve: Callable[..., Server], refuses: str, said: str) -> None:
    server = serve(MailTls.NONE, Mailbox(refuses=refuses))
    with pytest.raises(EngineRefusedError, match=said) as refused:
        mailer(server, MailTls.NONE).send(LETTER)
    assert "ada" not in f"{refused.value} {refused.value.__cause__}"
    assert refused.value.__suppress_context__


def test_a_wrong_password_is_told_without_it(
    serve: Callable[..., Server], authority: Path, password_file: Path
) -> None:
    server = serve(MailTls.STARTTLS)
    password_file.write_text("wrong")
    with pytest.raises(EngineRefusedError, match="refused the log-in") as refused:
        mailer(server, MailTls.STARTTLS, authorities=authority, user="hops", password_file=password_file).send(LETTER)
    assert "wrong" not in str(refused.value)


@pytest.mark.parametrize("spoil", [lambda file: file.chmod(0o644), lambda file: file.unlink()])
def test_a_password_that_others_can_read_is_not_used(
    serve: Callable[..., Server], authority: Path, password_file: Path, spoil: Callable[[Path], None]
) -> None:
    server = serve(MailTls.STARTTLS)
    spoil(password_file)
    with pytest.raises(EngineRefusedError, match="can't be read"):
        mailer(server, MailTls.STARTTLS, authorities=authority, user="hops", password_file=password_file).send(LETTER)
    assert server.mailbox.taken == []


def test_it_is_looked_at_without_a_letter(serve: Callable[..., Server], authority: Path, password_file: Path) -> None:
    server = serve(MailTls.STARTTLS)
    looking = mailer(server, MailTls.STARTTLS, authorities=authority, user="hops", password_file=password_file)
    assert "127.0.0.1" in looking.probe()
    assert server.mailbox.taken == []
    password_file.write_text("wrong")
    with pytest.raises(EngineRefusedError):
        looking.probe()


def test_a_server_that_is_away_is_told_as_that() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        sender = SmtpMailer(*nobody.getsockname(), tls=MailTls.NONE, sender="hops@example.org")
    with pytest.raises(EngineUnavailableError, match="does not answer"):
        sender.send(LETTER)


def test_a_site_without_mail_says_so() -> None:
    assert not NoMailer().sends
    with pytest.raises(PlatformError, match="no mail"):
        NoMailer().send(LETTER)
