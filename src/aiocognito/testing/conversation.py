"""InitiateAuth and RespondToAuthChallenge: who answers which part of a sign-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from aiocognito.testing.challenge_sessions import ChallengeSession
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.new_password import NewPassword
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
from aiocognito.testing.users import LocalUser

__all__ = ["Conversation"]

_WITH_A_CODE = frozenset({"SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA"})
_REFRESH = frozenset({"REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"})


@frozen
class Conversation:
    """A sign-in from its first call to its tokens."""

    state: PoolState
    refreshing: Refreshing
    second_factors: SecondFactors = field(init=False)
    new_password: NewPassword = field(init=False)
    sign_in: SignIn = field(init=False)

    @second_factors.default
    def _make_second_factors(self) -> SecondFactors:
        return SecondFactors(self.state)

    @new_password.default
    def _make_new_password(self) -> NewPassword:
        return NewPassword(self.state, self.second_factors)

    @sign_in.default
    def _make_sign_in(self) -> SignIn:
        return SignIn(self.state, self.new_password, self.second_factors)

    def initiate(self, request: Mapping[str, Any]) -> Answer:
        """Answer InitiateAuth."""
        client = self.state.client(request["ClientId"])
        parameters = request.get("AuthParameters", {})
        if request["AuthFlow"] in _REFRESH:
            return self.refreshing.by_flow(client, parameters)
        self._refuse_unknown_device(parameters)
        return self.sign_in.initiate(client, request["AuthFlow"], parameters)

    def respond(self, request: Mapping[str, Any]) -> Answer:
        """Answer RespondToAuthChallenge. Success spends the session, failure does not."""
        client = self.state.client(request["ClientId"])
        answers = request.get("ChallengeResponses", {})
        self._refuse_unknown_device(answers)
        if request["ChallengeName"] == "PASSWORD_VERIFIER":
            return self.sign_in.prove(client, answers)
        if "Session" not in request:
            raise missing_parameter("Session")
        (username,) = needed(answers, "USERNAME")
        client.check_hash(username, answers.get("SECRET_HASH"))
        session = self.state.sessions.find(
            request["Session"], self.state.clock.boot(), client_id=client.client_id
        )
        user = self._owner(session, username)
        if session.challenge != request["ChallengeName"]:
            raise _out_of_turn(request["ChallengeName"])
        answer = self._take(user, client, session, answers)
        self.state.sessions.spend(request["Session"])
        return answer

    def _take(
        self,
        user: LocalUser,
        client: LocalClient,
        session: ChallengeSession,
        answers: Mapping[str, str],
    ) -> Answer:
        if session.challenge == "NEW_PASSWORD_REQUIRED":
            return self.new_password.answer(user, client, session, answers)
        return self.second_factors.answer(user, client, session, answers)

    def _owner(self, session: ChallengeSession, username: str) -> LocalUser:
        """Return the session's user, who must be the one named in the answer."""
        user = self.state.users.of_sub(session.sub)
        if user is None or self.state.users.find(username) is not user:
            raise session_unknown()
        if not user.enabled:
            raise user_disabled()
        return user

    def _refuse_unknown_device(self, parameters: Mapping[str, str]) -> None:
        """Refuse a device key before anything is weighed or spent.

        The official clients then forget the key and repeat the same call without it.
        No device can be remembered here yet, so every key is unknown.
        """
        tracked = self.state.settings.device_tracking != "OFF"
        if tracked and parameters.get("DEVICE_KEY"):
            raise device_not_found()


def _out_of_turn(challenge: str) -> PoolError:
    """Say that a session belongs to another challenge, in that challenge's words."""
    return code_mismatch() if challenge in _WITH_A_CODE else session_unknown()
