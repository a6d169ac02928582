"""Seconds from "remove this member" until the last of their rights is gone, each of them watched by itself.

A site as ``hopslab up`` starts one: Hub, proxy, control plane, session service; and a Kafka with mutual TLS, where one
can be had. Each round a member has a running notebook server that shows a dataset of another project, a Spark session,
an API key, a certificate and the token of the server, and writes to and reads from a topic over connections that stand.
A Data Owner removes them by REST; from then on each right is tried again and again until it is refused or gone. The
peer is what the Hub alone does: ``DELETE`` of such a server, until its process has ended; ours ends everything else as
well. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import signal
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import psutil
from cryptography import x509
from topic_use import TopicUse, begin_use, running_kafka
from verdict import tell

from hops_contract.streams import topic_on_cluster

ROOT = Path(__file__).resolve().parents[1]
GOAL_S = 2.0
PATIENCE_S = 120.0
LOOK_S = 0.02
"""Pause between two looks at one right, and so how exact its figure is."""
MEMBER, PROJECT, OTHER, DATASET, TOPIC = "ada", "weather", "tides", "raw", "measurements"
FILE = "day.csv"


def load_site() -> ModuleType:
    """The fixtures of the suite that start a real site."""
    path = ROOT / "tests" / "integration" / "spawner" / "conftest.py"
    spec = importlib.util.spec_from_file_location("spawner_site", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["spawner_site"] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def running_site(fixtures: ModuleType) -> Iterator[tuple[Any, str]]:
    """A site in a home of its own, and the address of its Kafka, empty where it has none.

    Nothing of it is left at the end, also when the benchmark is stopped.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("The benchmark was stopped."))
    base = ROOT / ".hopslab" / "environments" / "base"
    proxy = os.environ.get("HOPS_PROXY_COMMAND") or str(ROOT / "node_modules" / ".bin" / "configurable-http-proxy")
    if not (base / "bin" / "python").exists() or not shutil.which(proxy):
        raise SystemExit("The platform is not prepared here: run `make up` first.")
    home = Path(tempfile.mkdtemp(prefix="membership-"))
    (home / "environments").mkdir()
    (home / "environments" / "base").symlink_to(base)
    config = home / "hub_config.py"
    config.write_text(fixtures.CONFIG)
    env = {
        "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "HOPS_HOME": str(home), "HOPS_GPUS": "0",
        "HOPS_PORT": str(fixtures.free_port()), "HOPS_PROXY_COMMAND": proxy,
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(ROOT / ".hopslab" / "cache" / "uv")),
    }  # fmt: skip
    site = fixtures.Site(home, int(env["HOPS_PORT"]), env, config)
    try:
        site.admin_password = site.platform("init")["created_admin"]["password"]
        with running_kafka(home) as kafka:
            brokers = kafka.address if kafka is not None else ""
            env["HOPS_KAFKA"] = brokers
            site.up()
            yield site, brokers
    finally:
        site.down()
        shutil.rmtree(home, ignore_errors=True)


def wait_for(check: Callable[[], Any], what: str) -> Any:
    """What ``check`` finds, as soon as it finds something."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := check()):
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} did not come about within {PATIENCE_S:g} s.")
        time.sleep(0.1)
    return found


def fill(site: Any, owner: Any, *, kafka: bool) -> None:
    """Two projects of the owner's; the dataset of one is shared with the other, which has a topic."""
    for project in (PROJECT, OTHER):
        owner.ask("POST", "projects", json={"name": project, "template": "empty"}).raise_for_status()
    owner.ask("POST", f"projects/{OTHER}/datasets", json={"name": DATASET}).raise_for_status()
    owner.ask("POST", f"projects/{OTHER}/datasets/{DATASET}/shares", json={"project": PROJECT}).raise_for_status()
    owner.ask("POST", f"projects/{PROJECT}/shares/{OTHER}/{DATASET}:accept").raise_for_status()
    folder = site.home / "projects" / OTHER / DATASET
    wait_for(folder.is_dir, "The folder of the dataset")
    (folder / FILE).write_text("rain\n")
    if kafka:
        owner.ask("POST", f"projects/{PROJECT}/topics", json={"name": TOPIC}).raise_for_status()
    environment = f"projects/{PROJECT}"
    wait_for(lambda: owner.ask("GET", environment).json()["environment"]["state"] == "ready", "The environment")


