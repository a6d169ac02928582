"""What the session makes of Scala code, of the interpreter's words and of a stream of output."""

import pytest

from hops_livy.driver.hops_session.scala_text import (
    Asked,
    OutputFeed,
    Part,
    asked_at,
    name_at,
    scala_error,
    shortened,
    statements,
)
from hops_livy.driver.hops_session.tables import table

MARK = b"\0mark\n"


def _parts(code, *wanted):
    found = []
    for kind, text in wanted:
        start = code.index(text)
        units = len(code[:start].encode("utf-16-le")) // 2
        found.append(Part(kind, units, units + len(text.encode("utf-16-le")) // 2))
    return found


def test_a_class_and_its_companion_are_one_statement_and_stand_apart_from_the_rest():
    code = "val a = 1\ncase class P(n: Int)\nobject P\nval b = P(a)\n"
    parts = _parts(
        code, ("ValDef", "val a = 1"), ("ClassDef", "case class P(n: Int)"), ("ModuleDef", "object P"),
        ("ValDef", "val b = P(a)"),
    )  # fmt: skip
    assert statements(code, parts) == ["val a = 1", "\ncase class P(n: Int)\nobject P", "\nval b = P(a)\n"]


def test_annotations_comments_and_brackets_stay_with_what_they_belong_to():
    code = "(1 + 2)\n// why\n@transient val x = 1"
    parts = _parts(code, ("Apply", "1 + 2"), ("ValDef", "val x = 1"))
    assert statements(code, parts) == ["(1 + 2)", "\n// why\n@transient val x = 1"]


def test_parts_of_one_pattern_are_one_statement():
    code = "val (a, b) = (1, 2)\na"
    parts = [Part("ValDef", 4, 19), Part("ValDef", 0, 19), Part("ValDef", 0, 19), Part("Ident", 20, 21)]
    assert statements(code, parts) == ["val (a, b) = (1, 2)", "\na"]


def test_characters_that_java_counts_twice_do_not_move_the_cuts():
    code = 'val s = "😀"\nval t = 1'
    assert statements(code, _parts(code, ("ValDef", 'val s = "😀"'), ("ValDef", "val t = 1"))) == [
        'val s = "😀"', "\nval t = 1",
    ]  # fmt: skip


def test_nothing_but_a_comment_is_left_as_it_is():
    assert statements("// c", []) == ["// c"]


@pytest.mark.parametrize(
    ("text", "name", "before"),
    [
        ("spark.ra|nge(3)", "range", "spark.range"),
        ("spark.range|", "range", "spark.range"),
        ("spark.range(|", "range", "spark.range"),
        ("spark.range(Seq(1, 2)(0), |)", "range", "spark.range"),
        ("val größe|_2 = 1", "größe_2", "val größe_2"),
        ("a.map { |", "", ""),
        ("1 + |", "", ""),
        ("(1 + 2) |", "", ""),
        ("|", "", ""),
    ],
)
def test_the_name_at_the_cursor_or_of_what_is_called_there(text, name, before):
    code, cursor = text.replace("|", ""), text.index("|")
    found, end = name_at(code, cursor)
    assert found == name
    assert not name or code[:end] == before


@pytest.mark.parametrize(
    ("text", "code", "word", "names_of_cells", "made"),
    [
        ("spark.ra|nge(3)", "spark.ra(3)", "ra", False, False),
        ("ci|", "ci", "ci", False, False),
        ("city.|", "city.", "", False, False),
        ("city\n  .|", "city\n  .", "", False, False),
        ("|", "", "", True, False),
        ("1 + |x", "1 + x", "", True, False),
        ("for|mat(1)", "for_(1)", "for", True, False),
        ("city.type|", "city.type_", "type", False, False),
        ("new City|", "new City", "City", False, True),
        ("renew City|", "renew City", "City", False, False),
        ("2abc|", "2abc", "", True, False),
    ],
)
def test_the_word_that_is_completed_ends_at_the_cursor(text, code, word, names_of_cells, made):
    cursor = text.index("|")
    assert asked_at(text.replace("|", ""), cursor) == Asked(
        code=code, cursor=cursor, word=word, names_of_cells=names_of_cells, made=made
    )


def test_the_cursor_is_told_as_java_counts():
    code = 'val s = "😀"; s.le'
    assert asked_at(code, len(code)).cursor == len(code) + 1


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_stream_is_cut_at_the_marks_wherever_its_blocks_end(size):
    stream = "zwölf\0".encode() + MARK + "✓".encode() + MARK
    seen = []
    feed = OutputFeed(MARK, seen.append, lambda: seen.append(None))
    for at in range(0, len(stream), size):
        feed.feed(stream[at : at + size])
    texts = "".join("|" if piece is None else piece for piece in seen)
    assert texts == "zwölf\0|✓|"


def test_output_is_told_before_its_statement_ends():
    seen = []
    OutputFeed(MARK, seen.append, lambda: None).feed(b"half a li")
    assert seen == ["half a li"]


def test_an_exception_has_its_class_and_message():
    error = scala_error("java.lang.IllegalStateException: no: more\n  ... 32 elided\n", "f()")
    assert (type(error).__name__, str(error)) == ("java.lang.IllegalStateException", "no: more")
    assert error.lines == ["java.lang.IllegalStateException: no: more", "  ... 32 elided"]


def test_code_of_one_line_is_shown_above_the_place_of_its_error():
    error = scala_error("       ^\n       error: not found: value nothing\n", "nothing")
    assert (type(error).__name__, str(error)) == ("Error", "not found: value nothing")
    assert error.lines[0] == "       nothing"


def test_long_stacks_lose_the_frames_of_libraries():
    lines = ["x.Y: z", *["  at org.apache.spark.rdd.RDD.collect(RDD.scala:1)"] * 30, "  at mine(<console>:1)"]
    assert shortened(lines) == ["x.Y: z", "  at mine(<console>:1)", "(30 more frames inside of libraries.)"]
    assert shortened(lines[:5]) == lines[:5]


def test_rows_are_a_table():
    assert table([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]) == {
        "headers": [{"type": "BIGINT_TYPE", "name": "a"}, {"type": "STRING_TYPE", "name": "b"}],
        "data": [[1, "x"], [2, "y"]],
    }
    assert table([[1.5, None], [2.5, None]])["headers"][1] == {"type": "NULL_TYPE", "name": "1"}
    assert table(True) == {"headers": [{"type": "BOOLEAN_TYPE", "name": "0"}], "data": [[True]]}


@pytest.mark.parametrize("rows", [[1, "x"], [{"a": 1}, {"a": "x"}], [[[1, "x"]]]])
def test_a_column_of_several_types_is_no_table(rows):
    with pytest.raises(TypeError, match="different types"):
        table(rows)
