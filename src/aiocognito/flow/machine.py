"""Cognito's sign-in conversation as a state machine.

Rules of this file

* Values in, values out: no I/O, no clock, no randomness drawn here. `begin`,
  `receive` and `send` return the next `Call` to make, or where we have arrived.
* What the server may say depends on what we asked. `TRANSITIONS` holds every pair;
  what is not in it is an error: ours (`LocalProtocolError`) when the caller is out
  of turn, the server's (`RemoteProtocolError`) otherwise. Both close nothing that
  was open for the caller, except that a lying server ends the conversation.
* SRP secrets live from `begin` to PASSWORD_VERIFIER and not a moment longer.
* The name the server uses first is kept: it goes into every later USERNAME and
  SECRET_HASH, and a server that changes it afterwards is refused.

Theory

SRP proves our password to the server; it proves nothing about the server to us
(Cognito sends no M2). So nothing is handed to a server on the strength of it: no
new password before it has asked for the proof of the old one, and no password in
the clear unless the caller chose that flow.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any

import attrs

from aiocognito._redact import Secret, without_frames
from aiocognito.errors import (
    CodeMismatch,
    CognitoError,
    ExpiredCode,
    InvalidArgument,
    InvalidPassword,
    InvalidType,
    LocalProtocolError,
    RemoteProtocolError,
    ServiceError,
    TransportError,
)
from aiocognito.flow.app_client import AppClient
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.challenges import Answer, Challenge, Context, wire_name
from aiocognito.flow.flows import Flow, Password, Srp
from aiocognito.flow.reading import Asked, Granted, read_auth, read_challenge
from aiocognito.flow.steps import Authenticated, Step
from aiocognito.srp.encoding import timestamp
from aiocognito.srp.handshake import Handshake

__all__ = ["TRANSITIONS", "AuthFlow", "Input", "State"]


class State(Enum):
    """What we wait for."""

    READY = "nothing was sent"
    SRP_SENT = "SRP_A is sent"
    PASSWORD_SENT = "the password is sent"  # noqa: S105  a state's description
    CLAIM_SENT = "the proof of the password is sent"
    WAITING = "a challenge waits for the caller's answer"
    ANSWER_SENT = "the caller's answer is sent"
    CLOSED = "the conversation is over"


class Input(Enum):
    """What can happen."""

    BEGIN_SRP = "the caller begins with SRP"
    BEGIN_PASSWORD = "the caller begins with the password"  # noqa: S105
    ANSWER = "the caller answers"
    TOKENS = "AuthenticationResult"
    VERIFIER = "PASSWORD_VERIFIER, and SRP is open"
    STRAY_VERIFIER = "PASSWORD_VERIFIER, and SRP is not open"
    CHALLENGE = "any other challenge"
    EARLY_NEW_PASSWORD = "NEW_PASSWORD_REQUIRED before the proof of the old one"  # noqa: S105
    PLAINTEXT_DEMAND = "a challenge that wants the password, in a flow that keeps it"
    MENDABLE = "an error after which the same challenge still stands"
    FAILURE = "any other error, or cancellation"


_ASKED = (State.SRP_SENT, State.PASSWORD_SENT, State.CLAIM_SENT, State.ANSWER_SENT)

TRANSITIONS: dict[tuple[State, Input], State] = {
    (State.READY, Input.BEGIN_SRP): State.SRP_SENT,
    (State.READY, Input.BEGIN_PASSWORD): State.PASSWORD_SENT,
    (State.SRP_SENT, Input.VERIFIER): State.CLAIM_SENT,
    (State.WAITING, Input.ANSWER): State.ANSWER_SENT,
    (State.ANSWER_SENT, Input.MENDABLE): State.WAITING,
    **{(state, Input.TOKENS): State.CLOSED for state in _ASKED},
    **{(state, Input.CHALLENGE): State.WAITING for state in _ASKED},
    **{(state, Input.FAILURE): State.CLOSED for state in _ASKED},
    **{(state, Input.MENDABLE): State.CLOSED for state in _ASKED if state is not State.ANSWER_SENT},
}

_REFUSALS = {
    Input.STRAY_VERIFIER: "The server asks for an SRP proof that was not offered.",
    Input.EARLY_NEW_PASSWORD: "The server asks for a new password before the old one was proven.",
    Input.PLAINTEXT_DEMAND: "The server asks for the password in the clear.",
}

_CALLER = (Input.BEGIN_SRP, Input.BEGIN_PASSWORD, Input.ANSWER)
_PLAINTEXT = ("PASSWORD", "ADMIN_NO_SRP_AUTH")

Entropy = Callable[[int], bytes]


class AuthFlow:
    """One conversation, from the first call to tokens.

    Drive it by hand: send the `Call` that `begin` returns, give the `Reply` to
    `receive`, and so on; see docs/howto/drive-the-core-yourself.md.
    """

    def __init__(
        self,
        client: AppClient,
        *,
        username: str,
        password: Secret,
        flow: Flow,
        entropy: Entropy,
    ) -> None:
        self._client = client
        self._typed = username
        self._password: Secret | None = password
        self._flow: Flow | None = flow
        self._entropy = entropy
        self._handshake: Handshake | None = None
        self._state = State.READY
        self._names: tuple[str, ...] = ()
        self._challenge: Challenge | None = None
        self._password_proven = isinstance(flow, Password)
        self._plaintext_allowed = isinstance(flow, Password)

    @classmethod
    def resume(cls, client: AppClient, challenge: Challenge) -> AuthFlow:
        """Go on where another conversation left off, with its challenge waiting.

        Raises:
            InvalidArgument: The challenge was issued to another app client.
        """
        context = challenge.context
        if context.client_id != client.client_id:
            raise InvalidArgument("challenge", "one of this app client's")
        flow = cls.__new__(cls)
        flow._client = client
        flow._typed = context.username
        flow._password = flow._flow = flow._handshake = None
        flow._state = State.WAITING
        flow._names = (context.username,)
        flow._challenge = challenge
        flow._password_proven = context.password_proven
        flow._plaintext_allowed = context.plaintext_allowed
        return flow

    @property
    def state(self) -> State:
        """What the conversation waits for."""
        return self._state

    @property
    def waiting(self) -> Challenge | None:
        """The challenge that waits for an answer, or None."""
        return self._challenge if self._state is State.WAITING else None

    # --- the caller's side ---

    def begin(self) -> Call:
        """Return the first call. With SRP this computes A, which takes a while.

        Raises:
            LocalProtocolError: It was called before.
        """
        srp = isinstance(self._flow, Srp)
        self._move(Input.BEGIN_SRP if srp else Input.BEGIN_PASSWORD)
        assert self._flow is not None and self._password is not None
        auth: dict[str, Any] = {"USERNAME": self._typed}
        if srp:
            self._handshake = Handshake(self._entropy)
            auth["SRP_A"] = self._handshake.srp_a
        else:
            auth["PASSWORD"] = self._password
            self._password = None
        auth |= self._client.secret_hash(self._typed)
        parameters = {
            "ClientId": self._client.client_id,
            "AuthFlow": self._flow.auth_flow,
            "AuthParameters": auth,
        }
        # A first call may be repeated: a second one only replaces the first. Not with
        # a password in the clear, where each one counts as an attempt.
        return Call(operation="InitiateAuth", parameters=parameters, repeatable=srp)

    def send(self, answer: Answer) -> Call:
        """Return the call that carries the caller's answer.

        Raises:
            LocalProtocolError: No challenge waits, or another one does.
            InvalidType: Not an `Answer`.
        """
        if not isinstance(answer, Answer):
            raise InvalidType("answer", "an Answer, such as challenge.answer(code)", answer)
        if self._state is State.WAITING and answer.challenge != self._challenge:
            raise LocalProtocolError("Answer the challenge that waits, not another one.")
        self._move(Input.ANSWER)
        return self._respond(
            wire_name(answer.challenge), answer.challenge.context.session, dict(answer.responses)
        )

    # --- the server's side ---

    def needs_arithmetic(self, reply: Reply | None = None) -> bool:
        """Whether `receive` of this reply (`begin`, without one) computes for a while."""
        if reply is None:
            return isinstance(self._flow, Srp)
        return (
            self._handshake is not None and reply.body.get("ChallengeName") == "PASSWORD_VERIFIER"
        )

    def receive(self, reply: Reply, now: datetime) -> Call | Step:
        """Take the server's answer and return the next call, or where we are.

        Args:
            reply: The answer to the last call.
            now: The present in UTC, used where the reply has no ``Date``.

        Raises:
            RemoteProtocolError: The server may not say this now. The conversation is
                over.
            LocalProtocolError: Nothing was asked.
        """
        if self._state not in _ASKED:
            raise LocalProtocolError("Nothing was asked; there is no answer to take.")
        try:
            return self._take(read_auth(reply.body), reply.date or now)
        except RemoteProtocolError as error:
            self._close()
            raise without_frames(error)  # noqa: B904  itself, less its frames

    def fail(self, error: BaseException) -> Challenge | None:
        """Take note that the last call failed or was cancelled.

        Returns:
            The challenge that waits again, or None: then the conversation is over.
        """
        mendable = _is_mendable(error) and self._state is State.ANSWER_SENT
        self._move(Input.MENDABLE if mendable else Input.FAILURE)
        if self._state is State.CLOSED or self._challenge is None:
            self._close()
            return None
        refused = error if isinstance(error, CognitoError) else None
        self._challenge = attrs.evolve(self._challenge, refused=refused)
        return self._challenge

    def _take(self, message: Granted | Asked, now: datetime) -> Call | Step:
        if isinstance(message, Granted):
            self._move(Input.TOKENS)
            # Both names are equal on the service. Where a server tells them apart, the
            # one that went into the proof is the true one.
            name = self._names[-1] if self._names else None
            self._close()
            return Authenticated(
                tokens=message.tokens, new_device=message.new_device, username=name
            )
        happened = self._classify(message)
        if happened in _REFUSALS:
            raise RemoteProtocolError(_REFUSALS[happened])
        self._pin(message)
        if happened is Input.VERIFIER:
            call = self._prove(message, now)
            self._move(happened)
            return call
        self._challenge = read_challenge(message, self._context(message))
        self._drop_secrets()
        self._move(happened)
        return self._challenge

    def _classify(self, asked: Asked) -> Input:
        if asked.name == "PASSWORD_VERIFIER":
            return Input.STRAY_VERIFIER if self._handshake is None else Input.VERIFIER
        if asked.name == "NEW_PASSWORD_REQUIRED" and not self._password_proven:
            return Input.EARLY_NEW_PASSWORD
        if asked.name in _PLAINTEXT and not self._plaintext_allowed:
            return Input.PLAINTEXT_DEMAND
        return Input.CHALLENGE

    def _pin(self, asked: Asked) -> None:
        """Learn the user's name from the first challenge; refuse another one later."""
        said = [asked.parameters.get(key) for key in ("USERNAME", "USER_ID_FOR_SRP")]
        names = tuple(name for name in said if name)
        if not self._names:
            self._names = names or (self._typed,)
        elif any(name not in self._names for name in names):
            raise RemoteProtocolError("The server changed the user during the sign-in.")

    def _prove(self, asked: Asked, now: datetime) -> Call:
        """Answer PASSWORD_VERIFIER."""
        handshake, password = self._handshake, self._password
        assert handshake is not None and password is not None
        self._drop_secrets()
        given = {key: asked.parameters.get(key) for key in ("SRP_B", "SALT", "SECRET_BLOCK")}
        for key, value in given.items():
            if value is None:
                raise RemoteProtocolError(f"PASSWORD_VERIFIER comes without {key}.")
        said_at = timestamp(now)
        signature = handshake.claim(
            group=self._client.pool.name,
            identity=asked.parameters.get("USER_ID_FOR_SRP") or self._names[0],
            password=password.reveal(),
            srp_b=given["SRP_B"] or "",
            salt=given["SALT"] or "",
            secret_block=given["SECRET_BLOCK"] or "",
            timestamp=said_at,
        )
        self._password_proven = True
        responses = {
            "PASSWORD_CLAIM_SECRET_BLOCK": given["SECRET_BLOCK"],
            "PASSWORD_CLAIM_SIGNATURE": signature,
            "TIMESTAMP": said_at,
        }
        return self._respond("PASSWORD_VERIFIER", asked.session, responses)

    def _respond(self, name: str, session: Secret | None, responses: dict[str, Any]) -> Call:
        username = self._names[0]
        parameters: dict[str, Any] = {
            "ClientId": self._client.client_id,
            "ChallengeName": name,
            "ChallengeResponses": {
                **responses,
                "USERNAME": username,
                **self._client.secret_hash(username),
            },
        }
        if session is not None:
            parameters["Session"] = session
        return Call(operation="RespondToAuthChallenge", parameters=parameters)

    def _context(self, asked: Asked) -> Context:
        return Context(
            client_id=self._client.client_id,
            username=self._names[0],
            session=asked.session,
            password_proven=self._password_proven,
            plaintext_allowed=self._plaintext_allowed,
        )

    # --- state ---

    def _move(self, happened: Input) -> None:
        following = TRANSITIONS.get((self._state, happened))
        if following is None:
            raise LocalProtocolError(f"Out of turn: {self._state.value}.")
        self._state = following

    def _drop_secrets(self) -> None:
        self._handshake = self._password = None

    def _close(self) -> None:
        self._drop_secrets()
        self._challenge = None
        self._state = State.CLOSED


def _is_mendable(error: BaseException) -> bool:
    """Whether the same challenge can be answered again.

    Observed: a wrong code leaves the session usable. What was not processed at all
    (throttled, no connection) leaves it untouched.
    """
    if isinstance(error, CodeMismatch | ExpiredCode | InvalidPassword):
        return True
    return isinstance(error, ServiceError | TransportError) and error.retry_safe
