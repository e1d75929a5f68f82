"""Challenges that one code answers."""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from aiocognito.errors import InvalidArgument
from aiocognito.flow.answers import Answer, BaseChallenge, answer_with, digits_of

__all__ = ["CodeChallenge", "EmailOtp", "SmsMfa", "SmsOtp", "SoftwareTokenMfa"]


@frozen(kw_only=True)
class CodeChallenge(BaseChallenge):
    """A challenge answered by one code."""

    response_key: ClassVar[str]

    def answer(self, code: str) -> Answer:
        """Answer with the code, as text; blanks around and inside it are dropped.

        Its length is not checked: codes have 6 digits as a second factor and 8 as a
        first one today.

        Raises:
            InvalidType: Not a `str` (an `int` would lose leading zeros).
            InvalidArgument: Nothing is left without the blanks.
        """
        digits = digits_of(code)
        if not digits:
            raise InvalidArgument("code", "the digits that were delivered or shown")
        return answer_with(self, {self.response_key: digits})


@frozen(kw_only=True)
class SmsMfa(CodeChallenge):
    """A code was sent by SMS.

    Attributes:
        destination: The phone number, masked by the service, or None.
    """

    name: ClassVar[str] = "SMS_MFA"
    response_key: ClassVar[str] = "SMS_MFA_CODE"

    destination: str | None


@frozen(kw_only=True)
class EmailOtp(CodeChallenge):
    """A code was sent by e-mail: 6 digits as a second factor, 8 as the first.

    Attributes:
        destination: The address, masked by the service, or None.
    """

    name: ClassVar[str] = "EMAIL_OTP"
    response_key: ClassVar[str] = "EMAIL_OTP_CODE"

    destination: str | None


@frozen(kw_only=True)
class SmsOtp(CodeChallenge):
    """A code was sent by SMS, as the first factor.

    Attributes:
        destination: The phone number, masked by the service, or None.
    """

    name: ClassVar[str] = "SMS_OTP"
    response_key: ClassVar[str] = "SMS_OTP_CODE"

    destination: str | None


@frozen(kw_only=True)
class SoftwareTokenMfa(CodeChallenge):
    """The authenticator's present code is asked for. A code works once.

    Attributes:
        device_name: What the user called the authenticator, or None.
    """

    name: ClassVar[str] = "SOFTWARE_TOKEN_MFA"
    response_key: ClassVar[str] = "SOFTWARE_TOKEN_MFA_CODE"

    device_name: str | None
