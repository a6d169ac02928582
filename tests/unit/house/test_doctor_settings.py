"""`hopslab doctor` and `make up` say of settings what the parts of the platform say that read them."""

import json
import os

import pytest

from hopslab import cli
from hopslab.doctor import settings
from hopslab.doctor.findings import Grade, as_text
from hopslab.errors import SiteError

SECRET = "geheim-7f3a"
WRONG = {
    "HOPS_REGISTRATION": "maybe",
    "HOPS_MAIL_HOST": "smtp.example.org",
    "HOPS_MAIL_PORT": "x",
    "HOPS_SESSIONS": "many",
    "HOPS_QUEUE_WAIT_S": "0",
    "HOPS_STORAGE": f"s3://hops:{SECRET}@bucket/folder",
    "HOPS_DATABASE_URL": f"hops:{SECRET}@db.example",
    "HOPS_LIVY_UPSTREAM_URL": f"https://hops:{SECRET}@livy.example/x?y",
    "HOPS_TRUSTED_PROXIES": "proxy",
    "HOPS_PORT": "99999",
}


@pytest.fixture(autouse=True)
def only_these(monkeypatch):
    for name in [name for name in os.environ if name.startswith("HOPS_")]:
        monkeypatch.delenv(name)


def test_every_setting_that_is_wrong_is_shown_by_its_name_with_what_may_stand_there(monkeypatch):
    for name, value in WRONG.items():
        monkeypatch.setenv(name, value)
    findings = {finding.subject: finding for finding in settings.look_at_settings(os.environ)}
    assert set(findings) == set(WRONG)
    assert all(name in finding.detail for name, finding in findings.items())
    assert {finding.grade for finding in findings.values()} == {Grade.MISSING}
    assert "'off', 'invitation' or 'approval'" in findings["HOPS_REGISTRATION"].detail
    assert "must be a whole number" in findings["HOPS_SESSIONS"].detail
    assert "local, hdfs://host:port/folder or s3://bucket/folder" in findings["HOPS_STORAGE"].detail
    assert "HOPS_MAIL_FROM" in findings["HOPS_MAIL_HOST"].detail
    assert SECRET not in as_text(list(findings.values()))
    with pytest.raises(SiteError) as refused:
        settings.check_settings(os.environ)
    assert str(refused.value).splitlines() == [finding.detail for finding in findings.values()], "the same sentences"
    assert SECRET not in f"{refused.value} {refused.value.remedy}"


def nothing_is_wrong(*_command, **_more):
    return json.dumps([])


def test_a_name_that_means_nothing_is_told_with_the_one_that_was_meant(monkeypatch, capsys):
    monkeypatch.setattr(settings, "run_quietly", nothing_is_wrong)
    variables = {"HOPS_SESIONS": SECRET, "HOPS_GPUS": "2", "HOPS_ZEBRA_CROSSING": "1", "HOPSLAB": "x"}
    near, far = settings.look_at_settings(variables)
    assert (near.subject, near.grade) == ("HOPS_SESIONS", Grade.BETTER)
    assert near.detail == "HOPS_SESIONS means nothing to the platform: did you mean HOPS_SESSIONS?"
    assert far.detail == "HOPS_ZEBRA_CROSSING means nothing to the platform."
    settings.check_settings(variables)
    assert capsys.readouterr().out.splitlines() == [near.detail, far.detail]


def test_settings_that_are_right_are_good(monkeypatch):
    monkeypatch.setattr(settings, "run_quietly", nothing_is_wrong)
    (finding,) = settings.look_at_settings({"HOPS_GPUS": "2", "PATH": "/bin"})
    assert (finding.grade, finding.detail) == (Grade.GOOD, "1 of the site's own")


def test_a_part_that_can_not_be_asked_is_told(monkeypatch):
    def fails(*_command, **_more):
        raise SiteError("Reading the settings failed.", "Run `make up`.")

    monkeypatch.setattr(settings, "run_quietly", fails)
    (finding,) = settings.look_at_settings({})
    assert (finding.grade, finding.detail) == (Grade.MISSING, "Reading the settings failed.")


def test_the_services_are_asked_with_what_the_hub_gives_them(monkeypatch):
    asked = []

    def note(command, *, env, **_more):
        asked.append((command[2:], env))
        return json.dumps([])

    monkeypatch.setattr(settings, "run_quietly", note)
    settings.find_wrong({"HOPS_BIND": "0.0.0.0", "HOPS_TLS_CERT": "/c", "HOPS_PROXY_SOCKET": "/s", "HOPS_GPUS": "2"})
    words = [["hops_platform", "settings", "check"], ["hops_livy", "check-settings"]]
    assert [(one[0], one[1]) for one in asked] == [(one, {"HOPS_GPUS": "2"}) for one in words]


def test_a_site_with_a_wrong_setting_is_not_started(monkeypatch):
    told = json.dumps([{"name": "HOPS_SESSIONS", "said": "HOPS_SESSIONS is 'many'."}])
    monkeypatch.setattr(settings, "run_quietly", lambda *_command, **_more: told)
    monkeypatch.setattr(cli, "prepare_and_start", lambda _: pytest.fail("it was started"))
    with pytest.raises(SiteError, match=r"^HOPS_SESSIONS is 'many'\.$") as refused:
        cli.up(detach=True)
    assert refused.value.remedy.startswith("Correct or unset HOPS_SESSIONS;")
