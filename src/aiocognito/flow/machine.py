"""Cognito's sign-in conversation as a state machine.

Rules of this file

* Values in, values out: no I/O, no clock, no randomness drawn here. `begin`,
  `receive` and `send` return the next `Call` to make, or where we have arrived.
* What the server may say depends on what we asked. `transitions.TRANSITIONS` holds
  every pair; what is not in it is an error: ours (`LocalProtocolError`) when the
  caller is out of turn, the server's (`RemoteProtocolError`) otherwise. Both close
  nothing that was open for the caller, except that a lying server ends the
  conversation.
* SRP secrets live from SRP_A to PASSWORD_VERIFIER and not a moment longer. The
  password lives as long, and in `Choice` while the factor is being chosen.
* A remembered device, where one was given, is named in every call, and proves itself
  when it is asked for: once, after the first factor. One that the service does not
  know is dropped, and the same call goes out again without it (`without_device`).
* The name the server uses first is kept: it goes into every later USERNAME and
  SECRET_HASH, and a server that changes it afterwards is refused.

Theory

SRP proves our password to the server; it proves nothing about the server to us
(Cognito sends no M2). So nothing is handed to a server on the strength of it: no
new password before it has asked for the proof of the old one, and no password in
the clear unless the caller chose that flow.

What is answered without the caller is answered once: SRP_A where PASSWORD_SRP asks
for it, the proof, the device's A and its proof, and MFA_SETUP when the authenticator's
code was right. So no server can keep a machine busy with itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import attrs

from aiocognito._redact import Secret, without_frames
from aiocognito.errors import (
    CodeMismatch,
    CognitoError,
    EnableSoftwareTokenMFA,
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
from aiocognito.flow.beginning import (
    auth_parameters,
    check_password_use,
    is_repeatable,
    opens_srp,
    sends_password,
)
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.challenges import (
    Answer,
    Challenge,
    Context,
    MfaSetup,
    SelectChallenge,
    SoftwareTokenSetup,
    wire_name,
)
from aiocognito.flow.context import RequestContext
from aiocognito.flow.device_proof import DEMAND, VERIFIER, DeviceProof, proof_refused
from aiocognito.flow.flows import Choice, Flow
from aiocognito.flow.proofs import TIMELY, claim, proof_came_late
from aiocognito.flow.reading import (
    PLAINTEXT,
    Asked,
    Granted,
    read_auth,
    read_challenge,
    read_registered,
    read_secret,
)
from aiocognito.flow.sign_in_api import PUBLIC, SignInApi
from aiocognito.flow.steps import Authenticated, Step
from aiocognito.flow.transitions import (
    ASKED,
    MENDING,
    OPERATIONS,
    REFUSALS,
    SETTING_UP,
    TRANSITIONS,
    Input,
    State,
)
from aiocognito.srp.handshake import Handshake
from aiocognito.tokens.devices import RememberedDevice

__all__ = ["MENDABLE", "AuthFlow"]


MENDABLE = (CodeMismatch, ExpiredCode, InvalidPassword, EnableSoftwareTokenMFA)
"""The refusals after which a person may try again."""

_PROVING_DEVICE = (State.DEVICE_SRP_SENT, State.DEVICE_CLAIM_SENT)
_PROVING = (State.CLAIM_SENT, State.DEVICE_CLAIM_SENT)

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
        password: Secret | None = None,
        flow: Flow,
        entropy: Entropy,
        request: RequestContext = RequestContext(),  # noqa: B008  frozen
        api: SignInApi = PUBLIC,
        device: RememberedDevice | None = None,
    ) -> None:
        check_password_use(flow, given=password is not None)
        self._client = client
        self._typed = username
        self._password = password
        self._flow: Flow | None = flow
        self._entropy = entropy
        self._about = api.about(request)
        self._api = api
        self._handshake: Handshake | None = None
        self._device = DeviceProof(device)
        self._state = State.READY
        self._names: tuple[str, ...] = ()
        self._challenge: Challenge | None = None
        self._plaintext_allowed = sends_password(flow)
        # Who gave no password has none to prove before a new one is asked for.
        self._password_proven = self._plaintext_allowed or password is None

    @classmethod
    def resume(
        cls,
        client: AppClient,
        challenge: Challenge,
        *,
        entropy: Entropy,
        request: RequestContext = RequestContext(),  # noqa: B008  frozen
        api: SignInApi = PUBLIC,
        device: RememberedDevice | None = None,
    ) -> AuthFlow:
        """Go on where another conversation left off, with its challenge waiting.

        Raises:
            InvalidArgument: The challenge was issued to another app client, or by the
                other API.
        """
        context = challenge.context
        if context.client_id != client.client_id:
            raise InvalidArgument("challenge", "one of this app client's")
        if context.admin != api.is_admin:
            there = "admin.resume" if context.admin else "resume, not admin.resume"
            raise InvalidArgument("challenge", f"answered where it was put: by {there}")
        flow = cls.__new__(cls)
        flow._client = client
        flow._typed = context.username
        flow._entropy = entropy
        flow._about = api.about(request)
        flow._api = api
        flow._password = flow._flow = flow._handshake = None
        flow._device = DeviceProof(device)
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
    def is_admin(self) -> bool:
        """Whether administrators' calls carry it."""
        return self._api.is_admin

    @property
    def waiting(self) -> Challenge | None:
        """The challenge that waits for an answer, or None."""
        return self._challenge if self._state is State.WAITING else None

    @property
    def username(self) -> str:
        """The user's name: as the service calls it once known, before that as typed."""
        return self._names[0] if self._names else self._typed

    @property
    def device(self) -> RememberedDevice | None:
        """The remembered device, as long as the service knows it."""
        return self._device.device

    @property
    def dropped_device(self) -> RememberedDevice | None:
        """The device that was given and that the service does not know, or None."""
        return self._device.dropped

    # --- the caller's side ---

    def begin(self) -> Call:
        """Return the first call. With SRP this computes A, which takes a while.

        Raises:
            LocalProtocolError: It was called before.
        """
        flow = self._flow
        if flow is None:  # resumed
            raise LocalProtocolError("A challenge waits; answer it.")
        srp = opens_srp(flow)
        plain = Input.BEGIN_PASSWORD if sends_password(flow) else Input.BEGIN_NAME
        self._move(Input.BEGIN_SRP if srp else plain)
        auth: dict[str, Any] = {"USERNAME": self._typed, **auth_parameters(flow)}
        if srp:
            auth |= self._open_srp()
        if sends_password(flow):
            auth["PASSWORD"] = self._password
        if not srp and not isinstance(flow, Choice):
            self._drop_secrets()
        auth |= {**self._client.secret_hash(self._typed), **self._device.members}
        parameters: dict[str, Any] = {
            "ClientId": self._client.client_id,
            "AuthFlow": self._api.auth_flow(flow),
            "AuthParameters": auth,
            **self._about,
        }
        if isinstance(flow, Choice) and flow.session is not None:
            parameters["Session"] = flow.session
        return self._api.call("InitiateAuth", parameters, repeatable=is_repeatable(flow))

    def send(self, answer: Answer) -> Call:
        """Return the call that carries the caller's answer.

        Raises:
            LocalProtocolError: No challenge waits, or another one does.
            InvalidType: Not an `Answer`.
            InvalidArgument: The password is needed now and was not given.
        """
        if not isinstance(answer, Answer):
            raise InvalidType("answer", "an Answer, such as challenge.answer(code)", answer)
        if self._state is State.WAITING and answer.challenge != self._challenge:
            raise LocalProtocolError("Answer the challenge that waits, not another one.")
        if self._state is State.WAITING:
            self._provide_password(answer)
        self._move(_input_of(answer))
        session = answer.challenge.context.session
        responses: dict[str, Any] = dict(answer.responses)
        if answer.operation != "RespondToAuthChallenge":
            return Call(operation=answer.operation, parameters={"Session": session, **responses})
        if answer.device is not None:
            self._device = DeviceProof(answer.device)
            responses |= self._device.open(self._entropy)
        elif answer.begins_srp:
            responses |= self._open_srp()
        elif answer.lacks_password:
            responses["PASSWORD"] = self._password
        return self._respond(wire_name(answer.challenge), session, responses)

    def _provide_password(self, answer: Answer) -> None:
        if answer.lacks_password and not self._plaintext_allowed:
            raise InvalidArgument("choice", 'PASSWORD only with Choice(preferred="PASSWORD")')
        if answer.password is not None:
            self._password = answer.password
        if (answer.begins_srp or answer.lacks_password) and self._password is None:
            raise InvalidArgument("password", "given with this answer: the login has none")

    # --- the server's side ---

    def needs_arithmetic(self, message: Reply | Answer | None = None) -> bool:
        """Whether taking or sending this (`begin`, without one) computes for a while."""
        if message is None:
            return self._flow is not None and opens_srp(self._flow)
        if isinstance(message, Answer):
            return message.begins_srp or message.device is not None
        if not isinstance(message, Reply):
            raise InvalidType("answer", "an Answer, such as challenge.answer(code)", message)
        name = message.body.get("ChallengeName")
        verifies = name == "PASSWORD_VERIFIER" and self._handshake is not None
        opens = name == "PASSWORD_SRP" and self._password is not None
        return verifies or opens or self._device.computes(name)

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
        if self._state not in (*ASKED, *SETTING_UP):
            raise LocalProtocolError("Nothing was asked; there is no answer to take.")
        try:
            if self._state in SETTING_UP:
                return self._set_up(reply)
            return self._take(read_auth(reply.body), reply.date or now)
        except RemoteProtocolError as error:
            self._close()
            raise without_frames(error)  # noqa: B904  itself, less its frames

    def fail(self, error: BaseException) -> Challenge | None:
        """Take note that the last call failed or was cancelled.

        Returns:
            The challenge that waits again, or None: then the conversation is over.
        """
        mendable = _is_mendable(error) and self._state in MENDING
        self._move(Input.MENDABLE if mendable else Input.FAILURE)
        if self._state is State.CLOSED or self._challenge is None:
            self._close()
            return None
        refused = error if isinstance(error, CognitoError) else None
        self._challenge = attrs.evolve(self._challenge, refused=refused)
        return self._challenge

    def without_device(self, call: Call, error: BaseException) -> Call | None:
        """Return the call that failed without its device, if the service does not know that.

        Call it before `fail`. Nothing was weighed: a claim and a session are still good.
        While the device proves itself there is nothing to repeat.
        """
        return self._device.left_out(call, error, proving=self._state in _PROVING_DEVICE)

    def explained(self, error: CognitoError, *, after: float = 0.0) -> CognitoError:
        """Return what a refusal means here. Call it before `fail`.

        The service calls a device's wrong proof a wrong password, which it is not: the
        user's own has been accepted. A proof that comes too late it calls so too.

        Args:
            error: The service's.
            after: Seconds since the reply that was answered by the call that failed.
        """
        if after > TIMELY and self._state in _PROVING:
            return proof_came_late(error)
        return proof_refused(error) if self._state in _PROVING_DEVICE else error

    def _take(self, message: Granted | Asked, now: datetime) -> Call | Step:
        if isinstance(message, Granted):
            self._move(Input.TOKENS)
            # Both names are equal on the service. Where a server tells them apart, the
            # one that went into the proof is the true one.
            name = self._names[-1] if self._names else None
            self._close()
            return Authenticated(
                tokens=message.tokens,
                new_device=message.new_device,
                username=name,
                device=self._device.device,
            )
        happened = self._classify(message)
        if (self._state, happened) not in TRANSITIONS:
            raise RemoteProtocolError(REFUSALS[happened])
        self._pin(message)
        if happened is Input.VERIFIER:
            call = self._prove(message, now)
            self._move(happened)
            return call
        if happened is Input.SRP_DEMAND:
            self._move(happened)
            return self._respond("PASSWORD_SRP", message.session, self._open_srp())
        if happened in (Input.DEVICE_DEMAND, Input.DEVICE_VERIFIER):
            return self._answer_for_device(happened, message, now)
        challenge = read_challenge(message, self._context(message))
        self._handshake = None
        if not (isinstance(challenge, SelectChallenge) and isinstance(self._flow, Choice)):
            self._drop_secrets()
        self._move(happened)
        self._challenge = challenge
        return challenge

    def _answer_for_device(self, happened: Input, asked: Asked, now: datetime) -> Call:
        if happened is Input.DEVICE_DEMAND:
            self._drop_secrets()  # the first factor is over
            name, responses = DEMAND, self._device.open(self._entropy)
        else:
            name, responses = VERIFIER, self._device.prove(asked.parameters, now)
        self._move(happened)
        return self._respond(name, asked.session, responses)

    def _set_up(self, reply: Reply) -> Call | Step:
        """Take the answers about an authenticator, which are no challenges."""
        setup = self._challenge
        if isinstance(setup, MfaSetup):
            self._move(Input.SECRET)
            self._challenge = read_secret(reply.body, setup)
            return self._challenge
        assert isinstance(setup, SoftwareTokenSetup)
        registered = read_registered(reply.body)
        if registered.success:
            self._move(Input.CODE_RIGHT)
            return self._respond(setup.name, registered.session, {})
        self._move(Input.CODE_WRONG)
        session = registered.session or setup.context.session
        self._challenge = attrs.evolve(
            setup,
            context=attrs.evolve(setup.context, session=session),
            refused=EnableSoftwareTokenMFA(
                code="EnableSoftwareTokenMFAException", operation="VerifySoftwareToken"
            ),
        )
        return self._challenge

    def _classify(self, asked: Asked) -> Input:
        about_device = self._device.classify(asked.name, asked.parameters)
        if about_device is not None:
            return about_device
        if asked.name == "PASSWORD_VERIFIER":
            return Input.STRAY_VERIFIER if self._handshake is None else Input.VERIFIER
        if asked.name == "NEW_PASSWORD_REQUIRED" and not self._password_proven:
            return Input.EARLY_NEW_PASSWORD
        if not self._plaintext_allowed and _wants_plaintext(asked):
            return Input.PLAINTEXT_DEMAND
        if asked.name == "PASSWORD_SRP" and self._password is not None:
            return Input.SRP_DEMAND
        return Input.CHALLENGE

    def _pin(self, asked: Asked) -> None:
        """Learn the user's name from the first challenge; refuse another one later."""
        said = [asked.parameters.get(key) for key in ("USERNAME", "USER_ID_FOR_SRP")]
        names = tuple(name for name in said if name)
        if not self._names:
            self._names = names or (self._typed,)
        elif any(name not in self._names for name in names):
            raise RemoteProtocolError("The server changed the user during the sign-in.")

    def _open_srp(self) -> dict[str, Any]:
        """Begin SRP with the password at hand, which is not proven from now on."""
        self._handshake = Handshake(self._entropy)
        self._password_proven = False
        return {"SRP_A": self._handshake.srp_a}

    def _prove(self, asked: Asked, now: datetime) -> Call:
        """Answer PASSWORD_VERIFIER."""
        handshake, password = self._handshake, self._password
        assert handshake is not None and password is not None
        self._drop_secrets()
        responses = claim(
            handshake,
            asked.parameters,
            challenge=asked.name,
            group=self._client.pool.name,
            identity=asked.parameters.get("USER_ID_FOR_SRP") or self._names[0],
            password=password,
            now=now,
        )
        self._password_proven = True
        return self._respond(asked.name, asked.session, responses)

    def _respond(self, name: str, session: Secret | None, responses: dict[str, Any]) -> Call:
        username = self._names[0]
        parameters: dict[str, Any] = {
            "ClientId": self._client.client_id,
            "ChallengeName": name,
            "ChallengeResponses": {
                **responses,
                "USERNAME": username,
                **self._client.secret_hash(username),
                **self._device.members,
            },
            **self._about,
        }
        if session is not None:
            parameters["Session"] = session
        return self._api.call("RespondToAuthChallenge", parameters)

    def _context(self, asked: Asked) -> Context:
        return Context(
            client_id=self._client.client_id,
            username=self._names[0],
            session=asked.session,
            password_proven=self._password_proven,
            plaintext_allowed=self._plaintext_allowed,
            admin=self._api.is_admin,
        )

    # --- state ---

    def _move(self, happened: Input) -> None:
        following = TRANSITIONS.get((self._state, happened))
        if following is None:
            raise LocalProtocolError(f"Out of turn: {self._state.value}.")
        self._state = following

    def _drop_secrets(self) -> None:
        self._handshake = self._password = None
        self._device.end()

    def _close(self) -> None:
        self._drop_secrets()
        self._challenge = None
        self._state = State.CLOSED


def _input_of(answer: Answer) -> Input:
    if answer.device is not None:
        return Input.ANSWER_DEVICE
    return Input.ANSWER_SRP if answer.begins_srp else OPERATIONS[answer.operation]


def _wants_plaintext(asked: Asked) -> bool:
    """Whether nothing but the password in the clear would answer this."""
    if asked.name == SelectChallenge.name:
        return bool(asked.available) and set(asked.available) <= set(PLAINTEXT)
    return asked.name in PLAINTEXT


def _is_mendable(error: BaseException) -> bool:
    """Whether the same challenge can be answered again.

    Observed: a wrong code leaves the session usable. What was not processed at all
    (throttled, no connection) leaves it untouched.
    """
    if isinstance(error, MENDABLE):
        return True
    return isinstance(error, ServiceError | TransportError) and error.retry_safe
