"""CUSTOM_AUTH: the pool's own Lambda triggers put the challenges.

DefineAuthChallenge hears what happened so far and says what comes next;
CreateAuthChallenge makes a challenge and keeps what only VerifyAuthChallengeResponse may
see. Every step has a new session, also after a wrong answer: how many there may be is
the defining trigger's affair (developer guide, "Custom authentication challenge Lambda
triggers").

No second factor follows by itself; on the service, too, the triggers decide that alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from aiocognito.testing.challenge_sessions import ChallengeSession, Round
from aiocognito.testing.claimants import Claimant
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.password_check import PasswordCheck
from aiocognito.testing.second_factors import SecondFactors
from aiocognito.testing.service_errors import (
    PoolError,
    incorrect_username_or_password,
    invalid_parameter,
)
from aiocognito.testing.state import Answer, PoolState, challenge, needed

__all__ = ["CustomAuth"]

_DEFINE = "DefineAuthChallenge_Authentication"
_CREATE = "CreateAuthChallenge_Authentication"
_VERIFY = "VerifyAuthChallengeResponse_Authentication"
_NAME = "CUSTOM_CHALLENGE"
_VERIFIER = "PASSWORD_VERIFIER"


@frozen
class CustomAuth:
    """Asks the triggers, from the first call to the tokens."""

    state: PoolState
    passwords: PasswordCheck
    second_factors: SecondFactors

    def initiate(self, client: LocalClient, parameters: Mapping[str, str]) -> Answer:
        """Begin, with SRP if ``CHALLENGE_NAME`` says so.

        Triggers learn of a name without a user from ``userNotFound``, where the client
        hides that. Client metadata of this first call does not reach them, as on the
        service.
        """
        (username,) = needed(parameters, "USERNAME")
        client.check_hash(username, parameters.get("SECRET_HASH"))
        if not self.state.triggers.has("DefineAuthChallenge"):
            raise _not_configured()
        claimant = self.state.claimants.identify(username, client)
        if parameters.get("CHALLENGE_NAME") != "SRP_A":
            return self._next(claimant, client, (), {})
        (srp_a,) = needed(parameters, "SRP_A")
        return self._next(claimant, client, (Round("SRP_A", True),), {}, srp_a=srp_a)

    def proven(
        self,
        claimant: Claimant,
        client: LocalClient,
        rounds: tuple[Round, ...],
        metadata: Mapping[str, str],
    ) -> Answer:
        """Go on after a right proof of the password."""
        return self._next(claimant, client, (*rounds, Round(_VERIFIER, True)), metadata)

    def answer(
        self,
        claimant: Claimant,
        client: LocalClient,
        session: ChallengeSession,
        answers: Mapping[str, str],
        metadata: Mapping[str, str],
    ) -> Answer:
        """Have an answer verified, and go on to what the defining trigger wants next."""
        if "ANSWER" not in answers:
            raise invalid_parameter("Missing required parameter ANSWER")
        response = self._ask(
            _VERIFY,
            claimant,
            client,
            {
                "privateChallengeParameters": dict(session.private),
                "challengeAnswer": answers["ANSWER"],
            },
            {"answerCorrect": None},
            metadata,
        )
        right = response["answerCorrect"] is True
        latest = Round(_NAME, right, session.rounds[-1].metadata)
        return self._next(claimant, client, (*session.rounds[:-1], latest), metadata)

    # --- what the triggers say ---

    def _next(
        self,
        claimant: Claimant,
        client: LocalClient,
        rounds: tuple[Round, ...],
        metadata: Mapping[str, str],
        *,
        srp_a: str | None = None,
    ) -> Answer:
        decision = self._ask(
            _DEFINE,
            claimant,
            client,
            {"session": [past.event() for past in rounds]},
            {"challengeName": None, "issueTokens": None, "failAuthentication": None},
            metadata,
        )
        if decision["failAuthentication"] is True:
            raise incorrect_username_or_password()
        if decision["issueTokens"] is True:
            return self._finish(claimant, client)
        if decision["challengeName"] == _VERIFIER and srp_a is not None:
            opening = self.state.srp.open(claimant, client, srp_a, rounds=rounds)
            return challenge(_VERIFIER, opening, self._open(claimant, client, _VERIFIER))
        if decision["challengeName"] == _NAME:
            return self._put(claimant, client, rounds, metadata)
        raise _unrecognizable()

    def _put(
        self,
        claimant: Claimant,
        client: LocalClient,
        rounds: tuple[Round, ...],
        metadata: Mapping[str, str],
    ) -> Answer:
        made = self._ask(
            _CREATE,
            claimant,
            client,
            {"challengeName": _NAME, "session": [past.event() for past in rounds]},
            {
                "publicChallengeParameters": {},
                "privateChallengeParameters": {},
                "challengeMetadata": None,
            },
            metadata,
        )
        public = _texts(made["publicChallengeParameters"])
        note = made["challengeMetadata"]
        if note is not None and not isinstance(note, str):
            raise _unrecognizable()
        session = self._open(
            claimant,
            client,
            _NAME,
            rounds=(*rounds, Round(_NAME, False, note)),  # open until it is answered
            private=_texts(made["privateChallengeParameters"]),
        )
        return challenge(_NAME, {**public, "USERNAME": claimant.username}, session)

    def _finish(self, claimant: Claimant, client: LocalClient) -> Answer:
        if claimant.user is None:
            raise incorrect_username_or_password()
        self.passwords.refuse_state(claimant.user)
        return self.second_factors.finish(claimant.user, client)

    def _open(self, claimant: Claimant, client: LocalClient, name: str, **facts: Any) -> str:
        user = claimant.user
        return self.state.sessions.open(
            ChallengeSession(
                sub=user.sub if user is not None else claimant.username,
                client_id=client.client_id,
                challenge=name,
                expires_at=self.state.clock.boot() + client.auth_session_validity,
                nobody=None if user is not None else claimant,
                **facts,
            )
        )

    def _ask(
        self,
        source: str,
        claimant: Claimant,
        client: LocalClient,
        request: Mapping[str, Any],
        response: Mapping[str, Any],
        metadata: Mapping[str, str],
    ) -> Mapping[str, Any]:
        if not self.state.triggers.has(source.partition("_")[0]):
            raise _not_configured()
        return self.state.triggers.run(
            source,
            username=claimant.username,
            client=client,
            request={
                "userAttributes": _attributes(claimant),
                **request,
                "userNotFound": claimant.user is None,
                "clientMetadata": dict(metadata),
            },
            response=response,
        )


def _attributes(claimant: Claimant) -> dict[str, str]:
    user = claimant.user
    if user is None:
        return {}
    return {"sub": user.sub, "cognito:user_status": user.status, **user.attributes}


def _texts(values: object) -> dict[str, str]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise _unrecognizable()
    if not all(isinstance(text, str) for pair in values.items() for text in pair):
        raise _unrecognizable()
    return dict(values)


def _unrecognizable() -> PoolError:
    return PoolError("InvalidLambdaResponseException", "Unrecognizable lambda output")


def _not_configured() -> PoolError:
    return invalid_parameter("Custom auth lambda trigger is not configured for the user pool.")
