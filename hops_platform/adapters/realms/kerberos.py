"""Kerberos: somebody is whose ticket for this site's own service it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hops_contract.gssapi import Acceptor, GssError, GssMissingError
from hops_contract.realms import KerberosRealmSettings, RealmsError, check_private
from hops_platform.engines.realms import GivenTicket, Proof, ProofKind, Proven, RealmIdentity
from hops_platform.errors import EngineRefusedError, ForbiddenError, WrongCredentialsError

_NTLM = b"NTLMSSP\x00"


class KerberosRealm:
    """The people of one Kerberos realm.

    Args:
        settings: What the site's file of realms says of it.
    """

    def __init__(self, settings: KerberosRealmSettings) -> None:
        self._settings = settings

    @property
    def proof(self) -> ProofKind:
        """See :class:`~hops_platform.engines.realms.Realm`."""
        return ProofKind.TICKET

    def authenticate(self, proof: Proof) -> Proven:
        """See :class:`~hops_platform.engines.realms.Realm`."""
        if not isinstance(proof, GivenTicket) or proof.token.startswith(_NTLM):
            raise self._wrong()
        # Anew each time: the keytab may have been replaced.
        acceptor = self._acceptor()
        try:
            principal, answer = acceptor.accept(proof.token)
        except GssError as error:
            raise self._wrong() from error
        finally:
            acceptor.close()
        name, separator, realm = principal.rpartition("@")
        if not separator or realm != self._settings.principals:
            raise ForbiddenError(
                f"Nobody of {realm or 'no realm'} is let in by {self._settings.shown}.",
                remedy="Log in another way.",
            )
        if "/" in name or "\\" in name:
            raise ForbiddenError("A service's or an administrator's second principal is no person's.")
        return Proven(identity=RealmIdentity(subject=principal, username=name), answer=answer)

    def standing(self, subjects: Sequence[str]) -> Mapping[str, bool] | None:  # noqa: ARG002
        """See :class:`~hops_platform.engines.realms.Realm`. A KDC answers nobody who asks about others."""
        return None

    def check(self) -> None:
        """Looks whether the key of the service can be used.

        Raises:
            EngineRefusedError: It can't; says why.
        """
        self._acceptor().close()

    def _acceptor(self) -> Acceptor:
        try:
            check_private(self._settings.keytab)
            return Acceptor(self._settings.keytab, service=self._settings.service)
        except (GssError, GssMissingError, RealmsError) as error:
            raise EngineRefusedError(
                f"{self._settings.shown} can't be used: the key of this site's service is not there.",
                remedy="An administrator looks at the keytab; `hopslab doctor` says more.",
            ) from error

    def _wrong(self) -> WrongCredentialsError:
        return WrongCredentialsError(
            f"The browser's ticket of {self._settings.shown} is not good here.",
            remedy="Get a new one (kinit), or log in with a password.",
        )
