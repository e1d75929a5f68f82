"""What administrators' calls return, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import field, frozen

from aiocognito._redact import Secret, secret_or_none

__all__ = [
    "AdminUser",
    "AppClientDescription",
    "AppClientSummary",
    "Device",
    "Group",
    "PasswordRules",
    "UserPoolDescription",
    "UserPoolSummary",
]


@frozen(kw_only=True)
class AdminUser:
    """A user as administrators see one. Attributes are kept out of ``repr``.

    Attributes:
        username: The true name in the pool.
        attributes: All of them as text, ``email_verified`` as ``"true"`` too.
        status: ``CONFIRMED``, ``UNCONFIRMED``, ``FORCE_CHANGE_PASSWORD``,
            ``RESET_REQUIRED``, ``EXTERNAL_PROVIDER`` and what the service adds to these.
        enabled: Whether the user may sign in.
        created_at: In UTC, or None.
        modified_at: The same for the last change.
        mfa: The second factors switched on. Only `Admin.get_user` knows them.
        preferred_mfa: The one asked for at sign-in, or None. The same holds.
    """

    username: str
    attributes: Mapping[str, str] = field(repr=False)
    status: str
    enabled: bool
    created_at: datetime | None = None
    modified_at: datetime | None = None
    mfa: tuple[str, ...] = ()
    preferred_mfa: str | None = None

    @property
    def sub(self) -> str | None:
        """The user's id, or None where it was not asked for."""
        return self.attributes.get("sub")

    def is_verified(self, attribute: str) -> bool:
        """Say whether ``email`` or ``phone_number`` has been verified."""
        return self.attributes.get(f"{attribute}_verified") == "true"


@frozen(kw_only=True)
class Group:
    """A group of users.

    Attributes:
        name: Shows up in the claim ``cognito:groups``.
        description: For people, or None.
        role_arn: The IAM role in ``cognito:roles``, or None.
        precedence: The lower, the more the group's role counts; or None.
        created_at: In UTC, or None.
        modified_at: The same for the last change.
    """

    name: str
    description: str | None = None
    role_arn: str | None = None
    precedence: int | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


@frozen(kw_only=True)
class Device:
    """A device a user has signed in on.

    Attributes:
        key: The service's name for it.
        attributes: What the service noted: its status, name and last IP address.
        created_at: In UTC, or None.
        modified_at: The same for the last change.
        last_seen_at: The same for the last sign-in.
    """

    key: str
    attributes: Mapping[str, str] = field(factory=dict, repr=False)
    created_at: datetime | None = None
    modified_at: datetime | None = None
    last_seen_at: datetime | None = None

    @property
    def name(self) -> str | None:
        """What it was called when it was confirmed, or None."""
        return self.attributes.get("device_name")

    @property
    def is_remembered(self) -> bool:
        """Whether it may stand in for a second factor."""
        remembered = self.attributes.get("dev:device_remembered_status")
        if remembered is None:  # not every server says so
            return self.attributes.get("device_status") == "valid"
        return remembered == "remembered"


@frozen(kw_only=True)
class PasswordRules:
    """What a pool asks of a password. None where the service did not say."""

    minimum_length: int | None
    require_uppercase: bool
    require_lowercase: bool
    require_numbers: bool
    require_symbols: bool
    history_size: int | None
    temporary_validity_days: int | None


@frozen(kw_only=True)
class UserPoolSummary:
    """A pool in a list of pools."""

    id: str
    name: str | None
    created_at: datetime | None = None
    modified_at: datetime | None = None


@frozen(kw_only=True)
class UserPoolDescription:
    """A pool's configuration: what most programs ask for, typed; all of it in `members`.

    Attributes:
        id: Such as ``eu-west-1_Ab12Cd34E``.
        mfa: ``OFF``, ``OPTIONAL`` or ``ON``.
        password_rules: The policy for passwords.
        username_attributes: What people sign in with in place of a user name.
        alias_attributes: What they may sign in with besides.
        estimated_users: Roughly how many there are.
        members: The service's whole answer, under its own names.
    """

    id: str
    name: str | None
    arn: str | None
    mfa: str
    password_rules: PasswordRules
    username_attributes: tuple[str, ...]
    alias_attributes: tuple[str, ...]
    auto_verified_attributes: tuple[str, ...]
    tier: str | None
    domain: str | None
    estimated_users: int | None
    created_at: datetime | None
    modified_at: datetime | None
    members: Mapping[str, Any] = field(repr=False)


@frozen(kw_only=True)
class AppClientSummary:
    """An app client in a list of clients."""

    client_id: str
    name: str | None


@frozen(kw_only=True)
class AppClientDescription:
    """An app client's configuration: the usual part typed, all of it in `members`.

    Both the secret and `members`, which contains it, are kept out of ``repr``.

    Attributes:
        auth_flows: The ``ALLOW_…`` names.
        access_token_validity: None where the service did not say; so for the others.
        auth_session_validity: How long a challenge waits for its answer.
        hides_unknown_users: ``PreventUserExistenceErrors`` is on.
        rotates: Whether each refresh brings a new refresh token.
        rotation_grace: How long the old one stays good after that.
        members: The service's whole answer, under its own names.
    """

    client_id: str
    name: str | None
    _secret: Secret | None = field(converter=secret_or_none, repr=False)
    auth_flows: tuple[str, ...]
    access_token_validity: timedelta | None
    id_token_validity: timedelta | None
    refresh_token_validity: timedelta | None
    auth_session_validity: timedelta | None
    hides_unknown_users: bool
    token_revocation: bool
    rotates: bool
    rotation_grace: timedelta | None
    members: Mapping[str, Any] = field(repr=False)

    @property
    def secret(self) -> str | None:
        """The client's secret, or None for a public one."""
        return None if self._secret is None else self._secret.reveal()
