"""What a sandbox adds to the start of a process: a session's Python in one, beside the same Python without.

In pairs, one after the other; each runs ``pass`` in the base environment, with the view that a session of one executor
has, and a network of its own with ways to six services. The last line is one JSON object.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from driver_start import load_service
from verdict import tell

from hops_contract.keeping import Address, Keeping, WayIn, kept_command
from hops_contract.layout import Home
from hops_contract.sandbox import find_program, view_of_tenant

GOAL_MS = 50.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    fixtures, program = load_service(), find_program()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        home = Home(fixtures.make_home(Path(name) / "home", "weather"))
        python = home.environment("weather") / "bin" / "python"
        folder = home.session(1)
        (folder / "tmp").mkdir(parents=True)
        view = view_of_tenant(
            home, python=python, read=(), write=(folder, home.project("weather")), temporary=folder / "tmp"
        )
        plain = [str(python), "-I", "-S", "-c", "pass"]
        services = tuple(Address(host="127.0.0.1", port=port) for port in range(8000, 8006))
        pages = WayIn(port=4040, path=home.run / "sessions" / "1.pages")
        keeping = Keeping(
            apart=True, out=services, into=(pages,), whose="session", memory_mib=5120, told=home.run / "1.limited"
        )
        inside = kept_command(program, plain, view, cwd=home.project("weather"), keeping=keeping)
        pairs = [(_milliseconds(inside), _milliseconds(plain)) for _ in range(rounds)]
    added = statistics.median(one - other for one, other in pairs)
    ours, peer = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"{rounds} pairs: {ours:.1f} ms in a sandbox, {peer:.1f} ms without; {added:.1f} ms more")
    return tell(
        bench="sandbox", value=added, unit="ms", peer=peer, goal=GOAL_MS, holds=added <= GOAL_MS, in_sandbox_ms=ours
    )


def _milliseconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    raise SystemExit(main())
