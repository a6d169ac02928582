"""All tables, so that Alembic and the tests see the whole of the metadata."""

from __future__ import annotations

from sqlalchemy import MetaData

from hops_platform.activity import models as activity
from hops_platform.addresses import models as addresses
from hops_platform.api_keys import models as api_keys
from hops_platform.audit.models import AuditEvent
from hops_platform.certificates import models as certificates
from hops_platform.database import Base
from hops_platform.datasets import models as datasets
from hops_platform.environments import models as environments
from hops_platform.idempotency import IdempotencyKey
from hops_platform.invitations import models as invitations
from hops_platform.joining import models as joining
from hops_platform.kafka import models as kafka
from hops_platform.links import models as links
from hops_platform.outbox import Delivery
from hops_platform.projects import models as projects
from hops_platform.quotas import models as quotas
from hops_platform.realms import models as realms
from hops_platform.registrations import models as registrations
from hops_platform.second_factor import models as second_factor
from hops_platform.security.rates import Rate
from hops_platform.security_keys import models as security_keys
from hops_platform.servers import models as servers
from hops_platform.sessions import models as sessions
from hops_platform.sharing import models as sharing
from hops_platform.users import models as users

TABLES = (
    users.User,
    users.LoginAttempts,
    addresses.UserAddress,
    links.OneTimeLink,
    Rate,
    realms.RealmAccount,
    second_factor.SecondFactor,
    second_factor.RecoveryCode,
    security_keys.SecurityKey,
    security_keys.KeyChallenge,
    api_keys.ApiKey,
    projects.Project,
    projects.Membership,
    projects.FormerMembership,
    joining.JoinRequest,
    invitations.Invitation,
    registrations.Registration,
    certificates.AuthorityRow,
    certificates.Certificate,
    datasets.Dataset,
    sharing.Share,
    sharing.Publication,
    kafka.Topic,
    environments.Environment,
    servers.RememberedOptions,
    sessions.SessionsHeard,
    quotas.ProjectLimits,
    quotas.SiteLimits,
    quotas.StorageUse,
    quotas.StorageHold,
    activity.Activity,
    Delivery,
    IdempotencyKey,
    AuditEvent,
)


def all_tables() -> MetaData:
    """The metadata of all tables."""
    return Base.metadata
