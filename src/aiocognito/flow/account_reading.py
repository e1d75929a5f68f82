"""What the account calls answer, as frozen values; trust nothing about its shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from aiocognito._redact import Secret, secret_or_none
from aiocognito.errors import RemoteProtocolError
from aiocognito.flow.members import attributes, flag, items, needed, structure, text, texts

__all__ = [
    "AuthFactors",
    "CodeDelivery",
    "SignUpConfirmed",
    "SignUpResult",
    "UserProfile",
    "read_auth_factors",
    "read_confirmation",
    "read_deliveries",
    "read_delivery",
    "read_sign_up",
    "read_totp_secret",
    "read_totp_status",
    "read_user",
]

_SESSION_LENGTHS = range(20, 4097)  # service model: SessionType
_TOTP_SECRET = re.compile(r"[A-Za-z0-9]{16,1024}", re.ASCII)  # SecretCodeType, with an end


@frozen(kw_only=True)
class CodeDelivery:
    """Where a code went.

    Attributes:
        destination: The address or number, masked by the service, or None.
        medium: ``EMAIL`` or ``SMS``, or None.
        attribute: The attribute it verifies, such as ``email``, or None.
    """

    destination: str | None
    medium: str | None
    attribute: str | None


@frozen(kw_only=True)
class SignUpResult:
    """A new user.

    Attributes:
        user_sub: The user's id, as in the ``sub`` claim.
        confirmed: Whether they may sign in at once; otherwise `UserPool.confirm_sign_up`
            comes first, or an administrator.
        delivery: Where the code went, or None if none was sent.
    """

    user_sub: str
    confirmed: bool
    delivery: CodeDelivery | None
    _session: Secret | None = field(default=None, converter=secret_or_none, repr=False)

    @property
    def session(self) -> str | None:
        """What links the confirmation to this sign-up, where the app client allows it."""
        return None if self._session is None else self._session.reveal()


@frozen(kw_only=True)
class SignUpConfirmed:
    """A user who may sign in now."""

    _session: Secret | None = field(default=None, converter=secret_or_none, repr=False)

    @property
    def session(self) -> str | None:
        """What a sign-in straight after this one may present, or None. Lives minutes."""
        return None if self._session is None else self._session.reveal()


@frozen(kw_only=True)
class UserProfile:
    """What the pool tells of a user. Attributes are kept out of ``repr``.

    Attributes:
        username: The true name in the pool.
        attributes: All of them as text, ``email_verified`` as ``"true"`` too; only those
            that the app client may read.
        mfa: The second factors switched on: ``SMS_MFA``, ``SOFTWARE_TOKEN_MFA``,
            ``EMAIL_OTP``.
        preferred_mfa: The one asked for at sign-in, or None.
    """

    username: str
    attributes: Mapping[str, str] = field(repr=False)
    mfa: tuple[str, ...] = ()
    preferred_mfa: str | None = None

    @property
    def sub(self) -> str | None:
        """The user's id, or None where the app client may not read it."""
        return self.attributes.get("sub")

    def is_verified(self, attribute: str) -> bool:
        """Say whether ``email`` or ``phone_number`` has been verified."""
        return self.attributes.get(f"{attribute}_verified") == "true"


@frozen(kw_only=True)
class AuthFactors:
    """How a user can sign in.

    Attributes:
        username: The true name in the pool.
        configured: What is set up: ``PASSWORD``, ``EMAIL_OTP``, ``SMS_OTP``,
            ``WEB_AUTHN``, ``SOFTWARE_TOKEN``.
        mfa: As in `UserProfile`.
        preferred_mfa: As in `UserProfile`.
    """

    username: str
    configured: tuple[str, ...]
    mfa: tuple[str, ...] = ()
    preferred_mfa: str | None = None


# --- whole answers -----------------------------------------------------------------


def read_sign_up(body: Mapping[str, Any]) -> SignUpResult:
    """Read the answer to SignUp."""
    return SignUpResult(
        user_sub=needed(body, "UserSub"),
        confirmed=flag(body, "UserConfirmed", False),
        delivery=read_delivery(body),
        session=_session(body),
    )


def read_confirmation(body: Mapping[str, Any]) -> SignUpConfirmed:
    """Read the answer to ConfirmSignUp."""
    return SignUpConfirmed(session=_session(body))


def read_delivery(body: Mapping[str, Any]) -> CodeDelivery | None:
    """Read ``CodeDeliveryDetails``, which no answer is sure to have."""
    if body.get("CodeDeliveryDetails") is None:
        return None
    return _delivery(structure(body, "CodeDeliveryDetails"))


def read_deliveries(body: Mapping[str, Any]) -> tuple[CodeDelivery, ...]:
    """Read ``CodeDeliveryDetailsList``."""
    return items(body, "CodeDeliveryDetailsList", _delivery)


def read_user(body: Mapping[str, Any]) -> UserProfile:
    """Read the answer to GetUser."""
    return UserProfile(
        username=needed(body, "Username"),
        attributes=attributes(body, "UserAttributes"),
        mfa=texts(body, "UserMFASettingList"),
        preferred_mfa=text(body, "PreferredMfaSetting") or None,
    )


def read_auth_factors(body: Mapping[str, Any]) -> AuthFactors:
    """Read the answer to GetUserAuthFactors."""
    return AuthFactors(
        username=needed(body, "Username"),
        configured=texts(body, "ConfiguredUserAuthFactors"),
        mfa=texts(body, "UserMFASettingList"),
        preferred_mfa=text(body, "PreferredMfaSetting") or None,
    )


def read_totp_secret(body: Mapping[str, Any]) -> Secret:
    """Read ``SecretCode``."""
    code = text(body, "SecretCode")
    if code is None or not _TOTP_SECRET.fullmatch(code):
        raise RemoteProtocolError("SecretCode is missing or malformed.")
    return Secret(code)


def read_totp_status(body: Mapping[str, Any]) -> bool:
    """Say whether VerifySoftwareToken succeeded: ``Status`` is SUCCESS or ERROR."""
    match body.get("Status"):
        case "SUCCESS":
            return True
        case "ERROR":
            return False
        case _:
            raise RemoteProtocolError("Status is missing or malformed.")


# --- members -----------------------------------------------------------------------


def _delivery(details: Mapping[str, Any]) -> CodeDelivery:
    return CodeDelivery(
        destination=text(details, "Destination"),
        medium=text(details, "DeliveryMedium"),
        attribute=text(details, "AttributeName"),
    )


def _session(body: Mapping[str, Any]) -> str | None:
    session = text(body, "Session")
    if session is not None and len(session) not in _SESSION_LENGTHS:
        raise RemoteProtocolError("The session is malformed.")
    return session
