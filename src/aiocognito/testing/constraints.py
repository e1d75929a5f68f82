"""What the service checks of a request before it looks at anything else.

The table repeats the input shapes of botocore 1.43.117's `cognito-idp` model; a
test holds it against the installed model. The sentences are those of the
service's validation layer, with lower-camel member names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, assert_never

from attrs import evolve, field, frozen

from aiocognito.testing.service_errors import PoolError, invalid_parameter, unknown_operation

__all__ = ["INPUTS", "check"]


@frozen(kw_only=True)
class Text:
    """A string member, as the model describes it. `secret` values are not quoted back."""

    min: int | None = None
    max: int | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    secret: bool = False
    required: bool = False

    def lacks(self, value: str) -> Iterator[str]:
        if self.enum and value not in self.enum:
            yield f"Member must satisfy enum value set: [{', '.join(self.enum)}]"
        if self.max is not None and len(value) > self.max:
            yield f"Member must have length less than or equal to {self.max}"
        if self.min is not None and len(value) < self.min:
            yield f"Member must have length greater than or equal to {self.min}"
        if self.pattern is not None and not _matches(self.pattern, value):
            yield f"Member must satisfy regular expression pattern: {self.pattern}"


@frozen
class TextMap:
    """A map of strings to strings."""

    secret: bool = field(default=False, kw_only=True)
    required: bool = field(default=False, kw_only=True)


@frozen
class Structure:
    """A structure whose members are all of one plain type."""

    kind: type
    members: tuple[str, ...]
    required: bool = field(default=False, kw_only=True)


@frozen(kw_only=True)
class Flag:
    """A boolean member."""

    required: bool = False


@frozen(kw_only=True)
class Number:
    """An integer member."""

    min: int | None = None
    max: int | None = None
    required: bool = False

    def lacks(self, value: int) -> Iterator[str]:
        if self.max is not None and value > self.max:
            yield f"Member must have value less than or equal to {self.max}"
        if self.min is not None and value < self.min:
            yield f"Member must have value greater than or equal to {self.min}"


@frozen
class ListOf:
    """A list whose items all follow one rule."""

    item: Text | Nested
    required: bool = field(default=False, kw_only=True)


@frozen
class Nested:
    """A structure whose members have rules of their own."""

    members: Mapping[str, Rule]
    required: bool = field(default=False, kw_only=True)


@frozen(kw_only=True)
class Document:
    """A JSON object of any content; whoever reads it looks at its members."""

    required: bool = False


Rule = Text | TextMap | Structure | Flag | Number | ListOf | Nested | Document

LONGEST_STRING = 131072  # service model: StringType

PLAIN = Text(min=0, max=LONGEST_STRING)
CLIENT_ID = Text(min=1, max=128, pattern=r"[\w+]+", secret=True, required=True)
_CLIENT_SECRET = Text(min=24, max=64, pattern=r"[\w+]+", secret=True)
SESSION = Text(min=20, max=4096, secret=True)
_TOKEN = Text(pattern=r"[A-Za-z0-9-_=.]+", secret=True)
PASSWORD = Text(max=256, pattern=r"[\S]+", secret=True)
_USER_CODE = Text(min=6, max=6, pattern="[0-9]+", secret=True, required=True)
_SECRET_HASH = Text(min=1, max=128, pattern=r"[\w+=/]+", secret=True)
USERNAME = Text(min=1, max=128, pattern=r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+", secret=True, required=True)
_CODE = Text(min=1, max=2048, pattern=r"[\S]+", required=True)
ATTRIBUTE_NAME = Text(min=1, max=32, pattern="[\\p{L}\\p{M}\\p{S}\\p{N}\\p{P}\\t\\n\\r ]+")
DEVICE_STATUS = Text(enum=("remembered", "not_remembered"))
DEVICE_KEY = Text(min=1, max=55, pattern=r"[\w-]+_[0-9a-f-]+")

FLOWS = (
    "USER_SRP_AUTH",
    "REFRESH_TOKEN_AUTH",
    "REFRESH_TOKEN",
    "CUSTOM_AUTH",
    "ADMIN_NO_SRP_AUTH",
    "USER_PASSWORD_AUTH",
    "ADMIN_USER_PASSWORD_AUTH",
    "USER_AUTH",
)
CHALLENGES = (
    "SMS_MFA",
    "EMAIL_OTP",
    "SOFTWARE_TOKEN_MFA",
    "SELECT_MFA_TYPE",
    "MFA_SETUP",
    "PASSWORD_VERIFIER",
    "CUSTOM_CHALLENGE",
    "SELECT_CHALLENGE",
    "DEVICE_SRP_AUTH",
    "DEVICE_PASSWORD_VERIFIER",
    "ADMIN_NO_SRP_AUTH",
    "NEW_PASSWORD_REQUIRED",
    "SMS_OTP",
    "PASSWORD",
    "WEB_AUTHN",
    "PASSWORD_SRP",
)


def needed(rule: Text) -> Text:
    return evolve(rule, required=True)


_CONTEXT: dict[str, Rule] = {
    "AnalyticsMetadata": Structure(str, ("AnalyticsEndpointId",)),
    "UserContextData": Structure(str, ("IpAddress", "EncodedData")),
    "ClientMetadata": TextMap(),
}
_NAMED: dict[str, Rule] = {
    "ClientId": CLIENT_ID,
    "SecretHash": _SECRET_HASH,
    "Username": USERNAME,
    **_CONTEXT,
}
ATTRIBUTE = Nested(
    {"Name": needed(ATTRIBUTE_NAME), "Value": Text(max=2048, secret=True)},
)
_MFA_SWITCH = Structure(bool, ("Enabled", "PreferredMfa"))
MFA_SWITCHES: dict[str, Rule] = {
    "SMSMfaSettings": _MFA_SWITCH,
    "SoftwareTokenMfaSettings": _MFA_SWITCH,
    "EmailMfaSettings": _MFA_SWITCH,
    "WebAuthnMfaSettings": Structure(bool, ("Enabled",)),
}

INPUTS: Mapping[str, Mapping[str, Rule]] = {
    "InitiateAuth": {
        "AuthFlow": Text(enum=FLOWS, required=True),
        "ClientId": CLIENT_ID,
        "AuthParameters": TextMap(secret=True),
        "Session": SESSION,
        **_CONTEXT,
    },
    "RespondToAuthChallenge": {
        "ClientId": CLIENT_ID,
        "ChallengeName": Text(enum=CHALLENGES, required=True),
        "ChallengeResponses": TextMap(secret=True),
        "Session": SESSION,
        **_CONTEXT,
    },
    "GetTokensFromRefreshToken": {
        "RefreshToken": needed(_TOKEN),
        "ClientId": CLIENT_ID,
        "ClientSecret": _CLIENT_SECRET,
        "DeviceKey": DEVICE_KEY,
        "ClientMetadata": TextMap(),
    },
    "RevokeToken": {
        "Token": needed(_TOKEN),
        "ClientId": CLIENT_ID,
        "ClientSecret": _CLIENT_SECRET,
    },
    "SignUp": {
        **_NAMED,
        "Password": PASSWORD,
        "UserAttributes": ListOf(ATTRIBUTE),
        "ValidationData": ListOf(ATTRIBUTE),
    },
    "ConfirmSignUp": {
        **_NAMED,
        "ConfirmationCode": _CODE,
        "ForceAliasCreation": Flag(),
        "Session": SESSION,
    },
    "ResendConfirmationCode": _NAMED,
    "ForgotPassword": _NAMED,
    "ConfirmForgotPassword": {
        **_NAMED,
        "ConfirmationCode": _CODE,
        "Password": needed(PASSWORD),
    },
    "UpdateUserAttributes": {
        "AccessToken": needed(_TOKEN),
        "UserAttributes": ListOf(ATTRIBUTE, required=True),
        "ClientMetadata": TextMap(),
    },
    "DeleteUserAttributes": {
        "AccessToken": needed(_TOKEN),
        "UserAttributeNames": ListOf(ATTRIBUTE_NAME, required=True),
    },
    "GetUserAttributeVerificationCode": {
        "AccessToken": needed(_TOKEN),
        "AttributeName": needed(ATTRIBUTE_NAME),
        "ClientMetadata": TextMap(),
    },
    "VerifyUserAttribute": {
        "AccessToken": needed(_TOKEN),
        "AttributeName": needed(ATTRIBUTE_NAME),
        "Code": _CODE,
    },
    "DeleteUser": {"AccessToken": needed(_TOKEN)},
    "GetUserAuthFactors": {"AccessToken": needed(_TOKEN)},
    "ConfirmDevice": {
        "AccessToken": needed(_TOKEN),
        "DeviceKey": needed(DEVICE_KEY),
        "DeviceSecretVerifierConfig": Structure(str, ("PasswordVerifier", "Salt")),
        "DeviceName": Text(min=1, max=1024),
    },
    "GetDevice": {"DeviceKey": needed(DEVICE_KEY), "AccessToken": _TOKEN},
    "ListDevices": {
        "AccessToken": needed(_TOKEN),
        "Limit": Number(min=0, max=60),
        "PaginationToken": Text(min=1, pattern=r"[\S]+"),
    },
    "UpdateDeviceStatus": {
        "AccessToken": needed(_TOKEN),
        "DeviceKey": needed(DEVICE_KEY),
        "DeviceRememberedStatus": DEVICE_STATUS,
    },
    "ForgetDevice": {"AccessToken": _TOKEN, "DeviceKey": needed(DEVICE_KEY)},
    "GlobalSignOut": {"AccessToken": needed(_TOKEN)},
    "GetUser": {"AccessToken": needed(_TOKEN)},
    "ChangePassword": {
        "AccessToken": needed(_TOKEN),
        "PreviousPassword": PASSWORD,
        "ProposedPassword": needed(PASSWORD),
    },
    "AssociateSoftwareToken": {"AccessToken": _TOKEN, "Session": SESSION},
    "VerifySoftwareToken": {
        "AccessToken": _TOKEN,
        "Session": SESSION,
        "UserCode": _USER_CODE,
        "FriendlyDeviceName": PLAIN,
    },
    "StartWebAuthnRegistration": {"AccessToken": needed(_TOKEN)},
    "CompleteWebAuthnRegistration": {
        "AccessToken": needed(_TOKEN),
        "Credential": Document(required=True),
    },
    "ListWebAuthnCredentials": {
        "AccessToken": needed(_TOKEN),
        "NextToken": Text(min=1, max=LONGEST_STRING, pattern=r"[\S]+"),
        "MaxResults": Number(min=0, max=20),
    },
    "DeleteWebAuthnCredential": {
        "AccessToken": needed(_TOKEN),
        "CredentialId": needed(PLAIN),
    },
    "SetUserMFAPreference": {
        "AccessToken": needed(_TOKEN),
        **MFA_SWITCHES,
    },
}


def check(
    operation: str,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Mapping[str, Rule]] = INPUTS,
) -> dict[str, Any]:
    """Return the members of a request that are present and known, all of them valid.

    Null counts as absent; members the model does not know are dropped.

    Args:
        operation: AWS's name.
        parameters: The request.
        inputs: The rules for the members of each operation.

    Raises:
        PoolError: ``InvalidParameterException`` with every violation in one message,
            ``SerializationException`` for a member of the wrong JSON type,
            ``UnknownOperationException``.
    """
    rules = inputs.get(operation)
    if rules is None:
        raise unknown_operation(operation)
    present = _members(rules, parameters)
    violations = [
        sentence
        for name, rule in rules.items()
        for sentence in _violations(_path(name), rule, present.get(name))
    ]
    if violations:
        errors = "error" if len(violations) == 1 else "errors"
        raise invalid_parameter(
            f"{len(violations)} validation {errors} detected: {'; '.join(violations)}"
        )
    return present


def _violations(path: str, rule: Rule, value: Any) -> Iterator[str]:
    if value is None:
        if rule.required:
            yield f"Value null at '{path}' failed to satisfy constraint: Member must not be null"
        return
    match rule:
        case Text() | Number():
            quoted = "Value" if isinstance(rule, Text) and rule.secret else f"Value '{value}'"
            for lack in rule.lacks(value):
                yield f"{quoted} at '{path}' failed to satisfy constraint: {lack}"
        case TextMap():
            for lack in _map_lacks(value):
                yield f"Value at '{path}' failed to satisfy constraint: {lack}"
        case ListOf(item=item):
            for index, inner in enumerate(value, 1):
                yield from _violations(f"{path}.{index}.member", item, inner)
        case Nested(members=members):
            for name, member in members.items():
                yield from _violations(f"{path}.{_path(name)}", member, value.get(name))
        case Structure() | Flag() | Document():
            pass  # `_typed` has said all there is to say


def _path(name: str) -> str:
    return name[0].lower() + name[1:]


def _map_lacks(value: Mapping[str, str]) -> Iterator[str]:
    bound = f"[Member must have length less than or equal to {LONGEST_STRING}]"
    if any(len(key) > LONGEST_STRING for key in value):
        yield f"Map keys must satisfy constraint: {bound}"
    if any(len(text) > LONGEST_STRING for text in value.values()):
        yield f"Map value must satisfy constraint: {bound}"


def _typed(rule: Rule, value: Any) -> Any:
    """Return the value, nulls inside it dropped, or refuse its JSON type."""
    match rule:
        case Text():
            fits = _is_text(value)
        case Flag():
            fits = isinstance(value, bool)
        case Number():
            fits = isinstance(value, int) and not isinstance(value, bool)
        case ListOf(item=item):
            fits = isinstance(value, list)
            value = [_typed(item, inner) for inner in value] if fits else []
        case TextMap():
            fits = isinstance(value, Mapping)
            value = _without_nulls(value) if fits else {}
            fits = fits and all(map(_is_text, value)) and all(map(_is_text, value.values()))
        case Structure(kind=kind, members=members):
            fits = isinstance(value, Mapping)
            value = _without_nulls(value) if fits else {}
            fits = fits and all(isinstance(value.get(name, kind()), kind) for name in members)
        case Document():
            fits = isinstance(value, Mapping)
        case Nested(members=rules):
            fits = isinstance(value, Mapping)
            value = _members(rules, value) if fits else {}
        case _:
            assert_never(rule)
    if not fits:
        raise PoolError("SerializationException", "A member has the wrong JSON type.")
    return value


def _members(rules: Mapping[str, Rule], given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _typed(rule, given[name])
        for name, rule in rules.items()
        if given.get(name) is not None
    }


def _without_nulls(value: Mapping[Any, Any]) -> dict[Any, Any]:
    return {key: inner for key, inner in value.items() if inner is not None}


def _is_text(value: object) -> bool:
    """Say whether this is a string that UTF-8 can carry: JSON can smuggle half a pair."""
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _matches(pattern: str, value: str) -> bool:
    r"""Match as the service does: ASCII classes, and Unicode categories (``\p{L}``)."""
    categories = set(re.findall(r"\\p\{([A-Z])\}", pattern))
    if not categories:
        return re.fullmatch(pattern, value, re.ASCII) is not None
    # All of the model's patterns with categories are one class, repeated.
    others = re.sub(r"\\p\{[A-Z]\}", "", pattern).removeprefix("[").removesuffix("]+")
    literal = re.compile(f"[{others}]" if others else "(?!)")
    return bool(value) and all(
        unicodedata.category(char)[0] in categories or literal.match(char) for char in value
    )
