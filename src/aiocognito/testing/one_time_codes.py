"""Codes that are delivered during a sign-in, as the first factor or the second.

A code belongs to the session it was sent for; sending another one voids it. First
factors have eight digits, second factors six.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from aiocognito.testing.challenge_sessions import ChallengeSession
from aiocognito.testing.service_errors import code_mismatch
from aiocognito.testing.state import Answer, PoolState, challenge, needed
from aiocognito.testing.users import Delivery, LocalUser

__all__ = ["CHANNELS", "FIRST_FACTOR_DIGITS", "OneTimeCodes", "masked"]

FIRST_FACTOR_DIGITS = 8
SECOND_FACTOR_DIGITS = 6


@frozen
class Channel:
    """How a code of one kind travels, and what its answer is called."""

    medium: str
    attribute: str
    response_key: str


CHANNELS: Mapping[str, Channel] = {
    "SMS_MFA": Channel("SMS", "phone_number", "SMS_MFA_CODE"),
    "EMAIL_OTP": Channel("EMAIL", "email", "EMAIL_OTP_CODE"),
    "SMS_OTP": Channel("SMS", "phone_number", "SMS_OTP_CODE"),
}


@frozen
class OneTimeCodes:
    """Sends codes and takes them back."""

    state: PoolState

    def send(
        self, method: str, user: LocalUser, session: ChallengeSession, *, to: str | None = None
    ) -> Answer:
        """Send a code and put the challenge that asks for it.

        Args:
            session: Of that challenge; it is opened with the code in it.
            to: An address that is not the user's yet.
        """
        channel = CHANNELS[method]
        destination = to if to is not None else user.attributes[channel.attribute]
        assert session.code is not None
        user.latest_code[method] = session.code
        self.state.outbox.append(
            Delivery(
                username=user.username,
                destination=destination,
                medium=channel.medium,
                code=session.code,
                purpose=method,
            )
        )
        text = self.state.sessions.open(session)
        return asked(method, masked(destination), user.username, text)

    def draw(self, digits: int = SECOND_FACTOR_DIGITS) -> str:
        """Draw a code."""
        return self.state.draws.digits(digits)

    def check(self, user: LocalUser, session: ChallengeSession, answers: Mapping[str, str]) -> None:
        """Accept the code of this session, if no later one was sent.

        Raises:
            PoolError: ``CodeMismatchException``.
        """
        (code,) = needed(answers, CHANNELS[session.challenge].response_key)
        if code != session.code or user.latest_code.get(session.challenge) != session.code:
            raise code_mismatch()
        del user.latest_code[session.challenge]


def asked(method: str, destination: str, username: str, session: str) -> Answer:
    """Return the answer that asks for a delivered code."""
    parameters = {
        "CODE_DELIVERY_DELIVERY_MEDIUM": CHANNELS[method].medium,
        "CODE_DELIVERY_DESTINATION": destination,
        "USER_ID_FOR_SRP": username,
    }
    return challenge(method, parameters, session)


def masked(destination: str) -> str:
    """Hide an address or number as the service does: ``f***@e***``, ``+*******1234``."""
    if destination.startswith("+"):
        return f"+*******{destination[-4:]}"
    local, _, domain = destination.partition("@")
    return f"{local[:1]}***@{domain[:1]}***"
