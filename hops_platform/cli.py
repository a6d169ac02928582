"""The command line of the control plane: ``python -m hops_platform``."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import ValidationError

from hops_contract.descriptors import raise_descriptor_limit
from hops_contract.faults import find_faults, told_by
from hops_contract.realms import RealmsError, load_realms
from hops_contract.storage import StorageKind
from hops_platform.adapters.environments.uv import UvEnvironments
from hops_platform.adapters.realms.checks import look_at
from hops_platform.app import build_routes, create_app, make_mailer, make_storage, make_streams
from hops_platform.audit.actions import Action, ActorKind
from hops_platform.audit.events import Detail, Event
from hops_platform.audit.service import verify
from hops_platform.audit.trail import AUDIT_KEY, load_trail, record
from hops_platform.certificates.authorities import signing_authority
from hops_platform.database import Database
from hops_platform.errors import PlatformError
from hops_platform.logs import set_up_logs
from hops_platform.migrations import migrate
from hops_platform.mutual_tls import address_config, mutual_tls_config, proxied_config, serve_at
from hops_platform.second_factor import service as second_factor
from hops_platform.security.own_secrets import ensure_secrets
from hops_platform.security.passwords import generate_password
from hops_platform.security.sealing import SEALING_KEY, load_sealer
from hops_platform.settings import Settings, UnsafeBindError, check_bind, check_database_url
from hops_platform.users import service as users
from hops_platform.users.models import find_user
from hops_platform.users.passwords import set_password
from hops_platform.users.schemas import NewUser
from hops_platform.violations import describe_violations, summarise

_NOT_STARTED = 3
"""Exit status, as uvicorn's own."""
OPENAPI_FILE = Path(__file__).with_name("openapi.json")

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
environments = typer.Typer(no_args_is_help=True, help="Python environments in which users' code runs.")
user_commands = typer.Typer(no_args_is_help=True, help="Users, for whoever owns this machine.")
audit_commands = typer.Typer(no_args_is_help=True, help="The audit, for whoever owns this machine.")
storage_commands = typer.Typer(no_args_is_help=True, help="Where datasets lie, for whoever owns this machine.")
kafka_commands = typer.Typer(no_args_is_help=True, help="The site's Kafka, for whoever owns this machine.")
setting_commands = typer.Typer(no_args_is_help=True, help="The settings, for whoever owns this machine.")
realm_commands = typer.Typer(no_args_is_help=True, help="Realms that people log in by.")
cli.add_typer(audit_commands, name="audit")
cli.add_typer(environments, name="environments")
cli.add_typer(kafka_commands, name="kafka")
cli.add_typer(realm_commands, name="realms")
cli.add_typer(setting_commands, name="settings")
cli.add_typer(storage_commands, name="storage")
cli.add_typer(user_commands, name="users")


@cli.command()
def serve(port: Annotated[int | None, typer.Option(help="Port; default: what the Hub says.")] = None) -> None:
    """Answers HTTP until it is told to stop."""
    settings = _read_settings()
    host, default_port = settings.listen
    try:
        check_bind(host, cert=settings.tls_cert, key=settings.tls_key)
    except UnsafeBindError as error:
        _fail(str(error))
    set_up_logs(logging.INFO)
    raise_descriptor_limit()
    try:
        app = create_app(settings)
        mutual = mutual_tls_config(app, settings, app.state.parts)
        proxied = proxied_config(app, settings)
    except (RuntimeError, OSError, ValueError) as error:
        _fail(str(error))
    plain = address_config(
        app,
        host=host,
        port=default_port if port is None else port,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    if not serve_at(plain, mutual, proxied):
        sys.exit(_NOT_STARTED)


@cli.command()
def init() -> None:
    """Makes database, keys and the first administrator; prints one JSON object. Can be repeated."""
    settings = _read_settings()
    home = settings.layout
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    ensure_secrets(home)
    migrate(settings.effective_database_url)
    database = _open_database(settings)
    with database.session() as session:
        signing_authority(session, load_sealer(home.secret(SEALING_KEY)))
        created = users.create_first_administrator(session)
        if created:
            record(session, _at_the_machine(Action.USER_CREATE, created[0], admin=True))
    database.close()
    answer = {"username": created[0], "password": created[1]} if created else None
    typer.echo(json.dumps({"created_admin": answer}))


@cli.command()
def openapi(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare; the exit code is 1 when it has drifted.")
    ] = False,
) -> None:
    """Writes the description of the REST API beside the code."""
    if not check:
        OPENAPI_FILE.write_text(describe_api())
    elif OPENAPI_FILE.read_text() != describe_api():
        _fail("The API's description has drifted: run `python -m hops_platform openapi` and `npm run types`.")


@environments.command("build-base")
def build_base() -> None:
    """Makes or renews the base environment; does nothing while it is up to date."""
    settings = _read_settings()
    try:
        UvEnvironments(settings.layout, source=settings.source).build_base(typer.echo)
    except PlatformError as error:
        _fail(str(error))


