"""The command ``hopslab``."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hopslab.demo.logins import demo_login, given_login, new_password, without_second_factor
from hopslab.demo.story import summary, walk
from hopslab.doctor.findings import as_json_object, as_text, healthy
from hopslab.doctor.machine import look_at_machine
from hopslab.doctor.settings import check_settings, look_at_settings
from hopslab.doctor.site import look_at_site
from hopslab.errors import SiteError
from hopslab.prepare.steps import SHARED_STEPS, TOTAL_STEPS, FirstLogin, initialise, prepare
from hopslab.progress import Progress
from hopslab.settings import SiteSettings, check_realms, load_settings
from hopslab.site.answers import ask_all
from hopslab.site.logs import follow, known_logs, last_lines, log_file
from hopslab.site.ports import check_port_is_free
from hopslab.site.start import start_site, wait_until_ready
from hopslab.site.state import at_running_address, running_hub
from hopslab.site.stop import stop_site
from hopslab.surroundings import surroundings

app = typer.Typer(
    name="hopslab",
    help="HopsLab on one machine: prepare, start, stop, look into it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def up(
    *, detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when everything answers.")] = False
) -> None:
    """Prepare what is missing, start everything and wait until it answers; then show the logs until Ctrl-C."""
    asked = load_settings()
    check_settings(os.environ)
    check_realms(asked)
    settings = at_running_address(asked)
    if running_hub(settings.layout) is not None:
        wait_until_ready(settings)
        elsewhere = "" if asked.port == settings.port else f", and not on port {asked.port}"
        print(
            f"\nHopsLab runs already: {settings.url}{elsewhere}\n"
            "`make down` and `make up` take in what was changed since."
        )
    else:
        if settings.layout.run.is_dir():
            stop_site(settings.layout)  # what a Hub left that was killed: its proxy holds the port
        check_port_is_free(settings.bind, settings.port)  # before the minutes that the first preparation takes
        prepare_and_start(settings)
    if not detach:
        show_logs_until_interrupted(settings)


def prepare_and_start(settings: SiteSettings) -> None:
    """Everything between a checkout and a site that answers, told step by step."""
    progress = Progress(total=TOTAL_STEPS, done=1)
    prepare(settings, progress)
    first = initialise(surroundings(settings), progress)
    if first is not None:
        # At once: if a later step fails, nobody could tell it again.
        print(first_login(first), flush=True)
    progress.step("Hub and services", lambda: start_site(settings, surroundings(settings)))
    print(welcome(settings, first), flush=True)


@app.command("prepare")
def prepare_only() -> None:
    """Prepare what all sites of this checkout share; make no database and start nothing."""
    prepare(load_settings(), Progress(total=SHARED_STEPS, done=1))


@app.command()
def down() -> None:
    """Stop everything and wait until nothing is left."""
    home = load_settings().layout
    if running_hub(home) is not None:
        # It takes seconds, with many sessions half a minute.
        print("Notebook servers, Spark sessions and services are being stopped …", flush=True)
    ended = stop_site(home)
    print("Everything is stopped." if ended else "Nothing was running.")


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Say what runs and answers; the exit code is 0 only when all of it does."""
    settings = at_running_address(load_settings())
    hub = running_hub(settings.layout)
    answers = ask_all(settings) if hub is not None else {}
    healthy = bool(answers) and all(answer.healthy for answer in answers.values())
    if as_json:
        services = {name: asdict(answer) for name, answer in answers.items()}
        print(json.dumps({"running": hub is not None, "healthy": healthy, "url": settings.url, "services": services}))
    elif hub is None:
        print("Nothing is running. Start it with `make up`.")
    else:
        print(f"{settings.url}  (process {hub.pid})")
        for name, answer in answers.items():
            print(f"  {'ok ' if answer.healthy else 'NOT'} {name:<16} {answer.detail}")
    raise typer.Exit(0 if healthy else 1)


