"""ForgotPassword and ConfirmForgotPassword."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from aiocognito.testing.callers import NamedUser, named
from aiocognito.testing.codes import HOUR
from aiocognito.testing.postman import Postman
from aiocognito.testing.registration import run_post_confirmation
from aiocognito.testing.service_errors import (
    PoolError,
    invalid_parameter,
    not_authorized,
    user_disabled,
    user_not_confirmed,
    verification_mismatch,
)
from aiocognito.testing.settings import RECOVERY, VERIFIED, PoolSettings
from aiocognito.testing.state import Answer, PoolState
from aiocognito.testing.users import LocalUser

__all__ = ["PasswordRecovery"]

RECOVERY_CODE = "forgotten-password"


@frozen
class PasswordRecovery:
    """How people come back who forgot their password."""

    state: PoolState
    postman: Postman = field(init=False)

    @postman.default
    def _make_postman(self) -> Postman:
        return Postman(self.state)

    def begin(self, request: Mapping[str, Any]) -> Answer:
        """Answer ForgotPassword.

        Where the client hides who exists, disabled users and those whom no code can
        reach look like everybody else, as those who do not exist.
        """
        if self.state.settings.recovery == ("admin_only",):
            raise not_authorized("Contact administrator to reset password.")
        caller = named(self.state, request)
        self.state.limits.spend(caller.key, "recovery", self.state.clock.boot())
        return {"CodeDeliveryDetails": self._send(caller)}

    def _send(self, caller: NamedUser) -> dict[str, str]:
        user = caller.user if caller.user is not None and caller.user.enabled else None
        if user is not None and user.status == "FORCE_CHANGE_PASSWORD":
            raise not_authorized("User password cannot be reset in the current state.")
        attribute = way_to(self.state.settings, user) if user is not None else None
        if user is not None and attribute is not None:
            return self.postman.send(
                user, attribute, purpose=RECOVERY_CODE, lifetime=HOUR, operation="ForgotPassword"
            )
        if caller.client.prevent_user_existence_errors:
            return self.postman.pretend(caller.typed)
        raise user_disabled() if user is None else unreachable()

    def finish(self, request: Mapping[str, Any]) -> Answer:
        """Answer ConfirmForgotPassword. A password too weak leaves the code good."""
        caller, now = named(self.state, request), self.state.clock.boot()
        self.state.limits.spend(caller.key, "recovery", now)
        user = caller.user
        if user is None or not user.enabled:
            raise self._nobody(caller)
        if user.status == "UNCONFIRMED":
            raise user_not_confirmed()
        sent = self.state.codes.check(user.sub, RECOVERY_CODE, request["ConfirmationCode"], now)
        stored = self.state.make_password(user, request["Password"])
        if user.attributes.get(sent.attribute):
            self.state.users.update(user, {VERIFIED[sent.attribute]: "true"})
        self.state.set_password(user, stored)
        self.state.codes.drop(user.sub, RECOVERY_CODE)
        self.state.lockout.succeeded(user.sub)
        run_post_confirmation(
            self.state, "PostConfirmation_ConfirmForgotPassword", user, caller.client, request
        )
        return {}

    def _nobody(self, caller: NamedUser) -> PoolError:
        hiding = caller.client.prevent_user_existence_errors
        return verification_mismatch() if hiding else user_disabled()


def way_to(settings: PoolSettings, user: LocalUser) -> str | None:
    """Return the verified attribute a code may go to, in the order of the pool's setting."""
    for attribute in map(RECOVERY.__getitem__, settings.recovery):
        # The phone that is the second factor cannot stand for the first as well.
        is_second_factor = attribute == "phone_number" and "SMS_MFA" in user.mfa
        if attribute is not None and user.has_verified(attribute) and not is_second_factor:
            return attribute
    return None


def unreachable() -> PoolError:
    """Say that no code can reach a user."""
    return invalid_parameter(
        "Cannot reset password for the user as there is no registered/verified "
        "email or phone_number"
    )
