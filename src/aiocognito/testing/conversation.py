"""InitiateAuth and RespondToAuthChallenge: who answers which part of a sign-in.

Their administrators' twins lead to the same place: what differs is the flow of a plain
password, and that the calls are signed, which the shells look after.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from aiocognito.testing.challenge_sessions import ChallengeSession
from aiocognito.testing.claimants import Claimant
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.custom_auth import CustomAuth
from aiocognito.testing.device_challenges import DEMAND, VERIFIER, DeviceChallenges
from aiocognito.testing.first_factors import FirstFactors
from aiocognito.testing.new_password import NewPassword
from aiocognito.testing.passkeys import PasskeyWeighed
from aiocognito.testing.password_check import PasswordCheck
from aiocognito.testing.refreshing import Refreshing
from aiocognito.testing.second_factors import SecondFactors
from aiocognito.testing.service_errors import (
    PoolError,
    code_mismatch,
    device_not_found,
    missing_parameter,
    session_unknown,
    user_disabled,
)
from aiocognito.testing.sign_in import SignIn
from aiocognito.testing.state import Answer, PoolState, needed

__all__ = ["Conversation"]

_WITH_A_CODE = frozenset({"SMS_MFA", "EMAIL_OTP", "SMS_OTP", "SOFTWARE_TOKEN_MFA"})
_REFRESH = frozenset({"REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"})


@frozen
class Conversation:
    """A sign-in from its first call to its tokens."""

    state: PoolState
    refreshing: Refreshing
    devices: DeviceChallenges = field(init=False)
    second_factors: SecondFactors = field(init=False)
    new_password: NewPassword = field(init=False)
    passwords: PasswordCheck = field(init=False)
    custom: CustomAuth = field(init=False)
    first_factors: FirstFactors = field(init=False)
    sign_in: SignIn = field(init=False)

    @devices.default
    def _make_devices(self) -> DeviceChallenges:
        return DeviceChallenges(self.state)

    @second_factors.default
    def _make_second_factors(self) -> SecondFactors:
        return SecondFactors(self.state, self.devices)

    @new_password.default
    def _make_new_password(self) -> NewPassword:
        return NewPassword(self.state, self.second_factors)

    @passwords.default
    def _make_passwords(self) -> PasswordCheck:
        return PasswordCheck(self.state, self.new_password, self.second_factors)

    @custom.default
    def _make_custom(self) -> CustomAuth:
        return CustomAuth(self.state, self.passwords, self.second_factors)

    @first_factors.default
    def _make_first_factors(self) -> FirstFactors:
        return FirstFactors(self.state, self.passwords, self.second_factors)

    @sign_in.default
    def _make_sign_in(self) -> SignIn:
        return SignIn(self.state, self.passwords, self.custom, self.first_factors)

    def initiate(self, request: Mapping[str, Any]) -> Answer:
        """Answer InitiateAuth."""
        return self._begin(request, admin=False)

    def admin_initiate(self, request: Mapping[str, Any]) -> Answer:
        """Answer AdminInitiateAuth."""
        return self._begin(request, admin=True)

    def _begin(self, request: Mapping[str, Any], *, admin: bool) -> Answer:
        client = self.state.client(request["ClientId"])
        parameters = request.get("AuthParameters", {})
        if request["AuthFlow"] in _REFRESH:
            return self.refreshing.by_flow(client, parameters)
        self._turn_to_device(parameters)
        return self.sign_in.initiate(
            client, request["AuthFlow"], parameters, request.get("Session"), admin=admin
        )

    def respond(self, request: Mapping[str, Any]) -> Answer:
        """Answer RespondToAuthChallenge. Success spends the session, failure does not."""
        client = self.state.client(request["ClientId"])
        answers = request.get("ChallengeResponses", {})
        self._turn_to_device(answers)
        name, text = request["ChallengeName"], request.get("Session")
        if text is None and name in (DEMAND, VERIFIER):
            text = self.devices.session_of(answers, client)
        # The proof of SRP alone may come without a session.
        if text is None and name != "PASSWORD_VERIFIER":
            raise missing_parameter("Session")
        (username,) = needed(answers, "USERNAME")
        client.check_hash(username, answers.get("SECRET_HASH"))
        session = None if text is None else self._session(text, name, client)
        try:
            answer = self._take(username, client, session, request, answers)
        except PasskeyWeighed:
            assert text is not None
            self.state.sessions.spend(text)
            raise
        if text is not None:
            self.state.sessions.spend(text)
        return answer

    def _session(self, text: str, challenge: str, client: LocalClient) -> ChallengeSession:
        now = self.state.clock.boot()
        session = self.state.sessions.find(text, now, client_id=client.client_id)
        if session.challenge != challenge:
            raise _out_of_turn(challenge)
        if self.state.named_device.key is None:
            self.state.named_device.begin(session.device_key)
        return session

    def _take(
        self,
        username: str,
        client: LocalClient,
        session: ChallengeSession | None,
        request: Mapping[str, Any],
        answers: Mapping[str, str],
    ) -> Answer:
        metadata = request.get("ClientMetadata", {})
        if session is None or session.challenge == "PASSWORD_VERIFIER":
            return self.sign_in.prove(client, answers, metadata, session)
        claimant = self._claimant(session, username, client)
        if session.challenge == "CUSTOM_CHALLENGE":
            return self.custom.answer(claimant, client, session, answers, metadata)
        if session.first_factor:
            return self.first_factors.answer(claimant, client, session, answers)
        user = claimant.user
        if user is None:  # pragma: no cover - nobody is asked for first factors alone
            raise session_unknown()
        if session.challenge == "NEW_PASSWORD_REQUIRED":
            return self.new_password.answer(user, client, session, answers)
        return self.second_factors.answer(user, client, session, answers)

    def _claimant(self, session: ChallengeSession, username: str, client: LocalClient) -> Claimant:
        """Return whose session it is: the one named in the answer."""
        if session.nobody is not None:
            if not self.state.claimants.is_same(username, session.nobody):
                raise session_unknown()
            return session.nobody
        user = self.state.users.of_sub(session.sub)
        if user is None or self.state.users.find(username) is not user:
            raise session_unknown()
        if not user.enabled:
            raise user_disabled()
        return self.state.claimants.identify(user.username, client)

    def _turn_to_device(self, parameters: Mapping[str, str]) -> None:
        """Note which device a call names; refuse one that the user does not have.

        Before anything is weighed or spent: the official clients then forget the key and
        repeat the same call without it.
        """
        key = parameters.get("DEVICE_KEY")
        if not key or self.state.settings.device_tracking == "OFF":
            return
        user = self.state.users.find(parameters.get("USERNAME", ""))
        if user is None or key not in user.devices:
            raise device_not_found()
        self.state.named_device.begin(key)


def _out_of_turn(challenge: str) -> PoolError:
    """Say that a session belongs to another challenge, in that challenge's words."""
    return code_mismatch() if challenge in _WITH_A_CODE else session_unknown()
