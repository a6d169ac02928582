"""What a tenant's processes see of the machine: a sandbox by bubblewrap (https://github.com/containers/bubblewrap).

Inside there are own process ids, an own view of the file system with what was listed and nothing else, and no rights
of an administrator. What is listed lies at the same paths as outside. The network is the machine's, unless the sandbox
is given one of its own (:mod:`hops_contract.keeping`).

The sandbox's first process is the command itself: when it ends, the kernel ends all that it has started, whatever
became of them. A signal to bubblewrap's own process, outside, ends that process alone, and leaves the sandbox running.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from hops_contract.layout import Home
from hops_contract.shares import SharedMounts

LOG = logging.getLogger(__name__)
PROGRAM = "bwrap"
PACKAGE = "bubblewrap"
_PATIENCE_S = 20
_MIB = 1024 * 1024
CHECKED_START = Path(__file__).parent / "checked_start.py"
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
# What programs look up of the machine: names, time, certificates, libraries, fonts, Java's and Kerberos' settings.
# Neither the rest of /etc, which can hold passwords and keys of the machine's services, nor anything of /var.
_SETTINGS = (
    "alternatives", "ca-certificates", "ca-certificates.conf", "crypto-policies", "default/locale", "fonts", "group",
    "host.conf", "hostname", "hosts", "krb5.conf", "krb5.conf.d", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
    "locale.alias", "locale.conf", "localtime", "machine-id", "magic", "mime.types", "nsswitch.conf", "passwd",
    "pki/ca-trust", "pki/java", "pki/tls/cert.pem", "pki/tls/certs", "pki/tls/openssl.cnf", "protocols", "resolv.conf",
    "services", "ssl/cert.pem", "ssl/certs", "ssl/openssl.cnf", "timezone",
)  # fmt: skip
# What the kernel tells of processors, devices and control groups: Java sizes its own threads by it.
_KERNEL = ("/sys/devices", "/sys/bus", "/sys/class", "/sys/dev", "/sys/fs/cgroup")
_KEYS = ("/proc/keys", "/proc/key-users")
_GPU_DEVICES = ("nvidia*", "nvidia-caps/*", "dri/*", "kfd")


class Sandboxing(StrEnum):
    """Whether tenants' processes run in sandboxes."""

    AUTO = "auto"
    """Where this machine can make them."""
    ON = "on"
    """Nothing is started without."""
    OFF = "off"


class SandboxError(Exception):
    """There can be no sandbox; the message says why, and what helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What processes in a sandbox see besides the system's programs.

    Attributes:
        read: Files and folders that they may read; what is not there is passed over, here and below: who misses it
            says so better.
        write: Folders that they may change.
        hidden: Folders of which they see nothing but what is listed here.
        temporary: The folder that they find as ``/tmp`` and ``/var/tmp``.
        shared_memory_mib: The most that ``/dev/shm`` may hold.
        gpus: Whether they see the devices of GPUs.
        shared: What they see of other projects; ``None``: nothing, and no folder for it.
        checker: The command that looks at what was mounted; it is needed with ``shared``.
    """

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    temporary: Path
    shared_memory_mib: int = 64
    gpus: bool = False
    shared: SharedMounts | None = None
    checker: tuple[str, ...] = ()


def read_paths(text: str) -> tuple[Path, ...]:
    """The paths between the commas of a setting.

    Raises:
        ValueError: One of them does not begin with a slash.
    """
    names = [name for name in map(str.strip, text.split(",")) if name]
    if not all(name.startswith("/") for name in names):
        raise ValueError("all of its paths must be absolute")
    return tuple(map(Path, names))


