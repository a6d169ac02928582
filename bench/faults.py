"""Kills service, driver, executor, notebook server and browser in turn while cells run; counts what is lost and left.

Each round runs a cell that writes a line for each of its Spark jobs, and kills something with SIGKILL after some of
them. Then every line must be in the notebook once, variables must be there, and the next cell must run. A driver that
was killed takes its variables with it: there the cell must say so, what it had written must stay, and the next cell
must start a new session. At the end nothing of the sessions may be left. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from browser_tab import BrowserTab, write_notebook
from leak import Remains, settled
from stage import Kernel, NotebookServer, Stage, load, notebook_server, options, session_service, wait_for
from verdict import tell

STEPS = 12
KILLED_AFTER = 4
NOTICE_S = 2.0
PATIENCE_S = 180.0
NOTEBOOK = "Jupyter/faults.ipynb"
PREFERENCE = Path(".config", "hops", "kernel.json")
MARK = re.compile(r"step (\d+)/(\d+) of round (\d+): (\d+)")


def cell(number: int) -> str:
    """The code of a round: a line for each job, and the round's number kept in a variable."""
    return (
        f"import time\nrounds = [*globals().get('rounds', []), {number}]\n"
        f"for step in range({STEPS}):\n"
        f"    print(f'step {{step}}/{STEPS} of round {number}: {{spark.range(1000).count()}}', flush=True)\n"
        "    time.sleep(0.1)"
    )


@dataclass
class Account:
    """What came of the rounds."""

    kinds: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    noticed_s: list[float] = field(default_factory=list)

    def check_lines(self, what: str, number: int, text: str) -> None:
        """Every step of round ``number`` must be in ``text`` once, with the right count."""
        seen = [
            int(step) for step, _of, of_round, count in MARK.findall(text) if (of_round, count) == (str(number), "1000")
        ]
        missing = sorted(set(range(STEPS)) - set(seen))
        twice = sorted({step for step in seen if seen.count(step) > 1})
        if missing or twice:
            self.lost.append(f"round {number}, {what}: lines {missing} are missing, lines {twice} came twice")

    def check(self, what: str, number: int, *, holds: bool, told: object = "") -> None:
        """Notes that something is not as it must be."""
        if not holds:
            self.lost.append(f"round {number}: {what}; {str(told)[-500:]}")


@dataclass
class Rounds:
    """The stage of all rounds, and the notebook of this moment."""

    stage: Stage
    server: NotebookServer
    account: Account
    kernel: Kernel = field(init=False)

    def __post_init__(self) -> None:
        self.kernel = self._open()

    def _open(self) -> Kernel:
        kernel = self.server.open_notebook(NOTEBOOK, "pyspark")
        kernel.wait_ready()
        return kernel

    def service(self, number: int) -> None:
        """The session service is killed, and another one is started."""

        def kill() -> None:
            self.stage.service.process.kill()
            self.stage.service.process.wait()
            self.stage.service.start()

        self._run_to_its_end("service", number, kill)

    def executor(self, number: int) -> None:
        """An executor is killed; Spark does its tasks again."""

        def kill() -> None:
            executors = self._processes("CoarseGrainedExecutorBackend")
            self.account.check("there is an executor to kill", number, holds=bool(executors))
            executors[0].kill()

        self._run_to_its_end("executor", number, kill)

    def driver(self, number: int) -> None:
        """The driver's Python or its Java machine is killed; the notebook says so, and starts anew."""
        account, session = self.account, self._session()
        killed: list[float] = []

        def kill() -> None:
            (self._java() if account.kinds.get("driver", 0) % 2 else self._driver()).kill()
            killed.append(time.monotonic())

        reply, text = self._run(number, kill)
        self.account.noticed_s.append(time.monotonic() - killed[0])
        seen = {int(step) for step, *_ in MARK.findall(text)}
        self.account.check("what was written before the driver died stays", number,
                           holds=set(range(KILLED_AFTER)) <= seen, told=text)  # fmt: skip
        told = json.dumps(reply)
        account.check("the cell says that the driver was killed", number,
                      holds=reply["status"] == "error" and "was killed" in told, told=told)  # fmt: skip
        with self.stage.client() as client:
            kept = client.get(f"/sessions/{session}/statements?size=-1").json()["statements"]
        written = json.dumps([one.get("output") or one.get("partial") for one in kept])
        self.account.check("the dead session still has what its cells wrote", number,
                           holds=f"step 0/{STEPS} of round {number}" in written, told=written)  # fmt: skip
        with contextlib.suppress(RuntimeError):
            self.kernel.run("rounds")  # says once more that the variables are gone
        self.kernel.run(f"rounds = [{number}]")

    def notebook_server(self, number: int) -> None:
        """The notebook server and its kernels are killed; a new kernel takes the session up."""

        def kill() -> None:
            self.server.kill()
            self.server.start()

        self._run(number, kill, breaks=True)
        self.kernel = self._open()
        self.kernel.run("rounds")  # takes the session up, after the cell that still runs
        after = "".join(_texts(self.kernel.run("%spark_session outputs")))
        # All of the cell, not what the dead server had not shown: the notebook that is opened again has nothing of it.
        self.account.check_lines("notebook server", number, after)

    def browser(self, number: int) -> None:
        """The browser is killed; another one shows what the cell has written."""
        self.kernel.disconnect()
        write_notebook(Path(self.stage.home) / "projects" / "weather" / NOTEBOOK, cell(number))
        with BrowserTab(self.server.url, NOTEBOOK) as tab:
            tab.run_cell()
            tab.wait_for_text(f"step {KILLED_AFTER - 1}/{STEPS} of round {number}")
            tab.kill()
        with BrowserTab(self.server.url, NOTEBOOK) as tab:
            text = tab.wait_for_text(f"step {STEPS - 1}/{STEPS} of round {number}")
            self.account.check_lines("browser", number, text)
        self.kernel.connect()

    def _run_to_its_end(self, what: str, number: int, kill: Callable[[], None]) -> None:
        reply, text = self._run(number, kill)
        self.account.check(f"the cell ends well after the {what} was killed", number,
                           holds=reply["status"] == "ok", told=reply)  # fmt: skip
        self.account.check_lines(what, number, text)

    def _run(self, number: int, kill: Callable[[], None], *, breaks: bool = False) -> tuple[dict, str]:
        """Runs the round's cell and kills in its midst; the reply and what was shown."""
        texts: list[str] = []
        killed = False

        def heard(kind: str, content: dict) -> None:
            nonlocal killed
            if kind == "stream":
                texts.append(content["text"])
            if not killed and len(MARK.findall("".join(texts))) >= KILLED_AFTER:
                killed = True
                kill()

        content = {
            "code": cell(number),
            "silent": False,
            "store_history": True,
            "allow_stdin": False,
            "stop_on_error": True,
        }
        try:
            reply, _outputs = self.kernel.ask("execute_request", content, patience_s=PATIENCE_S, heard=heard)
        except Exception:
            if not (breaks and killed):
                raise
            reply = {"status": "gone"}
        return reply, "".join(texts)

    def after(self, number: int) -> None:
        """The next cell runs, and the variables of the round are there."""
        shown = "".join(_texts(self.kernel.run("print('rounds:', rounds)")))
        self.account.check(
            "variables are there", number, holds=bool(re.search(rf"rounds: \[.*\b{number}\]", shown)), told=shown
        )

    def _session(self) -> int:
        with self.stage.client() as client:
            living = [one for one in client.get("/sessions").json()["sessions"] if one["state"] in ("idle", "busy")]
        return int(living[-1]["id"])

    def _processes(self, word: str) -> list[psutil.Process]:
        found = []
        for process in self.stage.service.processes():
            with contextlib.suppress(psutil.Error):
                if word in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def _driver(self) -> psutil.Process:
        return self._java().parent()

    def _java(self) -> psutil.Process:
        # Executors' are started by the driver's own.
        return min((one for one in self._processes("SparkSubmit") if one.name() == "java"), key=lambda one: one.pid)


