"""What a running control plane consists of: handed to routes and to the outbox's tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from hops_platform.api_keys.use import KeysInUse
from hops_platform.audit.refusals import Refusals
from hops_platform.audit.trail import Trail
from hops_platform.certificates.revocations import RevocationLists
from hops_platform.database import Database
from hops_platform.engines import Engines
from hops_platform.files.tickets import DownloadTickets
from hops_platform.operations.engines import EngineWatch
from hops_platform.places import Places
from hops_platform.probe import Probe
from hops_platform.projects.models import Membership
from hops_platform.security.client_certificates import RefusedCertificates
from hops_platform.security.kept_tokens import KeptTokens
from hops_platform.security.sealing import Sealer
from hops_platform.security.tokens import Signer
from hops_platform.settings import Settings
from hops_platform.transfers import Transfers


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts, each made once.

    Attributes:
        settings: What was set.
        database: Where all rows stand.
        engines: One adapter for each port.
        signer: Signs and verifies tokens.
        sealer: Seals what is secret in the database.
        keys_in_use: Who uses which API key.
        holder_of: Finds the membership whose certificate (DER) was shown, if it may be used.
        refused_certificates: Those that were shown and prove nothing.
        revocation_lists: Of certificates, as they were signed last.
        trail: Writes what is recorded in the audit.
        refusals: Writes there what was refused.
        kept_tokens: Those that services are shown in a person's name.
        session_places: Bounds the calls to the session service.
        transfers: Bounds the work with files, and does it.
        preview_places: Bounds the previews of files.
        tickets: By which browsers download files.
        hub_credential: The secret that the Hub shows.
        health: Whether the database answers.
        engine_watch: Whether all that is around this service does.
    """

    settings: Settings
    database: Database
    engines: Engines
    signer: Signer
    sealer: Sealer
    keys_in_use: KeysInUse
    holder_of: Callable[[Session, bytes], Membership | None]
    refused_certificates: RefusedCertificates
    revocation_lists: RevocationLists
    trail: Trail
    refusals: Refusals
    kept_tokens: KeptTokens
    session_places: Places
    transfers: Transfers
    preview_places: Places
    tickets: DownloadTickets
    hub_credential: str
    health: Probe
    engine_watch: EngineWatch
