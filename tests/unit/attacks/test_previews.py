"""Files that were made to break what reads them for a preview: a sentence comes of each, in time and in bounds."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from hops_contract.layout import Home
from hops_contract.sandbox import SandboxError, Sandboxing, find_program
from hops_platform.adapters.previews import process
from hops_platform.adapters.previews.process import PATIENCE_S, ProcessPreviews
from hops_platform.adapters.previews.reader import limits
from hops_platform.engines.previews import Bounds, FileFormat
from hops_platform.errors import ConflictError, EngineUnavailableError
from hops_platform.previews.schemas import PreviewAnswer
from hops_platform.previews.service import NARROW, WIDE

SMALL = Bounds(size=64 * 1024, rows=100)
Read = Callable[..., PreviewAnswer]


def sandbox_is_there() -> bool:
    try:
        find_program()
    except SandboxError:
        return False
    return True


@pytest.fixture
def previews(tmp_path: Path) -> ProcessPreviews:
    (tmp_path / "home").mkdir()
    return ProcessPreviews(Home(tmp_path / "home"))


@pytest.fixture
def read(previews: ProcessPreviews, tmp_path: Path) -> Read:
    def _read(data: bytes | str, file_format: FileFormat, bounds: Bounds = SMALL) -> PreviewAnswer:
        file = tmp_path / "file"
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        with file.open("rb") as opened:
            text = previews.read(opened, file_format, bounds)
        assert len(text) < 8 * bounds.size + 4096
        return PreviewAnswer.model_validate_json(text)

    return _read


def png(width: int, height: int, data: bytes) -> bytes:
    """A picture that says of itself what size it has, whatever is in it."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_picture_that_unpacks_to_gigabytes_is_not_unpacked(read: Read) -> None:
    rows = zlib.compress(bytes(60_001) * 2000, 9)
    shown = read(png(60_000, 60_000, rows), FileFormat.IMAGE)
    assert (shown.kind, "million points" in (shown.note or "")) == ("none", True)


def test_a_picture_that_lies_about_its_size_is_broken(read: Read) -> None:
    shown = read(png(6000, 6000, zlib.compress(b"\x00" * 100)), FileFormat.IMAGE)
    assert (shown.kind, "no picture" in (shown.note or "")) == ("none", True)


def test_words_packed_into_a_picture_are_not_unpacked(read: Read) -> None:
    plain = io.BytesIO()
    Image.new("L", (10, 10)).save(plain, "PNG")
    packed = b"Comment\x00\x00" + zlib.compress(bytes(512 * 2**20), 9)
    word = struct.pack(">I", len(packed)) + b"zTXt" + packed + struct.pack(">I", zlib.crc32(b"zTXt" + packed))
    shown = read(plain.getvalue()[:33] + word + plain.getvalue()[33:], FileFormat.IMAGE)
    assert shown.kind in {"none", "image"}


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "EPS"])
def test_other_pictures_are_not_even_tried(read: Read, kind: str) -> None:
    made = io.BytesIO()
    Image.new("RGB", (32, 32)).save(made, kind)
    assert read(made.getvalue(), FileFormat.IMAGE).kind == "none"


def test_a_picture_is_written_anew_without_what_else_was_in_it(read: Read) -> None:
    made = io.BytesIO()
    Image.new("RGB", (64, 32), "red").save(made, "JPEG", comment=b"<script>secret</script>")
    shown = read(made.getvalue() + b"<script>alert(1)</script>", FileFormat.IMAGE)
    assert shown.image is not None
    assert (shown.image.width, shown.image.height) == (64, 32)
    assert b"script" not in base64.b64decode(shown.image.data)


@pytest.mark.parametrize("size", [64 * 1024, 2000, 100, 10])
def test_a_picture_takes_no_more_room_than_there_is(read: Read, size: int) -> None:
    made = io.BytesIO()
    Image.effect_noise((800, 600), 90).save(made, "PNG")
    shown = read(made.getvalue(), FileFormat.IMAGE, Bounds(size=size, rows=1))
    assert shown.kind == ("none" if size < 1000 else "image")
    assert shown.image is None or len(shown.image.data) <= size * 4 // 3 + 4


def test_a_parquet_file_that_unpacks_to_gigabytes_ends_in_a_sentence(read: Read, tmp_path: Path) -> None:
    # A few kilobytes: one text of 256 MiB, a thousand times.
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["a" * 256 * 2**20]))
    parquet.write_table(pa.table({"a": column}), tmp_path / "bomb", compression="zstd")
    data = (tmp_path / "bomb").read_bytes()
    assert len(data) < 2**20
    with pytest.raises(ConflictError, match="memory that a preview has"):
        read(data, FileFormat.PARQUET)


