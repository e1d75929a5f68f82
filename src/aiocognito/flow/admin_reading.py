"""Read the answers to administrators' calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aiocognito.flow.account_reading import AuthFactors
from aiocognito.flow.admin_values import (
    AdminUser,
    AppClientDescription,
    AppClientSummary,
    Device,
    Group,
    PasswordRules,
    UserPoolDescription,
    UserPoolSummary,
)
from aiocognito.flow.members import (
    attributes,
    flag,
    moment,
    needed,
    number,
    structure,
    text,
    texts,
)

__all__ = [
    "read_auth_factors",
    "read_client",
    "read_client_summary",
    "read_device",
    "read_group",
    "read_pool",
    "read_pool_summary",
    "read_user",
]

_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}


def read_user(body: Mapping[str, Any]) -> AdminUser:
    """Read a user. AdminGetUser says ``UserAttributes``, the others ``Attributes``."""
    member = "UserAttributes" if "UserAttributes" in body else "Attributes"
    return AdminUser(
        username=needed(body, "Username"),
        attributes=attributes(body, member),
        status=text(body, "UserStatus") or "UNKNOWN",
        enabled=flag(body, "Enabled", True),
        created_at=moment(body, "UserCreateDate"),
        modified_at=moment(body, "UserLastModifiedDate"),
        mfa=texts(body, "UserMFASettingList"),
        preferred_mfa=text(body, "PreferredMfaSetting"),
    )


def read_auth_factors(body: Mapping[str, Any]) -> AuthFactors:
    """Read what a user can sign in with."""
    return AuthFactors(
        username=needed(body, "Username"),
        configured=texts(body, "ConfiguredUserAuthFactors"),
        mfa=texts(body, "UserMFASettingList"),
        preferred_mfa=text(body, "PreferredMfaSetting"),
    )


def read_group(body: Mapping[str, Any]) -> Group:
    """Read a group."""
    return Group(
        name=needed(body, "GroupName"),
        description=text(body, "Description"),
        role_arn=text(body, "RoleArn"),
        precedence=number(body, "Precedence"),
        created_at=moment(body, "CreationDate"),
        modified_at=moment(body, "LastModifiedDate"),
    )


def read_device(body: Mapping[str, Any]) -> Device:
    """Read a device."""
    return Device(
        key=needed(body, "DeviceKey"),
        attributes=attributes(body, "DeviceAttributes"),
        created_at=moment(body, "DeviceCreateDate"),
        modified_at=moment(body, "DeviceLastModifiedDate"),
        last_seen_at=moment(body, "DeviceLastAuthenticatedDate"),
    )


# --- configuration ---------------------------------------------------------------


def read_pool_summary(body: Mapping[str, Any]) -> UserPoolSummary:
    """Read an entry of ListUserPools."""
    return UserPoolSummary(
        id=needed(body, "Id"),
        name=text(body, "Name"),
        created_at=moment(body, "CreationDate"),
        modified_at=moment(body, "LastModifiedDate"),
    )


def read_pool(body: Mapping[str, Any]) -> UserPoolDescription:
    """Read a pool's configuration."""
    return UserPoolDescription(
        id=needed(body, "Id"),
        name=text(body, "Name"),
        arn=text(body, "Arn"),
        mfa=text(body, "MfaConfiguration") or "OFF",
        password_rules=_rules(structure(structure(body, "Policies"), "PasswordPolicy")),
        username_attributes=texts(body, "UsernameAttributes"),
        alias_attributes=texts(body, "AliasAttributes"),
        auto_verified_attributes=texts(body, "AutoVerifiedAttributes"),
        tier=text(body, "UserPoolTier"),
        domain=text(body, "Domain"),
        estimated_users=number(body, "EstimatedNumberOfUsers"),
        created_at=moment(body, "CreationDate"),
        modified_at=moment(body, "LastModifiedDate"),
        members=dict(body),
    )


def _rules(policy: Mapping[str, Any]) -> PasswordRules:
    return PasswordRules(
        minimum_length=number(policy, "MinimumLength"),
        require_uppercase=flag(policy, "RequireUppercase", False),
        require_lowercase=flag(policy, "RequireLowercase", False),
        require_numbers=flag(policy, "RequireNumbers", False),
        require_symbols=flag(policy, "RequireSymbols", False),
        history_size=number(policy, "PasswordHistorySize"),
        temporary_validity_days=number(policy, "TemporaryPasswordValidityDays"),
    )


def read_client_summary(body: Mapping[str, Any]) -> AppClientSummary:
    """Read an entry of ListUserPoolClients."""
    return AppClientSummary(client_id=needed(body, "ClientId"), name=text(body, "ClientName"))


def read_client(body: Mapping[str, Any]) -> AppClientDescription:
    """Read an app client's configuration."""
    rotation = structure(body, "RefreshTokenRotation")
    return AppClientDescription(
        client_id=needed(body, "ClientId"),
        name=text(body, "ClientName"),
        secret=text(body, "ClientSecret"),
        auth_flows=texts(body, "ExplicitAuthFlows"),
        # What the units are where none are given: service model, TokenValidityUnits.
        access_token_validity=_validity(body, "AccessToken", "hours"),
        id_token_validity=_validity(body, "IdToken", "hours"),
        refresh_token_validity=_validity(body, "RefreshToken", "days"),
        auth_session_validity=_lasting(number(body, "AuthSessionValidity"), "minutes"),
        hides_unknown_users=text(body, "PreventUserExistenceErrors") == "ENABLED",
        token_revocation=flag(body, "EnableTokenRevocation", False),
        rotates=text(rotation, "Feature") == "ENABLED",
        rotation_grace=_lasting(number(rotation, "RetryGracePeriodSeconds"), "seconds"),
        members=dict(body),
    )


def _validity(body: Mapping[str, Any], token: str, usual: str) -> timedelta | None:
    unit = text(structure(body, "TokenValidityUnits"), token) or usual
    return _lasting(number(body, f"{token}Validity"), unit)


def _lasting(amount: int | None, unit: str) -> timedelta | None:
    if amount is None or unit not in _UNITS or not 0 <= amount <= 315_360_000:
        return None
    return timedelta(seconds=amount * _UNITS[unit])
