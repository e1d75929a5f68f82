"""MFA after the password: which factor is asked for, and what it takes.

The order (developer guide, "Adding MFA"): MFA is needed if the pool says ON, or
OPTIONAL and the user has switched a factor on. The preferred factor is asked for;
several without a preference are offered for choice; ON with none leads to set-up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from attrs import field, frozen

from aiocognito.testing.challenge_sessions import ChallengeSession
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.device_challenges import DeviceChallenges
from aiocognito.testing.one_time_codes import OneTimeCodes
from aiocognito.testing.service_errors import invalid_parameter, totp_not_set_up
from aiocognito.testing.state import Answer, PoolState, challenge, needed, signed_in
from aiocognito.testing.users import LocalUser

__all__ = ["SecondFactors"]

_TOTP = "SOFTWARE_TOKEN_MFA"
_SELECT = "SELECT_MFA_TYPE"
_SET_UP = "MFA_SETUP"


@frozen
class SecondFactors:
    """Puts MFA challenges, takes their answers, and signs in."""

    state: PoolState
    devices: DeviceChallenges
    codes: OneTimeCodes = field(init=False)

    @codes.default
    def _make_codes(self) -> OneTimeCodes:
        return OneTimeCodes(self.state)

    def ask(self, user: LocalUser, client: LocalClient) -> Answer:
        """Put the user's MFA challenge or the device's, or sign in if there is none."""
        if self.devices.stands_in(user):
            return self.devices.ask(user, client)
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
        return self.finish(user, client)

    def is_needed(self, user: LocalUser) -> bool:
        """Say whether this user has to show a second factor."""
        return self.state.settings.mfa == "ON" or bool(self._usable(user))

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
            case "DEVICE_SRP_AUTH":
                (srp_a,) = needed(answers, "SRP_A")
                return self.devices.open(user, client, session, srp_a)
            case "DEVICE_PASSWORD_VERIFIER":
                self.devices.weigh(user, session, answers)
            case "SOFTWARE_TOKEN_MFA":
                self._check_totp(user, answers)
            case "SELECT_MFA_TYPE":
                (chosen,) = needed(answers, "ANSWER")
                chosen = "EMAIL_OTP" if chosen == "EMAIL_MFA" else chosen  # the model's word
                if chosen not in session.choices:
                    raise invalid_parameter("ANSWER is not one of MFAS_CAN_CHOOSE.")  # ours
                return self._put(chosen, user, client)
            case "MFA_SETUP":
                if "EMAIL" in answers:
                    return self._register(user, client, session, answers["EMAIL"])
                if not session.set_up:
                    raise totp_not_set_up()
            case _:
                self.codes.check(user, session, answers)
                if session.address is not None:
                    self._keep(user, session.address)
        return self.finish(user, client)

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
        return self._send(method, user, client)

    def _send(
        self, method: str, user: LocalUser, client: LocalClient, *, address: str | None = None
    ) -> Answer:
        session = ChallengeSession(
            sub=user.sub,
            client_id=client.client_id,
            challenge=method,
            expires_at=self.state.clock.boot() + client.auth_session_validity,
            code=self.codes.draw(),
            address=address,
        )
        return self.codes.send(method, user, session, to=address)

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

    def finish(self, user: LocalUser, client: LocalClient) -> Answer:
        """Sign in. A known device proves itself first; where there is none, one is offered."""
        if self.state.settings.device_tracking == "OFF":
            return signed_in(self.state.tokens.sign_in(user, client))
        device = self.devices.known(user)
        if device is None:
            return self._offer_device(user, client)
        if not self.state.named_device.proven:
            return self.devices.ask(user, client)
        device.seen_at = self.state.clock.wall()
        return signed_in(self.state.tokens.sign_in(user, client, device_key=device.key))

    def _offer_device(self, user: LocalUser, client: LocalClient) -> Answer:
        key = f"{self.state.settings.pool.region}_{self.state.draws.uuid()}"
        group_key = f"-{self.state.draws.name(8)}"
        result = self.state.tokens.sign_in(user, client, device_key=key, device_group_key=group_key)
        result["NewDeviceMetadata"] = {"DeviceKey": key, "DeviceGroupKey": group_key}
        return signed_in(result)

    # --- taking answers ---

    def _check_totp(self, user: LocalUser, answers: Mapping[str, str]) -> None:
        (code,) = needed(answers, "SOFTWARE_TOKEN_MFA_CODE")
        if user.software_token is None:
            raise totp_not_set_up()
        step = user.software_token.matching_step(code, self.state.clock.wall())
        user.software_token.use(step)

    def _register(
        self, user: LocalUser, client: LocalClient, session: ChallengeSession, address: str
    ) -> Answer:
        """Send a code to the address that is to become a factor."""
        if "EMAIL_OTP" not in session.choices:
            raise invalid_parameter("EMAIL is not one of MFAS_CAN_SETUP.")  # our words
        self.state.settings.check_attributes({"email": address})
        return self._send("EMAIL_OTP", user, client, address=address)

    def _keep(self, user: LocalUser, address: str) -> None:
        self.state.users.update(user, {"email": address, "email_verified": "true"})
        if "EMAIL_OTP" not in user.mfa:
            user.mfa.append("EMAIL_OTP")


def _who(user: LocalUser) -> dict[str, str]:
    return {"USER_ID_FOR_SRP": user.username}


def _friendly_name(user: LocalUser) -> dict[str, str]:
    name = user.software_token.friendly_name if user.software_token is not None else None
    return {"FRIENDLY_DEVICE_NAME": name or "transparent"}  # what is seen when none was given
