"""What `hopslab doctor` finds, and what it advises."""

import json
import os
import re
import shutil
from types import SimpleNamespace

import pytest

from hops_contract.sandbox import Sandboxing
from hopslab.doctor import machine, site
from hopslab.doctor.findings import Grade, as_json_object, as_text, better, good, healthy, missing
from hopslab.errors import SiteError
from hopslab.settings import SiteSettings, check_realms
from hopslab.site.answers import Answer
from tests.unit.house.certificates import certificate


@pytest.mark.parametrize(
    ("days", "grade", "words"),
    [(-2, Grade.MISSING, "has expired"), (5, Grade.BETTER, "expires in 5 days"), (90, Grade.GOOD, "good for 90 days")],
)
def test_a_certificate_is_judged_by_how_long_it_is_good(tmp_path, days, grade, words):
    cert, key = certificate(tmp_path, days=days)
    finding = site.look_at_address(SiteSettings(home=tmp_path, tls_cert=cert, tls_key=key))
    assert (finding.grade, words in finding.detail) == (grade, True)


def test_a_certificate_with_another_ones_key_is_found_before_the_start(tmp_path):
    cert, _ = certificate(tmp_path, days=90)
    _, key = certificate(tmp_path, days=90, name="other")
    finding = site.look_at_address(SiteSettings(home=tmp_path, tls_cert=cert, tls_key=key))
    assert finding.grade is Grade.MISSING
    assert "HOPS_TLS_KEY" in finding.advice
    assert str(tmp_path) not in finding.detail


def test_the_databases_password_is_never_shown(tmp_path):
    finding = site.look_at_database(SiteSettings(home=tmp_path), "postgresql+psycopg://hops:geheim@db.example/hops")
    assert finding == good("Database", "postgresql at db.example")


def test_an_empty_home_lacks_what_make_up_makes(tmp_path):
    by_subject = {finding.subject: finding for finding in site.look_at_prepared(SiteSettings(home=tmp_path))}
    assert by_subject["Project environment"].grade is Grade.MISSING
    assert by_subject["Archive for fast starts of Spark"].grade is Grade.BETTER
    assert site.look_at_database(SiteSettings(home=tmp_path), None).grade is Grade.MISSING


def test_each_realm_is_told_with_what_to_do(tmp_path, monkeypatch):
    looks = [
        {"realm": "Realm Staff", "works": True, "detail": "2 of 2 servers answer", "remedy": ""},
        {"realm": "Realm Old", "works": True, "detail": "certificates good for 3 days", "remedy": "Renew them."},
        {"realm": "Realm Away", "works": False, "detail": "ldaps://x does not answer", "remedy": "Look at it."},
    ]
    monkeypatch.setattr(site, "run_quietly", lambda *_args, **_more: json.dumps(looks))
    settings = SiteSettings(home=tmp_path, realms=tmp_path / "realms.toml")
    assert [one.grade for one in site.look_at_realms(settings, {})] == [Grade.GOOD, Grade.BETTER, Grade.MISSING]
    assert site.look_at_realms(SiteSettings(home=tmp_path), {}) == []


def test_a_file_of_realms_that_can_not_be_used_is_told(tmp_path):
    file = tmp_path / "realms.toml"
    file.write_text(
        '[[realm]]\nkind = "ldap"\nname = "staff"\nservers = ["ldap://x"]\nbase = "o=x"\nstart_tls = false\n'
    )
    with pytest.raises(SiteError, match="in the clear"):
        check_realms(SiteSettings(home=tmp_path, realms=file))
    (found,) = site.look_at_realms(
        SiteSettings(home=tmp_path, realms=file), {**os.environ, "HOPS_REALMS": str(file), "HOPS_HOME": str(tmp_path)}
    )
    assert (found.grade, "in the clear" in found.detail) == (Grade.MISSING, True)


def test_a_site_that_is_down_is_no_fault(tmp_path):
    (finding,) = site.look_at_services(SiteSettings(home=tmp_path))
    assert finding.grade is Grade.BETTER


