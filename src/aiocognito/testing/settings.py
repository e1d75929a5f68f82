"""What a local pool is configured with, and the attributes its users may have."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Literal

from attrs import field, frozen

from aiocognito._partitions import UserPoolId
from aiocognito.errors import InvalidArgument
from aiocognito.testing.password_policy import PasswordPolicy
from aiocognito.testing.relying_party import RelyingParty, UserVerification
from aiocognito.testing.service_errors import invalid_parameter
from aiocognito.webauthn.text import is_domain

__all__ = ["FIRST_FACTORS", "MFA_METHODS", "DeviceTracking", "MfaMode", "PoolSettings", "Recovery"]

MfaMode = Literal["OFF", "OPTIONAL", "ON"]
DeviceTracking = Literal["OFF", "ALWAYS", "OPT_IN"]
Recovery = Literal["verified_email", "verified_phone_number", "admin_only"]

FIRST_FACTORS = ("PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN")
MFA_METHODS = ("SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP")

STANDARD_ATTRIBUTES = frozenset(
    {
        *("name", "given_name", "middle_name", "family_name", "nickname", "preferred_username"),
        *("email", "email_verified", "phone_number", "phone_number_verified", "address"),
        *("birthdate", "gender", "locale", "zoneinfo", "picture", "profile", "website"),
        *("sub", "updated_at"),
    }
)
VERIFIED = {"email": "email_verified", "phone_number": "phone_number_verified"}
READ_ONLY = frozenset({"sub", *VERIFIED.values()})  # for everybody but administrators
MEDIA = {"email": "EMAIL", "phone_number": "SMS"}
RECOVERY: Mapping[Recovery, str | None] = {
    "verified_email": "email",
    "verified_phone_number": "phone_number",
    "admin_only": None,
}

EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
PHONE = re.compile(r"\+[0-9]{4,15}")


@frozen(kw_only=True)
class PoolSettings:
    """A pool's configuration.

    Attributes:
        username_attributes: Any of ``email`` and ``phone_number``: people sign up and
            in with these, and true user names are UUIDs.
        alias_attributes: People may also sign in with these once they are verified.
        mfa_methods: The factors the pool offers, from `MFA_METHODS`.
        first_factors: What USER_AUTH may begin with, from `FIRST_FACTORS`
            (``AllowedFirstAuthFactors``).
        required_attributes: What every user must have.
        custom_attributes: Names without the ``custom:`` prefix, as in a schema.
        domain: The managed-login prefix, or None.
        auto_verified_attributes: Of ``email`` and ``phone_number``: a code is sent to
            these at sign-up and when they change.
        verified_before_update: Those of them whose old value counts until then.
        immutable_attributes: Whole names of attributes that are written once.
        recovery: Where a code for a forgotten password may go, the first choice first.
        self_sign_up: Whether people may sign up themselves.
        device_replaces_mfa: Whether a remembered device stands in for a second factor
            (``ChallengeRequiredOnNewDevice``), or proves itself after it.
        relying_party: The domain passkeys are made for, or None: then the managed-login
            domain, if there is one.
        user_verification: ``required`` or ``preferred``.
        passkey_mfa: Whether a passkey whose user was verified stands for two factors
            (``MULTI_FACTOR_WITH_USER_VERIFICATION``).
    """

    pool: UserPoolId
    name: str
    issuer: str
    username_attributes: tuple[str, ...]
    alias_attributes: tuple[str, ...]
    case_sensitive: bool
    mfa: MfaMode
    mfa_methods: tuple[str, ...]
    first_factors: tuple[str, ...]
    password_policy: PasswordPolicy
    device_tracking: DeviceTracking
    required_attributes: tuple[str, ...]
    custom_attributes: tuple[str, ...]
    domain: str | None = field(default=None)
    auto_verified_attributes: tuple[str, ...] = ("email",)
    verified_before_update: tuple[str, ...] = ()
    immutable_attributes: tuple[str, ...] = ()
    recovery: tuple[Recovery, ...] = ("verified_email", "verified_phone_number")
    self_sign_up: bool = True
    device_replaces_mfa: bool = True
    relying_party: str | None = None
    user_verification: UserVerification = "preferred"
    passkey_mfa: bool = False

    def __attrs_post_init__(self) -> None:
        _among("mfa", (self.mfa,), ("OFF", "OPTIONAL", "ON"))
        _among("mfa_methods", self.mfa_methods, MFA_METHODS)
        _among("first_factors", self.first_factors, FIRST_FACTORS)
        _among("device_tracking", (self.device_tracking,), ("OFF", "ALWAYS", "OPT_IN"))
        _among("username_attributes", self.username_attributes, VERIFIED)
        _among("alias_attributes", self.alias_attributes, (*VERIFIED, "preferred_username"))
        _among("required_attributes", self.required_attributes, self.attribute_names)
        _among("auto_verified_attributes", self.auto_verified_attributes, VERIFIED)
        _among("verified_before_update", self.verified_before_update, self.auto_verified_attributes)
        _among("immutable_attributes", self.immutable_attributes, self.attribute_names)
        _among("recovery", self.recovery, tuple(RECOVERY))
        if self.username_attributes and self.alias_attributes:
            raise InvalidArgument("alias_attributes", "empty when username_attributes is not")
        if self.mfa == "ON" and not self.mfa_methods:
            raise InvalidArgument("mfa_methods", "not empty when MFA is on")
        _among("user_verification", (self.user_verification,), ("required", "preferred"))
        if self.relying_party is not None and not _may_be_relying_party(self.relying_party):
            raise InvalidArgument("relying_party", "a domain's name, and not a top-level one")

    @property
    def rp(self) -> RelyingParty | None:
        """Who passkeys are made for; None where nobody is named."""
        host = self.relying_party or self.managed_login_host
        return None if host is None else RelyingParty(host, self.user_verification)

    @property
    def managed_login_host(self) -> str | None:
        """The host of the managed login, or None."""
        if self.domain is None:
            return None
        return f"{self.domain}.auth.{self.pool.region}.amazoncognito.com"

    @property
    def attribute_names(self) -> frozenset[str]:
        """Every attribute of the schema."""
        return STANDARD_ATTRIBUTES | {f"custom:{name}" for name in self.custom_attributes}

    def offers(self, method: str) -> bool:
        """Say whether a factor can be used in this pool."""
        return self.mfa != "OFF" and method in self.mfa_methods

    def fold(self, name: str) -> str:
        """Return what two names have in common that mean the same user."""
        return name if self.case_sensitive else name.lower()

    def check_attributes(self, attributes: Mapping[str, str]) -> None:
        """Accept attributes that fit the schema.

        Raises:
            PoolError: ``InvalidParameterException`` naming each that does not.
        """
        strangers = [name for name in attributes if name not in self.attribute_names]
        if strangers:
            lines = "".join(
                f"{name}: Attribute does not exist in the schema.\n" for name in strangers
            )
            raise invalid_parameter(f"Attributes did not conform to the schema: {lines}")
        for name, pattern, text in (
            ("email", EMAIL, "Invalid email address format."),
            ("phone_number", PHONE, "Invalid phone number format."),
        ):
            if attributes.get(name) and not pattern.fullmatch(attributes[name]):
                raise invalid_parameter(text)
        if any(len(value) > 2048 for value in attributes.values()):
            raise invalid_parameter("An attribute's value is longer than 2048 characters.")

    def check_required(self, attributes: Mapping[str, str]) -> None:
        """Accept the attributes of a whole user.

        Raises:
            PoolError: ``InvalidParameterException`` naming each that is missing.
        """
        missing = [
            name for name in self.required_attributes if name != "sub" and not attributes.get(name)
        ]
        if missing:
            lines = "".join(f"{name}: The attribute is required\n" for name in missing)
            raise invalid_parameter(f"Attributes did not conform to the schema: {lines}")


def _may_be_relying_party(name: str) -> bool:
    # The service refuses all public suffixes; here it is the top level alone.
    return name == "localhost" or (is_domain(name) and "." in name and len(name) <= 127)


def _among(
    argument: str,
    given: Collection[str],
    allowed: Mapping[str, str] | tuple[str, ...] | frozenset[str],
) -> None:
    if isinstance(given, str) or any(value not in allowed for value in given):
        raise InvalidArgument(argument, f"from {', '.join(sorted(allowed))}")
