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

import attrs
from attrs import field, frozen

from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.answers import Answer, BaseChallenge, Context, answer_with, texts_of
from aiocognito.flow.code_challenges import EmailOtp, SmsMfa, SmsOtp, SoftwareTokenMfa
from aiocognito.flow.first_factors import (
    PasswordChallenge,
    PasswordSrpChallenge,
    SelectChallenge,
)
from aiocognito.flow.mfa_challenges import MfaSetup, SelectMfaType, SoftwareTokenSetup
from aiocognito.flow.passkeys import WebAuthn
from aiocognito.tokens.devices import RememberedDevice

__all__ = [
    "Answer",
    "Challenge",
    "Context",
    "CustomChallenge",
    "DeviceSrpAuth",
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
    "WebAuthn",
    "wire_name",
]


@frozen(kw_only=True)
class NewPasswordRequired(BaseChallenge):
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
        given = texts_of(attributes or {}, "attributes")
        missing = [name for name in self.required_attributes if name not in given]
        if missing:
            raise InvalidArgument("attributes", f"given for {', '.join(missing)}")
        named = {f"userAttributes.{key}": value for key, value in given.items()}
        return answer_with(self, {"NEW_PASSWORD": new_password, **named})


@frozen(kw_only=True)
class CustomChallenge(BaseChallenge):
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
        return answer_with(self, {"ANSWER": answer})


@frozen(kw_only=True)
class DeviceSrpAuth(BaseChallenge):
    """The remembered device is asked for, and nobody gave one to this sign-in.

    Where a device was given, this challenge answers itself and does not surface. It may
    do so where a sign-in goes on in another process.
    """

    name: ClassVar[str] = "DEVICE_SRP_AUTH"

    @property
    def device_key(self) -> str | None:
        """The device that is meant, if the service says so."""
        return self.parameters.get("DEVICE_KEY")

    def answer(self, device: RememberedDevice) -> Answer:
        """Prove the device by SRP; its password is not sent.

        Raises:
            InvalidType: Not a `RememberedDevice`.
            InvalidArgument: Another device is meant.
        """
        if not isinstance(device, RememberedDevice):
            raise InvalidType("device", "a RememberedDevice", device)
        if self.device_key not in (None, device.key):
            raise InvalidArgument("device", "the one that is asked for")
        return attrs.evolve(answer_with(self, {}), device=device)


@frozen(kw_only=True)
class UnknownChallenge(BaseChallenge):
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
        return answer_with(self, texts_of(responses, "responses"))

    def to_dict(self) -> dict[str, Any]:
        """As the other challenges do; under the service's own name."""
        return {**BaseChallenge.to_dict(self), "challenge": self.challenge_name}


Challenge = (
    NewPasswordRequired
    | SmsMfa
    | SmsOtp
    | EmailOtp
    | SoftwareTokenMfa
    | SelectMfaType
    | MfaSetup
    | SoftwareTokenSetup
    | DeviceSrpAuth
    | CustomChallenge
    | SelectChallenge
    | PasswordChallenge
    | PasswordSrpChallenge
    | WebAuthn
    | UnknownChallenge
)
"""Every challenge. Closed within a minor version, so that ``assert_never`` works."""


def wire_name(challenge: Challenge) -> str:
    """Return ``ChallengeName`` as the service spells it."""
    if isinstance(challenge, UnknownChallenge):
        return challenge.challenge_name
    return challenge.name
