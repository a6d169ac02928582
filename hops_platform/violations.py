"""What is wrong with a field of a request, in sentences for people instead of a validator's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hops_contract.problems import Violation

MAX_VIOLATIONS = 20

# By pydantic's kind of error, with what it knows beside it.
_SENTENCES: Mapping[str, str] = {
    "bool_parsing": "True or false is needed here.",
    "bool_type": "True or false is needed here.",
    "dict_type": "An object is needed here.",
    "enum": "Only one of these is possible: {expected}.",
    "extra_forbidden": "There is no field of this name.",
    "greater_than_equal": "{ge} is the least.",
    "int_from_float": "A whole number is needed here.",
    "int_parsing": "A whole number is needed here.",
    "int_parsing_size": "This number is too large.",
    "int_type": "A whole number is needed here.",
    "json_invalid": "This is not well-formed JSON.",
    "less_than_equal": "{le} is the most.",
    "literal_error": "Only one of these is possible: {expected}.",
    "missing": "This is needed.",
    "model_attributes_type": "An object is needed here.",
    "model_type": "An object is needed here.",
    "string_pattern_mismatch": "This holds a character that can't be used here.",
    "string_too_long": "At most {max_length} characters are possible.",
    "string_type": "A text is needed here.",
    "string_unicode": "This is not valid Unicode.",
    "uuid_parsing": "This is not an identifier.",
    # The kinds that a hidden text (a password) gives.
    "too_long": "At most {max_length} characters are possible.",
}
_TOO_SHORT = frozenset({"string_too_short", "too_short"})


def describe_violations(errors: Iterable[Mapping[str, Any]], *, within: tuple[str, ...] = ()) -> list[Violation]:
    """The violations of a validator's errors, at most :data:`MAX_VIOLATIONS`.

    Args:
        errors: What pydantic's ``errors()`` gives.
        within: Where in the request the validated thing stands.
    """
    return [
        Violation(field=_field((*within, *item["loc"])), message=_sentence(item))
        for item, _ in zip(errors, range(MAX_VIOLATIONS), strict=False)
    ]


def summarise(violations: list[Violation]) -> str:
    """The first violations in one line."""
    return " ".join(f"{violation.field}: {violation.message}" for violation in violations[:3])


def _field(location: Iterable[str | int]) -> str:
    parts = [str(part) for part in location]
    # FastAPI says where in the request it looked; of JSON that can't be read it also gives the position.
    inside = [part for part in parts if part not in ("body", "query", "path", "header")]
    return "body" if parts[:1] == ["body"] and all(part.isdigit() for part in inside) else ".".join(inside)


def _sentence(error: Mapping[str, Any]) -> str:
    kind, known = str(error["type"]), error.get("ctx") or {}
    if kind in _TOO_SHORT:
        least = known.get("min_length", 1)
        return "This must not be empty." if least == 1 else f"At least {least} characters are needed."
    sentence = _SENTENCES.get(kind)
    if sentence is None:
        return str(error["msg"]).removeprefix("Value error, ")
    return sentence.format(**known)
