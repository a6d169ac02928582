"""docs/why-did-my-session-not-start.md, and how tests say which of its sentences they bring about."""

from pathlib import Path

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "why-did-my-session-not-start.md").read_text(encoding="utf-8")


def collected():
    """An empty dictionary of cases by sentence, and the decorator that puts a function into it.

    The decorator names the sentence of the page that the function brings about; the function returns what was said.
    """
    cases = {}

    def case(sentence):
        def keep(function):
            assert cases.setdefault(sentence, function) is function
            return function

        return keep

    return cases, case
