"""The description of the session service's API: what whoever reads only it must find there."""

import pytest

from hops_contract.layout import Home
from hops_contract.problems import MEDIA_TYPE
from hops_livy import wire
from hops_livy.app import create_app
from hops_livy.settings import Settings


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    return create_app(Settings(home=Home(tmp_path_factory.mktemp("home")), gpus=0)).openapi()


@pytest.fixture(scope="module")
def operations(description):
    return {
        f"{method} {path.removeprefix('/services/livy/')}": operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    }


def test_every_operation_says_what_it_does_with_an_example_of_what_it_takes_and_gives(description, operations):
    assert len(operations) > 20
    without = []
    for name, operation in operations.items():
        assert operation["description"].rstrip().endswith(".")
        for status, answer in operation["responses"].items():
            content = answer.get("content", {})
            if status == "204":
                continue
            if not content or not all(
                "example" in one for one in content.values() if "schema" not in one or one["schema"]
            ):
                without.append((name, status))
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            without += [] if "examples" in description["components"]["schemas"][schema] else [(name, schema)]
    assert without == []


def test_refusals_are_described_as_the_problems_that_they_are(operations):
    for operation in operations.values():
        for status in operation["responses"]:
            if not status.startswith("2"):
                content = operation["responses"][status]["content"]
                assert MEDIA_TYPE in content
                assert {"type", "title", "status", "detail", "remedy"} <= content[MEDIA_TYPE]["example"].keys()


@pytest.mark.parametrize(
    "model",
    [
        wire.SessionRequest,
        wire.BatchRequest,
        wire.StatementRequest,
        wire.CompletionRequest,
        wire.InspectionRequest,
        wire.WarmRequest,
        wire.IdleStop,
    ],
)
def test_the_examples_are_requests_that_are_understood(model):
    for example in model.model_json_schema()["examples"]:
        assert model.model_validate(example).model_dump(by_alias=True, exclude_unset=True) == example
