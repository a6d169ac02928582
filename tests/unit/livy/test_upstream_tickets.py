"""Kerberos towards Apache Livy without a KDC: when a ticket is got again, what is said of one that can't be had."""

import asyncio
import ctypes
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import httpx
import pytest

from hops_contract import gssapi
from hops_contract.gssapi import GssError
from hops_contract.layout import Home
from hops_livy.app import make_backend
from hops_livy.gpus import GpuLedger
from hops_livy.settings import Settings, read_settings
from hops_livy.upstream import tickets
from hops_livy.upstream.answers import AwayError
from hops_livy.upstream.kerberos import _proof
from hops_livy.upstream.tickets import Tickets, check_keytab, why_no_ticket
from hops_livy.upstream_settings import Authentication, UpstreamSettings
from hops_livy.variables import SettingsError
from tests.waiting import until_async


@pytest.fixture
def keytab(tmp_path):
    path = tmp_path / "hopslab.keytab"
    path.touch(0o600)
    path.write_bytes(b"\x05\x02rest")
    return path


class Kdc:
    """Gives what it is told to: a lifetime in seconds, or a refusal in the library's words."""

    def __init__(self, *answers):
        self.answers, self.asked, self.open = list(answers), 0, threading.Event()
        self.open.set()

    def get(self):
        self.asked += 1
        assert self.open.wait(60)
        answer = self.answers.pop(0)
        if isinstance(answer, str):
            raise GssError(answer)
        return SimpleNamespace(lifetime_s=answer, number=self.asked)


@pytest.fixture
def clock(monkeypatch):
    found = SimpleNamespace(now=0.0, monotonic=lambda: found.now)
    monkeypatch.setattr(tickets, "time", found)
    return found


async def renewed(held, number):
    """Lets a renewal that goes on in the background end."""
    await until_async(held.current, "it was not renewed", wanted=lambda ticket: ticket.number == number)


def test_a_ticket_is_got_once_for_all_and_renewed_beside_them_when_half_of_its_time_is_over(keytab, clock):
    kdc = Kdc(36_000.0, 36_000.0)

    async def test():
        held = Tickets(keytab, kdc.get)
        found = await asyncio.gather(*(held.current() for _ in range(20)))
        assert {ticket.number for ticket in found} == {1}
        clock.now = 17_000.0
        assert (await held.current()).number == 1
        kdc.open.clear()
        clock.now = 18_001.0
        for _ in range(20):
            assert (await held.current()).number == 1, "nobody waits for the KDC"
            await asyncio.sleep(0.002)
        await until_async(lambda: kdc.asked == 2)
        kdc.open.set()
        await renewed(held, 2)
        held.close()

    asyncio.run(test())


def test_a_kdc_that_refuses_is_asked_again_after_a_while_and_the_old_ticket_serves_until_it_ends(keytab, clock):
    away = "Cannot contact any KDC for realm 'X'"
    kdc = Kdc(1000.0, away, away, 1000.0)

    async def test():
        held = Tickets(keytab, kdc.get)
        await held.current()
        clock.now = 501.0
        await held.current()
        await until_async(lambda: held._refused)
        assert (await held.current()).number == 1
        assert kdc.asked == 2, "not with each request"
        clock.now = 951.0
        for _ in range(3):
            with pytest.raises(AwayError, match="no KDC of its realm answers"):
                await held.current()
        assert kdc.asked == 3
        clock.now = 957.0
        assert (await held.current()).number == 4
        held.close()

    asyncio.run(test())


def test_a_ticket_that_livy_refuses_is_given_up_unless_it_is_new(keytab, clock):
    kdc = Kdc(1000.0, 1000.0)

    async def test():
        held = Tickets(keytab, kdc.get)
        await held.current()
        held.distrust()
        assert (await held.current()).number == 1
        clock.now = 100.0
        held.distrust()
        assert (await held.current()).number == 2
        held.close()

    asyncio.run(test())


def test_a_changed_keytab_counts_at_once(keytab, clock):
    kdc = Kdc("Preauthentication failed", 1000.0, 1000.0)

    async def test():
        held = Tickets(keytab, kdc.get)
        with pytest.raises(AwayError, match="must be made anew"):
            await held.current()
        await asyncio.to_thread(rewrite, keytab)
        assert (await held.current()).number == 2
        await asyncio.to_thread(rewrite, keytab)
        await renewed(held, 3)
        held.close()

    asyncio.run(test())