def view_of_tenant(
    home: Home,
    *,
    python: Path,
    read: Iterable[Path],
    write: Iterable[Path],
    temporary: Path,
    shared_memory_mib: int = 64,
    gpus: bool = False,
    shared: SharedMounts | None = None,
) -> View:
    """The view of what one tenant runs: of the platform's home what is listed, and what all environments stand on.

    Args:
        home: The platform's home, of which nothing else is seen: not other projects, sessions or servers, nor keys.
        python: The Python of the project's environment.
        read: See :class:`View`, as all that follow.
        write: What may be changed.
        temporary: What is ``/tmp``.
        shared_memory_mib: The bound of ``/dev/shm``.
        gpus: Whether GPUs are seen.
        shared: What other projects share.
    """
    base = home.base_environment.resolve() / "bin" / "python"
    needed = {*of_python(python), *of_python(base), *read, *((CHECKED_START,) if shared else ())}
    return View(
        read=tuple(sorted(unless_systems(needed, hidden=(home.root,)))),
        write=tuple(sorted(set(write))),
        hidden=(home.root,),
        temporary=temporary,
        shared_memory_mib=shared_memory_mib,
        gpus=gpus,
        shared=shared,
        checker=(str(base), "-I", "-S", str(CHECKED_START)) if shared else (),
    )


def find_program(environment: Mapping[str, str] | None = None) -> str:
    """The program that makes sandboxes, once it has made one.

    Raises:
        SandboxError: It is not installed, or this machine does not let it.
    """
    path = (os.environ if environment is None else environment).get("PATH", os.defpath)
    program = shutil.which(PROGRAM, path=path)
    if program is None:
        raise SandboxError(f"{PACKAGE} is not installed. Install the package {PACKAGE}.")
    _try_out(program)
    return program


def chosen_program(wanted: Sandboxing, environment: Mapping[str, str] | None = None) -> str | None:
    """The program that makes the sandboxes of a site; ``None`` where there are none.

    Args:
        wanted: What the site's settings say.
        environment: Whose ``PATH`` is looked along; default: this process's.

    Raises:
        SandboxError: They are wanted, and can't be had.
    """
    if wanted is Sandboxing.OFF:
        LOG.warning("no sandboxes: HOPS_SANDBOX is off. Users' code runs with all rights of this service's user.")
        return None
    try:
        return find_program(environment)
    except SandboxError as error:
        if wanted is Sandboxing.ON:
            raise
        LOG.warning("no sandboxes: %s Users' code runs with all rights of this service's user.", error)
        return None


@cache
def _try_out(program: str) -> None:
    refused = why_refused([program, *_NAMESPACES, *_system(), *_nothing_of_the_machine(64), *_closed(()), "--", "true"])
    if refused is not None:
        raise SandboxError(
            f"{PACKAGE} is installed, but this machine lets it make none: {refused}. Let users have their own "
            "namespaces (kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns, or the "
            "container's own rules)."
        )


def why_refused(command: list[str]) -> str | None:
    """What bubblewrap says that can't make a sandbox for ``command``; ``None`` if it can.

    Raises:
        SandboxError: It does not answer.
    """
    try:
        done = subprocess.run(
            command,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"{PACKAGE} does not answer ({type(error).__name__}).") from error
    return done.stderr.strip().rpartition("\n")[2].removeprefix("bwrap: ")[:300] if done.returncode else None


# Another user namespace, in which root, too, has no rights; what is the user's own stays so. Control groups stay those
# of the machine: where they look cut off, as in a namespace of their own, Java 17 gives up on all its figures.
_NAMESPACES = ("--unshare-user", "--unshare-pid", "--unshare-ipc", "--disable-userns", "--cap-drop", "ALL")


