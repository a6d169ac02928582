"""The command that makes a sandbox, and what is said where there can be none."""

import logging
import os
import subprocess
from pathlib import Path

import pytest

from hops_contract.checked_start import fault
from hops_contract.sandbox import (
    SandboxError,
    Sandboxing,
    View,
    chosen_program,
    command_in_sandbox,
    find_program,
    of_python,
    unless_systems,
)
from hops_contract.shares import Identity, SharedMount, SharedMounts

HOME = Path("/home/hops")
VIEW = View(
    read=(HOME / "environments" / "base", Path("/opt/python")),
    write=(HOME / "projects" / "weather", HOME / "run" / "sessions" / "7"),
    hidden=(HOME,),
    temporary=HOME / "run" / "sessions" / "7" / "tmp",
    shared_memory_mib=512,
)


def _arguments(view=VIEW, **more):
    return command_in_sandbox("/usr/bin/bwrap", ["python", "-P"], view, cwd=Path("/work"), **more)


def _places(arguments, how):
    return [arguments[at + 1] for at, word in enumerate(arguments) if word == how]


def test_the_command_comes_last_as_the_first_process_of_all():
    arguments = _arguments()
    assert arguments[0] == "/usr/bin/bwrap"
    assert arguments[-5:] == ["--chdir", "/work", "--", "python", "-P"]
    assert "--as-pid-1" in arguments
    assert {"--unshare-user", "--unshare-pid", "--disable-userns"} <= set(arguments)
    assert arguments[arguments.index("--cap-drop") + 1] == "ALL"


def test_what_is_hidden_is_hidden_before_what_lies_in_it_is_shown_and_closed_after():
    arguments = _arguments()
    hidden = arguments.index(str(HOME))
    assert arguments[hidden - 1] == "--tmpfs"
    shown = [arguments.index(str(path)) for path in (*VIEW.write, VIEW.read[0])]
    closed = [at + 1 for at, word in enumerate(arguments) if word == "--remount-ro"]
    assert hidden < min(shown)
    assert max(shown) < min(closed)
    assert [arguments[at] for at in closed] == [str(HOME), "/proc", "/dev", "/"]


def test_one_that_lies_in_another_comes_after_it():
    view = View(read=(Path("/data/a/b"), Path("/data/a/b/c/d")), write=(Path("/data/a/b/c"),), temporary=Path("/t"))
    arguments = _arguments(view)
    assert arguments.index("/data/a/b") < arguments.index("/data/a/b/c") < arguments.index("/data/a/b/c/d")


def test_only_what_may_be_changed_can_be():
    arguments = _arguments()
    changed = [*_places(arguments, "--bind"), *_places(arguments, "--bind-try")]
    assert changed == [str(VIEW.temporary), str(VIEW.temporary), *map(str, sorted(VIEW.write))]
    assert {"/usr", "/etc/passwd", "/etc/ssl/certs"}.isdisjoint(changed)


def test_keys_and_passwords_of_the_machine_are_never_shown():
    shown = {*_places(_arguments(), "--ro-bind"), *_places(_arguments(), "--ro-bind-try")}
    private = {"/", "/etc", "/etc/ssl", "/etc/ssl/private", "/etc/shadow", "/etc/krb5.keytab", "/var", "/run", "/root"}
    assert shown.isdisjoint(private)


def test_devices_of_gpus_are_shown_to_who_has_gpus(tmp_path, monkeypatch):
    devices = [tmp_path / "nvidia0", tmp_path / "nvidiactl"]
    monkeypatch.setattr("hops_contract.sandbox._gpu_devices", lambda: devices)
    assert _places(_arguments(), "--dev-bind-try") == []
    with_gpus = View(temporary=Path("/t"), gpus=True)
    assert _places(_arguments(with_gpus), "--dev-bind-try") == [str(path) for path in devices]


def test_what_is_the_systems_need_not_be_listed():
    paths = [Path("/usr/lib/jvm/java-17"), Path("/opt/java"), Path("/bin/java"), Path("/")]
    assert unless_systems(paths) == (Path("/opt/java"),)


def test_what_lies_in_a_home_below_the_systems_folders_is_listed_as_that_hides_it():
    home = Path("/usr/local/hops")
    paths = [home / "environments" / "base", Path("/usr/lib/jvm/java-17")]
    assert unless_systems(paths, hidden=(home,)) == (home / "environments" / "base",)


