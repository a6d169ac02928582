"""What descriptions of the wire (JSON Schema) say that shapes alone don't."""

from __future__ import annotations

from typing import Any


def given_out(schema: dict[str, Any]) -> None:
    """For a secret that stands in an answer: all secrets are described as ``writeOnly``, which no answer may hold.

    Args:
        schema: The field's, as ``json_schema_extra`` gives it; changed in place.
    """
    schema.pop("writeOnly", None)
