"""A password in the clear is checked; and what comes after a right one."""

from __future__ import annotations

from attrs import frozen

from aiocognito.testing.claimants import Claimant
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.new_password import NewPassword
from aiocognito.testing.second_factors import SecondFactors
from aiocognito.testing.service_errors import (
    PoolError,
    incorrect_username_or_password,
    not_authorized,
    user_disabled,
)
from aiocognito.testing.state import Answer, PoolState
from aiocognito.testing.users import LocalUser

__all__ = ["PasswordCheck"]

_DAY = 86_400.0


@frozen
class PasswordCheck:
    """What all flows with a password share."""

    state: PoolState
    new_password: NewPassword
    second_factors: SecondFactors

    def check(self, claimant: Claimant, client: LocalClient, password: str) -> Answer:
        """Weigh a password and go on if it is right. Failures count towards a lock.

        Raises:
            PoolError: ``NotAuthorizedException``, and whatever `go_on` refuses.
        """
        now, lockout = self.state.clock.boot(), self.state.lockout
        lockout.refuse_if_locked(claimant.lock_key, now)
        fits = claimant.password.fits(password)
        if claimant.user is None or not fits:
            lockout.failed(claimant.lock_key, now)
            raise incorrect_username_or_password()
        lockout.succeeded(claimant.lock_key)
        return self.go_on(claimant.user, client)

    def go_on(self, user: LocalUser, client: LocalClient) -> Answer:
        """Go on after a right password: to a new one, to MFA, to tokens."""
        self.refuse_state(user)
        if user.status == "FORCE_CHANGE_PASSWORD":
            return self.new_password.ask(user, client)
        return self.second_factors.ask(user, client)

    def refuse_state(self, user: LocalUser) -> None:
        """Refuse a user who may not sign in; only they may learn what state they are in."""
        if not user.enabled:
            raise user_disabled()
        if user.status == "UNCONFIRMED":
            raise PoolError("UserNotConfirmedException", "User is not confirmed.")
        if user.status == "RESET_REQUIRED":
            raise PoolError(
                "PasswordResetRequiredException", "Password reset required for the user"
            )
        if user.status == "FORCE_CHANGE_PASSWORD" and self._is_stale(user):
            raise not_authorized(
                "Temporary password has expired and must be reset by an administrator."
            )

    def _is_stale(self, user: LocalUser) -> bool:
        days = self.state.settings.password_policy.temporary_validity_days
        set_at = user.password.set_at if user.password is not None else 0.0
        return self.state.clock.boot() >= set_at + days * _DAY