def test_a_parquet_file_of_very_many_columns_is_shown_in_part(read: Read, tmp_path: Path) -> None:
    parquet.write_table(pa.table({f"c{number}": [1] for number in range(2000)}), tmp_path / "wide")
    shown = read((tmp_path / "wide").read_bytes(), FileFormat.PARQUET)
    assert shown.columns is not None
    assert (len(shown.columns), shown.cut) == (100, True)


def test_an_avro_file_that_unpacks_to_gigabytes_ends_in_a_sentence(read: Read) -> None:
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(2**20))
    for _ in range(2000):
        block += packer.compress(bytes(2**20))
    block += packer.flush()
    head = io.BytesIO()
    fastavro.writer(head, {"type": "record", "name": "r", "fields": [{"name": "a", "type": "bytes"}]}, [], "deflate")

    def zigzag(number: int) -> bytes:
        number, made = number << 1, bytearray()
        while number > 127:
            made.append(number & 127 | 128)
            number >>= 7
        return bytes([*made, number])

    data = head.getvalue() + zigzag(1) + zigzag(len(block)) + block + head.getvalue()[-16:]
    with pytest.raises(ConflictError, match="memory that a preview has"):
        read(data, FileFormat.AVRO)


def test_a_csv_of_very_many_cells_is_shown_in_part(read: Read) -> None:
    shown = read("," * 50_000_000, FileFormat.CSV)
    assert shown.cut
    assert shown.columns is None or len(shown.columns) <= 100


def test_a_line_without_an_end_is_shown_in_part(read: Read) -> None:
    for file_format in (FileFormat.CSV, FileFormat.TEXT, FileFormat.JSON, FileFormat.MARKDOWN):
        shown = read("a" * 50_000_000, file_format)
        assert shown.cut, file_format
        assert len(shown.model_dump_json()) < 70_000


def test_json_that_is_nested_deeply_is_shown_as_it_stands_there(read: Read) -> None:
    shown = read("[" * 500_000 + "]" * 500_000, FileFormat.JSON)
    assert (shown.kind, (shown.text or "")[:9]) == ("text", "[" * 9)
    indented = read("[" * 900 + ",".join(["1"] * 100_000) + "]" * 900, FileFormat.JSON)
    assert indented.cut


@pytest.mark.parametrize("text", ["[" * 500_000, json.dumps({"cells": [{"cell_type": "code", "outputs": 7}] * 50_000})])
def test_odd_notebooks_end_in_a_sentence_or_in_part(read: Read, text: str) -> None:
    shown = read(text, FileFormat.NOTEBOOK)
    assert shown.kind == "none" or (shown.cut and len(shown.cells or []) <= 500)


def test_nothing_that_runs_comes_out_of_a_notebook(read: Read) -> None:
    data = {"text/html": "<script>alert(1)</script>", "image/svg+xml": "<svg/>", "text/plain": ["a", "b"]}
    outputs = [{"output_type": "display_data", "data": data}, {"output_type": "stream", "text": "\x1b[31mred\x1b[0m"}]
    cells = [{"cell_type": "code", "source": ["x\n", "y"], "outputs": outputs}, {"cell_type": "widget"}, 7, None]
    shown = read(json.dumps({"cells": cells}), FileFormat.NOTEBOOK)
    assert shown.cells is not None
    assert [(cell.text, cell.outputs) for cell in shown.cells] == [("x\ny", ["ab", "red"])]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000, "[](" * 20_000, "*" * 60_000, "*a " * 20_000, "> " * 30_000, "`" * 30_000 + "a",
        "![[]()" * 10_000,
        "- " * 30_000, "a\n" * 30_000, "|a" * 30_000 + "\n" + "|-" * 30_000, "<" * 60_000, "&" * 60_000, "_a_" * 20_000,
        "\n".join(["[a]: b"] * 8000), "~" * 60_000, "1. " * 20_000, "**a" * 20_000,
    ],
)  # fmt: skip
def test_markdown_made_to_take_long_ends_in_time(read: Read, text: str) -> None:
    try:
        shown = read(text, FileFormat.MARKDOWN)
    except ConflictError as error:
        assert "memory that a preview has" in error.detail  # noqa: PT017 - both are good
    else:
        assert shown.kind == "document"


def elements(tree: list[Any]) -> list[Any]:
    return [one for element in tree for one in (element, *elements(element.children))]


