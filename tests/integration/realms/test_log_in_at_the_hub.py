"""The Hub's log-in page with three realms: a real site, slapd, KDC and provider of OpenID Connect, over HTTP."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from hops_contract.gssapi import ServiceTicket
from hops_platform.second_factor.codes import code_of, step_at
from tests.contract.realms.slapd import PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd, missing_program
from tests.integration.livy.kdc import REALM, Kdc, missing_programs
from tests.integration.spawner.conftest import ROOT, Site
from tests.ports import free_port
from tests.waiting import until

pytestmark = [pytest.mark.hub, pytest.mark.ldap, pytest.mark.kerberos]
CLIENT, SECRET = "hopslab", "the site's own secret"
AWAY = "https://evil.example.org/"


@dataclass
class Realms:
    site: Site
    slapd: Slapd
    kdc: Kdc
    issuer: str

    def browser(self) -> httpx.Client:
        client = httpx.Client(base_url=self.site.url, timeout=60, trust_env=False)
        self.site.clients.append(client)
        return client

    def send_form(self, browser: httpx.Client, **fields: str) -> httpx.Response:
        browser.get("hub/login")
        xsrf = next(c.value for c in browser.cookies.jar if c.name == "_xsrf" and c.path == "/hub/")
        return browser.post("hub/login", data={**fields, "_xsrf": xsrf}, follow_redirects=False)

    def name_of(self, browser: httpx.Client) -> str | None:
        """Who the pages of the control plane say it is: the whole way through the Hub's OAuth."""
        page = browser.get("services/hops/", follow_redirects=True)
        if urlsplit(str(page.url)).path.startswith("/hub/login"):
            return None
        me = browser.get("services/hops/api/v1/me", headers={"X-Hops-CSRF": _csrf_in(page.text)})
        assert me.status_code == 200, me.text
        return str(me.json()["name"])

    def at_provider(self, browser: httpx.Client, subject: str, *, path: str = "hub/oidc/web/login") -> str:
        """Goes to the provider, logs in there; answers the address that it sends the browser back to."""
        sent = browser.get(path, follow_redirects=False)
        assert sent.status_code == 302, sent.text
        answer = httpx.post(sent.headers["Location"], data={"sub": subject}, timeout=60, trust_env=False)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def ticket(self, principal: str, service: str = "HTTP@localhost") -> dict[str, str]:
        keytab = self.kdc.keytab(f"{principal}@{REALM}", f"{principal}.keytab")
        token = ServiceTicket(f"{principal}@{REALM}", keytab, service).begin().token
        return {"Authorization": f"Negotiate {base64.b64encode(token).decode()}"}


