from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

# What imports sparkmagic can't be imported here; only the order is looked at.
PROGRAM = """
import io, json, os, sys, types
kernel = types.ModuleType("hops_kernels.pyspark")
kernel.load_kernel = None
sys.modules["hops_kernels.pyspark"] = kernel
from hops_kernels.spare import obey, read_order
order = read_order(sys.stdin.buffer)
if order is None:
    print("none")
else:
    obey(order)
    print(json.dumps([order.arguments, os.getcwd(), dict(os.environ), sys.stdin.read()]))
"""
KERNELS = Path(__file__).parents[3] / "kernels"


def obey(order: bytes) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=order, env={"PYTHONPATH": str(KERNELS), "OLD": "1"},
        capture_output=True, timeout=240, check=True,
    )  # fmt: skip
    return done.stdout.decode().strip()


def test_it_becomes_what_it_is_told_with_nothing_of_its_own_environment_left(tmp_path: Path) -> None:
    content = {"arguments": ["-f", "kernel-1.json"], "folder": str(tmp_path), "environment": {"NEW": "2"}}
    arguments, folder, environment, rest = json.loads(obey(json.dumps(content).encode() + b"\n"))
    assert (arguments, folder, rest) == (["-f", "kernel-1.json"], str(tmp_path), "")
    assert environment == {"NEW": "2"}


@pytest.mark.parametrize("source", [b"", b'{"arguments": []'])
def test_without_a_whole_order_it_ends(source: bytes) -> None:
    assert obey(source) == "none"
