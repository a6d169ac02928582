"""What is wrong with a request, in words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from hops_contract.options import ServerOptions
from hops_contract.slugs import SLUG_RULE
from hops_platform.projects.schemas import NewProject
from hops_platform.users.schemas import LoginRequest, NewUser, UserEdit
from hops_platform.violations import MAX_VIOLATIONS, describe_violations, summarise

GOOD = {"name": "ada", "password": "correct horse battery"}


def told(model: type[BaseModel], value: Any) -> dict[str, str]:
    try:
        model.model_validate(value)
    except ValidationError as error:
        return {found.field: found.message for found in describe_violations(error.errors())}
    return {}


@pytest.mark.parametrize(
    ("model", "value", "field", "sentence"),
    [
        (NewUser, GOOD | {"password": "short"}, "password", "At least 10 characters are needed."),
        (NewUser, GOOD | {"password": "x" * 201}, "password", "At most 200 characters are possible."),
        (NewUser, GOOD | {"name": "Ada"}, "name", f"A name is {SLUG_RULE}."),
        (NewUser, GOOD | {"name": "ada\n"}, "name", f"A name is {SLUG_RULE}."),
        (NewUser, GOOD | {"name": "a" * 31}, "name", "At most 30 characters are possible."),
        (NewUser, GOOD | {"title": "a\tb"}, "title", "This holds a character that can't be used here."),
        (NewUser, GOOD | {"title": "a\n"}, "title", "This holds a character that can't be used here."),
        (NewUser, GOOD | {"admin": "perhaps"}, "admin", "True or false is needed here."),
        (NewUser, {"name": "ada"}, "password", "This is needed."),
        (NewUser, GOOD | {"root": True}, "root", "There is no field of this name."),
        (UserEdit, {"password": "short"}, "password", "At least 10 characters are needed."),
        (LoginRequest, {"username": "", "password": "x"}, "username", "This must not be empty."),
        (LoginRequest, {"username": 1, "password": "x"}, "username", "A text is needed here."),
        (
            NewProject,
            {"name": "a", "template": "x"},
            "template",
            "Only one of these is possible: 'welcome' or 'empty'.",
        ),
        (ServerOptions, {"executors": 0}, "executors", "1 is the least."),
        (ServerOptions, {"executors": 1001}, "executors", "1000 is the most."),
        (ServerOptions, {"executors": 1.5}, "executors", "A whole number is needed here."),
        (ServerOptions, {"executors": "x"}, "executors", "A whole number is needed here."),
    ],
)
def test_each_common_mistake_has_its_sentence(model: type[BaseModel], value: Any, field: str, sentence: str) -> None:
    assert told(model, value) == {field: sentence}


def test_a_rule_between_fields_keeps_its_own_words() -> None:
    options = {"allocation": "dynamic", "min_executors": 5, "max_executors": 2}
    assert list(told(ServerOptions, options).values()) == ["At least 5 executors is more than at most 2."]


def test_a_field_is_named_by_where_it_stands_in_the_request() -> None:
    error = {"type": "missing", "loc": ("body", "options", "executors"), "msg": ""}
    assert describe_violations([error])[0].field == "options.executors"
    assert describe_violations([{**error, "loc": ("query", "limit")}])[0].field == "limit"
    assert describe_violations([{**error, "loc": ("executors",)}], within=("options",))[0].field == "options.executors"
    assert describe_violations([{**error, "type": "json_invalid", "loc": ("body", 17)}])[0].field == "body"


def test_no_answer_grows_with_the_number_of_mistakes_or_repeats_a_secret() -> None:
    many = told(NewUser, GOOD | {f"x{number}": 1 for number in range(500)})
    assert len(many) == MAX_VIOLATIONS
    with pytest.raises(ValidationError) as refused:
        NewUser.model_validate({"name": "ada", "password": "hunter2"})
    assert "hunter2" not in summarise(describe_violations(refused.value.errors()))
