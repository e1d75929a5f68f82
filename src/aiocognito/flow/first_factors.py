"""Choosing a first factor, and the password as one."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import field, frozen

from aiocognito.errors import InvalidArgument
from aiocognito.flow.answers import Answer, BaseChallenge, answer_with, chosen_of
from aiocognito.flow.app_client import checked_password
from aiocognito.flow.passkeys import WebAuthn
from aiocognito.webauthn.options import PasskeyRequestOptions
from aiocognito.webauthn.responses import Credential, checked_assertion

__all__ = ["PasswordChallenge", "PasswordSrpChallenge", "SelectChallenge"]


@frozen(kw_only=True)
class SelectChallenge(BaseChallenge):
    """The user may choose the first factor.

    Attributes:
        options: The names to choose from, such as ``EMAIL_OTP`` or ``PASSWORD_SRP``.
            ``PASSWORD`` is among them only where the caller chose to send it.
        passkey_options: What an authenticator has to know to answer at once; None where
            the service does not say it before ``WEB_AUTHN`` is chosen.
    """

    name: ClassVar[str] = "SELECT_CHALLENGE"

    options: tuple[str, ...]
    passkey_options: PasskeyRequestOptions | None = field(default=None, repr=False)

    def answer(
        self,
        choice: str | type[BaseChallenge],
        *,
        password: str | None = None,
        credential: Credential | None = None,
    ) -> Answer:
        """Choose a factor, by name or by the class of the challenge that follows.

        Args:
            choice: One of `options`.
            password: For ``PASSWORD_SRP``, which proves it, and ``PASSWORD``, which
                sends it; not needed where the login was given it, in the same process.
            credential: For ``WEB_AUTHN``, where a passkey has answered already; without
                it the challenge `WebAuthn` follows.

        Raises:
            InvalidType: The password is not a `str`, the credential no mapping or text.
            InvalidArgument: Not one of `options`, or a password or credential that has
                no place there.
        """
        chosen = chosen_of(choice, self.options)
        for argument, given, fitting in (
            ("password", password, (PasswordSrpChallenge.name, PasswordChallenge.name)),
            ("credential", credential, (WebAuthn.name,)),
        ):
            if given is not None and chosen not in fitting:
                raise InvalidArgument(argument, f"left out when the choice is {chosen}")
        if credential is not None:
            signed = checked_assertion(credential)
            return answer_with(self, {"ANSWER": chosen, "CREDENTIAL": signed})
        if password is None:
            return answer_with(self, {"ANSWER": chosen})
        secret = checked_password(password)
        if chosen == PasswordSrpChallenge.name:
            return answer_with(self, {"ANSWER": chosen}, password=secret)
        return answer_with(self, {"ANSWER": chosen, "PASSWORD": secret.reveal()})

    def to_dict(self) -> dict[str, Any]:
        """As the other challenges do."""
        return {**BaseChallenge.to_dict(self), "options": list(self.options)}


@frozen(kw_only=True)
class PasswordChallenge(BaseChallenge):
    """The password is asked for in the clear. Only where the caller chose such a flow."""

    name: ClassVar[str] = "PASSWORD"

    def answer(self, password: str) -> Answer:
        """Answer with the password, which the service sees (inside TLS).

        Raises:
            InvalidType: Not a `str`.
            InvalidArgument: Empty, or longer than 256 characters.
        """
        return answer_with(self, {"PASSWORD": checked_password(password).reveal()})


@frozen(kw_only=True)
class PasswordSrpChallenge(BaseChallenge):
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
        return answer_with(self, {}, password=checked_password(password))