@app.command()
def logs(
    name: Annotated[str, typer.Argument(help="Which service's log; without it, their names.")] = "",
    *,
    follow_on: Annotated[bool, typer.Option("--follow", "-f", help="Show new lines as they come.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=10000, help="How many lines.")] = 100,
) -> None:
    """Show the log of a service."""
    home = load_settings().layout
    if not name:
        print("\n".join(known_logs(home)))
        return
    file = log_file(home, name)
    print(last_lines(file, lines), flush=True)
    if follow_on:
        for _, line in follow([file], until=lambda: False):
            print(line, flush=True)


@app.command()
def doctor(*, as_json: AsJson = False) -> None:
    """Say what is installed, which engine answers, and what would be better; exit code 0 when nothing is missing."""
    findings = look_at_settings(os.environ)
    if healthy(findings):
        settings = at_running_address(load_settings())
        env = surroundings(settings)
        findings = [*look_at_machine(settings, env), *findings, *look_at_site(settings, env)]
    print(json.dumps(as_json_object(findings)) if as_json else as_text(findings))
    raise typer.Exit(0 if healthy(findings) else 1)


@app.command()
def demo(
    *,
    as_json: AsJson = False,
    user: Annotated[str, typer.Option(help="Who walks; without it, a user of its own named demo.")] = "",
    password_file: Annotated[
        Path | None, typer.Option(help="File with that user's password; without it, HOPS_PASSWORD or a prompt.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the notebook server running.")] = False,
) -> None:
    """Walk the main job over HTTP: log in, create a project, start a server, run Welcome.ipynb, check what came out."""
    settings = at_running_address(load_settings())
    if running_hub(settings.layout) is None:
        raise SiteError("Nothing is running.", "Start it with `make up`.")
    login = given_login(user, password_file) if user else demo_login(surroundings(settings))
    outcome = walk(settings, login, keep=keep)
    print(json.dumps(outcome) if as_json else summary(outcome))


@app.command("reset-password")
def reset_password(user: Annotated[str, typer.Argument(help="Whose password.")]) -> None:
    """Give a user a new random password, shown once; for whoever owns this machine."""
    login = new_password(user, surroundings(load_settings()))
    print(f"The new password of {login.user} is  {login.password}\nIt is asked to be changed at the next login.")


@app.command("reset-second-factor")
def reset_second_factor(user: Annotated[str, typer.Argument(help="Whose second factor.")]) -> None:
    """Take the second factor of a user away who lost it; for whoever owns this machine."""
    without_second_factor(user, surroundings(load_settings()))
    print(f"{user} logs in without a code until they set up another second factor.")


def show_logs_until_interrupted(settings: SiteSettings) -> None:
    """Show all services' logs until Ctrl-C or until the Hub ends; then stop the site."""
    home = settings.layout
    print("\nCtrl-C stops everything.\n", flush=True)
    try:
        files: list[Path] = [home.log(name) for name in known_logs(home)]
        for name, line in follow(files, until=lambda: running_hub(home) is None):
            print(f"{name:<14} {line}", flush=True)
        raise SiteError("The Hub has ended.", "Its log is above; `hopslab up` starts it again.")
    finally:
        print("Stopping …", file=sys.stderr, flush=True)
        stop_site(home)


def first_login(first: FirstLogin) -> str:
    """The first administrator's login, for people."""
    return (
        f"\n  user      {first.user}\n  password  {first.password}\n\n"
        "The password is shown this once; you choose your own at the first login.\n"
    )


def welcome(settings: SiteSettings, first: FirstLogin | None) -> str:
    """What is printed when everything answers."""
    hint = (
        "Forgot the administrator's password? `.venv/bin/hopslab reset-password admin` gives a new one."
        if first is None
        else f"Log in as {first.user} with the password above."
    )
    return f"\nHopsLab is ready: {settings.url}\n{hint}"


def main() -> None:
    """Run the command line; an error becomes a sentence, never a stack trace."""
    try:
        app()
    except SiteError as error:
        print(f"\n{error}", file=sys.stderr)
        if error.remedy:
            print(error.remedy, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
