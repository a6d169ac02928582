"""How variables of the environment are read, and the words in which one that is wrong is refused."""

from enum import StrEnum
from pathlib import Path

import pytest

from hops_livy.variables import SettingsError, Variables, address_parts


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@pytest.fixture
def read():
    """Reads one variable, ``HOPS_X``, of such a value."""

    def read_one(value, way, *more):
        variables = Variables({"HOPS_X": value}, prefix="HOPS_", because="HOPS_SPARK_MASTER=yarn")
        return getattr(variables, way)("X", *more)

    return read_one


@pytest.mark.parametrize("way", ["text", "number", "positive", "path", "absolute"])
@pytest.mark.parametrize("value", ["", "  "])
def test_one_that_holds_nothing_is_not_set(read, value, way):
    assert read(value, way) is None


def test_values_are_what_they_say(read):
    assert (read(" a ", "text"), read("7", "number"), read("0", "number")) == ("a", 7, 0)
    assert read("a, b,,", "names") == ("a", "b")
    assert (read("red", "choice", Colour, Colour.BLUE), read("", "choice", Colour, Colour.BLUE)) == ("red", "blue")
    assert (read("x.pem", "path"), read("/x", "absolute")) == (Path("x.pem"), Path("/x"))
    assert Variables({"HOPS_B": "1", "HOPS_A": "1", "HOPS_C": " ", "OTHER": "1"}, prefix="HOPS_").given() == [
        "HOPS_A", "HOPS_B",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "way", "more", "sentence"),
    [
        ("two", "number", (), "HOPS_X is 'two'; it must be a whole number, 0 or more."),
        ("-1", "positive", (), "HOPS_X is '-1'; it must be a whole number, 0 or more."),
        ("0", "positive", (), "HOPS_X is 0; it must be 1 or more."),
        ("green", "choice", (Colour, Colour.RED), "HOPS_X is 'green'; it must be one of red, blue."),
        ("here", "absolute", (), "HOPS_X is 'here'; it must be an absolute path."),
        ("/nowhere/at/all", "file", ("a token",), "HOPS_X: the file with a token can't be read."),
        ("", "file", ("a token",), "HOPS_SPARK_MASTER=yarn needs HOPS_X: it is a file with a token."),
        ("", "needed", ("nodes ask there",), "HOPS_SPARK_MASTER=yarn needs HOPS_X: nodes ask there."),
    ],
)
def test_one_that_is_wrong_is_refused_by_its_name(read, value, way, more, sentence):
    with pytest.raises(SettingsError) as refused:
        read(value, way, *more)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("text", ["host", "http://", "http://h:0", "http://h:port", "http://h:99999", "ftp://h", "//h"])
def test_what_is_no_address_has_no_parts(text):
    assert address_parts(text, {"http", "https"}) is None
    assert address_parts("https://h:1/p", {"https"}).port == 1