def test_a_python_needs_its_environment_and_what_that_was_made_from(tmp_path):
    for folder in ("python/bin", "python/lib/python3.11", "environment/bin", "somebody/bin", "other/bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "python/bin/python3.11").write_text("")
    (tmp_path / "environment/bin/python").symlink_to(tmp_path / "python/bin/python3.11")
    assert of_python(tmp_path / "environment/bin/python") == (tmp_path / "environment", tmp_path / "python")
    (tmp_path / "somebody/bin/python").write_text("")
    (tmp_path / "other/bin/python").symlink_to(tmp_path / "somebody/bin/python")
    assert of_python(tmp_path / "other/bin/python") == (tmp_path / "other",), "and not all that is somebody's"
    (tmp_path / "systems/bin").mkdir(parents=True)
    (tmp_path / "systems/bin/python").symlink_to("/usr/bin/env")
    assert of_python(tmp_path / "systems/bin/python") == (tmp_path / "systems",)


def test_a_machine_without_bubblewrap_says_what_to_install(tmp_path):
    with pytest.raises(SandboxError, match="Install the package bubblewrap"):
        find_program({"PATH": str(tmp_path)})


def test_a_machine_that_forbids_namespaces_says_which_settings_do(tmp_path):
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(SandboxError, match=r"No permissions to create new namespace\. .*unprivileged_userns_clone"):
        find_program({"PATH": f"{tmp_path}:{os.defpath}"})


def test_a_program_that_can_not_be_run_is_no_sandbox(tmp_path):
    program = tmp_path / "bwrap"
    program.write_bytes(b"\x7fELF nonsense")
    program.chmod(0o755)
    with pytest.raises(SandboxError, match="does not answer"):
        find_program({"PATH": str(tmp_path)})


def test_where_there_can_be_none_the_sites_setting_decides(tmp_path, caplog):
    nowhere = {"PATH": str(tmp_path)}
    with caplog.at_level(logging.WARNING):
        assert chosen_program(Sandboxing.AUTO, nowhere) is None
    assert "no sandboxes: bubblewrap is not installed" in caplog.text
    with caplog.at_level(logging.WARNING):
        assert chosen_program(Sandboxing.OFF) is None
    assert "HOPS_SANDBOX is off" in caplog.text
    with pytest.raises(SandboxError):
        chosen_program(Sandboxing.ON, nowhere)


def test_a_real_one_shows_what_was_listed_and_nothing_beside(tmp_path):
    try:
        program = find_program()
    except SandboxError as error:
        pytest.skip(f"no sandbox: {error}")
    for folder in ("home/shown", "home/secret", "home/changed", "own"):
        (tmp_path / folder).mkdir(parents=True)
    home = tmp_path / "home"
    view = View(
        read=(home / "shown", home / "absent"), write=(home / "changed",), hidden=(home,), temporary=tmp_path / "own"
    )
    script = f"ls {home}; touch {home}/shown/x {home}/y /z; echo kept > {home}/changed/file; echo $$; exit 7"
    command = command_in_sandbox(program, ["sh", "-c", script], view, cwd=home / "changed")
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout.split() == ["changed", "shown", "1"]
    assert done.stderr.count("Read-only file system") == 3
    assert (home / "changed" / "file").read_text() == "kept\n"
    assert done.returncode == 7


def test_a_real_one_changes_no_setting_of_the_kernel_and_holds_no_memory_but_what_was_granted(tmp_path):
    try:
        program = find_program()
    except SandboxError as error:
        pytest.skip(f"no sandbox: {error}")
    # Each gets the value that it has: another would change the machine, and what is no value is refused in any case.
    script = (
        "for name in vm/swappiness kernel/core_pattern; do "
        'value=$(cat /proc/sys/$name); echo "$value" > /proc/sys/$name; done; echo x > /dev/mine; '
        "echo x > /proc/self/oom_score_adj; echo x > /dev/null && echo x > /dev/shm/mine && echo works"
    )
    command = command_in_sandbox(program, ["sh", "-c", script], View(temporary=tmp_path), cwd=Path("/"))
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout == "works\n"
    # A platform that root did not start is refused the settings for another reason.
    assert done.stderr.count("Read-only file system") >= (4 if os.geteuid() == 0 else 2), done.stderr
    assert len(done.stderr.splitlines()) == 4


def test_datasets_of_others_are_mounted_over_their_places_and_looked_at_before_the_command():
    mounts = SharedMounts(
        view=Path("/home/shares/tides/view"),
        point=Path("/home/projects/tides/Shared"),
        mounts=tuple(
            SharedMount(
                source=Path(f"/home/projects/weather/{name}"),
                target=Path(f"/home/projects/tides/Shared/weather/{name}"),
                writes=writes,
                identity=Identity(device=1, inode=2),
                marker=Path(f"/home/projects/tides/Shared/.accepted/{name}"),
            )
            for name, writes in (("raw", False), ("clean", True))
        ),
    )
    view = View(
        write=(Path("/home/projects/tides"),),
        hidden=(Path("/home"),),
        temporary=Path("/t"),
        shared=mounts,
        checker=("python", "checked_start.py"),
    )
    made = command_in_sandbox("/usr/bin/bwrap", ["sh"], view, cwd=Path("/work"))
    words = " ".join(made)
    order = [
        "--tmpfs /home --bind-try /home/projects/tides /home/projects/tides",
        "--ro-bind /home/shares/tides/view /home/projects/tides/Shared",
        "--ro-bind-try /home/projects/weather/raw /home/projects/tides/Shared/weather/raw",
        "--bind-try /home/projects/weather/clean /home/projects/tides/Shared/weather/clean",
        "--remount-ro /home",
    ]
    assert [words.find(part) for part in order] == sorted(words.find(part) for part in order)
    assert -1 not in [words.find(part) for part in order]
    assert made[-4:] == ["python", "checked_start.py", mounts.checks(), "sh"]


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ({"/p/Shared": ["ro"], "/p/Shared/w/raw": ["ro"]}, None),
        ({"/p/Shared": ["ro"]}, None),
        ({"/p": ["rw"]}, "was it replaced by a link"),
        ({"/p/Shared": ["ro"], "/p/Shared/w/raw": ["rw"]}, "could be written"),
    ],
)
def test_what_is_mounted_is_looked_at(tmp_path, points, expected):
    folder, marker = tmp_path / "raw", tmp_path / "marker"
    folder.mkdir()
    marker.touch()
    status = folder.stat()
    mount = {
        "target": str(folder),
        "device": status.st_dev,
        "inode": status.st_ino,
        "writes": False,
        "marker": str(marker),
    }
    points = {str(folder) if point.endswith("raw") else point: options for point, options in points.items()}
    found = fault({"point": "/p/Shared", "mounts": [mount]}, points)
    assert found is None if expected is None else expected in (found or "").lower()
    if expected is None and str(folder) in points:
        marker.unlink()
        assert "taken away" in (fault({"point": "/p/Shared", "mounts": [mount]}, points) or "")
        assert "is not the dataset" in (fault({"point": "/p/Shared", "mounts": [mount | {"inode": 1}]}, points) or "")
