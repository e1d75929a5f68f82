"""How a user gets into the pool from outside: for tests, as an administrator would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from aiocognito.errors import InvalidArgument
from aiocognito.testing.service_errors import invalid_parameter
from aiocognito.testing.settings import MFA_METHODS, VERIFIED
from aiocognito.testing.state import PoolState
from aiocognito.testing.totp import SoftwareToken, new_secret
from aiocognito.testing.users import Group, LocalUser

__all__ = ["new_user"]

_STATUSES = ("CONFIRMED", "UNCONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED")
_SECRET_OCTETS = 32


def new_user(
    state: PoolState,
    name: str,
    password: str | None,
    *,
    attributes: Mapping[str, str | bool],
    totp: bool | str,
    mfa: Iterable[str],
    preferred_mfa: str | None,
    groups: Iterable[str],
    status: str,
    temporary: bool,
    enabled: bool,
    salt: bytes | None,
) -> LocalUser:
    """Make a user as `LocalUserPool.add_user` describes, and take it in."""
    if status not in _STATUSES:
        raise InvalidArgument("status", f"one of {', '.join(_STATUSES)}")
    values = _texts(attributes)
    if "@" in name and "email" in state.settings.alias_attributes:
        raise invalid_parameter(
            "Username cannot be of email format, since user pool is configured for email alias."
        )
    if "sub" in values:
        raise invalid_parameter("The sub of a user cannot be chosen.")  # our words
    sub = state.draws.uuid()
    username = sub if state.settings.username_attributes else name
    if state.settings.username_attributes:
        values = {_attribute_named_by(state, name): name, **values}
    values |= {flag: "true" for it, flag in VERIFIED.items() if it in values and flag not in values}
    state.settings.check_attributes(values)
    user = LocalUser(
        username=username,
        sub=sub,
        attributes=values,
        status=status,
        enabled=enabled,
        created_at=state.clock.wall(),
    )
    _give_factors(state, user, totp, tuple(mfa), preferred_mfa)
    if password is not None:
        must_change = temporary or status == "FORCE_CHANGE_PASSWORD"
        user.password = state.make_password(user, password, temporary=must_change, salt=salt)
        user.status = "FORCE_CHANGE_PASSWORD" if must_change else status
    state.users.add(user)
    for group in groups:
        state.groups.setdefault(group, Group(name=group))
        user.groups.append(group)
    return user


def _give_factors(
    state: PoolState,
    user: LocalUser,
    totp: bool | str,
    mfa: tuple[str, ...],
    preferred_mfa: str | None,
) -> None:
    if totp:
        secret = totp if isinstance(totp, str) else new_secret(state.draws.octets(_SECRET_OCTETS))
        user.software_token = SoftwareToken(secret)
        mfa = mfa if "SOFTWARE_TOKEN_MFA" in mfa else (*mfa, "SOFTWARE_TOKEN_MFA")
    for method in mfa:
        if method not in MFA_METHODS:
            raise InvalidArgument("mfa", f"from {', '.join(MFA_METHODS)}")
        if not user.has_contact(method):
            needed = "totp=True" if method == "SOFTWARE_TOKEN_MFA" else "a verified address"
            raise InvalidArgument("mfa", f"without {method}, or the user needs {needed}")
    if preferred_mfa is not None and preferred_mfa not in mfa:
        raise InvalidArgument("preferred_mfa", "one of mfa")
    user.mfa[:] = mfa
    user.preferred_mfa = preferred_mfa


def _attribute_named_by(state: PoolState, name: str) -> str:
    """Say whether a name is an e-mail address or a phone number, where one must be."""
    attribute = "email" if "@" in name else "phone_number"
    if attribute not in state.settings.username_attributes:
        allowed = " or ".join(state.settings.username_attributes)
        raise InvalidArgument("username", f"a value for {allowed} in this pool")
    return attribute


def _texts(attributes: Mapping[str, str | bool]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in attributes.items()
    }
