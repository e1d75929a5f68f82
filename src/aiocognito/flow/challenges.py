"""What the service may ask on the way to tokens: challenges, as frozen values.

A challenge knows how it is answered and nothing else: `answer` takes exactly what
it needs and returns an `Answer`, which `Login.send` or `UserPool.resume` carries to
the service. Challenges can be stored (`to_dict`, `challenge_from_dict`) and answered
in another request, in another process. See docs/decisions/challenges-as-values.md.

Names and members: guide page "Authentication flows", service model
``ChallengeNameType`` and ``ChallengeResponsesType``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from attrs import field, frozen

from aiocognito._redact import Secret
from aiocognito.errors import CognitoError, InvalidArgument, InvalidType
from aiocognito.flow.app_client import checked_password
from aiocognito.flow.otpauth import otpauth_uri

__all__ = [
    "Answer",
    "Challenge",
    "Context",
    "CustomChallenge",
    "EmailOtp",
    "MfaSetup",
    "NewPasswordRequired",
    "PasswordChallenge",
    "PasswordSrpChallenge",
    "SelectChallenge",
    "SelectMfaType",
    "SmsMfa",
    "SmsOtp",
    "SoftwareTokenMfa",
    "SoftwareTokenSetup",
    "UnknownChallenge",
    "wire_name",
]

Operation = Literal["RespondToAuthChallenge", "AssociateSoftwareToken", "VerifySoftwareToken"]

_TOTP_DIGITS = 6
_MAX_ATTRIBUTE = 2048


@frozen(kw_only=True)
class Context:
    """What a challenge carries from its conversation.

    Attributes:
        client_id: The app client it was issued to.
        username: The name the service chose in its first answer. It goes into every
            later ``USERNAME`` and ``SECRET_HASH``.
        session: The service's ``Session``, sent back with the answer. Lives 3 to 15
            minutes and is used up by an answer that succeeds.
        password_proven: Whether the password has been presented. In a flow that
            opened SRP a server gets no new password before it has asked for the proof
            of the old one.
        plaintext_allowed: Whether the caller chose a flow that sends the password.
    """

    client_id: str
    username: str
    session: Secret | None
    password_proven: bool
    plaintext_allowed: bool


@frozen(kw_only=True)
class _Challenge:
    """What all challenges have in common."""

    name: ClassVar[str]

    context: Context = field(repr=False)
    parameters: Mapping[str, str] = field(repr=False)
    """The service's ``ChallengeParameters``, as they came."""
    refused: CognitoError | None = field(default=None, eq=False)
    """Why the last answer was refused, if this is another try."""

    @property
    def username(self) -> str:
        """The user's name as the service calls it."""
        return self.context.username

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, for `challenge_from_dict` in any process.

        The result contains the service's session string, which answers this challenge
        together with the code: keep it encrypted, and expect up to 5 kB.
        """
        session = self.context.session
        return {
            "version": 1,
            "challenge": self.name,
            "client_id": self.context.client_id,
            "username": self.context.username,
            "session": None if session is None else session.reveal(),
            "password_proven": self.context.password_proven,
            "plaintext_allowed": self.context.plaintext_allowed,
            "parameters": dict(self.parameters),
        }


@frozen(kw_only=True)
class Answer:
    """An answer on its way to the service; it shows nothing of what it carries.

    Attributes:
        challenge: What is answered.
        responses: ``ChallengeResponses`` without ``USERNAME`` and ``SECRET_HASH``.
        password: What SRP proves, if the answer begins SRP. It is not sent.
        operation: The call that carries it; setting up an authenticator has its own.
    """

    challenge: Challenge = field(repr=lambda challenge: challenge.name)
    responses: Mapping[str, Secret] = field(repr=False)
    password: Secret | None = field(default=None, repr=False)
    operation: Operation = "RespondToAuthChallenge"

    @property
    def begins_srp(self) -> bool:
        """Whether SRP_A has to go with it."""
        if isinstance(self.challenge, SelectChallenge):
            return self.responses.get("ANSWER") == Secret(PasswordSrpChallenge.name)
        return isinstance(self.challenge, PasswordSrpChallenge)

    @property
    def lacks_password(self) -> bool:
        """Whether the password has to go with it, and does not yet."""
        return (
            isinstance(self.challenge, SelectChallenge)
            and self.responses.get("ANSWER") == Secret(PasswordChallenge.name)
            and "PASSWORD" not in self.responses
        )


@frozen(kw_only=True)
class _CodeChallenge(_Challenge):
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
        digits = _digits(code)
        if not digits:
            raise InvalidArgument("code", "the digits that were delivered or shown")
        return _answer(self, {self.response_key: digits})


@frozen(kw_only=True)
class SmsMfa(_CodeChallenge):
    """A code was sent by SMS.

    Attributes:
        destination: The phone number, masked by the service, or None.
    """

    name: ClassVar[str] = "SMS_MFA"
    response_key: ClassVar[str] = "SMS_MFA_CODE"

    destination: str | None


@frozen(kw_only=True)
class EmailOtp(_CodeChallenge):
    """A code was sent by e-mail: 6 digits as a second factor, 8 as the first.

    Attributes:
        destination: The address, masked by the service, or None.
    """

    name: ClassVar[str] = "EMAIL_OTP"
    response_key: ClassVar[str] = "EMAIL_OTP_CODE"

    destination: str | None


@frozen(kw_only=True)
class SmsOtp(_CodeChallenge):
    """A code was sent by SMS, as the first factor.

    Attributes:
        destination: The phone number, masked by the service, or None.
    """

    name: ClassVar[str] = "SMS_OTP"
    response_key: ClassVar[str] = "SMS_OTP_CODE"

    destination: str | None


@frozen(kw_only=True)
class SoftwareTokenMfa(_CodeChallenge):
    """The authenticator's present code is asked for. A code works once.

    Attributes:
        device_name: What the user called the authenticator, or None.
    """

    name: ClassVar[str] = "SOFTWARE_TOKEN_MFA"
    response_key: ClassVar[str] = "SOFTWARE_TOKEN_MFA_CODE"

    device_name: str | None


@frozen(kw_only=True)
class SelectMfaType(_Challenge):
    """Several second factors are set up and none is preferred.

    Attributes:
        options: The names to choose from, such as ``SOFTWARE_TOKEN_MFA``.
    """

    name: ClassVar[str] = "SELECT_MFA_TYPE"

    options: tuple[str, ...]

    def answer(self, choice: str | type[_Challenge]) -> Answer:
        """Choose a factor, by name or by the class of the challenge that follows.

        Raises:
            InvalidArgument: Not one of `options`.
        """
        return _answer(self, {"ANSWER": _chosen(choice, self.options)})


@frozen(kw_only=True)
class MfaSetup(_Challenge):
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
        _chosen(SoftwareTokenMfa.name, self.options)
        return _answer(self, {}, operation="AssociateSoftwareToken")

    def answer_email(self, address: str) -> Answer:
        """Register an e-mail address; `EmailOtp` follows with a code sent to it.

        Raises:
            InvalidType: Not a `str`.
            InvalidArgument: Not an address, or the pool does not offer e-mail.
        """
        _chosen(EmailOtp.name, self.options)
        if not isinstance(address, str):
            raise InvalidType("address", "a str", address)
        if "@" not in address.strip() or len(address) > _MAX_ATTRIBUTE:
            raise InvalidArgument("address", "an e-mail address")
        return _answer(self, {"EMAIL": address.strip()})


@frozen(kw_only=True)
class SoftwareTokenSetup(_Challenge):
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
        digits = _digits(code)
        if len(digits) != _TOTP_DIGITS or not (digits.isascii() and digits.isdigit()):
            raise InvalidArgument("code", "the six digits that the authenticator shows")
        if device_name is not None and not isinstance(device_name, str):
            raise InvalidType("device_name", "a str", device_name)
        named = {} if device_name is None else {"FriendlyDeviceName": device_name}
        return _answer(self, {"UserCode": digits, **named}, operation="VerifySoftwareToken")

    def to_dict(self) -> dict[str, Any]:
        """As the other challenges do, with the secret."""
        return {**_Challenge.to_dict(self), "secret": self.secret_code}


@frozen(kw_only=True)
class NewPasswordRequired(_Challenge):
    """The password is temporary and has to be replaced.

    Attributes:
        required_attributes: Attributes that have to be given with it, without the
            ``userAttributes.`` prefix of the wire.
        user_attributes: What the pool knows of the user already.
    """

    name: ClassVar[str] = "NEW_PASSWORD_REQUIRED"

    required_attributes: tuple[str, ...]
    user_attributes: Mapping[str, str] = field(repr=False)

    def answer(self, new_password: str, *, attributes: Mapping[str, str] | None = None) -> Answer:
        """Answer with the new password and the required attributes.

        Args:
            new_password: 1 to 256 characters that meet the pool's policy.
            attributes: Values by attribute name, such as ``{"name": "Ana"}``.

        Raises:
            InvalidType: Something is not a `str`.
            InvalidArgument: The password is empty or a required attribute is missing.
        """
        if not isinstance(new_password, str):
            raise InvalidType("new_password", "a str", new_password)
        if not 1 <= len(new_password) <= 256:
            raise InvalidArgument("new_password", "1 to 256 characters")
        given = _texts(attributes or {}, "attributes")
        missing = [name for name in self.required_attributes if name not in given]
        if missing:
            raise InvalidArgument("attributes", f"given for {', '.join(missing)}")
        named = {f"userAttributes.{key}": value for key, value in given.items()}
        return _answer(self, {"NEW_PASSWORD": new_password, **named})


@frozen(kw_only=True)
class CustomChallenge(_Challenge):
    """A Lambda trigger asks something; `parameters` are its public parameters.

    Only the pool's owner knows what they mean. Beware of a trigger, or of somebody in
    its place, that asks for the password: the answer reaches it as it is.
    """

    name: ClassVar[str] = "CUSTOM_CHALLENGE"

    def answer(self, answer: str) -> Answer:
        """Answer with the text that the verifying trigger gets as ``challengeAnswer``.

        Raises:
            InvalidType: Not a `str`.
        """
        if not isinstance(answer, str):
            raise InvalidType("answer", "a str", answer)
        return _answer(self, {"ANSWER": answer})


@frozen(kw_only=True)
class SelectChallenge(_Challenge):
    """The user may choose the first factor.

    Attributes:
        options: The names to choose from, such as ``EMAIL_OTP`` or ``PASSWORD_SRP``.
            ``PASSWORD`` is among them only where the caller chose to send it.
    """

    name: ClassVar[str] = "SELECT_CHALLENGE"

    options: tuple[str, ...]

    def answer(self, choice: str | type[_Challenge], *, password: str | None = None) -> Answer:
        """Choose a factor, by name or by the class of the challenge that follows.

        Args:
            choice: One of `options`.
            password: For ``PASSWORD_SRP``, which proves it, and ``PASSWORD``, which
                sends it; not needed where the login was given it, in the same process.

        Raises:
            InvalidType: The password is not a `str`.
            InvalidArgument: Not one of `options`, or a password nothing is done with.
        """
        chosen = _chosen(choice, self.options)
        if password is None:
            return _answer(self, {"ANSWER": chosen})
        if chosen == PasswordSrpChallenge.name:
            return _answer(self, {"ANSWER": chosen}, password=checked_password(password))
        if chosen != PasswordChallenge.name:
            raise InvalidArgument("password", f"left out when the choice is {chosen}")
        sent = checked_password(password).reveal()
        return _answer(self, {"ANSWER": chosen, "PASSWORD": sent})

    def to_dict(self) -> dict[str, Any]:
        """As the other challenges do."""
        return {**_Challenge.to_dict(self), "options": list(self.options)}


@frozen(kw_only=True)
class PasswordChallenge(_Challenge):
    """The password is asked for in the clear. Only where the caller chose such a flow."""

    name: ClassVar[str] = "PASSWORD"

    def answer(self, password: str) -> Answer:
        """Answer with the password, which the service sees (inside TLS).

        Raises:
            InvalidType: Not a `str`.
            InvalidArgument: Empty, or longer than 256 characters.
        """
        return _answer(self, {"PASSWORD": checked_password(password).reveal()})


@frozen(kw_only=True)
class PasswordSrpChallenge(_Challenge):
    """The proof of the password is asked for, and nobody here knows the password.

    Where the login was given it, this challenge answers itself.
    """

    name: ClassVar[str] = "PASSWORD_SRP"

    def answer(self, password: str) -> Answer:
        """Prove the password by SRP; it is not sent.

        Raises:
            InvalidType: Not a `str`.
            InvalidArgument: Empty, or longer than 256 characters.
        """
        return _answer(self, {}, password=checked_password(password))


@frozen(kw_only=True)
class UnknownChallenge(_Challenge):
    """A challenge this version has no class for; answered in the wire's own terms.

    Attributes:
        challenge_name: The service's name for it.
    """

    name: ClassVar[str] = "unknown"

    challenge_name: str

    def answer(self, responses: Mapping[str, str]) -> Answer:
        """Answer with the members of ``ChallengeResponses``.

        ``USERNAME`` and ``SECRET_HASH`` are added.

        Raises:
            InvalidType: Not a mapping of `str` to `str`.
        """
        return _answer(self, _texts(responses, "responses"))

    def to_dict(self) -> dict[str, Any]:
        """As the other challenges do; under the service's own name."""
        return {**_Challenge.to_dict(self), "challenge": self.challenge_name}


