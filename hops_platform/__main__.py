from __future__ import annotations

from hops_platform.cli import cli

cli(prog_name="python -m hops_platform")
