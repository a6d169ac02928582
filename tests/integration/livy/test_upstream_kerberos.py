"""Apache Livy that lets in by Kerberos alone: a real KDC, tickets that are verified, and all that can be wrong."""

import asyncio
import base64
import contextlib
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest
from fastapi.responses import JSONResponse

from hops_contract.gssapi import Acceptor, GssError, ServiceTicket
from hops_livy.upstream import tickets
from hops_livy.upstream.answers import AwayError, GoneError
from hops_livy.upstream.client import LivyClient, open_http
from hops_livy.upstream_settings import Authentication, UpstreamSettings
from tests.contract.livy.scripted_livy import ScriptedLivy, text

from .kdc import REALM, Kdc, missing_programs
from .served_livy import ask, served
from .service_process import Service, run, start_session

pytestmark = pytest.mark.kerberos
PRINCIPAL = f"hopslab/notebooks@{REALM}"
LIVY = "HTTP/localhost"


@pytest.fixture(scope="module")
def kdc():
    if missing := missing_programs():
        pytest.skip(f"MIT Kerberos' server programs are not installed: {', '.join(missing)}")
    folder = Path(tempfile.mkdtemp(prefix="kdc-"))
    running = Kdc(folder).start()
    running.keytab(LIVY, "livy.keytab")
    yield running
    running.stop()
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def realm(kdc, monkeypatch):
    for name, value in kdc.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tickets, "_AGAIN_S", 0.0)


@pytest.fixture
def keytab(kdc):
    return kdc.keytab(PRINCIPAL, "hopslab.keytab")


class Negotiating:
    """A scripted Livy behind hadoop-auth's filter: it verifies each ticket and proves who it is.

    ``answers`` may put something else in the place of that proof.
    """

    def __init__(self, livy, keytab):
        self.livy, self.let_in, self.refused, self.answers = livy, [], [], lambda proof: proof
        self._acceptor, self._turn, self.app = Acceptor(keytab), threading.Lock(), self

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.livy.app(scope, receive, send)
            return
        way, _, token = dict(scope["headers"]).get(b"authorization", b"").decode().partition(" ")
        try:
            with self._turn:
                who, proof = self._acceptor.accept(base64.b64decode(token) if way == "Negotiate" else b"")
        except GssError as error:
            self.refused.append(str(error))
            refusal = JSONResponse({"msg": "no"}, 401, headers={"WWW-Authenticate": "Negotiate, Basic realm=x"})
            await refusal(scope, receive, send)
            return
        self.let_in.append(who)
        shown = self.answers(proof)

        async def send_with_proof(message):
            if message["type"] == "http.response.start" and shown is not None:
                header = b"Negotiate " + base64.b64encode(shown)
                message = {**message, "headers": [*message["headers"], (b"www-authenticate", header)]}
            await send(message)

        await self.livy.app(scope, receive, send_with_proof)


@pytest.fixture
def livy(kdc):
    return Negotiating(ScriptedLivy(outputs={"1+1": text("2")}), kdc.folder / "livy.keytab")


@pytest.fixture
def settings(livy, keytab):
    with served(livy) as url:
        yield {
            "url": url, "authentication": Authentication.KERBEROS, "user": PRINCIPAL, "secret_file": keytab,
        }  # fmt: skip


@contextlib.asynccontextmanager
async def client_of(settings):
    client = LivyClient(open_http(UpstreamSettings(**settings)))
    try:
        yield client
    finally:
        await client.close()


def test_a_session_runs_with_each_request_let_in_by_a_ticket(livy, settings, kdc, control_plane):
    home = Path(tempfile.mkdtemp(prefix="kerberos-"))
    variables = {
        "HOPS_LIVY_UPSTREAM_URL": settings["url"],
        "HOPS_LIVY_UPSTREAM_AUTH": "kerberos",
        "HOPS_LIVY_UPSTREAM_USER": PRINCIPAL,
        "HOPS_LIVY_UPSTREAM_SECRET_FILE": str(settings["secret_file"]),
        **kdc.environ,
    }
    service = Service(home, control_plane, variables).start()
    try:
        with service.client() as client:
            number = start_session(client)
            assert run(client, number, "1+1")["output"]["data"] == {"text/plain": "2"}
    finally:
        service.stop()
        shutil.rmtree(home)
    assert livy.livy.sessions == {}
    assert set(livy.let_in) == {PRINCIPAL}
    assert len(livy.let_in) == len(livy.livy.requests)
    assert livy.refused == []