@dataclass
class Member:
    """What the member has in this round."""

    site: Any
    person: Any
    key: str
    certificate: dict[str, str]
    session: int = 0
    use: TopicUse | None = None
    processes: tuple[psutil.Process, ...] = ()

    @property
    def token(self) -> str:
        """The token of the notebook server."""
        return (self.site.folder(MEMBER, PROJECT) / "token.jwt").read_text().strip()


def become_member(site: Any, owner: Any, person: Any, number: int) -> Member:
    """Adds the member, with a key and a certificate of this round."""
    owner.ask("POST", f"projects/{PROJECT}/members", json={"user": MEMBER}).raise_for_status()
    made = person.ask("POST", f"projects/{PROJECT}/certificate:export").raise_for_status().json()
    key = {"name": f"round-{number}", "scopes": ["projects:read"], "days": 1}
    given = person.ask("POST", "me/api-keys", json=key).raise_for_status().json()
    return Member(site, person, given["key"], made)


def start_server(member: Member) -> None:
    """Starts the notebook server, once the Hub has done with the last one."""
    wait_for(lambda: not member.site.server(MEMBER, PROJECT).get("pending"), "The end of the last server")
    member.person.start_and_wait(PROJECT)


def begin_work(member: Member, place: Path, *, brokers: str) -> None:
    """Starts the notebook server and a Spark session, notes their processes, and uses the topic."""
    start_server(member)
    if brokers:
        topic = topic_on_cluster(PROJECT, TOPIC)
        member.use = begin_use(brokers, PROJECT, topic, member.certificate, place, wait_for=wait_for)
    livy = f"{member.site.url}services/livy"
    with httpx.Client(headers={"Authorization": f"Bearer {member.token}"}, timeout=60, trust_env=False) as client:
        asked = client.post(f"{livy}/sessions", json={"kind": "pyspark", "driverMemory": "512m"}).raise_for_status()
        member.session = asked.json()["id"]
        wait_for(lambda: client.get(f"{livy}/sessions/{member.session}").json()["state"] == "idle", "The session")
    member.processes = tuple(processes_of(member.site))
    if not sees_share(member):
        raise SystemExit("The notebook server does not show the shared dataset; is there no sandbox here?")


def processes_of(site: Any) -> Iterator[psutil.Process]:
    """All processes of the member's code: of the notebook server and of the session."""
    folder, name = str(site.folder(MEMBER, PROJECT)), f"{PROJECT}__{MEMBER}"
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            environment = process.environ()
            own = environment.get("HOPS_HOME", str(site.home)) == str(site.home)
            if own and (environment.get("HOPS_SERVER_FOLDER") == folder or _works_for(environment, name, site.home)):
                yield process


def _works_for(environment: dict[str, str], name: str, home: Path) -> bool:
    return environment.get("HOPS_PROJECT_USER") == name and str(home) in environment.get("HOPS_TOKEN_FILE", "")


def lives(process: psutil.Process) -> bool:
    """Whether it can still do something."""
    try:
        return process.is_running() and process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def sees_share(member: Member) -> bool:
    """Whether one of the processes has the shared dataset in its own tree."""
    inside = f"{member.site.home}/projects/{PROJECT}/Shared/{OTHER}/{DATASET}/{FILE}".lstrip("/")
    for process in member.processes:
        with suppress(OSError):
            if Path(f"/proc/{process.pid}/root", inside).exists():
                return True
    return False


def rights(member: Member, place: Path) -> dict[str, Callable[[], bool]]:
    """Each right by name, with a look whether it is there still. Each look has a connection of its own."""
    api, token = f"{member.site.url}services/hops/api/v1/", member.token
    project = f"{api}projects/{PROJECT}"
    server = {process for process in member.processes if _is_of_server(process)}
    lists, serial = httpx.Client(timeout=30, trust_env=False), _serial(member.certificate["certificate"])
    looks = {
        "page and REST": _asks(project, member.person.site.token_of(member.person)),
        "API key": _asks(project, {"Authorization": f"Bearer {member.key}"}),
        "server's token": _asks(project, {"Authorization": f"Bearer {token}"}),
        "certificate": _asks_with_certificate(member, place),
        "revocation list": lambda: serial not in _revoked(lists.get(f"{api}certificate-revocations?encoding=pem").text),
        "session's token": _asks(f"{member.site.url}services/livy/sessions", {"Authorization": f"Bearer {token}"}),
        "notebook server": lambda: any(lives(process) for process in server),
        "session and its code": lambda: any(lives(process) for process in member.processes if process not in server),
        "mount of the share": lambda: sees_share(member),
    }
    if member.use is not None:
        looks |= {"writing to Kafka": member.use.writes, "reading from Kafka": member.use.reads}
    return looks


