"""The walk itself: each step waits, checks, and is timed."""

from __future__ import annotations

import secrets
import ssl
import sys
import time
from typing import Any
from urllib.parse import quote

from hopslab.demo import checks
from hopslab.demo.kernel import CellResult, NotebookKernel
from hopslab.demo.logins import Login
from hopslab.demo.visitor import Visitor
from hopslab.errors import SiteError
from hopslab.progress import Progress, duration
from hopslab.settings import SiteSettings

NOTEBOOK = "Jupyter/Welcome.ipynb"
EXECUTORS = 2
STEP_NAMES = ("log_in", "create_project", "start_server", "run_notebook", "check", "tensorboard", "stop_server")
ENVIRONMENT_TIMEOUT_S = 180.0
SERVER_TIMEOUT_S = 120.0
CELL_TIMEOUT_S = 600.0
TENSORBOARD_TIMEOUT_S = 60.0
POLL_S = 0.5


def walk(settings: SiteSettings, login: Login, *, keep: bool = False) -> dict[str, Any]:
    """Walk the main job, and say how long each step took and what came out.

    Args:
        settings: Which site.
        login: Who walks.
        keep: Leave the notebook server running.

    Raises:
        SiteError: A step failed or gave something that is not right.
    """
    progress = Progress(total=len(STEP_NAMES), stream=sys.stderr)
    project = f"demo-{secrets.token_hex(3)}"
    server = f"user/{login.user}/{project}/"
    visitor = Visitor(settings)
    started = False
    try:
        progress.step("Log in", lambda: visitor.log_in(login.user, login.password))
        progress.step(f"Create the project {project}", lambda: create_project(visitor, project))
        started = True
        progress.step(f"Start a server with {EXECUTORS} executors", lambda: start_server(visitor, project, server))
        cells = progress.step("Run Jupyter/Welcome.ipynb", lambda: run_notebook(visitor, server, settings))
        results = [result for _, result in cells]
        outcome = progress.step("Check the results", lambda: check_results(cells))
        logdir = checks.tensorboard_logdir(results)
        runs = progress.step("Open TensorBoard", lambda: open_tensorboard(visitor, server, logdir))
    finally:
        if started and not keep:
            progress.step("Stop the server", lambda: stop_server(visitor, project))
        visitor.close()
    return {
        "ok": True,
        "project": project,
        "seconds": dict(zip(STEP_NAMES, progress.timings.values(), strict=False)),
        "cells": [result.seconds for result in results],
        "best_accuracy": outcome.best_accuracy,
        "best_parameters": outcome.parameters,
        "trials": outcome.trials,
        "tensorboard_runs": runs,
        "paths": {
            "project": f"/Projects/{project}",
            "notebook": f"/Projects/{project}/{NOTEBOOK}",
            "experiment": f"/Projects/{project}/{logdir}",
            "server": f"/{server}",
        },
    }


def summary(outcome: dict[str, Any]) -> str:
    """The outcome for people."""
    best = f"best accuracy {outcome['best_accuracy']:.3f} with {outcome['best_parameters']}"
    lines = [f"Everything is right: {outcome['trials']} runs, {best}."]
    lines += [f"  {name:<12} {path}" for name, path in outcome["paths"].items()]
    return "\n".join(lines)


def create_project(visitor: Visitor, project: str) -> None:
    """Create ``project``, and wait until it has files and an environment.

    Raises:
        SiteError: It was refused, or is not ready in time.
    """
    visitor.open_projects()
    visitor.call("POST", "projects", {"name": project, "title": "Demo of the main job"})
    deadline = time.monotonic() + ENVIRONMENT_TIMEOUT_S
    while True:
        state = visitor.call("GET", f"projects/{project}").get("environment", {})
        if not isinstance(state, dict) or state.get("state", "ready") == "ready":
            return
        if state.get("state") == "failed" or time.monotonic() > deadline:
            raise SiteError(f"The project's environment is not ready: {state.get('error') or state.get('state')}.")
        time.sleep(POLL_S)


