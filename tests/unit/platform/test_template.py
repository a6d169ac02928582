"""What a new project is filled with, and what filling never does."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import nbformat
import pytest

from hops_platform.projects.template import TemplateError, fill
from hops_platform.projects.template.filling import digits, welcome

ROW = ",".join(["0"] * 63 + ["16", "7"])


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A base environment with the two data sets in small."""
    packages = tmp_path / "base" / "lib" / "python3.11" / "site-packages"
    for path, data in {
        "vega_datasets/_data/seattle-weather.csv": b"date,wind\n2012/01/01,4.7\n",
        "sklearn/datasets/data/digits.csv.gz": gzip.compress(f"{ROW}\n".encode()),
    }.items():
        (packages / path).parent.mkdir(parents=True)
        (packages / path).write_bytes(data)
    return tmp_path / "base"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "weather"


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_project_is_filled_with_a_notebook_and_two_data_sets(project: Path, base: Path) -> None:
    fill(project, base, "weather", "Weather")
    assert set(everything(project)) == {
        "Jupyter/Welcome.ipynb", "Resources/README.md", "Resources/digits.csv", "Resources/seattle-weather.csv"
    }  # fmt: skip


def test_filling_twice_changes_nothing(project: Path, base: Path) -> None:
    fill(project, base, "weather", "Weather")
    before = everything(project)
    fill(project, base, "weather", "Another title")
    assert everything(project) == before


def test_what_is_there_already_stays(project: Path, base: Path) -> None:
    (project / "Jupyter").mkdir(parents=True)
    (project / "Jupyter" / "Welcome.ipynb").write_text("mine")
    fill(project, base, "weather", "Weather")
    assert (project / "Jupyter" / "Welcome.ipynb").read_text() == "mine"
    assert (project / "Resources" / "digits.csv").exists()


@pytest.mark.parametrize("dataset", ["Jupyter", "Resources"])
def test_nothing_is_written_through_a_folder_that_is_a_link(
    project: Path, base: Path, tmp_path: Path, dataset: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project.mkdir()
    (project / dataset).symlink_to(elsewhere)
    with pytest.raises(TemplateError, match=f"{dataset} is no folder"):
        fill(project, base, "weather", "Weather")
    assert list(elsewhere.iterdir()) == []


def test_nothing_is_written_through_a_file_that_is_a_link(project: Path, base: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (project / "Jupyter").mkdir(parents=True)
    (project / "Jupyter" / "Welcome.ipynb").symlink_to(elsewhere)
    fill(project, base, "weather", "Weather")
    assert not elsewhere.exists()


def test_a_missing_data_set_is_told_with_a_remedy_and_without_a_path(project: Path, base: Path) -> None:
    next(base.rglob("digits.csv.gz")).unlink()
    with pytest.raises(TemplateError, match=r"lacks digits\.csv\.gz") as told:
        fill(project, base, "weather", "Weather")
    assert str(base) not in str(told.value)


def test_no_half_written_file_is_left(project: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_at: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.link", fail)
    with pytest.raises(OSError, match="No space left"):
        fill(project, base, "weather", "Weather")
    assert everything(project) == {}


def test_the_notebook_is_a_valid_one_for_the_pyspark_kernel() -> None:
    notebook = nbformat.reads(welcome("weather", "Weather of the coast").decode(), as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "pyspark"
    assert all(cell.outputs == [] and cell.execution_count is None for cell in notebook.cells if "outputs" in cell)
    markdown = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert "Weather of the coast" in markdown
    assert "{title}" not in markdown
    assert "{project}" not in markdown


@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", "[x](http://evil.test)", "`a` *b* \\", 'q"uote', "a\nb"]
)
def test_a_title_is_only_a_title(title: str) -> None:
    notebook = json.loads(welcome("weather", title))
    text = "".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    assert "<script>" not in text
    assert "[x](" not in text
    assert "\n# a\nb" not in text
    nbformat.validate(nbformat.reads(json.dumps(notebook), as_version=4))


def test_digits_are_whole_numbers_below_a_header() -> None:
    table = digits(gzip.compress(f"{ROW.replace('16', '1.600e+01')}\n".encode())).decode().splitlines()
    assert table[0].startswith("pixel_0_0,pixel_0_1,")
    assert table[0].endswith(",pixel_7_7,label")
    assert table[1:] == [ROW]


@pytest.mark.parametrize(
    "packed",
    [b"no archive", gzip.compress(b"broken,line\n"), gzip.compress(b"1,2,3\n")],
    ids=["no archive", "no numbers", "too few"],  # a name made from the archive would hold the time of its making
)
def test_damaged_digits_are_told_and_not_left_out(packed: bytes) -> None:
    with pytest.raises(TemplateError, match="The digits in the base environment"):
        digits(packed)
