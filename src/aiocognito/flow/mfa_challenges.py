"""Choosing a second factor, and setting one up in the middle of a sign-in."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import field, frozen

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.answers import Answer, BaseChallenge, answer_with, chosen_of, digits_of
from aiocognito.flow.code_challenges import EmailOtp, SoftwareTokenMfa
from aiocognito.flow.otpauth import otpauth_uri

__all__ = ["MfaSetup", "SelectMfaType", "SoftwareTokenSetup"]

_TOTP_DIGITS = 6
_MAX_ATTRIBUTE = 2048


@frozen(kw_only=True)
class SelectMfaType(BaseChallenge):
    """Several second factors are set up and none is preferred.

    Attributes:
        options: The names to choose from, such as ``SOFTWARE_TOKEN_MFA``.
    """

    name: ClassVar[str] = "SELECT_MFA_TYPE"

    options: tuple[str, ...]

    def answer(self, choice: str | type[BaseChallenge]) -> Answer:
        """Choose a factor, by name or by the class of the challenge that follows.

        Raises:
            InvalidArgument: Not one of `options`.
        """
        return answer_with(self, {"ANSWER": chosen_of(choice, self.options)})


@frozen(kw_only=True)
class MfaSetup(BaseChallenge):
    """The pool demands a second factor and the user has none yet.

    Attributes:
        options: The factors that can be set up, such as ``SOFTWARE_TOKEN_MFA`` and
            ``EMAIL_OTP``. A phone number cannot be given here: an administrator, or
            the user in a signed-in session, sets it.
    """

    name: ClassVar[str] = "MFA_SETUP"

    options: tuple[str, ...]

    def answer_totp(self) -> Answer:
        """Ask for an authenticator's secret; `SoftwareTokenSetup` brings it.

        Raises:
            InvalidArgument: The pool does not offer TOTP.
        """
        chosen_of(SoftwareTokenMfa.name, self.options)
        return answer_with(self, {}, operation="AssociateSoftwareToken")

    def answer_email(self, address: str) -> Answer:
        """Register an e-mail address; `EmailOtp` follows with a code sent to it.

        Raises:
            InvalidType: Not a `str`.
            InvalidArgument: Not an address, or the pool does not offer e-mail.
        """
        chosen_of(EmailOtp.name, self.options)
        if not isinstance(address, str):
            raise InvalidType("address", "a str", address)
        if "@" not in address.strip() or len(address) > _MAX_ATTRIBUTE:
            raise InvalidArgument("address", "an e-mail address")
        return answer_with(self, {"EMAIL": address.strip()})


@frozen(kw_only=True)
class SoftwareTokenSetup(BaseChallenge):
    """An authenticator can be set up: show the secret, ask for its first code.

    It follows `MfaSetup.answer_totp`. Stored with `to_dict` it contains the secret.
    """

    name: ClassVar[str] = "MFA_SETUP"

    secret: Secret = field(repr=False)

    @property
    def secret_code(self) -> str:
        """The secret in base32, for people who type it in."""
        return self.secret.reveal()

    def otpauth_uri(self, issuer: str) -> str:
        """Return the text of the QR code that authenticators scan.

        Args:
            issuer: What the authenticator shows beside the user's name, such as the
                name of your application.
        """
        return otpauth_uri(self.secret_code, account=self.username, issuer=issuer)

    def answer(self, code: str, *, device_name: str | None = None) -> Answer:
        """Answer with the code the authenticator shows now; it cannot be used again.

        Args:
            code: Six digits as text; blanks are dropped.
            device_name: What to call the authenticator from now on.

        Raises:
            InvalidType: Not a `str`.
            InvalidArgument: Not six digits.
        """
        digits = digits_of(code)
        if len(digits) != _TOTP_DIGITS or not (digits.isascii() and digits.isdigit()):
            raise InvalidArgument("code", "the six digits that the authenticator shows")
        if device_name is not None and not isinstance(device_name, str):
            raise InvalidType("device_name", "a str", device_name)
        named = {} if device_name is None else {"FriendlyDeviceName": device_name}
        return answer_with(self, {"UserCode": digits, **named}, operation="VerifySoftwareToken")

    def to_dict(self) -> dict[str, Any]:
        """As the other challenges do, with the secret."""
        return {**BaseChallenge.to_dict(self), "secret": self.secret_code}