def command_in_sandbox(program: str, command: Iterable[str], view: View, *, cwd: Path) -> list[str]:
    """The command that starts ``command`` in a sandbox.

    Args:
        program: See :func:`find_program`.
        command: The program, with an absolute path or one of the system's, and its arguments.
        view: What it sees.
        cwd: The folder that it works in.
    """
    arguments = [program, "--as-pid-1", *_NAMESPACES, *_system(), *_nothing_of_the_machine(view.shared_memory_mib)]
    if view.gpus:
        for device in _gpu_devices():
            arguments += ["--dev-bind-try", str(device), str(device)]
    for place in ("/tmp", "/var/tmp"):  # noqa: S108 - of the sandbox
        arguments += ["--bind", str(view.temporary), place]
    # One of them can lie in another, so that what is meant more closely has to follow.
    listed = [*((path, "--tmpfs", path) for path in view.hidden)]
    listed += [(path, "--ro-bind-try", path) for path in view.read]
    listed += [(path, "--bind-try", path) for path in view.write]
    if view.shared is not None:
        listed += _shared(view.shared)
        command = [*view.checker, view.shared.checks(), *command]
    for path, how, source in sorted(listed, key=lambda entry: len(entry[0].parts)):
        arguments += [how, str(path)] if how == "--tmpfs" else [how, str(source), str(path)]
    # Last, as nothing can be put into what is closed already.
    return [*arguments, *_closed(view.hidden), "--chdir", str(cwd), "--", *command]


def _shared(shared: SharedMounts) -> list[tuple[Path, str, Path]]:
    mounts = [
        (mount.target, "--bind-try" if mount.writes else "--ro-bind-try", mount.source) for mount in shared.mounts
    ]
    return [(shared.point, "--ro-bind", shared.view), *mounts]


def of_python(python: Path) -> tuple[Path, ...]:
    """What a Python of an environment reads: the environment, and the installation that it was made from."""
    environment = python.parent.parent
    installation = python.resolve().parent.parent
    # A program of somebody's own folder of programs is no reason to show all that is theirs.
    is_one = any(installation.glob("lib*/python3*"))
    return (environment, *((installation,) if is_one and not _is_systems(installation) else ()))


def unless_systems(paths: Iterable[Path], *, hidden: Iterable[Path] = ()) -> tuple[Path, ...]:
    """Those of ``paths`` that are not in every sandbox; what lies in a folder that is ``hidden`` is in none."""
    hidden = tuple(hidden)
    return tuple(path for path in paths if not _is_systems(path) or any(map(path.is_relative_to, hidden)))


def _is_systems(path: Path) -> bool:
    return path == Path("/") or path.is_relative_to("/usr") or any(path.is_relative_to(name) for name in _SYSTEM)


def _system() -> list[str]:
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            arguments += ["--ro-bind", name, name]
    # Debian's packages of Java and others have their settings there, in folders named after them.
    own = (f"/etc/{name}" for name in (*_SETTINGS, *(path.name for path in Path("/etc").glob("java-*"))))
    for name in sorted((*own, *_KERNEL)):
        # Where it is a link out of /etc, what it leads to is seen in its place.
        arguments += ["--ro-bind-try", str(Path(name).resolve()), name]
    return arguments


def _nothing_of_the_machine(shared_memory_mib: int) -> list[str]:
    size = str(shared_memory_mib * _MIB)
    # The keys of the machine's user, whose names the kernel would tell: they are in no namespace.
    keys = [word for path in _KEYS if Path(path).exists() for word in ("--ro-bind", "/dev/null", path)]
    return ["--proc", "/proc", *keys, "--dev", "/dev", "--size", size, "--tmpfs", "/dev/shm"]  # noqa: S108 - the sandbox's


def _closed(hidden: Iterable[Path]) -> list[str]:
    """What can't be changed any more, beside what is only read: the folders that were made for the sandbox.

    The kernel's settings below ``/proc/sys`` ask for no right of an administrator, but for the administrator's user id,
    which code has where the platform was started by root: it could name the program that the kernel runs, outside, for
    a core dump. And ``/dev`` is memory without a bound.
    """
    return [word for path in (*hidden, "/proc", "/dev", "/") for word in ("--remount-ro", str(path))]


def _gpu_devices() -> list[Path]:
    return sorted(path for pattern in _GPU_DEVICES for path in Path("/dev").glob(pattern) if not path.is_dir())
