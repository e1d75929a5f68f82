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
from typing import Any, ClassVar

from attrs import field, frozen

from aiocognito._redact import Secret
from aiocognito.errors import CognitoError, InvalidArgument, InvalidType

__all__ = [
    "Answer",
    "Challenge",
    "Context",
    "EmailOtp",
    "NewPasswordRequired",
    "SelectMfaType",
    "SmsMfa",
    "SoftwareTokenMfa",
    "UnknownChallenge",
    "wire_name",
]


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
    """

    challenge: Challenge = field(repr=lambda challenge: challenge.name)
    responses: Mapping[str, Secret] = field(repr=False)


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
        if not isinstance(code, str):
            raise InvalidType("code", "a str", code)
        digits = "".join(code.split())
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
    """A code was sent by e-mail.

    Attributes:
        destination: The address, masked by the service, or None.
    """

    name: ClassVar[str] = "EMAIL_OTP"
    response_key: ClassVar[str] = "EMAIL_OTP_CODE"

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
        chosen = choice if isinstance(choice, str) else getattr(choice, "name", None)
        if chosen not in self.options or not isinstance(chosen, str):
            raise InvalidArgument("choice", f"one of {', '.join(self.options)}")
        return _answer(self, {"ANSWER": chosen})


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
    NewPasswordRequired | SmsMfa | EmailOtp | SoftwareTokenMfa | SelectMfaType | UnknownChallenge
)
"""Every challenge. Closed within a minor version, so that ``assert_never`` works."""


def _answer(challenge: Any, responses: Mapping[str, str]) -> Answer:
    sealed = {key: Secret(value) for key, value in responses.items()}
    return Answer(challenge=challenge, responses=sealed)


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