def _is_of_server(process: psutil.Process) -> bool:
    with suppress(psutil.Error, OSError):
        return "HOPS_SERVER_FOLDER" in process.environ()
    return False


def _asks(url: str, headers: dict[str, str]) -> Callable[[], bool]:
    client = httpx.Client(headers=headers, timeout=30, trust_env=False)
    return lambda: client.get(url).is_success


def _asks_with_certificate(member: Member, place: Path) -> Callable[[], bool]:
    authorities, leaf = place / "authorities.pem", place / "leaf.pem"
    authorities.write_text(member.certificate["authorities"])
    leaf.write_text(member.certificate["key"] + member.certificate["certificate"])
    context = ssl.create_default_context(cafile=str(authorities))
    context.load_cert_chain(leaf)
    address = _known_site(member.site.home)["mutual_tls_url"].rstrip("/")
    client = httpx.Client(verify=context, timeout=30, trust_env=False)

    def look() -> bool:
        with suppress(httpx.TransportError):
            return client.get(f"{address}/api/v1/projects/{PROJECT}").is_success
        return False

    return look


def _known_site(home: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads((home / "run" / "site.json").read_text())
    return known


def _serial(pem: str) -> int:
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def _revoked(pems: str) -> set[int]:
    end = "-----END X509 CRL-----"
    lists = [part + end for part in pems.split(end) if "BEGIN X509 CRL" in part]
    return {row.serial_number for pem in lists for row in x509.load_pem_x509_crl(pem.strip().encode())}


def time_removal(owner: Any, member: Member, place: Path) -> dict[str, float]:
    """Seconds from the call on until each right is gone."""
    looks = rights(member, place)
    lost = [name for name, look in looks.items() if not look()]
    if lost:
        raise SystemExit(f"Before the removal these rights are not there: {', '.join(lost)}.")
    gone: dict[str, float] = {}
    began = time.monotonic()

    def watch(name: str, look: Callable[[], bool]) -> None:
        while look():
            if time.monotonic() - began > PATIENCE_S:
                return
            time.sleep(LOOK_S)
        gone[name] = time.monotonic() - began

    threads = [threading.Thread(target=watch, args=given) for given in looks.items()]
    for thread in threads:
        thread.start()
    owner.ask("DELETE", f"projects/{PROJECT}/members/{MEMBER}").raise_for_status()
    gone["answer"] = time.monotonic() - began
    for thread in threads:
        thread.join()
    left = set(looks) - set(gone)
    if left:
        raise SystemExit(f"After {PATIENCE_S:g} s these rights are there still: {', '.join(sorted(left))}.")
    return gone


def time_hub(member: Member) -> float:
    """Seconds that the Hub takes by itself, asked to end such a server."""
    start_server(member)
    server = [process for process in processes_of(member.site) if _is_of_server(process)]
    began = time.monotonic()
    member.site.probe("DELETE", f"users/{MEMBER}/servers/{PROJECT}").raise_for_status()
    while any(lives(process) for process in server):
        time.sleep(LOOK_S)
    return time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    fixtures = load_site()
    found: list[dict[str, float]] = []
    hub: list[float] = []
    with running_site(fixtures) as (site, brokers), tempfile.TemporaryDirectory() as folder:
        owner, person = site.add_user("olga"), site.add_user(MEMBER)
        fill(site, owner, kafka=bool(brokers))
        for number in range(rounds):
            member = become_member(site, owner, person, number)
            hub.append(time_hub(member))
            begin_work(member, Path(folder), brokers=brokers)
            gone = time_removal(owner, member, Path(folder))
            found.append(gone)
            last = max(gone, key=lambda name: gone[name])
            print(f"{number + 1:2}: {max(gone.values()):.2f} s, the last was: {last}; Hub alone {hub[-1]:.2f} s")
            print(
                "    " + ", ".join(f"{name} {gone[name]:.2f}" for name in sorted(gone, key=gone.__getitem__)),
                flush=True,
            )
            person.ask("DELETE", f"me/api-keys/round-{number}").raise_for_status()
            if member.use is not None:
                member.use.close()
    whole = [max(gone.values()) for gone in found]
    worst = max(whole)
    return tell(
        bench="membership", value=statistics.median(whole), unit="s", peer=statistics.median(hub), goal=GOAL_S,
        holds=worst <= GOAL_S, worst=round(worst, 3), rounds=rounds, peer_worst=round(max(hub), 3),
        rights={name: round(statistics.median(gone[name] for gone in found), 3) for name in found[0]},
        load=round(os.getloadavg()[0], 1),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