def _csrf_in(page: str) -> str:
    found = re.search(r'name="hops-csrf" content="([0-9a-f]{64})"|([0-9a-f]{64})', page)
    assert found, page[:500]
    return found[1] or found[2]


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def realms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realms]:
    proxy = ROOT / "node_modules" / ".bin" / "configurable-http-proxy"
    if missing_program() or missing_programs() or not proxy.exists():
        pytest.skip("slapd, MIT Kerberos' server programs or the proxy are not installed")
    home, folder = tmp_path_factory.mktemp("home"), Path(tempfile.mkdtemp(prefix="realms-"))
    for name in ("slapd", "kdc"):
        (folder / name).mkdir()
    slapd, kdc, issuer_port = Slapd(folder / "slapd"), Kdc(folder / "kdc"), free_port()
    issuer = f"http://127.0.0.1:{issuer_port}"
    claims = {"preferred_username": "grace", "name": "Grace Hopper", "email": "ada@example.org", "email_verified": True}
    secret = _file(folder, "client-secret", SECRET)
    file = folder / "realms.toml"
    file.write_text(
        f"""
[[realm]]
kind = "ldap"
name = "staff"
title = "Staff of Hops"
servers = ["{slapd.urls[0]}"]
ca_file = "{slapd.ca_file}"
base = "{PEOPLE}"
service_dn = "{SERVICE}"
service_password_file = "{_file(folder, "service-password", SERVICE_PASSWORD)}"
password_url = "https://passwords.example.org/"
timeout_s = 20

[[realm]]
kind = "kerberos"
name = "tickets"
title = "Kerberos"
principals = "{REALM}"
service = "HTTP@localhost"
keytab = "{folder}/kdc/site.keytab"

[[realm]]
kind = "oidc"
name = "web"
title = "Example ID"
issuer = "{issuer}"
client_id = "{CLIENT}"
client_secret_file = "{secret}"

[[realm]]
kind = "oidc"
name = "other-site"
issuer = "{issuer}"
client_id = "another-site"
client_secret_file = "{secret}"
"""
    )
    config = home / "hub_config.py"
    config.write_text(f"load_subconfig({str(ROOT / 'jupyterhub_config' / 'jupyterhub_config.py')!r})\n")
    env = {
        "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "HOPS_HOME": str(home),
        "HOPS_PORT": str(free_port()), "HOPS_PROXY_COMMAND": str(proxy), "HOPS_REALMS": str(file),
        "HOPS_REALM_CHECK_S": "10", **kdc.environ,
    }  # fmt: skip
    site = Site(home, int(env["HOPS_PORT"]), env, config)
    log = (home / "provider.log").open("ab")
    command = [sys.executable, "-m", "oidc_provider_mock", "-p", str(issuer_port)]
    command += ["--user-claims", json.dumps({"sub": "subject-of-grace", **claims})]
    provider = subprocess.Popen(command, stdout=log, stderr=log)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in kdc.environ.items():
            patch.setenv(name, value)
        try:
            slapd.start()
            kdc.start()
            kdc.keytab("HTTP/localhost", "site.keytab")
            until(lambda: _listens(issuer_port), "the provider's start")
            site.admin_password = site.platform("init")["created_admin"]["password"]
            site.up()
            yield Realms(site, slapd, kdc, issuer)
        finally:
            site.down()
            provider.terminate()
            provider.wait(60)
            log.close()
            kdc.stop()
            slapd.stop()
            shutil.rmtree(folder)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_page_offers_every_realm(realms: Realms) -> None:
    page = realms.browser().get("hub/login", params={"next": "/hub/spawn?a=b"}).text
    options = re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)</option>', page)
    assert options == [("staff", "Staff of Hops"), ("local", "HopsLab")]
    assert '<label for="realm_input">' in page
    links = [unescape(link) for link in re.findall(r'href="([^"]*(?:negotiate|oidc)[^"]*)"', page)]
    assert [urlsplit(link).path for link in links] == [
        "/hub/negotiate/tickets", "/hub/oidc/web/login", "/hub/oidc/other-site/login",
    ]  # fmt: skip
    assert parse_qs(urlsplit(links[0]).query)["next"] == ["/hub/spawn?a=b"]
    assert "https://passwords.example.org/" in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)


def test_ldap_lets_in_and_its_end_is_felt_everywhere(realms: Realms) -> None:
    realms.slapd.person("ada", "heron teapot ada", title="Ada Lovelace")
    realms.slapd.person("edsger", "heron teapot edsger")
    browser = realms.browser()
    wrong = realms.send_form(browser, realm="staff", username="ada", password="wrong")
    assert (wrong.status_code, 'value="staff" selected' in wrong.text) == (403, True)
    assert realms.send_form(
        realms.browser(), realm="staff", username="edsger", password="heron teapot edsger"
    ).is_redirect
    assert realms.send_form(browser, realm="staff", username="ada", password="heron teapot ada").status_code == 302
    assert realms.name_of(browser) == "ada"
    realms.slapd.remove("ada")

    def is_out() -> bool:
        return browser.get("hub/token", follow_redirects=False).status_code == 302

    until(is_out, "the end of the log-in")
    assert realms.name_of(browser) is None
    again = realms.send_form(realms.browser(), realm="staff", username="ada", password="heron teapot ada")
    assert again.status_code == 403


def test_the_platforms_own_passwords_still_let_in(realms: Realms) -> None:
    password = realms.site.admin_password
    for realm in ({"realm": "local"}, {}):
        browser = realms.browser()
        assert realms.send_form(browser, username="admin", password=password, **realm).status_code == 302
        assert realms.name_of(browser) == "admin"
    assert realms.send_form(realms.browser(), realm="staff", username="admin", password=password).status_code == 403


@pytest.mark.parametrize("realm", ["tickets", "web", "nowhere", "../staff"])
def test_a_form_can_not_name_a_realm_without_passwords(realms: Realms, realm: str) -> None:
    sent = {"realm": realm, "username": "ada", "password": "x", "ticket": "YQ==", "id_token": "x", "proof": "x"}
    assert realms.send_form(realms.browser(), **sent).status_code == 403


