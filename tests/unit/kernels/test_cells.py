from __future__ import annotations

import pytest
from hops_kernels.cells import Part, Place, complete_language, complete_magic, installer_of, part_at, shifted, words
from hops_kernels.progress_line import progress_text

IN_SESSION = frozenset({"time", "capture"})


def _part(text):
    """The part at ``|``."""
    return part_at(text.replace("|", ""), text.index("|"), in_session=IN_SESSION)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("spark.ran|", Part(Place.SESSION, "spark.ran", 9)),
        ("a = 1\n%tim|", Part(Place.SESSION, "a = 1\n%tim", 10)),
        ("%%local\nprint(x|", Part(Place.HERE, "print(x", 7, 8)),
        ("\n\n%%local\nx|", Part(Place.HERE, "x", 1, 10)),
        ("%%sql\nSELECT i|", Part(Place.NEITHER, "SELECT i", 8, 6)),
        ("%%spark -o frame\nfra|", Part(Place.SESSION, "fra", 3, 17)),
        ("%%time\nspa|", Part(Place.SESSION, "spa", 3, 7)),
        ("%time spa|", Part(Place.SESSION, " spa", 4, 5)),
        ('%%configure -f\n{"dri|', Part(Place.NEITHER, '{"dri', 5, 15)),
        ("%%sql -o fra|", Part(Place.NEITHER, "%%sql -o fra", 12)),
        ("%%s|", Part(Place.HERE, "%%s", 3, magic="%%s")),
        ("\n%lo|", Part(Place.HERE, "\n%lo", 4, magic="%lo")),
        ("|", Part(Place.SESSION, "", 0)),
        ("\n  |", Part(Place.SESSION, "\n  ", 3)),
    ],
)  # fmt: skip
def test_the_part_of_a_cell_that_the_cursor_is_in(text, part):
    assert _part(text) == part


@pytest.mark.parametrize("cell", ["", "\n", "%", "%%", "%%local", "%%local\n", " \n%%sql\n\nselect", "x\n\n%y z"])
def test_every_cursor_lies_in_its_part(cell):
    for cursor in range(len(cell) + 1):
        part = part_at(cell, cursor, in_session=IN_SESSION)
        assert 0 <= part.cursor <= len(part.code)
        assert part.cursor + part.offset == cursor


def test_magics_are_completed_by_name_and_internal_ones_are_not_offered():
    names = {"line": ["lsmagic", "sql"], "cell": ["sql", "spark", "_do_not_call_start_session"]}
    reply = complete_magic(_part("%%s|"), names, IN_SESSION)
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (["%%spark", "%%sql"], 0, 3)
    assert complete_magic(_part("%t|"), names, IN_SESSION)["matches"] == ["%time"]
    assert complete_magic(_part("%%_|"), names, IN_SESSION)["matches"] == []


@pytest.mark.parametrize(
    ("code", "matches", "start"),
    [("pri", ["print"], 0), ("x = whi", ["while"], 4), ("spark.pri", [], 9), ("'pri", [], 4)],
)
def test_without_a_session_there_are_pythons_own_words(code, matches, start):
    reply = complete_language(code, len(code))
    assert (reply["matches"], reply["cursor_start"], reply["cursor_end"]) == (matches, start, len(code))


def test_a_reply_about_a_part_becomes_one_about_the_cell():
    reply = shifted(words(["range"], kind="function", start=6, end=9), 10)
    assert (reply["cursor_start"], reply["cursor_end"]) == (16, 19)
    assert reply["metadata"]["_jupyter_types_experimental"][0] == {
        "start": 16, "end": 19, "text": "range", "type": "function", "signature": "",
    }  # fmt: skip


def test_the_line_about_progress():
    content = {
        "stage": 3, "stages": 5, "name": "count at line 1", "stage_done": 17, "stage_tasks": 200, "tasks_running": 4,
        "tasks_failed": 0,
    }  # fmt: skip
    assert progress_text(content) == "Stage 3 of 5: count at line 1 · 17 of 200 tasks · 4 running"
    assert progress_text({**content, "name": "", "tasks_failed": 2}).endswith(
        "of 5 · 17 of 200 tasks · 4 running · 2 failed"
    )


def test_the_line_about_progress_counts_no_tasks_where_no_stage_is_active():
    between = {"stage": 5, "stages": 5, "name": "", "stage_done": 0, "stage_tasks": 0, "tasks_running": 1}
    assert progress_text(between) == "Stage 5 of 5 · 1 running"


@pytest.mark.parametrize(
    ("cell", "installer"),
    [
        ("!pip install humanize", "pip"),
        ("# what we need\n\n  !pip3 install -q humanize\nimport humanize", "pip"),
        ("!python -m pip install humanize", "pip"),
        ("!{sys.executable} -m pip install humanize", "pip"),
        ("!uv pip install humanize", "uv"),
        ("!conda install -y humanize", "conda"),
        ("!pip list", None),
        ("!ls # pip install", None),
        ('text = """\n!pip install humanize"""', None),
    ],
)
def test_a_cell_that_would_install_packages_by_a_command_is_known(cell, installer):
    assert installer_of(cell) == installer
