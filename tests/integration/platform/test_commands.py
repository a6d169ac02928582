"""The command line of the control plane, as whoever owns the machine uses it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner, Result

from hops_platform import cli
from hops_platform.audit.models import AuditEvent
from hops_platform.database import Database, now
from hops_platform.errors import EngineRefusedError
from hops_platform.second_factor.models import SecondFactor
from hops_platform.users.models import find_user


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOPS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HOPS_DATABASE_URL", raising=False)
    return tmp_path / "home"


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.cli, list(arguments))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def password_of(home: Path, name: str) -> tuple[str, bool]:
    """Hash, and whether it must be changed."""
    database = Database(f"sqlite:///{home / 'control-plane.db'}")
    try:
        with database.session(writes=False) as session:
            user = find_user(session, name)
            return user.password_hash, user.must_change_password
    finally:
        database.close()


@pytest.mark.parametrize(
    "command",
    [
        ["init"],
        ["serve"],
        ["audit", "verify"],
        ["kafka", "check"],
        ["storage", "check"],
        ["users", "reset-password", "ada"],
    ],
    ids=str,
)
def test_settings_that_can_not_be_used_are_named_without_any_value(
    home: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("HOPS_DATABASE_URL", "postgresql+psycopg://hops:sesame@db/hops")
    monkeypatch.setenv("HOPS_REGISTRATION", "yes")
    monkeypatch.setenv("HOPS_SECOND_FACTOR", "must")
    said = call(*command)
    assert (said.exit_code, said.exception.__class__) == (os.EX_CONFIG, SystemExit)
    assert [line.partition(" can't be used: ")[0] for line in said.output.strip().splitlines()] == [
        "HOPS_SECOND_FACTOR", "HOPS_REGISTRATION"
    ]  # fmt: skip
    assert "sesame" not in said.output
    monkeypatch.setenv("HOPS_REGISTRATION", "off")
    monkeypatch.setenv("HOPS_SECOND_FACTOR", "optional")
    monkeypatch.setenv("HOPS_STORAGE", "ftp://x")
    said = call(*command)
    assert (said.exit_code, said.output.startswith("This is no address of a storage. ")) == (os.EX_CONFIG, True)


def test_the_first_administrator_is_told_once(home: Path) -> None:
    first, second = call("init"), call("init")
    assert (first.exit_code, second.exit_code) == (0, 0), first.output + second.output
    admin = json.loads(first.stdout)["created_admin"]
    assert admin["username"] == "admin"
    assert len(admin["password"]) >= 20
    assert json.loads(second.stdout) == {"created_admin": None}
    assert password_of(home, "admin")[1] is True
    for file in home.rglob("*"):
        if file.is_file():
            assert admin["password"].encode() not in file.read_bytes()


def test_keys_are_kept_and_only_their_owner_can_read_them(home: Path) -> None:
    call("init")
    secrets = {file.name: file.read_bytes() for file in (home / "secrets").iterdir()}
    call("init")
    assert secrets == {file.name: file.read_bytes() for file in (home / "secrets").iterdir()}
    assert set(secrets) == {"signing-key.pem", "hub-credential", "sealing-key", "audit-key"}
    assert mode(home / "secrets") == 0o700
    for file in (*(home / "secrets").iterdir(), *home.glob("control-plane.db*")):
        assert mode(file) == 0o600, file.name


def test_a_secret_that_others_can_read_is_refused_with_the_remedy(home: Path) -> None:
    call("init")
    (home / "secrets" / "signing-key.pem").chmod(0o644)
    refused = call("serve", "--port", "0")
    assert refused.exit_code == 1
    assert "chmod 600" in refused.stderr


def test_serving_before_init_says_what_to_do(home: Path) -> None:
    refused = call("serve", "--port", "0")
    assert refused.exit_code == 1
    assert "run `python -m hops_platform init` first" in refused.stderr
    assert str(home) not in refused.stderr


def test_an_address_in_the_open_needs_tls(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("init")
    monkeypatch.setenv("HOPS_BIND", "0.0.0.0")
    refused = call("serve", "--port", "0")
    assert refused.exit_code == 1
    assert "HOPS_TLS_CERT" in refused.stderr


def test_the_limit_of_open_files_is_raised_before_anybody_is_answered(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("init")
    happened: list[str] = []
    monkeypatch.setenv("HOPS_HOME", str(home))
    monkeypatch.setattr(cli, "raise_descriptor_limit", lambda: happened.append("raised"))
    monkeypatch.setattr(cli, "serve_at", lambda *_given: happened.append("answers") or True)
    assert call("serve", "--port", "0").exit_code == 0
    assert happened == ["raised", "answers"]


def test_users_are_created_and_given_other_passwords(home: Path) -> None:
    call("init")
    made = json.loads(call("users", "create", "ada").stdout)
    assert made["username"] == "ada"
    before = password_of(home, "ada")
    assert before[1] is True
    kept = json.loads(call("users", "create", "bob", "--admin", "--keep-password").stdout)
    assert password_of(home, "bob")[1] is False
    assert kept["password"] != made["password"]
    reset = json.loads(call("users", "reset-password", "ada").stdout)
    assert reset["password"] != made["password"]
    assert password_of(home, "ada")[0] != before[0]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", "Not A Name"), "A name is 1 to 30 lower-case letters"),
        (("create", "admin"), "There is a user 'admin' already."),
        (("reset-password", "nobody"), "There is no user 'nobody'."),
    ],
)
def test_what_can_not_be_done_to_users_is_told_in_a_sentence(
    home: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    call("init")
    refused = call("users", *arguments)
    assert refused.exit_code == 1
    assert sentence in refused.stderr
    assert "Traceback" not in refused.output
    assert refused.stdout == ""


def test_a_second_factor_is_taken_away_by_whoever_owns_the_machine(home: Path) -> None:
    call("init")
    database = Database(f"sqlite:///{home / 'control-plane.db'}")
    try:
        with database.session() as session:
            admin = find_user(session, "admin")
            session.add(SecondFactor(user_id=admin.id, sealed_secret=b"sealed", confirmed_at=now()))
        assert call("users", "reset-second-factor", "admin").exit_code == 0
        with database.session(writes=False) as session:
            assert session.get(SecondFactor, admin.id) is None
    finally:
        database.close()
    again = call("users", "reset-second-factor", "admin")
    assert (again.exit_code, "has no second factor" in again.output) == (1, True)


def test_a_drifted_description_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "openapi.json"
    monkeypatch.setattr(cli, "OPENAPI_FILE", file)
    file.write_text("{}")
    drifted = call("openapi", "--check")
    assert drifted.exit_code == 1
    assert "has drifted" in drifted.stderr
    assert call("openapi").exit_code == 0
    assert call("openapi", "--check").exit_code == 0


def test_the_base_environment_is_made_with_each_step_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Environments:
        def __init__(self, layout: object, *, source: Path) -> None:
            assert layout.root == home
            assert (source / "requirements").is_dir()

        def build_base(self, report: object) -> None:
            report("Making the environment base.")
            raise EngineRefusedError("The step 'uv pip' failed: no such wheel.")

    monkeypatch.setattr(cli, "UvEnvironments", Environments)
    answer = call("environments", "build-base")
    assert answer.exit_code == 1
    assert answer.stdout == "Making the environment base.\n"
    assert answer.stderr == "The step 'uv pip' failed: no such wheel.\n"


def test_two_that_begin_at_once_agree_on_one_administrator_and_one_key(home: Path) -> None:
    command = [sys.executable, "-m", "hops_platform", "init"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], outputs
    created = [json.loads(output)["created_admin"] for output in outputs]
    assert sum(answer is not None for answer in created) == 1


def audited(home: Path) -> list[tuple[str, str, str]]:
    database = Database(f"sqlite:///{home / 'control-plane.db'}")
    try:
        with database.session(writes=False) as session:
            rows = session.scalars(select(AuditEvent).order_by(AuditEvent.number))
            return [(row.actor_kind, row.action, row.thing) for row in rows]
    finally:
        database.close()


def test_what_the_machines_owner_does_with_users_is_in_the_audit(home: Path) -> None:
    call("init")
    password = json.loads(call("users", "create", "ada").stdout)["password"]
    call("users", "reset-password", "ada")
    call("users", "reset-password", "nobody")
    assert audited(home) == [
        ("machine", "user.create", "admin"),
        ("machine", "user.create", "ada"),
        ("machine", "user.edit", "ada"),
    ]
    assert password.encode() not in b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())


def test_the_audit_is_verified_at_the_command_line(home: Path) -> None:
    call("init")
    call("users", "create", "ada")
    good = call("audit", "verify")
    assert (good.exit_code, good.stdout) == (0, "All 2 rows are good.\n")
    database = Database(f"sqlite:///{home / 'control-plane.db'}")
    with database.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_events_no_DELETE"))
        connection.execute(text("DELETE FROM audit_events WHERE number = 2"))
    database.close()
    bad = call("audit", "verify")
    assert (bad.exit_code, "Row 2 is missing. The 1 rows before are good." in bad.output) == (1, True)


def test_without_its_key_nothing_is_verified_and_nothing_done(home: Path) -> None:
    call("init")
    (home / "secrets" / "audit-key").unlink()
    for arguments in (("audit", "verify"), ("users", "create", "ada")):
        answer = call(*arguments)
        assert answer.exit_code == 1
        assert "The secret audit-key is missing" in answer.output
    assert audited(home) == [("machine", "user.create", "admin")]