def rewrite(keytab):
    # Files are stamped with the kernel's clock, which ticks a hundred times a second.
    time.sleep(0.02)
    keytab.write_bytes(b"\x05\x02new")


STOPPED = """
import asyncio, sys, time
from pathlib import Path
from hops_livy.upstream.tickets import Tickets

async def stopped():
    held = Tickets(Path(sys.argv[1]), lambda: time.sleep(600))
    asking = asyncio.create_task(held.current())
    await asyncio.sleep(0.1)
    asking.cancel()
    held.close()

asyncio.run(stopped())
"""


def test_a_process_that_ends_does_not_wait_for_a_kdc_that_hangs(keytab):
    subprocess.run([sys.executable, "-c", STOPPED, keytab], check=True, timeout=240)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Cannot contact any KDC for realm 'X'", "This machine must reach one"),
        ('Cannot find KDC for realm "X"', "krb5.conf names no KDC"),
        ("Configuration file does not specify default realm", "krb5.conf names no KDC"),
        ("Clock skew too great", "Both must be set by a time server"),
        ("Unspecified GSS failure; Client 'a/b@X' not found in Kerberos database", "the KDC knows no such principal"),
        ("Server HTTP/h@X not found in Kerberos database", "knows no principal HTTP/<host>"),
        ("Preauthentication failed", "The keytab must be made anew"),
        ("Decrypt integrity check failed", "The keytab must be made anew"),
        ("No credentials cache found", "the keytab holds no key of the principal"),
        ("Keytab contains no suitable keys for a@X", "the keytab holds no key of the principal"),
        ("Client's credentials have been revoked", "has locked the principal"),
        ("KDC has no support for encryption type", "no kind of encryption in common"),
        ("Can't open FILE:/srv/x/k.keytab, /etc/krb5.conf\nor so", "Can't open … … or so"),
        ("", "the library for Kerberos does not say why"),
    ],
)
def test_why_there_is_no_ticket_in_words(said, told):
    assert told in why_no_ticket(said)
    assert "/etc" not in why_no_ticket(said)


def test_a_keytab_is_one_that_nobody_else_may_read(keytab, tmp_path):
    check_keytab(keytab)
    with pytest.raises(FileNotFoundError):
        check_keytab(tmp_path / "none")
    keytab.chmod(0o640)
    with pytest.raises(ValueError, match="others may read"):
        check_keytab(keytab)
    keytab.chmod(0o600)
    for content in (b"", b"\x05", b"s3cret"):
        keytab.write_bytes(content)
        with pytest.raises(ValueError, match="no keytab"):
            check_keytab(keytab)


@pytest.mark.parametrize(
    ("header", "proof"),
    [
        ("Negotiate b2s=", b"ok"),
        ("negotiate  b2s=", b"ok"),
        ("Basic realm=x, Negotiate b2s=", b"ok"),
        ("Negotiate", None),
        ("Negotiate b2", None),
        ("Negotiate not base64", None),
        ("Negotiate " + "A" * 100_000, None),
        ("Bearer b2s=", None),
        ("", None),
    ],
)
def test_what_a_header_has_to_prove(header, proof):
    assert _proof(httpx.Response(200, headers={"WWW-Authenticate": header})) == proof


def test_settings_for_kerberos(keytab):
    prefix = "HOPS_LIVY_UPSTREAM_"
    settings = read_settings(
        {
            f"{prefix}URL": "https://livy.test:8998", f"{prefix}AUTH": "kerberos",
            f"{prefix}USER": "hopslab/notebooks.test@EXAMPLE.ORG", f"{prefix}SECRET_FILE": str(keytab),
        }
    )  # fmt: skip
    assert settings.upstream == UpstreamSettings(
        url="https://livy.test:8998", authentication=Authentication.KERBEROS,
        user="hopslab/notebooks.test@EXAMPLE.ORG", secret_file=keytab,
    )  # fmt: skip


def test_a_system_without_the_library_is_told_which_package_brings_it(keytab, tmp_path, monkeypatch):
    def missing(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    gssapi._library.cache_clear()
    upstream = UpstreamSettings(
        url="https://livy.test", authentication=Authentication.KERBEROS, user="hopslab@X", secret_file=keytab
    )
    settings = Settings(home=Home(tmp_path), gpus=0, upstream=upstream)
    with pytest.raises(SettingsError, match=r"AUTH is kerberos\. .*libgssapi-krb5-2 on Debian"):
        make_backend(settings, GpuLedger(0, ()), httpx.AsyncClient())
