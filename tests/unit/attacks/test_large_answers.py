"""A member who fills statements with output and asks for all of them at once, again and again."""

from __future__ import annotations

import asyncio

from hops_livy import statements as subject
from hops_livy.outputs import Outputs
from hops_livy.statements import Statement

KIB = 1024


def page_of_output(statements, most_bytes):
    return asyncio.run(subject.page_of_output(statements, most_bytes))


def statement(number: int, written: int) -> Statement:
    outputs = Outputs(16 * KIB * KIB)
    outputs.add("stream", {"name": "stdout", "text": "x" * written})
    return Statement(id=number, code="print()", kind="pyspark", outputs=outputs)


def test_a_page_holds_no_more_than_one_answer_may():
    statements = [statement(number, 100 * KIB) for number in range(50)]
    shown = page_of_output(statements, 1000 * KIB)
    assert [one.id for one in shown] == list(range(9))
    rest = page_of_output(statements[9:], 1000 * KIB)
    assert rest[0].id == 9, "who asks on finds the next one"


def test_a_page_holds_one_statement_however_large_it_is():
    assert len(page_of_output([statement(0, 5000), statement(1, 5000)], 1000)) == 1


def test_code_counts_too():
    long = [Statement(id=number, code="x" * 600, kind="sql", outputs=Outputs(1000)) for number in range(3)]
    assert len(page_of_output(long, 1000)) == 1
