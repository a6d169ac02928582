"""The front end: npm's packages, the proxy among them, and the Lab extension, built again only when it changed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from hopslab.commands import run_quietly
from hopslab.errors import SiteError
from hopslab.prepare.inputs import Stamp, digest_of, files_below
from hopslab.progress import READY
from hopslab.settings import CHECKOUT
from hopslab.surroundings import VENV_BIN

NOT_SOURCE = frozenset({"node_modules", "lib", "test-results", "coverage", "tsconfig.tsbuildinfo"})
LAB_NAME = "jupyterlab-hops"
BUILT = CHECKOUT / "server_extension" / "jupyterlab_hops" / "labextension"


def lock_files(checkout: Path = CHECKOUT) -> list[Path]:
    """What decides which packages are installed."""
    return [file for file in (checkout / "package.json", checkout / "package-lock.json") if file.is_file()]


def source_files(checkout: Path = CHECKOUT) -> list[Path]:
    """What decides how the built extension looks."""
    return lock_files(checkout) + files_below(checkout / "labextension", skip=NOT_SOURCE)


def ensure_packages(env: Mapping[str, str]) -> str | None:
    """Install the front end's packages as locked.

    Returns:
        :data:`READY` when there was nothing to do.

    Raises:
        SiteError: npm failed.
    """
    modules = CHECKOUT / "node_modules"
    stamp = Stamp(modules / ".hopslab.stamp")
    manifests = [*lock_files(), CHECKOUT / "labextension" / "package.json"]
    digest = digest_of(manifests, below=CHECKOUT)
    if stamp.matches(digest) and (modules / ".bin" / "configurable-http-proxy").exists():
        return READY
    run_quietly(
        [npm(env), "ci", "--no-audit", "--no-fund"], what="Installing the front end's packages", env=env, cwd=CHECKOUT
    )
    stamp.write(digest)
    return None


def ensure_built(env: Mapping[str, str]) -> str | None:
    """Build the Lab extension where its source changed, and show it to the Labs of this checkout's environment.

    Returns:
        :data:`READY` when there was nothing to do.

    Raises:
        SiteError: The build failed.
    """
    stamp = Stamp(CHECKOUT / ".hopslab" / "front-end.stamp")
    digest = digest_of(source_files(), below=CHECKOUT)
    if stamp.matches(digest) and (BUILT / "package.json").is_file():
        link_built(VENV_BIN.parent)
        return READY
    run_quietly([npm(env), "run", "build:prod"], what="Building the Lab extension", env=env, cwd=CHECKOUT)
    if not (BUILT / "package.json").is_file():
        raise SiteError("Building the Lab extension made nothing.", "Run `npm run build:prod` to see why.")
    stamp.write(digest)
    link_built(VENV_BIN.parent)
    return None


def link_built(environment: Path, built: Path = BUILT) -> None:
    """Put the built extension where Lab looks: a wheel brings it there, an installed checkout has a link to it."""
    link = environment / "share" / "jupyter" / "labextensions" / LAB_NAME
    if link.is_symlink() and link.readlink() == built:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        shutil.rmtree(link)
    link.symlink_to(built)


def npm(env: Mapping[str, str]) -> str:
    """Where npm is.

    Raises:
        SiteError: It is not on ``PATH``.
    """
    found = shutil.which("npm", path=env["PATH"])
    if found is None:
        raise SiteError("npm is not there.", "Run `make up`, which installs Node where it is missing.")
    return found
