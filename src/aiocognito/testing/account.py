"""The calls a signed-in user makes with an access token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from aiocognito.testing.callers import authorized, signed_in_at
from aiocognito.testing.lockout import Lockout
from aiocognito.testing.service_errors import (
    PoolError,
    attempt_limit_exceeded,
    incorrect_username_or_password,
    invalid_parameter,
)
from aiocognito.testing.state import Answer, PoolState
from aiocognito.testing.users import LocalUser

__all__ = ["Account", "authorized"]

_SETTINGS = {
    "SMSMfaSettings": "SMS_MFA",
    "SoftwareTokenMfaSettings": "SOFTWARE_TOKEN_MFA",
    "EmailMfaSettings": "EMAIL_OTP",
}


@frozen
class Account:
    """Answers what concerns a user as a whole.

    Attributes:
        guesses: Wrong previous passwords, counted apart from those at sign-in.
    """

    state: PoolState
    guesses: Lockout

    def get_user(self, request: Mapping[str, Any]) -> Answer:
        """Answer GetUser: every value is a string there."""
        user, client = signed_in_at(self.state, request["AccessToken"])
        attributes = user.listed_attributes(client.may_read)
        return {"Username": user.username, "UserAttributes": attributes, **_mfa_settings(user)}

    def auth_factors(self, request: Mapping[str, Any]) -> Answer:
        """Answer GetUserAuthFactors: what is set up, whatever the pool allows first."""
        return self.factors_of(authorized(self.state, request["AccessToken"]))

    def factors_of(self, user: LocalUser) -> Answer:
        """Return what a user can sign in with."""
        has = {
            "PASSWORD": user.password is not None,
            "EMAIL_OTP": user.has_verified("email"),
            "SMS_OTP": user.has_verified("phone_number"),
            "WEB_AUTHN": bool(user.passkeys),
            "SOFTWARE_TOKEN": user.software_token is not None,
        }
        return {
            "Username": user.username,
            "ConfiguredUserAuthFactors": [factor for factor, there in has.items() if there],
            **_mfa_settings(user),
        }

    def change_password(self, request: Mapping[str, Any]) -> Answer:
        """Change the password; refresh tokens live on."""
        user = authorized(self.state, request["AccessToken"])
        now = self.state.clock.boot()
        self._refuse_guesses(user, now)
        if user.password is not None:
            previous = request.get("PreviousPassword")
            if previous is None or not user.password.fits(previous):
                self.guesses.failed(user.sub, now)
                raise incorrect_username_or_password()
        stored = self.state.make_password(user, request["ProposedPassword"])
        self.state.set_password(user, stored)
        self.guesses.succeeded(user.sub)
        return {}

    def _refuse_guesses(self, user: LocalUser, now: float) -> None:
        try:
            self.guesses.refuse_if_locked(user.sub, now)
        except PoolError:
            raise attempt_limit_exceeded() from None

    def set_mfa_preference(self, request: Mapping[str, Any]) -> Answer:
        """Switch factors on and off, and prefer one of them."""
        self.prefer(authorized(self.state, request["AccessToken"]), request)
        return {}

    def prefer(self, user: LocalUser, request: Mapping[str, Any]) -> None:
        """Do so for a user."""
        changes = {
            method: request[setting] for setting, method in _SETTINGS.items() if setting in request
        }
        on = self._switched(user, changes)
        passkey_mfa = self._passkey_switched(user, request.get("WebAuthnMfaSettings", {}), on)
        user.preferred_mfa = self._preferred(user, changes, on)
        user.mfa[:] = on
        user.passkey_mfa = passkey_mfa

    def _switched(self, user: LocalUser, changes: Mapping[str, Mapping[str, bool]]) -> list[str]:
        on = [method for method in user.mfa if changes.get(method, {}).get("Enabled", True)]
        for method, change in changes.items():
            if change.get("Enabled") and method not in on:
                self._refuse_unusable(user, method)
                on.append(method)
        if self.state.settings.mfa == "ON" and user.mfa and not on:
            raise invalid_parameter("MFA is required by the user pool.")  # our words
        return on

    def _passkey_switched(self, user: LocalUser, change: Mapping[str, bool], on: list[str]) -> bool:
        """Say whether a passkey stands for two factors from now on (texts: our words)."""
        wished = change.get("Enabled", user.passkey_mfa)
        if "Enabled" in change and wished:
            if not self.state.settings.passkey_mfa:
                raise invalid_parameter("Passkey MFA is not enabled for the user pool.")
            if not on:
                raise invalid_parameter("Passkey MFA needs another MFA method besides.")
        return wished

    def _preferred(
        self, user: LocalUser, changes: Mapping[str, Mapping[str, bool]], on: list[str]
    ) -> str | None:
        wished = [method for method, change in changes.items() if change.get("PreferredMfa")]
        if len(wished) > 1 or not set(wished) <= set(on):
            raise invalid_parameter("Only one enabled MFA method can be preferred.")  # our words
        if wished:
            return wished[0]
        kept = user.preferred_mfa
        dropped = kept is None or changes.get(kept, {}).get("PreferredMfa") is False
        return None if dropped or kept not in on else kept

    def _refuse_unusable(self, user: LocalUser, method: str) -> None:
        if not self.state.settings.offers(method):
            raise invalid_parameter(f"{method} is not enabled for the user pool.")  # our words
        if user.has_contact(method):
            return
        if method == "SOFTWARE_TOKEN_MFA":
            raise invalid_parameter("User has not verified software token mfa")
        raise invalid_parameter(f"User does not have delivery config set to turn on {method}")

    def global_sign_out(self, request: Mapping[str, Any]) -> Answer:
        """End every sign-in of the user, on every client."""
        user = authorized(self.state, request["AccessToken"], names_missing_user=False)
        self.state.tokens.refresh_tokens.revoke_all(user.sub)
        return {}

    def delete_user(self, request: Mapping[str, Any]) -> Answer:
        """Delete the user; every token speaks for nobody from now on."""
        user = authorized(self.state, request["AccessToken"])
        self.state.users.remove(user)
        self.state.codes.forget(user.sub)
        return {}


def _mfa_settings(user: LocalUser) -> Answer:
    answer: Answer = {"UserMFASettingList": list(user.mfa)} if user.mfa else {}
    if user.preferred_mfa is not None:
        answer["PreferredMfaSetting"] = user.preferred_mfa
    return answer
