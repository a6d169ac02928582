"""The contract of each port that this machine itself fills, for its adapter and its fake."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hops_contract.layout import Home
from hops_platform.adapters.capacity.machine import ThisMachine
from hops_platform.adapters.environments.uv import UvEnvironments
from hops_platform.adapters.storage.local import LocalStorage
from hops_platform.adapters.templates.packaged import PackagedTemplates
from hops_platform.errors import EngineRefusedError
from hops_platform.testing.contracts.capacity import CapacityContract
from hops_platform.testing.contracts.environments import EnvironmentsContract
from hops_platform.testing.contracts.storage import StorageContract
from hops_platform.testing.contracts.templates import TemplatesContract
from hops_platform.testing.fakes import FixedCapacity, MemoryEnvironments, MemoryStorage, MemoryTemplates

ROOT = Path(__file__).resolve().parents[3]
PLATFORM_HOME = Path(os.environ.get("HOPS_HOME", ROOT / ".hopslab"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def home_with_base(home: Home) -> Home:
    base = Home(PLATFORM_HOME).base_environment
    if not base.exists():
        pytest.skip("the base environment is not made: run `hopslab prepare`")
    home.base_environment.parent.mkdir(parents=True)
    home.base_environment.symlink_to(base)
    return home


class TestMemoryStorage(StorageContract):
    @pytest.fixture
    def engine(self) -> MemoryStorage:
        return MemoryStorage()


class TestLocalStorage(StorageContract):
    @pytest.fixture
    def engine(self, home: Home) -> LocalStorage:
        return LocalStorage(home)

    def test_what_a_dataset_holds_is_left_alone(self, engine: LocalStorage, home: Home) -> None:
        engine.create_datasets("weather", ["Jupyter"])
        (home.project("weather") / "Jupyter" / "mine.ipynb").write_text("{}")
        engine.create_datasets("weather", ["Jupyter", "Logs"])
        assert (home.project("weather") / "Jupyter" / "mine.ipynb").read_text() == "{}"

    def test_others_on_this_machine_can_not_look_in(self, engine: LocalStorage, home: Home) -> None:
        engine.create_datasets("weather", ["Jupyter"])
        for folder in (home.project("weather"), home.project("weather") / "Jupyter"):
            assert folder.stat().st_mode & 0o007 == 0

    def test_trashed_files_are_kept_and_apart(self, engine: LocalStorage, home: Home) -> None:
        for text in ("first", "second"):
            engine.create_datasets("weather", ["Logs"])
            (home.project("weather") / "Logs" / "log").write_text(text)
            engine.trash_project("weather")
        assert not home.project("weather").exists()
        kept = sorted((home.root / "trash").glob("weather-*/Logs/log"))
        assert [file.read_text() for file in kept] == ["first", "second"]
        assert (home.root / "trash").stat().st_mode & 0o077 == 0

    def test_the_homes_of_a_projects_members_go_with_it_and_no_others(self, engine: LocalStorage, home: Home) -> None:
        for project, user in (("weather", "ada"), ("weather", "bob"), ("weather-2", "ada"), ("w", "ada")):
            home.own_home(project, user).mkdir(parents=True)
            (home.own_home(project, user) / ".netrc").write_text(user)
        engine.create_datasets("weather", ["Logs"])
        engine.trash_project("weather")
        assert sorted(path.name for path in (home.root / "homes").iterdir()) == ["w__ada", "weather-2__ada"]
        kept = sorted((home.root / "trash").glob("weather-*-homes/*/.netrc"))
        assert [file.read_text() for file in kept] == ["ada", "bob"]

    @pytest.mark.parametrize("name", ["../weather", "", ".", "a/b", "Weather"])
    def test_no_name_leads_out_of_the_projects(self, engine: LocalStorage, name: str) -> None:
        for call in (engine.project_address, engine.trash_project, lambda name: engine.create_datasets(name, ["Logs"])):
            with pytest.raises(ValueError, match="name"):
                call(name)


class TestMemoryTemplates(TemplatesContract):
    @pytest.fixture
    def engine(self) -> MemoryTemplates:
        return MemoryTemplates()


class TestPackagedTemplates(TemplatesContract):
    @pytest.fixture
    def engine(self, home_with_base: Home) -> PackagedTemplates:
        return PackagedTemplates(home_with_base)

    def test_a_link_in_a_datasets_place_keeps_no_template_out(
        self, engine: PackagedTemplates, home_with_base: Home, tmp_path: Path
    ) -> None:
        project = home_with_base.project("weather")
        project.mkdir(parents=True)
        (project / "Jupyter").symlink_to(tmp_path)
        (project / "Resources").write_text("mine")
        engine.fill("weather", title="Weather")
        assert (project / "Jupyter" / "Welcome.ipynb").exists()
        assert not (tmp_path / "Welcome.ipynb").exists()

    def test_the_data_sets_are_whole(self, engine: PackagedTemplates, home_with_base: Home) -> None:
        engine.fill("weather", title="Weather")
        resources = home_with_base.project("weather") / "Resources"
        weather = (resources / "seattle-weather.csv").read_text().splitlines()
        assert weather[0] == "date,precipitation,temp_max,temp_min,wind,weather"
        assert len(weather) - 1 == 1461
        assert (weather[1].split(",")[0], weather[-1].split(",")[0]) == ("2012/01/01", "2015/12/31")
        digits = (resources / "digits.csv").read_text().splitlines()
        assert len(digits) - 1 == 1797
        rows = [[int(value) for value in line.split(",")] for line in digits[1:]]
        assert {len(row) for row in rows} == {65}
        assert {row[-1] for row in rows} == set(range(10))
        assert max(max(row[:-1]) for row in rows) == 16

    def test_origin_and_licence_are_what_the_packages_state(
        self, engine: PackagedTemplates, home_with_base: Home
    ) -> None:
        engine.fill("weather", title="Weather")
        told = (home_with_base.project("weather") / "Resources" / "README.md").read_text()
        packages = next(home_with_base.base_environment.glob("lib/python3*/site-packages"))
        weather = next(packages.glob("vega_datasets-*.dist-info/METADATA")).read_text()
        assert "License: MIT" in weather
        assert "public-domain `NOAA data" in (packages / "vega_datasets" / "dataset_info.json").read_text()
        for words in ("public domain", "NOAA", "MIT licence", "vega_datasets"):
            assert words in told
        digits = next(packages.glob("scikit_learn-*.dist-info/METADATA")).read_text()
        assert "License-Expression: BSD-3-Clause" in digits
        described = (packages / "sklearn" / "datasets" / "descr" / "digits.rst").read_text()
        assert "test set of the UCI ML hand-written digits" in described
        for words in ("E. Alpaydin", "UCI Machine Learning Repository", "its test set", "BSD 3-clause", "CC BY 4.0"):
            assert words in told

    def test_a_base_without_packages_is_told_without_a_path(self, home: Home) -> None:
        with pytest.raises(EngineRefusedError, match="hopslab doctor") as told:
            PackagedTemplates(home).fill("weather", title="Weather")
        assert str(home.root) not in str(told.value)


class TestFixedCapacity(CapacityContract):
    @pytest.fixture
    def engine(self) -> FixedCapacity:
        return FixedCapacity()


class TestThisMachine(CapacityContract):
    @pytest.fixture
    def engine(self) -> ThisMachine:
        return ThisMachine(gpus=None, gpu_labels=(), memory_mib=None)

    def test_what_was_set_goes_before_what_is_counted(self) -> None:
        capacity = ThisMachine(gpus=3, gpu_labels=("a100",), memory_mib=2048).read()
        assert (capacity.gpus, capacity.gpu_labels, capacity.memory_mib) == (3, ("a100",), 2048)
        assert ThisMachine(gpus=0, gpu_labels=(), memory_mib=None).read().gpus == 0
        assert ThisMachine(gpus=0, gpu_labels=(), memory_mib=None, cores=96).read().cores == 96

    def test_gpus_are_those_that_the_drivers_program_lists(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text("#!/bin/sh\necho 'GPU 0: X (UUID: a)'\necho '  MIG 1g.5gb'\necho 'GPU 1: X (UUID: b)'\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
        assert ThisMachine(gpus=None, gpu_labels=(), memory_mib=None).read().gpus == 2
        program.write_text("#!/bin/sh\necho 'no driver' >&2\nexit 9\n")
        assert ThisMachine(gpus=None, gpu_labels=(), memory_mib=None).read().gpus == 0


class TestMemoryEnvironments(EnvironmentsContract):
    @pytest.fixture
    def engine(self) -> MemoryEnvironments:
        return MemoryEnvironments()


class TestUvEnvironments(EnvironmentsContract):
    """A real environment from the real lock; everything comes from the cache that the base has filled."""

    @pytest.fixture
    def engine(self, home_with_base: Home, monkeypatch: pytest.MonkeyPatch) -> UvEnvironments:
        monkeypatch.setenv("UV_CACHE_DIR", os.environ.get("UV_CACHE_DIR", str(PLATFORM_HOME / "cache" / "uv")))
        return UvEnvironments(home_with_base, source=ROOT)

    def test_a_copy_runs_users_code_and_is_made_anew_only_when_something_changed(
        self, engine: UvEnvironments, home: Home
    ) -> None:
        engine.create("weather")
        python = home.environment("weather") / "bin" / "python"
        code = "import sys, hops, hops_kernels, numpy; print(sys.prefix); print(hops.__file__)"
        told = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.split()
        assert all(Path(path).is_relative_to(home.environment("weather")) for path in told)
        made = home.environment("weather").stat().st_ino
        engine.create("weather")
        assert home.environment("weather").stat().st_ino == made
        files = home.environment("weather") / "lib"
        (linked,) = files.glob("python3*/site-packages/numpy/__init__.py")
        assert linked.stat().st_nlink > 1, "files are links to the cache, not copies"
        engine.remove("weather")
        assert not home.environment("weather").exists()


@pytest.fixture
def tiny(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UvEnvironments:
    """Environments that hold nothing but two distributions of this test's own."""
    source = tmp_path / "source"
    (source / "requirements").mkdir(parents=True)
    (source / "requirements" / "project.txt").write_text("")
    for folder, name in (("user_library", "tiny-hops"), ("kernels", "tiny-kernels")):
        package = name.replace("-", "_")
        (source / folder / package).mkdir(parents=True)
        (source / folder / package / "__init__.py").write_text("VALUE = 1\n")
        (source / folder / "pyproject.toml").write_text(
            f'[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
            f'[project]\nname = "{name}"\nversion = "1"\n'
        )
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return UvEnvironments(home, source=source)