def test_a_service_that_does_not_answer_is_named_with_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "running_hub", lambda _: SimpleNamespace(pid=1))
    answers = {"hub": Answer(True, "HTTP 200", 0.004), "session-service": Answer(False, "HTTP 503", 0.1)}
    monkeypatch.setattr(site, "ask_all", lambda _: answers)
    hub, sessions = site.look_at_services(SiteSettings(home=tmp_path))
    assert hub == good("hub", "answers in 4 ms")
    assert sessions.grade is Grade.MISSING
    assert "hopslab logs session-service" in sessions.advice


@pytest.mark.parametrize(("free_gib", "grade"), [(1, Grade.MISSING), (3, Grade.BETTER), (16, Grade.GOOD)])
def test_memory_is_judged_by_what_a_session_needs(free_gib, grade):
    assert machine.look_at_memory(free_gib * machine.GIB).grade is grade


@pytest.mark.parametrize(("free_gib", "grade"), [(0.5, Grade.MISSING), (2, Grade.BETTER), (100, Grade.GOOD)])
def test_disk_is_judged_by_what_environments_need(tmp_path, monkeypatch, free_gib, grade):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=free_gib * machine.GIB))
    assert machine.look_at_disk(tmp_path).grade is grade


@pytest.mark.parametrize(
    ("version", "grade"),
    [(("3", "11", "7"), Grade.GOOD), (("3", "13", "1"), Grade.GOOD), (("3", "14", "0"), Grade.BETTER)],
)
def test_a_python_without_wheels_of_tensorflow_is_told(version, grade):
    assert machine.look_at_python(version).grade is grade


def test_a_machine_without_java_and_node_is_told_how_to_get_them(tmp_path):
    env = {"PATH": str(tmp_path)}
    for finding in (machine.look_at_java(SiteSettings(home=tmp_path), env), machine.look_at_node(env)):
        assert finding.grade is Grade.MISSING
        assert "make up" in finding.advice


def test_a_node_that_is_too_old_is_told_with_its_version(tmp_path):
    for program in ("node", "npm"):
        (tmp_path / program).write_text("#!/bin/sh\necho v18.20.1\n")
        (tmp_path / program).chmod(0o755)
    finding = machine.look_at_node({"PATH": f"{tmp_path}:/bin:/usr/bin"})
    assert (finding.grade, finding.detail) == (Grade.MISSING, "18.20")


def test_gpus_are_declared_or_counted(tmp_path):
    assert machine.look_at_gpus({"HOPS_GPUS": "4", "PATH": ""}).detail == "4, declared by HOPS_GPUS"
    assert machine.look_at_gpus({"PATH": str(tmp_path)}).detail == "none"
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'GPU 0: x'\necho 'GPU 1: x'\n")
    program.chmod(0o755)
    assert machine.look_at_gpus({"PATH": f"{tmp_path}:/bin:/usr/bin"}).detail == "2"
    program.write_text("#!/bin/sh\nexit 9\n")
    assert machine.look_at_gpus({"PATH": f"{tmp_path}:/bin:/usr/bin"}).grade is Grade.BETTER


@pytest.mark.parametrize(
    ("wanted", "changed", "why"),
    [
        (Sandboxing.OFF, {}, "HOPS_SANDBOX is off"),
        (Sandboxing.AUTO, {"PATH": "/nowhere"}, "bubblewrap is not installed"),
    ],
)
def test_that_users_code_has_no_sandbox_is_said_with_the_reason(wanted, changed, why):
    finding = machine.look_at_sandbox(wanted, {**os.environ, **changed})
    assert finding.grade is Grade.BETTER
    assert finding.detail.startswith("none: users' code runs as ")
    assert why in finding.detail


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_a_sandbox_that_can_be_made_is_good():
    finding = machine.look_at_sandbox(Sandboxing.AUTO, os.environ)
    assert (finding.grade, re.match(r"bubblewrap [0-9.]+$", finding.detail) is not None) == (Grade.GOOD, True), finding