Challenge = (
    NewPasswordRequired
    | SmsMfa
    | SmsOtp
    | EmailOtp
    | SoftwareTokenMfa
    | SelectMfaType
    | MfaSetup
    | SoftwareTokenSetup
    | CustomChallenge
    | SelectChallenge
    | PasswordChallenge
    | PasswordSrpChallenge
    | UnknownChallenge
)
"""Every challenge. Closed within a minor version, so that ``assert_never`` works."""


def _answer(
    challenge: Any,
    responses: Mapping[str, str],
    *,
    password: Secret | None = None,
    operation: Operation = "RespondToAuthChallenge",
) -> Answer:
    sealed = {key: Secret(value) for key, value in responses.items()}
    return Answer(challenge=challenge, responses=sealed, password=password, operation=operation)


def _digits(code: object) -> str:
    if not isinstance(code, str):
        raise InvalidType("code", "a str", code)
    return "".join(code.split())


def _chosen(choice: object, options: tuple[str, ...]) -> str:
    chosen = choice if isinstance(choice, str) else getattr(choice, "name", None)
    if not isinstance(chosen, str) or chosen not in options:
        raise InvalidArgument("choice", f"one of {', '.join(options)}")
    return chosen


def _texts(values: Mapping[Any, Any], argument: str) -> dict[str, str]:
    if not isinstance(values, Mapping):
        raise InvalidType(argument, "a mapping of str to str", values)
    for text in (*values.keys(), *values.values()):
        if not isinstance(text, str):
            raise InvalidType(argument, "a mapping of str to str", text)
    return dict(values)


def wire_name(challenge: Challenge) -> str:
    """Return ``ChallengeName`` as the service spells it."""
    if isinstance(challenge, UnknownChallenge):
        return challenge.challenge_name
    return challenge.name