def test_a_ticket_lets_in_and_the_site_proves_itself(realms: Realms) -> None:
    browser = realms.browser()
    asked = browser.get("hub/negotiate/tickets")
    assert (asked.status_code, asked.headers["WWW-Authenticate"]) == (401, "Negotiate")
    assert 'name="password"' in asked.text, "there is a way back"
    answer = browser.get("hub/negotiate/tickets?next=/hub/token", headers=realms.ticket("tess"), follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/hub/token"), answer.text
    assert re.fullmatch(r"Negotiate [A-Za-z0-9+/]+=*", answer.headers["WWW-Authenticate"])
    assert realms.name_of(browser) == "tess"


def test_tickets_that_are_none_or_another_services_let_nobody_in(realms: Realms) -> None:
    realms.kdc.keytab("ftp/localhost", "ftp.keytab")
    for header in (
        realms.ticket("tess", "ftp@localhost"),
        {"Authorization": "Negotiate TlRMTVNTUAABAAAA"},
        {"Authorization": "Negotiate YQ=="},
        {"X-Remote-User": "tess"},
        {"Remote-User": "tess", "X-Forwarded-User": "tess"},
    ):
        browser = realms.browser()
        answer = browser.get("hub/negotiate/tickets", headers=header, follow_redirects=False)
        assert answer.status_code in (401, 403), answer.text
        assert realms.name_of(browser) is None
    away = realms.browser().get(
        f"hub/negotiate/tickets?{urlencode({'next': AWAY})}", headers=realms.ticket("tess"), follow_redirects=False
    )
    assert (away.status_code, "evil" in away.headers["Location"]) == (302, False)


def test_openid_connect_lets_in_and_takes_nobodys_account_by_address(realms: Realms) -> None:
    browser = realms.browser()
    back = realms.at_provider(browser, "subject-of-grace", path="hub/oidc/web/login?next=/hub/token")
    answer = browser.get(back, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/hub/token"), answer.text
    assert realms.name_of(browser) == "grace"
    replayed = browser.get(back, follow_redirects=False)
    assert replayed.status_code == 400, "neither with this browser's cookies"
    stranger = realms.browser()
    assert stranger.get(back, follow_redirects=False).status_code == 400
    assert realms.name_of(stranger) is None


def test_a_log_in_that_somebody_else_began_is_not_finished_here(realms: Realms) -> None:
    """A browser that is led to finish another one's log-in would work in another one's account."""
    theirs, mine = realms.browser(), realms.browser()
    back = realms.at_provider(theirs, "subject-of-grace")
    realms.at_provider(mine, "subject-of-grace")
    assert mine.get(back, follow_redirects=False).status_code == 400
    assert realms.name_of(mine) is None


def test_a_code_for_another_party_or_address_is_refused(realms: Realms) -> None:
    browser = realms.browser()
    back = realms.at_provider(browser, "subject-of-grace", path="hub/oidc/other-site/login")
    at_web = back.replace("/oidc/other-site/", "/oidc/web/")
    assert browser.get(at_web, follow_redirects=False).status_code == 400
    assert realms.name_of(browser) is None


def test_what_the_provider_says_of_a_failure_is_not_shown(realms: Realms) -> None:
    said = "<b>call 0900-evil</b>"
    answer = realms.browser().get(
        f"hub/oidc/web/callback?{urlencode({'error': 'denied', 'error_description': said, 'state': 'x'})}"
    )
    assert (answer.status_code, "0900" in answer.text, 'name="password"' in answer.text) == (400, False, True)


@pytest.mark.parametrize(
    "target", [AWAY, "//evil.example.org", "/\\evil.example.org", "https:evil.example.org", "\\\\evil"]
)
def test_no_log_in_leads_away(realms: Realms, target: str) -> None:
    browser = realms.browser()
    back = realms.at_provider(browser, "subject-of-grace", path=f"hub/oidc/web/login?{urlencode({'next': target})}")
    answer = browser.get(back, follow_redirects=False)
    led = urlsplit(str(httpx.URL(realms.site.url).join(answer.headers["Location"])))
    assert (answer.status_code, led.hostname) == (302, "127.0.0.1")


def test_a_second_factor_is_asked_for_after_the_provider(realms: Realms) -> None:
    browser, left_open = realms.browser(), realms.browser()
    subject = "somebody-new"

    def log_in(one: httpx.Client, *, asked: bool) -> dict[str, str]:
        """Answers what the page's scripts send; the provider says whether it asked for a password just now."""
        claims = {"preferred_username": "somebody"} | ({"auth_time": int(time.time())} if asked else {"auth_time": 1})
        httpx.put(f"{realms.issuer}/users/{subject}", json=claims, timeout=60, trust_env=False).raise_for_status()
        path = f"hub/oidc/web/login{'?prompt=login' if asked else ''}"
        sent = one.get(path, follow_redirects=False).headers["Location"]
        query = parse_qs(urlsplit(sent).query)
        assert len(query["nonce"][0]) == 64
        assert (query.get("prompt"), query.get("max_age")) == ((["login"], ["0"]) if asked else (None, None))
        assert one.get(realms.at_provider(one, subject, path=path), follow_redirects=False).status_code == 302
        return {"X-Hops-CSRF": _csrf_in(one.get("services/hops/", follow_redirects=True).text)}

    api = "services/hops/api/v1/me/second-factor"
    there, headers = log_in(left_open, asked=True), log_in(browser, asked=False)
    assert browser.post(api, json={"password": ""}, headers=headers).status_code == 403, "the provider asked nothing"
    headers = log_in(browser, asked=True)
    assert left_open.post(api, json={"password": ""}, headers=there).status_code == 403, "that is another browser"
    begun = browser.post(api, json={"password": ""}, headers=headers)
    assert begun.status_code == 200, begun.text
    step = step_at(datetime.now(UTC))
    secret = begun.json()["secret"]
    confirmed = browser.post(f"{api}:confirm", json={"code": code_of(secret, step)}, headers=headers)
    assert confirmed.status_code == 200, confirmed.text
    other = realms.browser()
    asked = other.get(realms.at_provider(other, subject), follow_redirects=False)
    assert asked.status_code == 403
    challenge = re.search(r'name="challenge" value="([^"]+)"', asked.text)
    assert challenge, asked.text
    assert realms.name_of(other) is None
    fields: dict[str, Any] = {"challenge": unescape(challenge[1]), "code": confirmed.json()["recovery_codes"][0]}
    assert realms.send_form(other, username="", **fields).status_code == 302
    assert realms.name_of(other) == "somebody"


def test_no_port_on_this_machine_believes_where_somebody_says_to_be(realms: Realms) -> None:
    """Code in a sandbox reaches these ports, by its keeper or by an open network."""

    def sources() -> list[str]:
        with closing(sqlite3.connect(realms.site.home / "control-plane.db")) as database:
            query = "SELECT source FROM audit_events WHERE action = 'login.password' AND thing = 'admin'"
            return [source for (source,) in database.execute(query + " AND outcome = 'done'")]

    site = json.loads((realms.site.home / "run" / "site.json").read_text())
    admin, before = {"username": "admin", "password": realms.site.admin_password}, len(sources())
    forged = {"X-Forwarded-For": "203.0.113.9"}
    for base in (site["control_plane_url"], f"{realms.site.url}services/hops/"):
        answer = httpx.post(f"{base}api/v1/tokens", json=admin, headers=forged, timeout=60, trust_env=False)
        assert answer.status_code == 200, answer.text
    for base in (site["hub_api_url"].removesuffix("api"), f"{realms.site.url}hub/"):
        browser = httpx.Client(base_url=base, timeout=60, trust_env=False, headers=forged)
        realms.site.clients.append(browser)
        browser.get("login")
        xsrf = next(c.value for c in browser.cookies.jar if c.name == "_xsrf" and c.path == "/hub/")
        assert browser.post("login", data={**admin, "_xsrf": xsrf}).status_code == 302
    assert sources()[before:] == ["127.0.0.1"] * 4


def test_no_secret_stands_in_a_log(realms: Realms) -> None:
    logs = [realms.site.home / "hub.log", *(realms.site.home / "logs").glob("*.log")]
    written = "".join(path.read_text(errors="replace") for path in logs)
    assert "staff" in written or "ada" in written
    for secret in (SECRET, SERVICE_PASSWORD, "heron teapot"):
        assert secret not in written