def test_nothing_that_runs_comes_out_of_markdown(read: Read) -> None:
    shown = read(
        "<script>alert(1)</script>\n\n<a href='javascript:x'>a</a> [b](javascript:x) [c](JaVaScRiPt:x) "
        "[d](data:text/html,x) "
        "[e](/hub/logout) [f](//evil.example) [g](https://example.org/) <https://example.org/h> [i](vbscript:x) "
        "[j](&#106;avascript:x) [k](http:evil) [l](mailto:a@example.org)\n\n![m](https://evil.example/m.png)\n",
        FileFormat.MARKDOWN,
    )
    assert shown.document is not None
    found = elements(shown.document)
    assert [one.href for one in found if one.tag == "a" and one.href] == [
        "https://example.org/", "https://example.org/h", "mailto:a@example.org",
    ]  # fmt: skip
    assert "<script>alert(1)</script>" in "".join(one.text for one in found)


def test_bytes_that_are_no_text_are_not_shown(read: Read) -> None:
    for data in (gzip.compress(b"a" * 1000) + b"\x00", bytes(100), b"\x7fELF\x00"):
        assert read(data, FileFormat.TEXT).kind == "none"
    assert read(b"\xff\xfeh\x00i\x00", FileFormat.TEXT).text == "hi"
    assert read("\ufeffh\xe9".encode(), FileFormat.TEXT).text == "h\xe9"
    assert read(b"\xed\xa0\x80\xffok", FileFormat.TEXT).kind == "text"


@pytest.mark.parametrize("file_format", list(FileFormat))
@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"PAR1" + b"\xff" * 100 + b"PAR1", b"Obj\x01" + b"\xff" * 200, b"{}", b"\n"]
)
def test_what_is_empty_or_broken_ends_in_a_sentence(read: Read, file_format: FileFormat, data: bytes) -> None:
    assert read(data, file_format).kind in {"none", "text", "table", "document"}


def test_what_never_ends_is_ended(previews: ProcessPreviews, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe gives no byte and no end; the platform opens none, and whatever else may hang is ended like it."""
    monkeypatch.setattr(process, "PATIENCE_S", 1.0)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as file, pytest.raises(ConflictError):
        previews.read(file, FileFormat.TEXT, SMALL)
    os.close(writing)


def test_a_process_that_writes_without_end_is_ended(tmp_path: Path) -> None:
    code = (
        "from hops_platform.adapters.previews.reader.limits import set_limits; set_limits()\n"
        "import os\n"
        "while True: os.write(1, bytes(2**20))"
    )
    with (tmp_path / "written").open("wb") as written:
        done = subprocess.run([sys.executable, "-I", "-c", code], stdout=written, timeout=240, check=False)
    assert done.returncode != 0
    assert (tmp_path / "written").stat().st_size <= limits.MOST_WRITTEN


def test_a_process_that_works_without_end_is_ended_by_the_time_that_it_worked() -> None:
    code = (
        "from hops_platform.adapters.previews.reader import limits; limits.CPU_S = 1; limits.set_limits()\n"
        "while True: pass"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], timeout=240, check=False)
    assert done.returncode == -signal.SIGKILL


def confined(previews: ProcessPreviews, tmp_path: Path, code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(
        previews._confined(command, tmp_path), capture_output=True, text=True, timeout=240, check=False, env={}
    )


@pytest.mark.skipif(not sandbox_is_there(), reason="this machine makes no sandboxes")
def test_a_file_that_takes_the_process_over_is_in_an_empty_room(previews: ProcessPreviews, tmp_path: Path) -> None:
    """The process sees neither the platform's home nor a network, and has nothing of the service's own variables."""
    (previews._home.root / "secret").write_text("key")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    seen = confined(previews, temporary, f"import os; print(os.path.exists({str(previews._home.root / 'secret')!r}))")
    assert seen.stdout.strip() == "False", seen.stderr
    reached = confined(previews, temporary, "import socket; socket.create_connection(('127.0.0.1', 80), 1)")
    assert "unreachable" in reached.stderr or "refused" in reached.stderr
    interfaces = confined(previews, temporary, "import socket; print([name for _, name in socket.if_nameindex()])")
    assert interfaces.stdout.strip() == "['lo']"
    assert not {name for name in process._ENVIRONMENT if name.startswith(("HOPS", "JUPYTERHUB"))}


def test_where_sandboxes_are_demanded_nothing_is_read_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise SandboxError("none here")

    monkeypatch.setattr(process, "find_program", none)
    (tmp_path / "a").write_text("a")
    with (tmp_path / "a").open("rb") as file:
        with pytest.raises(EngineUnavailableError):
            ProcessPreviews(Home(tmp_path), sandbox=Sandboxing.ON).read(file, FileFormat.TEXT, SMALL)
        assert b'"a"' in ProcessPreviews(Home(tmp_path)).read(file, FileFormat.TEXT, SMALL)


def test_the_bounds_are_what_the_documentation_says() -> None:
    assert [(one.size, one.rows) for one in (WIDE, NARROW)] == [(2**20, 500), (65536, 100)]
    assert (limits.CPU_S, PATIENCE_S) == (5, 30.0)
