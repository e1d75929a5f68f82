"""InitiateAuth: the first factor, and the refresh that shares its operation."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from aiocognito.testing.clients import LocalClient
from aiocognito.testing.new_password import NewPassword
from aiocognito.testing.second_factors import SecondFactors
from aiocognito.testing.service_errors import (
    PoolError,
    incorrect_username_or_password,
    invalid_parameter,
    not_authorized,
    user_disabled,
)
from aiocognito.testing.srp_desk import PasswordClaim
from aiocognito.testing.state import Answer, PoolState, challenge, needed
from aiocognito.testing.users import LocalUser

__all__ = ["SignIn"]

_DAY = 86_400.0


@frozen
class SignIn:
    """Answers the first call of a sign-in, and PASSWORD_VERIFIER."""

    state: PoolState
    new_password: NewPassword
    second_factors: SecondFactors

    def initiate(self, client: LocalClient, flow: str, parameters: Mapping[str, str]) -> Answer:
        """Start USER_SRP_AUTH or USER_PASSWORD_AUTH; refuse what is not for here."""
        if flow.startswith("ADMIN_"):
            raise invalid_parameter("Initiate Auth method not supported.")
        if not client.allows(flow):
            raise _not_enabled(flow)
        match flow:
            case "USER_SRP_AUTH":
                return self._start_srp(client, parameters)
            case "USER_PASSWORD_AUTH":
                return self._check_password(client, parameters)
            case "CUSTOM_AUTH":
                raise invalid_parameter(
                    "Custom auth lambda trigger is not configured for the user pool."
                )
            case _:
                raise invalid_parameter("Initiate Auth method not supported.")

    def _start_srp(self, client: LocalClient, parameters: Mapping[str, str]) -> Answer:
        username, srp_a = needed(parameters, "USERNAME", "SRP_A")
        client.check_hash(username, parameters.get("SECRET_HASH"))
        claimant = self.state.claimants.identify(username, client)
        opening = self.state.srp.open(claimant, client, srp_a)
        # No session: the service sends none here, the secret block is all there is.
        return challenge("PASSWORD_VERIFIER", opening)

    def prove(self, client: LocalClient, answers: Mapping[str, str]) -> Answer:
        """Weigh a PASSWORD_VERIFIER answer and go on to what comes after a password."""
        username, block, signature, timestamp = needed(
            answers,
            "USERNAME",
            "PASSWORD_CLAIM_SECRET_BLOCK",
            "PASSWORD_CLAIM_SIGNATURE",
            "TIMESTAMP",
        )
        client.check_hash(username, answers.get("SECRET_HASH"))
        claim = PasswordClaim(
            username=username, secret_block=block, signature=signature, timestamp=timestamp
        )
        opening = self.state.srp.weigh(claim, client)
        user = opening.claimant.user
        if user is None:  # pragma: no cover - nobody's claim is never right
            raise incorrect_username_or_password()
        return self._after_password(user, client)

    def _check_password(self, client: LocalClient, parameters: Mapping[str, str]) -> Answer:
        username, password = needed(parameters, "USERNAME", "PASSWORD")
        client.check_hash(username, parameters.get("SECRET_HASH"))
        claimant = self.state.claimants.identify(username, client)
        now, lockout = self.state.clock.boot(), self.state.lockout
        lockout.refuse_if_locked(claimant.lock_key, now)
        fits = claimant.password.fits(password)
        if claimant.user is None or not fits:
            lockout.failed(claimant.lock_key, now)
            raise incorrect_username_or_password()
        lockout.succeeded(claimant.lock_key)
        return self._after_password(claimant.user, client)

    def _after_password(self, user: LocalUser, client: LocalClient) -> Answer:
        """Go on after a right password. What state a user is in, only they may learn."""
        self._refuse_state(user)
        if user.status == "FORCE_CHANGE_PASSWORD":
            return self.new_password.ask(user, client)
        return self.second_factors.ask(user, client)

    def _refuse_state(self, user: LocalUser) -> None:
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


def _not_enabled(flow: str) -> PoolError:
    if flow == "USER_SRP_AUTH":  # the service words this one differently
        return invalid_parameter("USER_SRP_AUTH is not enabled for the client.")
    return invalid_parameter(f"{flow} flow not enabled for this client")