@pytest.mark.parametrize(
    "proof",
    [
        None,
        b"",
        b"\x60\x28" + bytes(40),
        lambda livy: livy.stolen,
    ],
    ids=["none", "empty", "made up", "of another log-in"],
)
def test_an_answer_that_does_not_prove_that_it_is_livys_is_not_believed(livy, settings, proof):
    async def test():
        async with client_of(settings) as client:
            seen = []
            livy.answers = lambda real: seen.append(real) or real
            with pytest.raises(GoneError):
                await client.get("sessions", "none")
            livy.stolen = seen[0]
            livy.answers = lambda _real: proof(livy) if callable(proof) else proof
            with pytest.raises(AwayError, match=r"\(HTTP 404\) does not prove by Kerberos") as refused:
                await client.get("sessions", "none")
            assert refused.value.maybe_taken
            livy.answers = lambda real: real
            with pytest.raises(GoneError):
                await client.get("sessions", "none")

    asyncio.run(test())


def test_where_the_ticket_is_refused_no_other_way_is_tried(livy, settings, kdc):
    kdc.keytab(LIVY, "newer.keytab")
    try:
        with pytest.raises(AwayError, match=r"does not accept the platform's Kerberos ticket \(HTTP 401\)"):
            ask(settings)
    finally:
        shutil.copy(kdc.folder / "newer.keytab", kdc.folder / "livy.keytab")
    assert len(livy.refused) == 1
    assert livy.let_in == []


def test_a_keytab_that_others_may_read_or_that_is_none_is_not_used(settings, keytab):
    async def test():
        async with client_of(settings) as client:
            with pytest.raises(GoneError):
                await client.get("sessions", "none")
            for change, words in (
                (lambda: keytab.chmod(0o640), "others may read its file; chmod 600 helps"),
                (lambda: (keytab.chmod(0o600), keytab.write_bytes(b"a password")), "its file is no keytab"),
                (keytab.unlink, "it can't be read: No such file"),
            ):
                await asyncio.to_thread(change)
                with pytest.raises(AwayError, match=words) as refused:
                    await client.get("sessions", "none")
                assert str(keytab) not in str(refused.value)

    asyncio.run(test())


def test_a_key_that_is_no_longer_the_principals_is_told_and_a_new_keytab_helps_at_once(settings, keytab, kdc):
    kdc.keytab(PRINCIPAL, "elsewhere.keytab")

    async def test():
        async with client_of(settings) as client:
            with pytest.raises(AwayError, match=r"no longer the principal's. The keytab must be made anew\. Tell"):
                await client.get("sessions", "none")
            await asyncio.to_thread(shutil.copy, kdc.folder / "elsewhere.keytab", keytab)
            with pytest.raises(GoneError):
                await client.get("sessions", "none")

    asyncio.run(test())


def test_what_the_keytab_or_the_kdc_does_not_know_is_told(settings, kdc):
    with pytest.raises(AwayError, match="the keytab holds no key of the principal"):
        ask(settings, user=f"nobody@{REALM}")
    with pytest.raises(AwayError, match="knows no principal HTTP/<host>"):
        ask(settings, url=settings["url"].replace("localhost", "127.0.0.1"))
    kdc.keytab("leaver", "leaver.keytab")
    kdc.admin("delprinc", "-force", "leaver")
    with pytest.raises(AwayError, match="the KDC knows no such principal"):
        ask(settings, user=f"leaver@{REALM}", secret_file=kdc.folder / "leaver.keytab")
    with pytest.raises(AwayError, match=r"krb5\.conf names no KDC"):
        ask(settings, user="hopslab@ELSEWHERE.TEST", secret_file=other_realm(kdc))


