"""What stands in a one-time link, on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

MAX_TOKEN_LENGTH = 64
LinkToken = Annotated[
    SecretStr,
    Field(
        min_length=1,
        max_length=MAX_TOKEN_LENGTH,
        description="What stands behind the # of the link.",
        examples=["q83vEjRWeJoLw0xk…"],
    ),
]
