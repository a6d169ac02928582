"""What the header ``Authorization`` shows."""

from __future__ import annotations

import pytest

from hops_contract.tokens import MAX_TOKEN_LENGTH
from hops_platform.security.bearers import is_hubs, shown_token

SECRET = "heron-teapot"


@pytest.mark.parametrize("header", [f"Bearer {SECRET}", f"bearer {SECRET}", f"BEARER  {SECRET} "])
def test_the_hub_is_known_however_the_scheme_is_written_as_where_it_is_let_in(header: str) -> None:
    assert shown_token(header) == SECRET
    assert is_hubs(header, SECRET)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        SECRET,
        f"Basic {SECRET}",
        f"ApiKey {SECRET}",
        f"Bearer {SECRET}x",
        "Bearer",
        f"Bearer {'x' * MAX_TOKEN_LENGTH}x",
    ],
)
def test_nobody_else_is_taken_for_the_hub(header: str | None) -> None:
    assert not is_hubs(header, SECRET)
