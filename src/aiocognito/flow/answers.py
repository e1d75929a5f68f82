"""What every challenge has in common, and what an answer is.

The challenges themselves are in `challenges`, and beside it by kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from attrs import field, frozen

from aiocognito._redact import Secret
from aiocognito.errors import CognitoError, InvalidArgument, InvalidType
from aiocognito.tokens.devices import RememberedDevice

if TYPE_CHECKING:
    # A challenge makes answers and an answer holds a challenge: one of them looks up.
    from aiocognito.flow.challenges import Challenge


__all__ = [
    "Answer",
    "BaseChallenge",
    "Context",
    "Operation",
    "answer_with",
    "chosen_of",
    "digits_of",
    "texts_of",
]

Operation = Literal["RespondToAuthChallenge", "AssociateSoftwareToken", "VerifySoftwareToken"]

# The names an answer has to tell apart; their classes are in `first_factors`.
_SELECT, _SRP, _PLAIN = "SELECT_CHALLENGE", "PASSWORD_SRP", "PASSWORD"


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
        admin: Whether an administrator's sign-in put it, which alone can go on.
    """

    client_id: str
    username: str
    session: Secret | None
    password_proven: bool
    plaintext_allowed: bool
    admin: bool = False


@frozen(kw_only=True)
class BaseChallenge:
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
            "admin": self.context.admin,
            "parameters": dict(self.parameters),
        }


@frozen(kw_only=True)
class Answer:
    """An answer on its way to the service; it shows nothing of what it carries.

    Attributes:
        challenge: What is answered.
        responses: ``ChallengeResponses`` without ``USERNAME`` and ``SECRET_HASH``.
        password: What SRP proves, if the answer begins SRP. It is not sent.
        device: The remembered device that proves itself, if one was asked for.
        operation: The call that carries it; setting up an authenticator has its own.
    """

    challenge: Challenge = field(repr=lambda challenge: challenge.name)
    responses: Mapping[str, Secret] = field(repr=False)
    password: Secret | None = field(default=None, repr=False)
    device: RememberedDevice | None = None
    operation: Operation = "RespondToAuthChallenge"

    @property
    def begins_srp(self) -> bool:
        """Whether SRP_A has to go with it."""
        if self.challenge.name == _SELECT:
            return self.responses.get("ANSWER") == Secret(_SRP)
        return self.challenge.name == _SRP

    @property
    def lacks_password(self) -> bool:
        """Whether the password has to go with it, and does not yet."""
        return (
            self.challenge.name == _SELECT
            and self.responses.get("ANSWER") == Secret(_PLAIN)
            and "PASSWORD" not in self.responses
        )


def answer_with(
    challenge: Any,
    responses: Mapping[str, str],
    *,
    password: Secret | None = None,
    operation: Operation = "RespondToAuthChallenge",
) -> Answer:
    """Seal what answers a challenge."""
    sealed = {key: Secret(value) for key, value in responses.items()}
    return Answer(challenge=challenge, responses=sealed, password=password, operation=operation)


def digits_of(code: object) -> str:
    """Return a code without its blanks; raise `InvalidType` where it is no `str`."""
    if not isinstance(code, str):
        raise InvalidType("code", "a str", code)
    return "".join(code.split())


def chosen_of(choice: object, options: tuple[str, ...]) -> str:
    """Return the name of what was chosen, which must be among the options."""
    chosen = choice if isinstance(choice, str) else getattr(choice, "name", None)
    if not isinstance(chosen, str) or chosen not in options:
        raise InvalidArgument("choice", f"one of {', '.join(options)}")
    return chosen


def texts_of(values: Mapping[Any, Any], argument: str) -> dict[str, str]:
    """Return a copy of a mapping of `str` to `str`, which it must be."""
    if not isinstance(values, Mapping):
        raise InvalidType(argument, "a mapping of str to str", values)
    for text in (*values.keys(), *values.values()):
        if not isinstance(text, str):
            raise InvalidType(argument, "a mapping of str to str", text)
    return dict(values)