def value_in(prefix: Path) -> str:
    command = [prefix / "bin" / "python", "-I", "-c", "import tiny_hops; print(tiny_hops.VALUE)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_base_is_made_once_and_again_when_its_source_changes(tiny: UvEnvironments, home: Home) -> None:
    steps: list[str] = []
    tiny.build_base(steps.append)
    assert steps[0] == "Making the environment base."
    assert steps[-1] == "The environment base is ready."
    assert value_in(home.base_environment) == "1"
    steps.clear()
    tiny.build_base(steps.append)
    assert steps == ["The environment base is up to date."]
    (tiny._source / "user_library" / "tiny_hops" / "__init__.py").write_text("VALUE = 2\n")
    tiny.build_base(steps.append)
    assert value_in(home.base_environment) == "2"


def test_a_copy_is_behind_after_an_update_until_it_is_made_anew(tiny: UvEnvironments, home: Home) -> None:
    tiny.create("weather")
    assert tiny.is_current("weather")
    (tiny._source / "user_library" / "tiny_hops" / "__init__.py").write_text("VALUE = 2\n")
    assert not tiny.is_current("weather")
    tiny.create("weather")
    assert tiny.is_current("weather")
    assert value_in(home.environment("weather")) == "2"


def test_an_environment_that_can_not_be_made_is_told_without_paths_and_not_taken_for_one(
    tiny: UvEnvironments, home: Home
) -> None:
    requirements = tiny._source / "requirements" / "project.txt"
    requirements.write_text("no-such-distribution-of-hopslab==1 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(EngineRefusedError, match="The step 'uv pip' failed") as told:
        tiny.create("weather")
    assert str(home.root) not in str(told.value)
    requirements.write_text("")
    tiny.create("weather")
    assert value_in(home.environment("weather")) == "1"
    shutil.rmtree(home.environment("weather"))
