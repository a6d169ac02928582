"""The wheel holds all that the checkout holds of the platform, and what Jupyter finds by its place."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("hops_contract", "hops_platform", "hops_livy", "hops_spawner", "hopslab", "jupyterhub_config")
EXTENSION = "server_extension/jupyterlab_hops"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        yield archive


def tracked(folder):
    answer = subprocess.run(
        ["git", "ls-files", "-z", folder], cwd=ROOT, check=True, capture_output=True, text=True, timeout=240
    )
    return [ROOT / name for name in answer.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("package", [*PACKAGES, EXTENSION])
def test_every_file_of_a_package_is_inside_links_as_files(wheel, package):
    names = set(wheel.namelist())
    files = tracked(package)
    assert files
    for file in files:
        name = f"{Path(package).name}/{file.relative_to(ROOT / package).as_posix()}"
        assert name in names, name
        assert wheel.read(name) == file.read_bytes(), name


def test_jupyter_finds_the_lab_extension_and_the_server_extensions_setting(wheel):
    data = "hopslab-0.1.0.data/data"
    setting = ROOT / EXTENSION / "jupyter-config" / "jupyter_server_config.d" / "jupyterlab_hops.json"
    assert wheel.read(f"{data}/etc/jupyter/jupyter_server_config.d/jupyterlab_hops.json") == setting.read_bytes()
    built = ROOT / EXTENSION / "labextension"
    for file in built.rglob("*"):
        if file.is_file():
            name = f"{data}/share/jupyter/labextensions/jupyterlab-hops/{file.relative_to(built).as_posix()}"
            assert wheel.read(name) == file.read_bytes(), name


def test_nothing_of_the_machine_that_built_it_is_inside(wheel):
    assert not [name for name in wheel.namelist() if "__pycache__" in name or name.startswith((".", "tests/"))]