@storage_commands.command("check")
def check_storage() -> None:
    """Writes and removes a file where datasets lie; prints where that is. The exit code is 1 where that fails."""
    settings = _read_settings()
    try:
        storage = make_storage(settings).storage
        storage.check()
        storage.close()
    except PlatformError as error:
        _fail(f"{error.detail} {error.remedy or ''}".strip())
    except (OSError, RuntimeError, ValueError) as error:
        _fail(str(error))
    kind = settings.storage_address.kind
    typer.echo("the machine's disk" if kind is StorageKind.LOCAL else f"{kind.value.upper()}, written and removed")


@kafka_commands.command("check")
def check_kafka() -> None:
    """Asks the brokers whether the platform may manage topics and rights; the exit code is 1 where it may not."""
    settings = _read_settings()
    try:
        told = make_streams(settings).probe()
    except PlatformError as error:
        _fail(f"{error.detail} {error.remedy or ''}".strip())
    typer.echo(told)


@user_commands.command("reset-password")
def reset_password(
    name: str,
    *,
    keep_password: Annotated[bool, typer.Option(help="The password need not be changed.")] = False,
) -> None:
    """Gives a user a random password, which must be changed at the next log-in; prints one JSON object."""
    password = generate_password()
    database = _open_database(_read_settings())
    try:
        with database.session() as session:
            set_password(session, find_user(session, name), password, must_change=not keep_password)
            record(session, _at_the_machine(Action.USER_EDIT, name, changed=["password"]))
    except PlatformError as error:
        _fail(str(error))
    finally:
        database.close()
    typer.echo(json.dumps({"username": name, "password": password}))


@user_commands.command("reset-second-factor")
def reset_second_factor(name: str) -> None:
    """Takes a user's second factor away, who lost it; prints one JSON object."""
    settings = _read_settings()
    database = Database(settings.effective_database_url)
    try:
        with database.session() as session:
            second_factor.remove_if_any(session, find_user(session, name))
    except PlatformError as error:
        _fail(str(error))
    finally:
        database.close()
    typer.echo(json.dumps({"username": name}))


@user_commands.command("create")
def create_user(
    name: str,
    *,
    admin: Annotated[bool, typer.Option(help="Make an administrator.")] = False,
    keep_password: Annotated[bool, typer.Option(help="The password need not be changed.")] = False,
) -> None:
    """Creates a user with a random password; prints one JSON object."""
    password = generate_password()
    database = _open_database(_read_settings())
    try:
        request = NewUser.model_validate({"name": name, "password": password, "admin": admin})
        with database.session() as session:
            users.create_user(
                session,
                name=request.name,
                title="",
                password=password,
                admin=admin,
                must_change_password=not keep_password,
            )
            record(session, _at_the_machine(Action.USER_CREATE, request.name, admin=admin))
    except ValidationError as error:
        _fail(summarise(describe_violations(error.errors(include_input=False))))
    except PlatformError as error:
        _fail(str(error))
    finally:
        database.close()
    typer.echo(json.dumps({"username": name, "password": password}))


@realm_commands.command("check")
def check_realms() -> None:
    """Looks at every realm; prints a JSON list with what was found of each."""
    try:
        realms = load_realms(_read_settings().realms)
    except RealmsError as error:
        _fail(str(error))
    typer.echo(json.dumps([asdict(look_at(one)) for one in realms]))


@setting_commands.command("check")
def check_settings() -> None:
    """Reads all settings; prints a JSON list with the name of each that can't be used, and why."""
    typer.echo(json.dumps([asdict(fault) for fault in find_faults(_what_is_wrong, os.environ)]))


def _what_is_wrong(variables: Mapping[str, str]) -> list[str]:
    # What reads them reads those of this process, which ends with this command.
    os.environ.clear()
    os.environ.update(variables)
    try:
        settings = Settings()
        check_database_url(settings.database_url)
        make_mailer(settings)
    except ValidationError as error:
        return told_by(error)
    except (RuntimeError, OSError, ValueError) as error:
        return [str(error)]
    return []


@audit_commands.command("verify")
def verify_audit() -> None:
    """Says whether all rows of the audit are there and as they were written; the exit code is 1 when they are not."""
    settings = _read_settings()
    database = Database(settings.effective_database_url)
    try:
        found = verify(database, load_trail(settings.layout.root, settings.layout.secret(AUDIT_KEY)))
    except RuntimeError as error:
        _fail(str(error))
    finally:
        database.close()
    if not found.whole:
        _fail(f"{found.problem} The {found.rows} rows before are good.")
    typer.echo(f"All {found.rows} rows are good.")


def _open_database(settings: Settings) -> Database:
    """The database, with what is done here recorded."""
    try:
        trail = load_trail(settings.layout.root, settings.layout.secret(AUDIT_KEY))
    except RuntimeError as error:
        _fail(str(error))
    database = Database(settings.effective_database_url)
    trail.follow(database)
    return database


def _at_the_machine(action: Action, thing: str, **details: Detail) -> Event:
    """What is done at the command line, as an event."""
    return Event(action=action, actor_kind=ActorKind.MACHINE, thing=thing, details=details)


def describe_api() -> str:
    """The OpenAPI description, the same at every site."""
    return json.dumps(build_routes("/services/hops/").openapi(), indent=2, sort_keys=True) + "\n"


def _read_settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        _fail("\n".join(told_by(error)), status=os.EX_CONFIG)


def _fail(sentence: str, *, status: int = 1) -> NoReturn:
    typer.echo(sentence, err=True)
    sys.exit(status)
