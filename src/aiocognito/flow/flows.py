"""How a sign-in begins: the choice of flow, as a value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from attrs import field, frozen

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType

__all__ = ["Choice", "Custom", "Flow", "Password", "PreferredChallenge", "Srp"]

PreferredChallenge = Literal["PASSWORD", "PASSWORD_SRP", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN"]
_PREFERRED = ("PASSWORD", "PASSWORD_SRP", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN")


@frozen
class Srp:
    """``USER_SRP_AUTH``: the password never leaves the process. The default."""

    auth_flow: ClassVar[str] = "USER_SRP_AUTH"


@frozen
class Password:
    """``USER_PASSWORD_AUTH``: the service sees the password (inside TLS).

    Needed while a user-migration trigger moves users in; otherwise prefer `Srp`.
    """

    auth_flow: ClassVar[str] = "USER_PASSWORD_AUTH"


@frozen
class Custom:
    """``CUSTOM_AUTH``: the pool's own Lambda triggers put the challenges.

    Attributes:
        srp: Whether the password is proven by SRP first. Without it the flow takes no
            password, and what it asks is the triggers' affair alone.
    """

    auth_flow: ClassVar[str] = "CUSTOM_AUTH"

    srp: bool = False


def _sealed(value: str | Secret | None) -> Secret | None:
    return value if value is None or isinstance(value, Secret) else Secret(value)


def _names(values: Iterable[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise InvalidType("acr_values", "several str, such as a tuple", values)
    return tuple(values)


def _acr_values(instance: object, attribute: Any, values: tuple[object, ...]) -> None:
    for value in values:
        if not isinstance(value, str):
            raise InvalidType("acr_values", "several str", value)
        if not value or any(char.isspace() for char in value):
            raise InvalidArgument("acr_values", "names without white space")


def _preferred(instance: object, attribute: Any, value: object) -> None:
    if value is not None and value not in _PREFERRED:
        raise InvalidArgument("preferred", f"None or one of {', '.join(_PREFERRED)}")


def _seconds(instance: object, attribute: Any, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise InvalidType("max_age", "a whole number of seconds", value)
    if isinstance(value, int) and value < 0:
        raise InvalidArgument("max_age", "0 or more seconds")


@frozen(kw_only=True)
class Choice:
    """``USER_AUTH``: the user's own choice among the pool's first factors.

    A preferred factor that the user has is asked for at once. Otherwise, and without
    a preference, the service offers what there is as `SelectChallenge`.

    The password leaves the process with ``preferred="PASSWORD"`` alone. In any other
    case ``PASSWORD`` is not among the options, and a server that insists is refused.

    Attributes:
        preferred: ``PASSWORD``, ``PASSWORD_SRP``, ``EMAIL_OTP``, ``SMS_OTP``,
            ``WEB_AUTHN`` or None.
        session: The session that confirming a sign-up returned: signs the new user in
            without another factor, once, while it lives.
        acr_values: Levels of assurance to step up to, the highest first, such as
            ``urn:cognito:loa:3`` (``TARGET_ACR_VALUES``).
        max_age: Seconds; older sign-ins count for nothing in a step-up.
        access_token: The user's present one, stepped up from; needs `acr_values`.

    Raises:
        InvalidType: An argument has the wrong type.
        InvalidArgument: An argument cannot be right.
    """

    auth_flow: ClassVar[str] = "USER_AUTH"

    preferred: PreferredChallenge | None = field(default=None, validator=_preferred)
    session: Secret | None = field(default=None, converter=_sealed, repr=False)
    acr_values: tuple[str, ...] = field(default=(), converter=_names, validator=_acr_values)
    max_age: int | None = field(default=None, validator=_seconds)
    access_token: Secret | None = field(default=None, converter=_sealed, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.access_token is not None and not self.acr_values:
            raise InvalidArgument("access_token", "given together with acr_values")


Flow = Srp | Password | Custom | Choice
