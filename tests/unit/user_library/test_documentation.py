"""Every public function of the library stands in its page, and is described where it is defined."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from hops import dataset, devices, experiment, hdfs, kafka, project, tensorboard, tflauncher, util

PAGE = (Path(__file__).parents[3] / "docs" / "hops-library.md").read_text()
MODULES = (dataset, devices, experiment, hdfs, kafka, project, tensorboard, tflauncher, util)
NAMES = [(module, name) for module in MODULES for name in module.__all__]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_every_public_name_stands_in_the_page(module, name):
    title = module.__name__.rpartition(".")[2]
    tables = PAGE.split("## Every function")[1]
    assert re.search(rf"`(?:{title}\.)?{name}[`(]", tables), f"{title}.{name} is missing in docs/hops-library.md"


@pytest.mark.parametrize(("module", "name"), [pair for pair in NAMES if inspect.isfunction(getattr(*pair))])
def test_every_public_function_says_what_it_takes_and_returns(module, name):
    function = getattr(module, name)
    text = inspect.getdoc(function)
    assert text
    parameters = list(inspect.signature(inspect.unwrap(function)).parameters)
    if len(parameters) > 3:
        assert [p for p in parameters if not re.search(rf"^    {p}: ", text, re.MULTILINE)] == []