@pytest.mark.parametrize(
    ("why", "more", "grade", "said"),
    [
        (None, {}, Grade.GOOD, "network of their own, 4096 processes"),
        ("It is forbidden.", {}, Grade.BETTER, "the machine's network, 4096 processes"),
        (None, {"HOPS_SPARK_MASTER": "spark://10.0.0.1:7077"}, Grade.BETTER, "of Spark sessions the machine's"),
    ],
)
def test_what_bounds_sandboxes_is_said(monkeypatch, why, more, grade, said):
    monkeypatch.setattr(machine, "find_program", lambda _env: "/usr/bin/bwrap")
    monkeypatch.setattr(machine, "why_no_own_network", lambda _program: why)
    (finding,) = machine.look_at_sandboxes_bounds(SiteSettings(), {**os.environ, **more})
    assert (finding.grade, finding.subject) == (grade, "Network of sandboxes")
    assert said in finding.detail
    assert why is None or why in finding.detail
    assert "10.0.0.1" not in finding.detail
    assert machine.look_at_sandboxes_bounds(SiteSettings(sandbox=Sandboxing.OFF), os.environ) == []


def test_findings_are_healthy_while_nothing_needed_is_missing():
    findings = [good("A", "x"), better("B", "y", "Do this.")]
    assert healthy(findings)
    assert as_json_object(findings)["findings"][1] == {
        "subject": "B", "grade": "could be better", "detail": "y", "advice": "Do this.",
    }  # fmt: skip
    assert not healthy([*findings, missing("C", "z", "Do that.")])


def test_advice_stands_below_what_it_is_about():
    lines = as_text([good("Java", "17"), missing("Memory", "none", "Buy some.")]).splitlines()
    assert lines[0] == "ok  Java    17"
    assert lines[1].startswith("NO  Memory")
    assert lines[2].strip() == "→ Buy some."


@pytest.mark.parametrize(
    ("days", "grade", "words"),
    [(-2, Grade.MISSING, "has expired"), (5, Grade.BETTER, "ends in 5 days"), (90, Grade.GOOD, "good for 90 days")],
)
def test_of_the_platforms_own_certificates_the_one_that_ends_first_counts(tmp_path, days, grade, words):
    folder = tmp_path / "secrets" / "tls"
    folder.mkdir(parents=True)
    certificate(folder, days=4000, name="authorities")
    certificate(folder, days=days, name="control-plane")
    finding = site.look_at_authorities(SiteSettings(home=tmp_path))
    assert (finding.grade, words in finding.detail) == (grade, True)


def test_own_certificates_that_are_not_there_yet_or_are_none_are_told(tmp_path):
    assert site.look_at_authorities(SiteSettings(home=tmp_path)).grade is Grade.BETTER
    (tmp_path / "secrets" / "tls").mkdir(parents=True)
    (tmp_path / "secrets" / "tls" / "authorities.pem").write_text("no certificate")
    assert site.look_at_authorities(SiteSettings(home=tmp_path)).grade is Grade.MISSING


def test_a_storage_on_this_machine_needs_no_look():
    assert site.look_at_storage({}) == good("Storage", "the machine's disk")
    assert site.look_at_storage({"HOPS_STORAGE": "local"}) == good("Storage", "the machine's disk")


def test_brokers_are_asked_where_there_are_any_and_what_is_wrong_is_told(tmp_path):
    assert site.look_at_kafka({}) == []
    home = {**os.environ, "HOPS_HOME": str(tmp_path)}
    (wrong,) = site.look_at_kafka({**home, "HOPS_KAFKA": "kafka"})
    assert (wrong.grade, "is no broker" in wrong.detail) == (Grade.MISSING, True)
    (unwritten,) = site.look_at_kafka({**home, "HOPS_KAFKA": "127.0.0.1:9"})
    assert (unwritten.grade, "certificate is not written yet" in unwritten.detail) == (Grade.MISSING, True)


def test_a_storage_that_can_not_be_used_is_told_with_its_reason(tmp_path):
    more = {"HOPS_STORAGE": "hdfs://127.0.0.1:9", "HOPS_WEBHDFS_ADDRESS": "127.0.0.1:9"}
    finding = site.look_at_storage({**os.environ, "HOPS_HOME": str(tmp_path), **more})
    assert finding.grade is Grade.MISSING
    assert "can't be reached" in finding.detail
    assert "HOPS_STORAGE" in finding.advice
