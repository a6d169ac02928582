"""Which Python makes the platform's environment."""

import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from hopslab.doctor import machine

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def bootstrap():
    loader = SourceFileLoader("bootstrap", str(ROOT / "bootstrap"))
    module = module_from_spec(spec_from_loader("bootstrap", loader))
    loader.exec_module(module)
    return module


def make_program(folder, name, text="exit 0"):
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        (["python3.14", "python3.12", "python3.11"], "python3.12"),
        (["python3.13", "python3.11"], "python3.13"),
        (["python3.10", "python3.14", "python3"], None),
    ],
)
def test_of_the_pythons_on_path_the_newest_that_fits_is_taken(bootstrap, tmp_path, there, chosen):
    for name in there:
        make_program(tmp_path / "bin", name)
    found = bootstrap.fitting_python({"PATH": str(tmp_path / "bin")})
    assert found == (str(tmp_path / "bin" / chosen) if chosen else None)


def started_by_python_3_14(path):
    """Runs the program as Python 3.14 would."""
    program = (
        "import collections, runpy, sys\n"
        "info = collections.namedtuple('info', 'major minor micro releaselevel serial')(3, 14, 0, 'final', 0)\n"
        "sys.version_info = info\n"
        f"sys.argv = [{str(ROOT / 'bootstrap')!r}, '--dev']\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program], env={"PATH": str(path)}, capture_output=True, text=True, check=False
    )


def test_a_python_that_does_not_fit_hands_over_to_one_that_does(tmp_path):
    make_program(tmp_path / "bin", "python3.12", f'{os.path.realpath("/bin/echo")} "$@"')
    done = started_by_python_3_14(tmp_path / "bin")
    assert (done.returncode, done.stdout.split()) == (0, [str(ROOT / "bootstrap"), "--dev"]), done.stderr


def test_without_one_it_says_which_are_needed_and_how_to_get_and_to_name_one(tmp_path):
    done = started_by_python_3_14(tmp_path)
    assert done.returncode == 1
    assert "needs Python 3.11 to 3.13; this is 3.14, and PATH has no other" in done.stderr
    assert "PYTHON=" in done.stderr
    assert "Traceback" not in done.stderr


def test_its_range_is_the_one_that_the_doctor_and_the_readme_tell(bootstrap):
    assert bootstrap.NEWEST == machine.NEWEST_PYTHON
    assert "Python 3.11 to 3.13" in (ROOT / "README.md").read_text()
