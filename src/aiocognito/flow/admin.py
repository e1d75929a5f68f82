"""The calls that administrators make: pure builders. All of them are signed.

A user is named by the true name, by an alias or by ``sub``. Repeatable is what leaves
the same behind when it is done twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.flow.app_client import checked_password, checked_username
from aiocognito.flow.calls import Call
from aiocognito.flow.context import client_metadata_members
from aiocognito.flow.user_filter import UserFilter
from aiocognito.flow.writing import (
    MfaSetting,
    attribute_names,
    checked_text,
    mfa_members,
    named_values,
)

__all__ = ["AdminCalls", "Medium"]

Medium = Literal["EMAIL", "SMS"]

_DEVICE_KEY = re.compile(r"[\w-]+_[0-9a-f-]+", re.ASCII)  # service model: DeviceKeyType
_MAX_GROUP = 128  # GroupNameType
_PAGES = range(1, 61)  # QueryLimitType; 0 would be the service's own choice


class AdminCalls:
    """Builds the calls on one pool.

    Args:
        pool_id: The pool's id.
    """

    def __init__(self, pool_id: str) -> None:
        self._pool_id = pool_id

    # --- one user ---

    def of_user(
        self, operation: str, username: str, *, repeatable: bool = True, **members: Any
    ) -> Call:
        """Build a call that names a user and little else."""
        given = {"Username": checked_username(username), **members}
        return self.of_pool(operation, repeatable=repeatable, **given)

    def of_pool(self, operation: str, *, repeatable: bool = True, **members: Any) -> Call:
        """Build any call that names the pool; members that are None are left out."""
        given = {name: value for name, value in members.items() if value is not None}
        return Call(
            operation=operation,
            parameters={"UserPoolId": self._pool_id, **given},
            repeatable=repeatable,
            signed=True,
        )

    def create_user(
        self,
        username: str,
        *,
        attributes: Mapping[str, str | bool],
        validation_data: Mapping[str, str],
        temporary_password: str | None,
        invite: Medium | Iterable[Medium] | None,
        again: bool,
        force_alias: bool,
        client_metadata: Mapping[str, str] | None,
    ) -> Call:
        """Build AdminCreateUser; `again` sends the invitation of a user who exists."""
        members: dict[str, Any] = client_metadata_members(client_metadata)
        if attributes:
            members["UserAttributes"] = named_values(attributes, "attributes")
        if validation_data:
            members["ValidationData"] = named_values(validation_data, "validation_data")
        if temporary_password is not None:
            members["TemporaryPassword"] = checked_password(temporary_password)
        if force_alias:
            members["ForceAliasCreation"] = True
        if invite is None:
            members["MessageAction"] = "SUPPRESS"
        else:
            # Without this the service sends an SMS, whatever address there is.
            members["DesiredDeliveryMediums"] = _media(invite)
            if again:
                members["MessageAction"] = "RESEND"
        return self.of_user("AdminCreateUser", username, repeatable=False, **members)

    def update_attributes(
        self,
        username: str,
        attributes: Mapping[str, str | bool],
        client_metadata: Mapping[str, str] | None,
    ) -> Call:
        """Build AdminUpdateUserAttributes."""
        if not attributes:
            raise InvalidArgument("attributes", "at least one attribute")
        return self.of_user(
            "AdminUpdateUserAttributes",
            username,
            UserAttributes=named_values(attributes, "attributes"),
            **client_metadata_members(client_metadata),
        )

    def delete_attributes(self, username: str, names: Iterable[str]) -> Call:
        """Build AdminDeleteUserAttributes."""
        checked = attribute_names(names)
        return self.of_user("AdminDeleteUserAttributes", username, UserAttributeNames=checked)

    def set_password(self, username: str, password: str, *, permanent: bool) -> Call:
        """Build AdminSetUserPassword. With a history a second one may be refused."""
        return self.of_user(
            "AdminSetUserPassword",
            username,
            repeatable=False,
            Password=checked_password(password),
            Permanent=permanent,
        )

    def set_mfa(self, username: str, settings: Mapping[str, MfaSetting | None]) -> Call:
        """Build AdminSetUserMFAPreference."""
        members: dict[str, Any] = {**mfa_members(settings)}
        return self.of_user("AdminSetUserMFAPreference", username, **members)

    # --- lists ---

    def list_users(
        self, where: UserFilter | None, attributes: Iterable[str] | None, page_size: int
    ) -> Call:
        """Build ListUsers."""
        if where is not None and not isinstance(where, UserFilter):
            raise InvalidType("where", "a UserFilter", where)
        names = None if attributes is None else attribute_names(attributes, "attributes")
        return self.of_pool(
            "ListUsers",
            Filter=None if where is None else Secret(str(where)),
            AttributesToGet=names,
            Limit=checked_page(page_size),
        )

    # --- groups ---

    def of_group(
        self, operation: str, group: str, *, repeatable: bool = True, **members: Any
    ) -> Call:
        """Build a call that names a group."""
        name = checked_group(group)
        return self.of_pool(operation, repeatable=repeatable, GroupName=name, **members)

    # --- others ---

    def of_device(self, operation: str, username: str, key: str, **members: Any) -> Call:
        """Build a call that names a user's device."""
        if not isinstance(key, str):
            raise InvalidType("key", "a str", key)
        if not _DEVICE_KEY.fullmatch(key):
            raise InvalidArgument("key", "a device key like eu-west-1_<uuid>")
        return self.of_user(operation, username, DeviceKey=key, **members)

    def link_provider(self, username: str, provider: str, attribute: str, value: str) -> Call:
        """Build AdminLinkProviderForUser, whose destination is always a native user."""
        return self.of_pool(
            "AdminLinkProviderForUser",
            DestinationUser={
                "ProviderName": "Cognito",
                "ProviderAttributeValue": checked_username(username),
            },
            SourceUser=_federated(provider, attribute, value),
        )

    def unlink_provider(self, provider: str, attribute: str, value: str) -> Call:
        """Build AdminDisableProviderForUser."""
        user = _federated(provider, attribute, value)
        return self.of_pool("AdminDisableProviderForUser", User=user)


def checked_group(group: object) -> str:
    """Return a group's name that the service model accepts."""
    if not isinstance(group, str):
        raise InvalidType("group", "a str", group)
    if not 1 <= len(group) <= _MAX_GROUP or not _is_one_word(group):
        raise InvalidArgument("group", f"1 to {_MAX_GROUP} characters without white space")
    return group


def checked_page(size: object) -> int:
    """Return a page size that the service accepts."""
    if isinstance(size, bool) or not isinstance(size, int):
        raise InvalidType("page_size", "an int", size)
    if size not in _PAGES:
        raise InvalidArgument("page_size", "1 to 60")
    return size


def _media(invite: Medium | Iterable[Medium]) -> list[str]:
    media: list[str] = [invite] if isinstance(invite, str) else list(invite)
    if not media or any(medium not in ("EMAIL", "SMS") for medium in media):
        raise InvalidArgument("invite", "'EMAIL', 'SMS', both, or None")
    return media


def _federated(provider: str, attribute: str, value: str) -> dict[str, Any]:
    for argument, text in (("provider", provider), ("attribute", attribute), ("value", value)):
        if not checked_text(text, argument):
            raise InvalidArgument(argument, "a name")
    return {
        "ProviderName": provider,
        "ProviderAttributeName": attribute,
        "ProviderAttributeValue": Secret(value),
    }


def _is_one_word(text: str) -> bool:
    return text.isprintable() and not any(char.isspace() for char in text)
