"""Fills a new project's folder.

Laws:

1. A file that is there stays as it is, whoever wrote it: filling twice changes nothing.
2. A file appears whole or not at all.
3. Nothing is written through a link, so what a member puts into the folder can't lead the platform elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import json
import os
import secrets
import zlib
from collections.abc import Iterator
from pathlib import Path

_HERE = Path(__file__).parent
_PIXELS = 64
FILLED = ("Jupyter", "Resources")
"""The datasets that something is written into."""


class TemplateError(RuntimeError):
    """The project can't be filled."""


def fill(project_folder: Path, base_environment: Path, project: str, title: str) -> None:
    """Writes the welcome notebook and the data sets into a project's folder.

    Args:
        project_folder: The project's folder; the folders of its datasets are made if they are absent.
        base_environment: The environment whose packages the data sets ship in.
        project: Name of the project.
        title: The project's title for people.

    Raises:
        TemplateError: A data set's package is missing, or what is no folder stands where one belongs.
    """
    packages = _packages(base_environment)
    notebooks, resources = FILLED
    contents = {
        notebooks: {"Welcome.ipynb": welcome(project, title)},
        resources: {
            "README.md": (_HERE / "README.md").read_bytes(),
            "seattle-weather.csv": _read(packages / "vega_datasets/_data/seattle-weather.csv"),
            "digits.csv": digits(_read(packages / "sklearn/datasets/data/digits.csv.gz")),
        },
    }
    project_folder.mkdir(parents=True, exist_ok=True)
    for dataset, files in contents.items():
        with _folder(project_folder, dataset) as folder:
            for name, data in files.items():
                _write(name, data, at=folder)


def welcome(project: str, title: str) -> bytes:
    """The welcome notebook of a project."""
    notebook = json.loads((_HERE / "Welcome.ipynb").read_bytes())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = [
                line.replace("{title}", _plain(title)).replace("{project}", project) for line in cell["source"]
            ]
    return json.dumps(notebook, indent=1, ensure_ascii=False).encode() + b"\n"


def digits(packed: bytes) -> bytes:
    """scikit-learn's digits as CSV with a header: 64 pixels and the label.

    Raises:
        TemplateError: These are not the digits.
    """
    header = ",".join([*(f"pixel_{row}_{column}" for row in range(8) for column in range(8)), "label"])
    try:
        lines = gzip.decompress(packed).decode().splitlines()
        rows = [[int(float(value)) for value in line.split(",")] for line in lines if line]
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise TemplateError("The digits in the base environment are damaged. Make the environment anew.") from error
    if any(len(row) != _PIXELS + 1 for row in rows):
        raise TemplateError("The digits in the base environment are of another shape than the template knows.")
    return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""]).encode()


def _plain(title: str) -> str:
    """A title as one line of Markdown that means nothing but itself."""
    line = " ".join(title.split())
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>()#+!|$~" else letter for letter in line)


def _packages(environment: Path) -> Path:
    folders = sorted(environment.glob("lib/python3*/site-packages"))
    if not folders:
        raise TemplateError("The base environment is not ready: it holds no packages. Run 'hopslab doctor'.")
    return folders[-1]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise TemplateError(
            f"The base environment lacks {file.name}, which a new project starts with. Make the environment anew."
        ) from None


@contextlib.contextmanager
def _folder(project_folder: Path, name: str) -> Iterator[int]:
    """The folder's descriptor, which stays what it is whatever members' code does to the name meanwhile."""
    with contextlib.suppress(FileExistsError):
        (project_folder / name).mkdir()
    try:
        folder = os.open(project_folder / name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP, errno.EACCES):
            raise
        raise TemplateError(f"{name} is no folder that can be opened; a new project needs one there.") from None
    try:
        yield folder
    finally:
        os.close(folder)


def _write(name: str, data: bytes, *, at: int) -> None:
    draft = f".{secrets.token_hex(8)}.part"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=at)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        with contextlib.suppress(FileExistsError):  # somebody was quicker: theirs stays
            os.link(draft, name, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=at)
