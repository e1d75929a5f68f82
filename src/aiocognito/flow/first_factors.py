"""Choosing a first factor, and the password as one."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import frozen

from aiocognito.errors import InvalidArgument
from aiocognito.flow.answers import Answer, BaseChallenge, answer_with, chosen_of
from aiocognito.flow.app_client import checked_password

__all__ = ["PasswordChallenge", "PasswordSrpChallenge", "SelectChallenge"]


@frozen(kw_only=True)
class SelectChallenge(BaseChallenge):
    """The user may choose the first factor.

    Attributes:
        options: The names to choose from, such as ``EMAIL_OTP`` or ``PASSWORD_SRP``.
            ``PASSWORD`` is among them only where the caller chose to send it.
    """

    name: ClassVar[str] = "SELECT_CHALLENGE"

    options: tuple[str, ...]

    def answer(self, choice: str | type[BaseChallenge], *, password: str | None = None) -> Answer:
        """Choose a factor, by name or by the class of the challenge that follows.

        Args:
            choice: One of `options`.
            password: For ``PASSWORD_SRP``, which proves it, and ``PASSWORD``, which
                sends it; not needed where the login was given it, in the same process.

        Raises:
            InvalidType: The password is not a `str`.
            InvalidArgument: Not one of `options`, or a password nothing is done with.
        """
        chosen = chosen_of(choice, self.options)
        if password is None:
            return answer_with(self, {"ANSWER": chosen})
        if chosen == PasswordSrpChallenge.name:
            return answer_with(self, {"ANSWER": chosen}, password=checked_password(password))
        if chosen != PasswordChallenge.name:
            raise InvalidArgument("password", f"left out when the choice is {chosen}")
        sent = checked_password(password).reveal()
        return answer_with(self, {"ANSWER": chosen, "PASSWORD": sent})

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
