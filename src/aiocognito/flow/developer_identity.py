"""The signed calls of an identity pool: developer identities and principal tags, as values.

A program that signs its users in by itself vouches for them here with IAM credentials.
Bounds are the service model's (botocore 1.43.117).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.calls import Call
from aiocognito.flow.identity import MAX_LOGINS, checked_provider
from aiocognito.flow.members import flag, structure, text, texts

__all__ = [
    "DeveloperIdentity",
    "PrincipalTagMap",
    "checked_developer_provider",
    "checked_tags",
    "checked_user",
    "checked_users",
    "developer_token_call",
    "read_developer_identity",
    "read_tag_map",
    "signed_call",
]

_PROVIDER = re.compile(r"[\w.-]{1,128}", re.ASCII)
_TOKEN_DURATION = range(1, 86_401)
_MAX_TAGS = 50
_MAX_USER = 1024


@frozen(kw_only=True)
class DeveloperIdentity:
    """An identity and the users of developer providers that are linked to it.

    Attributes:
        next_token: Where the list of users goes on, or None at its end.
    """

    identity_id: str | None
    user_identifiers: tuple[str, ...] = ()
    next_token: str | None = None


@frozen(kw_only=True)
class PrincipalTagMap:
    """Which claims of a provider's tokens become tags of the credentials.

    Attributes:
        provider: As in ``Logins``.
        use_defaults: Whether ``aud`` and ``sub`` are mapped as AWS maps them.
        tags: Tag to claim.
    """

    provider: str
    use_defaults: bool
    tags: Mapping[str, str]


def checked_users(logins: object) -> tuple[tuple[str, str], ...]:
    """Return developer provider and user identifier pairs, sorted.

    Raises:
        InvalidType: Not a mapping of `str` to `str`.
        InvalidArgument: Empty, more than ten, or more than the model allows.
    """
    if not isinstance(logins, Mapping):
        raise InvalidType("logins", "a mapping of developer providers to user identifiers", logins)
    if not 1 <= len(logins) <= MAX_LOGINS:
        raise InvalidArgument("logins", "a mapping of one to ten providers")
    for provider, user in logins.items():
        checked_provider(provider)
        checked_user(user)
    return tuple(sorted(logins.items()))


def developer_token_call(
    identity_pool_id: str,
    users: tuple[tuple[str, str], ...],
    *,
    identity_id: str | None = None,
    duration: int | None = None,
    principal_tags: Mapping[str, str] | None = None,
) -> Call:
    """Ask for the OpenID token of a user that the program vouches for.

    Raises:
        InvalidArgument: A duration or tags that the service does not take.
    """
    optional: dict[str, Any] = {}
    if identity_id is not None:
        optional["IdentityId"] = identity_id
    if duration is not None:
        if duration not in _TOKEN_DURATION:
            raise InvalidArgument("duration", "1 to 86400 seconds")
        optional["TokenDuration"] = duration
    if principal_tags is not None:
        optional["PrincipalTags"] = checked_tags(principal_tags)
    return signed_call(
        identity_pool_id,
        "GetOpenIdTokenForDeveloperIdentity",
        repeatable=True,
        Logins=dict(users),
        **optional,
    )


def checked_tags(tags: object) -> dict[str, str]:
    """Return principal tags within the bounds of an STS session.

    Raises:
        InvalidType: Not a mapping of `str` to `str`.
        InvalidArgument: More than 50, or a key over 128 or a value over 256 characters.
    """
    if not isinstance(tags, Mapping):
        raise InvalidType("principal_tags", "a mapping of tags to values", tags)
    for name, value in tags.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidType("principal_tags", "a mapping of str to str", value)
        if not 1 <= len(name) <= 128 or not 1 <= len(value) <= 256:
            raise InvalidArgument("principal_tags", "keys up to 128, values up to 256 characters")
    if len(tags) > _MAX_TAGS:
        raise InvalidArgument("principal_tags", "50 at most")
    return dict(tags)


def checked_user(identifier: object) -> str:
    """Return a user identifier of a developer provider that the service model accepts."""
    if not isinstance(identifier, str):
        raise InvalidType("user", "a str", identifier)
    if not 1 <= len(identifier) <= _MAX_USER:
        raise InvalidArgument("user", "1 to 1024 characters")
    return identifier


def checked_developer_provider(name: object) -> str:
    """Return a developer provider's name that the service model accepts."""
    if not isinstance(name, str):
        raise InvalidType("provider", "a str", name)
    if not _PROVIDER.fullmatch(name):
        raise InvalidArgument("provider", "1 to 128 of letters, digits, dot, hyphen, underscore")
    return name


def signed_call(
    identity_pool_id: str, operation: str, *, repeatable: bool = False, **members: Any
) -> Call:
    """Build a call that only the pool's owner may make."""
    return Call(
        service="cognito-identity",
        operation=operation,
        parameters={"IdentityPoolId": identity_pool_id, **members},
        repeatable=repeatable,
        signed=True,
    )


def read_developer_identity(body: Mapping[str, Any]) -> DeveloperIdentity:
    """Read the answer to LookupDeveloperIdentity. Raises `RemoteProtocolError`."""
    return DeveloperIdentity(
        identity_id=text(body, "IdentityId"),
        user_identifiers=texts(body, "DeveloperUserIdentifierList"),
        next_token=text(body, "NextToken"),
    )


def read_tag_map(body: Mapping[str, Any], provider: str) -> PrincipalTagMap:
    """Read a principal tag attribute map. Raises `RemoteProtocolError`."""
    tags = structure(body, "PrincipalTags")
    return PrincipalTagMap(
        provider=text(body, "IdentityProviderName") or provider,
        use_defaults=flag(body, "UseDefaults", False),
        tags={name: text(tags, name) or "" for name in tags},
    )