def _texts(outputs: list[tuple[float, str, dict]]) -> list[str]:
    return [content["text"] for _moment, kind, content in outputs if kind == "stream"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--kinds", default="service,driver,executor,notebook_server,browser")
    arguments = parser.parse_args()
    kinds = arguments.kinds.split(",")
    account = Account()
    with tempfile.TemporaryDirectory(prefix="bench-tmp-") as name:
        temporary = Path(name)
        with session_service(TMPDIR=name, HOPS_WARM_SESSIONS="0") as stage:
            idle = Remains.of(stage, temporary)
            chosen = options(executors=2, executor_memory_mib=512, driver_memory_mib=512)
            with notebook_server(stage, chosen=chosen, lab=True, temporary=temporary) as server:
                preference = server.home / PREFERENCE
                preference.parent.mkdir(parents=True)
                preference.write_text('{"reattach": "always"}')
                rounds = Rounds(stage, server, account)
                rounds.kernel.run("rounds = []")
                for number in range(1, arguments.rounds + 1):
                    kind = kinds[(number - 1) % len(kinds)]
                    began = time.perf_counter()
                    before = len(account.lost)
                    getattr(rounds, kind)(number)
                    rounds.after(number)
                    account.kinds[kind] = account.kinds.get(kind, 0) + 1
                    outcome = "nothing lost" if len(account.lost) == before else "LOST: " + account.lost[-1]
                    print(f"round {number}: {kind} killed, {outcome} ({time.perf_counter() - began:.1f} s)", flush=True)
                rounds.kernel.close()
            wait_for(lambda: not server.processes(), patience_s=10.0)
            orphans = [f"{one.pid} of a notebook server" for one in server.processes()]
            with stage.client() as client:
                for one in client.get("/sessions").json()["sessions"]:
                    client.delete(f"/sessions/{one['id']}")
            end = settled(stage, temporary)
    left = [*end.processes, *orphans, *end.files]
    for line in (*account.lost, *(f"left: {one}" for one in left)):
        print(line, flush=True)
    ports = max(0, end.ports - idle.ports)
    slowest = max(account.noticed_s, default=0.0)
    middle = statistics.median(account.noticed_s or [0])
    print(f"a killed driver was told of after {middle:.2f} s, at most {slowest:.2f} s; {load()}", flush=True)
    value = len(account.lost) + len(left) + ports
    return tell(
        bench="faults", value=value, unit="things lost or left over", peer=None,
        goal=f"0, and a dead driver told of within {NOTICE_S:g} s", holds=value == 0 and slowest <= NOTICE_S,
        rounds=arguments.rounds, kinds=account.kinds, lost=len(account.lost), ports=ports,
        processes=len(end.processes) + len(orphans), files=len(end.files), slowest_notice_s=round(slowest, 2),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
