"""Whether it is the user who is there, asked once more; law 4 of :mod:`~hops_platform.realms.log_ins`."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from hops_platform.database import Database, now
from hops_platform.engines.realms import GivenPassword, ProofKind, SiteRealm
from hops_platform.errors import ForbiddenError, UnauthenticatedError, WrongCredentialsError
from hops_platform.realms.log_ins import ask, find_realm
from hops_platform.realms.models import BY_TOKEN, RealmAccount, account_of
from hops_platform.second_factor.schemas import Proof as ProofOfPerson
from hops_platform.security.authentication import Caller
from hops_platform.security.sealing import Sealer
from hops_platform.security_keys.ceremonies import RelyingParty
from hops_platform.users.log_ins import check_password, check_second_factor, finish, name_in_challenge
from hops_platform.users.models import find_user

RECENT = timedelta(minutes=15)
"""So long a log-in stands for the password that a realm does not ask for."""
_SAME_MOMENT = timedelta(milliseconds=1)
"""Tokens hold moments as numbers with a fraction."""


def is_session_of_log_in(account: RealmAccount, caller: Caller) -> bool:
    """Whether ``caller`` calls in the session of the account's last log-in, in which the realm asked who it is."""
    if account.proven_in is None:
        return False
    if caller.browser is not None:
        return hmac.compare_digest(account.proven_in, caller.browser)
    same = caller.chain is not None and abs(caller.chain - account.proven_at) <= _SAME_MOMENT
    return account.proven_in == BY_TOKEN and same


@dataclass(frozen=True, slots=True, kw_only=True)
class Prover:
    """Makes sure that it is the user who is there, and not somebody who found an open browser.

    Attributes:
        database: The database; each proof has transactions of its own.
        realms: Who knows the passwords that are not kept here.
        sealer: Seals and opens challenges.
        party: This site, as security keys know it.
    """

    database: Database
    realms: Mapping[str, SiteRealm]
    sealer: Sealer
    party: RelyingParty | None

    def check(self, caller: Caller, proof: ProofOfPerson) -> None:
        """Checks that it is the user who calls, who is logged in, once more.

        By the password, or by this session's log-in, not long ago, where the realm has none; and by the second factor
        where there is one.

        Raises:
            ForbiddenError: This session is none of a log-in of lately.
            LockedOutError: Too many attempts failed.
            SecondFactorNeededError: The password is right, and the second factor is needed.
            UnauthenticatedError: The challenge is another's, was made up, or took too long.
            WrongCodeError: The code is wrong, or was used; or the key's answer is.
            WrongCredentialsError: The password is wrong.
        """
        user = caller.person
        code = proof.code.get_secret_value() if proof.code is not None else None
        if proof.challenge is None:
            self.check_password(caller, proof.password.get_secret_value() if proof.password is not None else "")
            check_second_factor(self.database, user, code=code, sealer=self.sealer, party=self.party)
            return
        challenge = proof.challenge.get_secret_value()
        if name_in_challenge(challenge, sealer=self.sealer) != user.name:
            raise UnauthenticatedError("This was not begun here, or took too long.", remedy="Begin again.")
        finish(
            self.database,
            challenge=challenge,
            code=code or "",
            answer=proof.assertion,
            sealer=self.sealer,
            party=self.party,
        )

    def check_password(self, caller: Caller, password: str) -> None:
        """Checks the password of the user who calls, or this session's log-in where the realm has none.

        Raises:
            ForbiddenError: This session is none of a log-in of lately.
            LockedOutError: Too many attempts failed.
            WrongCredentialsError: The password is wrong.
        """
        user = caller.person
        with self.database.session(writes=False) as session:
            account = account_of(session, find_user(session, user.name))
        if account is None:
            check_password(self.database, username=user.name, password=password)
            return
        site = find_realm(self.realms, account.realm)
        if site.engine.proof is ProofKind.PASSWORD:
            proven = ask(self.database, site, GivenPassword(username=account.username, password=password))
            if proven.identity.subject != account.subject:
                raise WrongCredentialsError("The password is wrong.", remedy=f"It is the one of {site.title}.")
        elif account.proven_at < now() - RECENT or not is_session_of_log_in(account, caller):
            raise ForbiddenError(
                f"{site.title} has not asked you in the last {RECENT.seconds // 60} minutes, here, who you are.",
                remedy="Log in again with it, here, and do this then. The pages Account and Security lead there.",
            )
