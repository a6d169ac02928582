"""What somebody has to do before all else: the problems that say so."""

from __future__ import annotations

from hops_platform.errors import PasswordChangeNeededError, SecondFactorSetUpNeededError


def check_ready(*, must_change_password: bool, lacks_second_factor: bool) -> None:
    """Checks that nothing has to be done first.

    Raises:
        PasswordChangeNeededError: The password was chosen by somebody else.
        SecondFactorSetUpNeededError: The site asks for a second factor, and there is none.
    """
    if must_change_password:
        raise PasswordChangeNeededError(
            "Your password was chosen by somebody else.", remedy="Choose your own first (PUT me/password)."
        )
    if lacks_second_factor:
        raise SecondFactorSetUpNeededError(
            "This site asks everybody for a second factor, and you have none.",
            remedy="Set one up first, on the page 'Security' (POST me/second-factor).",
        )