def other_realm(kdc):
    """A keytab of a realm of which ``krb5.conf`` knows nothing, as one would have from another site."""
    path = kdc.folder / "elsewhere-realm.keytab"
    principal = b"hopslab"
    realm = b"ELSEWHERE.TEST"
    entry = (
        (1).to_bytes(2) + len(realm).to_bytes(2) + realm + len(principal).to_bytes(2) + principal + (1).to_bytes(4)
        + (0).to_bytes(4) + b"\x01" + (18).to_bytes(2) + (32).to_bytes(2) + bytes(32)
    )  # fmt: skip
    path.touch(0o600)
    path.write_bytes(b"\x05\x02" + len(entry).to_bytes(4) + entry)
    return path


def test_a_kdc_that_is_away_is_told_and_nothing_is_sent_without_a_ticket(livy, settings, kdc):
    async def test():
        async with client_of(settings) as client:
            kdc.stop()
            try:
                with pytest.raises(AwayError, match="no KDC of its realm answers") as refused:
                    await client.get("sessions", "none")
                assert not refused.value.maybe_taken
            finally:
                await asyncio.to_thread(kdc.start)
            with pytest.raises(GoneError):
                await client.get("sessions", "none")

    asyncio.run(test())
    assert livy.refused == []


def test_a_ticket_is_renewed_before_it_ends(livy, settings, kdc):
    keytab = kdc.keytab(f"brief@{REALM}", "brief.keytab", life="4 seconds")

    async def test():
        async with client_of({**settings, "user": f"brief@{REALM}", "secret_file": keytab}) as client:
            for _ in range(30):
                with pytest.raises(GoneError):
                    await client.get("sessions", "none")
                await asyncio.sleep(0.2)

    log = kdc.folder / "kdc.log"
    before, began = len(log.read_text()), time.monotonic()
    asyncio.run(test())
    took_s = time.monotonic() - began
    got = [line for line in log.read_text()[before:].splitlines() if "TGS_REQ" in line and "ISSUE" in line]
    assert 3 <= len(got) <= took_s / 2 + 3, "every two seconds, for six seconds and a bit"
    assert livy.refused == []


def test_what_the_library_gave_is_given_back(kdc, keytab):
    acceptor = Acceptor(kdc.folder / "livy.keytab")

    def log_in(times):
        for _ in range(times):
            ticket = ServiceTicket(PRINCIPAL, keytab, "HTTP@localhost")
            for _ in range(10):
                login = ticket.begin()
                who, proof = acceptor.accept(login.token)
                assert who == PRINCIPAL
                login.finish(proof)
            with pytest.raises(GssError):
                login.finish(proof)
            with pytest.raises(GssError):
                acceptor.accept(b"no token")
            with pytest.raises(GssError):
                ServiceTicket(f"nobody@{REALM}", keytab, "HTTP@localhost")

    log_in(20)
    before = psutil.Process().memory_info().rss
    log_in(100)
    # A context of a thousand that stayed would be some 10 KiB.
    assert psutil.Process().memory_info().rss - before < 2 * 1024 * 1024


@contextlib.contextmanager
def hanging_kdc(kdc):
    """In the KDC's place somebody who listens and never answers."""
    kdc.stop()
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind(("127.0.0.1", kdc.port))
        udp.bind(("127.0.0.1", kdc.port))
        tcp.listen(5)
        yield
    kdc.start()


def test_a_kdc_that_hangs_keeps_nobody_else_waiting(settings, kdc, monkeypatch):
    keytab = kdc.keytab(f"lasting@{REALM}", "lasting.keytab")
    went_on = []

    async def watch():
        while True:
            await asyncio.sleep(0.01)
            went_on.append(0)

    async def test():
        async with client_of({**settings, "user": f"lasting@{REALM}", "secret_file": keytab}) as client:
            with pytest.raises(GoneError):
                await client.get("sessions", "none")
            monkeypatch.setattr(tickets, "_PATIENCE_S", 0.5)
            with hanging_kdc(kdc):
                # With a new key the ticket is renewed at once, beside the requests that the old one serves.
                keytab.touch()
                for _ in range(10):
                    with pytest.raises(GoneError):  # who waits for the KDC gets another error
                        await client.get("sessions", "none")
                watching = asyncio.create_task(watch())
                async with client_of(settings) as first:
                    with pytest.raises(AwayError, match=r"no Kerberos ticket .* in 0 seconds: no KDC"):
                        await first.get("sessions", "none")
                watching.cancel()

    asyncio.run(test())
    assert len(went_on) > 3, "the event loop waited"
