"""A sign-in under way: the driver of `flow.AuthFlow`, and the object people hold."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Literal

from attrs import frozen

from aiocognito._issued import Issued
from aiocognito._refresh import Timing
from aiocognito._retry import pause_before_repeat
from aiocognito._workers import compute
from aiocognito.errors import (
    ChallengeRequired,
    CognitoError,
    DeviceRefused,
    InvalidType,
    LocalProtocolError,
)
from aiocognito.events import DeviceChanged, Event
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.challenges import Answer, Challenge, wire_name
from aiocognito.flow.machine import MENDABLE, AuthFlow
from aiocognito.flow.steps import Authenticated
from aiocognito.flow.steps import Step as FlowStep
from aiocognito.session import Session
from aiocognito.transport.base import Transport

__all__ = ["Conversation", "Login", "Responder", "SignedIn", "Step", "answer_all"]

Responder = Callable[[Challenge], Awaitable[Answer | None]]

# What is answered without a person looking on is bounded; a server that asks in
# circles ends there.
_MAX_CHALLENGES = 10
_MAX_OF_ONE_NAME = 3
_MAX_SECONDS = 900.0  # the longest life of a challenge's session


@frozen
class SignedIn:
    """The end of a sign-in.

    Attributes:
        session: The new session.
    """

    session: Session


Step = SignedIn | Challenge


class Conversation:
    """Carries the calls of an `AuthFlow` and feeds it the replies."""

    def __init__(
        self,
        flow: AuthFlow,
        transport: Transport,
        timing: Timing,
        observe: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.flow = flow
        self._observe = observe
        self._transport = transport
        self._timing = timing
        self.sent_boot: float = 0.0
        self.sent_wall: float = 0.0
        self.date: datetime | None = None
        self._answered_boot = float("inf")  # when the last reply came, on the boot clock

    async def start(self) -> FlowStep:
        """Begin; the arithmetic runs in a worker thread."""
        if self.flow.needs_arithmetic():
            return await self._run(await compute(self.flow.begin))
        return await self._run(self.flow.begin())

    async def send(self, answer: Answer) -> FlowStep:
        """Answer the challenge that waits; where that begins SRP, in a worker thread."""
        if self.flow.needs_arithmetic(answer):
            return await self._run(await compute(lambda: self.flow.send(answer)))
        return await self._run(self.flow.send(answer))

    async def _run(self, call: Call) -> FlowStep:
        while True:
            step = await self._receive(await self._exchange(call))
            if not isinstance(step, Call):
                return step
            call = step

    async def _receive(self, reply: Reply) -> Call | FlowStep:
        now = datetime.fromtimestamp(self._timing.clock.wall(), UTC)
        if self.flow.needs_arithmetic(reply):
            return await compute(lambda: self.flow.receive(reply, now))
        return self.flow.receive(reply, now)

    async def _exchange(self, call: Call) -> Reply:
        attempt = 0
        while True:
            self.sent_boot = self._timing.clock.boot()
            self.sent_wall = self._timing.clock.wall()
            try:
                reply = await self._transport.send(call)
            except CognitoError as error:
                again = self._without_device(call, error)
                if again is not None:
                    call = again
                    continue
                attempt += 1
                pause = pause_before_repeat(
                    error, attempt=attempt, repeat_ambiguous=False, jitter=self._timing.jitter()
                )
                if pause is None:
                    raise self._failed(error) from error.__cause__
            except BaseException as cancelled:
                # The service may have acted. The challenge can still be tried again
                # with `UserPool.resume`; this conversation does not know where it is.
                self.flow.fail(cancelled)
                raise
            else:
                self.date = reply.date
                self._answered_boot = self._timing.clock.boot()
                return reply
            await self._timing.sleep(pause)

    def _without_device(self, call: Call, error: CognitoError) -> Call | None:
        """Return the call to send at once, where a device is gone; tell the observer."""
        device = self.flow.device
        again = self.flow.without_device(call, error)
        if device is not None and self.flow.device is None:
            self._say(device.key, "unknown", error)
        return again

    def _failed(self, error: CognitoError) -> CognitoError:
        # A machine that slept sends a proof whose timestamp is old.
        after = self._timing.clock.boot() - self._answered_boot
        device, explained = self.flow.device, self.flow.explained(error, after=after)
        if device is not None and isinstance(explained, DeviceRefused):
            self._say(device.key, "refused", explained)
        self.flow.fail(explained)
        return explained

    def _say(self, key: str, change: Literal["unknown", "refused"], error: CognitoError) -> None:
        self._observe(
            DeviceChanged(username=self.flow.username, key=key, change=change, error=error)
        )


class Login:
    """One sign-in, step by step.

    ``start`` once, then ``send`` an answer for each challenge, until a `SignedIn`
    comes back. After an error the person can mend (`CodeMismatch`, `ExpiredCode`,
    `InvalidPassword`) the same challenge still waits.
    """

    def __init__(
        self, conversation: Conversation, finish: Callable[[Issued], Awaitable[Session]]
    ) -> None:
        self._conversation = conversation
        self._finish = finish
        self._busy = False

    @property
    def waiting(self) -> Challenge | None:
        """The challenge that waits for an answer, or None."""
        return self._conversation.flow.waiting

    async def start(self) -> Step:
        """Begin, and return the first challenge or the session.

        With the default flow this is two requests and some arithmetic, which runs in
        a worker thread. Cancelling ends the sign-in; nothing is kept.

        Raises:
            IncorrectUsernameOrPassword: Also for a user that does not exist.
            UserNotConfirmed: The account waits for its confirmation.
            UserDisabled: An administrator has disabled the user.
            DeviceRefused: The password is right, the remembered device's proof is not.
            DeviceNotFound: The device was deleted while it proved itself; sign in again.
            InvalidSession: The proof came too late, as after a suspend; sign in again.
            PasswordResetRequired: The password has to be reset first.
            TokenVerificationError: The server issued tokens that are not the pool's.
            KeysUnavailable: The tokens could not be verified now; sign in again.
            LocalProtocolError: It was called before.
        """
        return await self._alone(self._conversation.start)

    async def send(self, answer: Answer) -> Step:
        """Answer the challenge that waits; return the next one or the session.

        Raises what `start` raises, and:

        Raises:
            CodeMismatch: The code is wrong; the challenge still waits.
            ExpiredCode: The code is too old or was used before; as above.
            EnableSoftwareTokenMFA: The authenticator's first code is wrong; as above.
            InvalidPassword: The new password is too weak; as above.
            InvalidSession: The challenge was answered before or is too old.
            InvalidArgument: The password is needed and was not given; as above.
        """
        return await self._alone(lambda: self._conversation.send(answer))

    async def _alone(self, ask: Callable[[], Awaitable[FlowStep]]) -> Step:
        if self._busy:
            raise LocalProtocolError("Wait for the step under way before the next one.")
        self._busy = True
        try:
            step = await ask()
            if not isinstance(step, Authenticated):
                return step
            return SignedIn(await self._finish(issued(self._conversation, step)))
        finally:
            self._busy = False


def issued(conversation: Conversation, step: Authenticated) -> Issued:
    """Put the tokens and the circumstances of their arrival together."""
    return Issued(
        reason="sign-in",
        tokens=step.tokens,
        new_device=step.new_device,
        device=step.device,
        username=step.username,
        sent_boot=conversation.sent_boot,
        sent_wall=conversation.sent_wall,
        date=conversation.date,
        by_admin=conversation.flow.is_admin,
    )


async def answer_all(
    conversation: Conversation, respond: Responder | None, timing: Timing
) -> Authenticated:
    """Run a conversation to its end, asking the responder at every challenge.

    A wrong answer is asked for again (``challenge.refused`` says why), unless the
    responder repeats itself, three times at most.

    Raises:
        ChallengeRequired: Nobody answered.
        CodeMismatch: Every answer was wrong; also its siblings, see `Login.send`.
        LocalProtocolError: The server asks in circles.
        InvalidType: The responder is not async, or returned something else.
    """
    began = timing.clock.boot()
    seen: list[str] = []
    step = await conversation.start()
    last: Answer | None = None
    while not isinstance(step, Authenticated):
        seen.append(wire_name(step))
        if len(seen) > _MAX_CHALLENGES or seen.count(seen[-1]) > _MAX_OF_ONE_NAME:
            raise _given_up(step)
        answer = await _asked(respond, step)
        if answer is None:
            raise ChallengeRequired(step)
        if timing.clock.boot() - began > _MAX_SECONDS:
            raise _given_up(step)
        if step.refused is not None and last is not None and answer.responses == last.responses:
            raise step.refused
        last = answer
        try:
            step = await conversation.send(answer)
        except MENDABLE:
            again = conversation.flow.waiting
            if again is None:
                raise
            step = again
    return step


def _given_up(challenge: Challenge) -> CognitoError:
    return challenge.refused or LocalProtocolError("Too many challenges; the sign-in was given up.")


async def _asked(respond: Responder | None, challenge: Challenge) -> Answer | None:
    if respond is None:
        return None
    answering = respond(challenge)
    if not inspect.isawaitable(answering):
        raise InvalidType("respond", "an async callable (async def)", answering)
    return await answering
