"""The prover of a site, for routes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from hops_platform.http import PartsOf
from hops_platform.realms.presence import Prover
from hops_platform.security_keys.ceremonies import relying_party


def prover_of(parts: PartsOf) -> Prover:
    """Makes sure that it is the caller who is there."""
    return Prover(
        database=parts.database,
        realms=parts.engines.realms,
        sealer=parts.sealer,
        party=relying_party(parts.settings.public_url),
    )


ProverOf = Annotated[Prover, Depends(prover_of)]