def start_server(visitor: Visitor, project: str, server: str) -> None:
    """Send the options form of the Hub, and wait until the server answers.

    Raises:
        SiteError: The form was refused, or the server did not start.
    """
    form = f"hub/spawn/{visitor.user}/{project}"
    visitor.get(form)
    visitor.post_form(form, {"allocation": "fixed", "executors": str(EXECUTORS)})
    deadline = time.monotonic() + SERVER_TIMEOUT_S
    while True:
        state = visitor.call("GET", f"projects/{project}/server")
        if state["state"] == "ready":
            break
        if state.get("reason"):
            raise SiteError(f"The server did not start: {state['reason']}")
        if time.monotonic() > deadline:
            raise SiteError(f"The server is still {state['state']}.", "Look at `hopslab logs hub`.")
        time.sleep(POLL_S)
    # As a browser does: the server sends to the Hub to log in there, and back.
    visitor.get(f"{server}lab")


def run_notebook(visitor: Visitor, server: str, settings: SiteSettings) -> list[tuple[str, CellResult]]:
    """Run all code cells of the notebook with its kernel, and save it with what they gave.

    Raises:
        SiteError: A cell failed.
    """
    model = visitor.jupyter("GET", server, f"api/contents/{NOTEBOOK}?content=1")
    code_cells = [cell for cell in model["content"]["cells"] if cell["cell_type"] == "code"]
    done: list[tuple[str, CellResult]] = []
    print(file=sys.stderr)
    with NotebookKernel(visitor, server, NOTEBOOK, tls=tls_context(settings)) as kernel:
        for number, cell in enumerate(code_cells, start=1):
            code = source_of(cell)
            first = next((line for line in code.splitlines() if line.strip()), "")
            result = kernel.run(code, timeout_s=CELL_TIMEOUT_S)
            print(
                f"      cell {number}/{len(code_cells)}  {first[:60]:<60}  {duration(result.seconds)}", file=sys.stderr
            )
            cell["outputs"], cell["execution_count"] = result.outputs, number
            done.append((code, result))
            checks.check_cell(number, result)
        visitor.jupyter("PUT", server, f"api/contents/{NOTEBOOK}", {"type": "notebook", "content": model["content"]})
    return done


def check_results(cells: list[tuple[str, CellResult]]) -> checks.Experiment:
    """Check table, SQL and experiment.

    Raises:
        SiteError: One of them is not right.
    """
    results = [result for _, result in cells]
    checks.check_csv(results)
    checks.check_sql(cells)
    return checks.check_experiment(results)


def open_tensorboard(visitor: Visitor, server: str, logdir: str) -> list[str]:
    """Follow the notebook's link and ask TensorBoard for its runs until all are there.

    Raises:
        SiteError: It does not answer, or does not show all runs in time.
    """
    page = visitor.get(f"{server}hops/tensorboards:open?logdir={quote(logdir)}")
    address = page.url.path.lstrip("/")
    deadline = time.monotonic() + TENSORBOARD_TIMEOUT_S
    while True:
        runs = visitor.get(f"{address.rstrip('/')}/data/runs").json()
        try:
            return checks.check_tensorboard(runs)
        except SiteError:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL_S)


def stop_server(visitor: Visitor, project: str) -> None:
    """Stop the notebook server, which ends its kernel and Spark session."""
    visitor.call("DELETE", f"projects/{project}/server")


def source_of(cell: dict[str, Any]) -> str:
    """A cell's text, which files hold as one string or as lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def tls_context(settings: SiteSettings) -> ssl.SSLContext | None:
    """The context that trusts the site's own certificate; None without TLS."""
    if settings.tls_cert is None:
        return None
    context = ssl.create_default_context(cafile=str(settings.tls_cert))
    context.check_hostname = False
    return context
