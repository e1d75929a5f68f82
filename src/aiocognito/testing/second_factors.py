"""MFA after the password: which factor is asked for, and what it takes.

The order (developer guide, "Adding MFA"): MFA is needed if the pool says ON, or
OPTIONAL and the user has switched a factor on. The preferred factor is asked for;
several without a preference are offered for choice; ON with none leads to set-up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from attrs import frozen

from aiocognito.testing.challenge_sessions import ChallengeSession
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.service_errors import (
    code_mismatch,
    invalid_parameter,
    totp_not_set_up,
)
from aiocognito.testing.state import Answer, PoolState, challenge, needed, signed_in
from aiocognito.testing.users import Delivery, LocalUser

__all__ = ["SecondFactors"]

# challenge -> (medium, attribute, name of the answer)
_DELIVERED = {
    "SMS_MFA": ("SMS", "phone_number", "SMS_MFA_CODE"),
    "EMAIL_OTP": ("EMAIL", "email", "EMAIL_OTP_CODE"),
}
_TOTP = "SOFTWARE_TOKEN_MFA"
_SELECT = "SELECT_MFA_TYPE"
_SET_UP = "MFA_SETUP"
_CODE_DIGITS = 6


@frozen
class SecondFactors:
    """Puts MFA challenges, takes their answers, and signs in."""

    state: PoolState

    def ask(self, user: LocalUser, client: LocalClient) -> Answer:
        """Put the user's MFA challenge, or sign in if there is none."""
        usable = self._usable(user)
        if user.preferred_mfa in usable:
            return self._put(str(user.preferred_mfa), user, client)
        match usable:
            case []:
                pass
            case [only]:
                return self._put(only, user, client)
            case several:
                return self._offer(tuple(several), user, client)
        if self.state.settings.mfa == "ON":
            return self._set_up(user, client)
        return self._finish(user, client)

    def answer(
        self,
        user: LocalUser,
        client: LocalClient,
        session: ChallengeSession,
        answers: Mapping[str, str],
    ) -> Answer:
        """Take the answer to the session's challenge.

        Raises:
            PoolError: ``CodeMismatchException``, ``ExpiredCodeException``; the session
                still waits for the right code then.
        """
        match session.challenge:
            case "SOFTWARE_TOKEN_MFA":
                self._check_totp(user, answers)
            case "SELECT_MFA_TYPE":
                (chosen,) = needed(answers, "ANSWER")
                chosen = "EMAIL_OTP" if chosen == "EMAIL_MFA" else chosen  # the model's word
                if chosen not in session.choices:
                    raise invalid_parameter("ANSWER is not one of MFAS_CAN_CHOOSE.")  # ours
                return self._put(chosen, user, client)
            case "MFA_SETUP":
                if not session.set_up:
                    raise totp_not_set_up()
            case delivered:
                self._check_delivered(delivered, user, session, answers)
        return self._finish(user, client)

    # --- which factor ---

    def _usable(self, user: LocalUser) -> list[str]:
        settings = self.state.settings
        on = set(user.mfa)
        if settings.mfa == "ON" and user.software_token is not None:
            on.add(_TOTP)  # where MFA is compulsory a verified authenticator is switched on
        if settings.mfa == "ON" and settings.mfa_methods == ("SMS_MFA",):
            on.add("SMS_MFA")  # and a phone number suffices where nothing else is offered
        return [
            method
            for method in settings.mfa_methods
            if method in on and settings.offers(method) and user.has_contact(method)
        ]

    # --- putting challenges ---

    def _put(self, method: str, user: LocalUser, client: LocalClient) -> Answer:
        if method == _TOTP:
            session = self.state.open_session(user, client, _TOTP)
            return challenge(_TOTP, {**_who(user), **_friendly_name(user)}, session)
        medium, attribute, _ = _DELIVERED[method]
        destination = user.attributes[attribute]
        code = self.state.draws.digits(_CODE_DIGITS)
        session = self.state.open_session(user, client, method, code=code)
        user.latest_code[method] = code
        self.state.outbox.append(
            Delivery(
                username=user.username,
                destination=destination,
                medium=medium,
                code=code,
                purpose=method,
            )
        )
        parameters = {
            "CODE_DELIVERY_DELIVERY_MEDIUM": medium,
            "CODE_DELIVERY_DESTINATION": masked(destination),
            **_who(user),
        }
        return challenge(method, parameters, session)

    def _offer(self, methods: tuple[str, ...], user: LocalUser, client: LocalClient) -> Answer:
        session = self.state.open_session(user, client, _SELECT, choices=methods)
        parameters = {"MFAS_CAN_CHOOSE": json.dumps(methods), **_who(user)}
        if _TOTP in methods:
            parameters |= _friendly_name(user)
        return challenge(_SELECT, parameters, session)

    def _set_up(self, user: LocalUser, client: LocalClient) -> Answer:
        methods = self.state.settings.mfa_methods
        session = self.state.open_session(user, client, _SET_UP, choices=methods)
        return challenge(_SET_UP, {"MFAS_CAN_SETUP": json.dumps(methods), **_who(user)}, session)

    def _finish(self, user: LocalUser, client: LocalClient) -> Answer:
        """Sign in. In a pool that tracks devices, every sign-in brings a new one to remember."""
        if self.state.settings.device_tracking == "OFF":
            return signed_in(self.state.tokens.sign_in(user, client))
        region = self.state.settings.pool.region
        new_key = f"{region}_{self.state.draws.uuid()}"
        result = self.state.tokens.sign_in(user, client, device_key=new_key)
        result["NewDeviceMetadata"] = {
            "DeviceKey": new_key,
            "DeviceGroupKey": f"-{self.state.draws.name(8)}",
        }
        return signed_in(result)

    # --- taking answers ---

    def _check_totp(self, user: LocalUser, answers: Mapping[str, str]) -> None:
        (code,) = needed(answers, "SOFTWARE_TOKEN_MFA_CODE")
        if user.software_token is None:
            raise totp_not_set_up()
        step = user.software_token.matching_step(code, self.state.clock.wall())
        user.software_token.use(step)

    def _check_delivered(
        self,
        method: str,
        user: LocalUser,
        session: ChallengeSession,
        answers: Mapping[str, str],
    ) -> None:
        """Accept the code of this session, if no later sign-in has sent another."""
        (code,) = needed(answers, _DELIVERED[method][2])
        if code != session.code or user.latest_code.get(method) != session.code:
            raise code_mismatch()
        del user.latest_code[method]


def masked(destination: str) -> str:
    """Hide an address or number as the service does: ``f***@e***``, ``+*******1234``."""
    if destination.startswith("+"):
        return f"+*******{destination[-4:]}"
    local, _, domain = destination.partition("@")
    return f"{local[:1]}***@{domain[:1]}***"


def _who(user: LocalUser) -> dict[str, str]:
    return {"USER_ID_FOR_SRP": user.username}


def _friendly_name(user: LocalUser) -> dict[str, str]:
    name = user.software_token.friendly_name if user.software_token is not None else None
    return {"FRIENDLY_DEVICE_NAME": name or "transparent"}  # what is seen when none was given
