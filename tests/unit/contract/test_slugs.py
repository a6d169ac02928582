from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hops_contract.slugs import DATASET_NAME_PATTERN, SLUG_PATTERN, is_slug, project_user, split_project_user

slugs = st.from_regex(SLUG_PATTERN.replace("$", r"\Z"), fullmatch=True).filter(is_slug)


@pytest.mark.parametrize("name", ["a", "ab", "a-b", "weather-2026", "a" * 30])
def test_a_legal_name_is_taken(name: str) -> None:
    assert is_slug(name)


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "a--b", "1a", "A", "a_b", "a.b", "a b", "a\n", "ab\n", "a" * 31, "ä", "../x", "\u0430"]
)
def test_an_illegal_name_is_refused(name: str) -> None:
    assert not is_slug(name)


@given(project=slugs, user=slugs)
def test_a_project_user_splits_into_what_it_was_made_of(project: str, user: str) -> None:
    assert split_project_user(project_user(project, user)) == (project, user)


@given(name=slugs)
def test_every_slug_is_a_server_name_of_jupyterhub_and_a_kubernetes_label(name: str) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,29}", name)
    assert "--" not in name
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)


@pytest.mark.parametrize("name", ["ada", "a__", "__a", "a__b__c", "a_b", "../x__ada"])
def test_what_is_no_project_user_does_not_split(name: str) -> None:
    with pytest.raises(ValueError, match="project-user"):
        split_project_user(name)


@pytest.mark.parametrize(
    ("name", "legal"), [("Jupyter", True), ("a.b_c", True), (".", False), ("..", False), ("a/b", False)]
)
def test_a_dataset_name_is_one_folder(name: str, legal: bool) -> None:  # noqa: FBT001
    assert (re.match(DATASET_NAME_PATTERN, name) is not None) is legal
