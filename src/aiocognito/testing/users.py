"""Users, groups, and finding a user by any name that counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import define, field, frozen

from aiocognito.testing.devices import LocalDevice
from aiocognito.testing.passwords import StoredPassword
from aiocognito.testing.relying_party import LocalPasskey, PendingPasskey
from aiocognito.testing.service_errors import PoolError
from aiocognito.testing.settings import VERIFIED, PoolSettings
from aiocognito.testing.totp import SoftwareToken

__all__ = ["CONTACTS", "Delivery", "Group", "LocalUser", "UserDirectory"]

CONTACTS = {"SMS_MFA": "phone_number", "EMAIL_OTP": "email"}
"""Where the codes of a factor go."""


@frozen(kw_only=True)
class Delivery:
    """A message the pool would have sent.

    Attributes:
        username: The true user name.
        destination: The whole address or number, not masked.
        medium: ``EMAIL`` or ``SMS``.
        code: The digits.
        purpose: The challenge or call it is for, such as ``SMS_MFA``.
    """

    username: str
    destination: str
    medium: str
    code: str
    purpose: str


@frozen(kw_only=True)
class Group:
    """A group of users; the lower the precedence, the more it counts."""

    name: str
    role_arn: str | None = None
    precedence: int | None = None
    description: str | None = None
    created_at: float = 0.0
    modified_at: float = 0.0


@define(kw_only=True, eq=False)
class LocalUser:
    """One user. Read it freely; change it through the pool.

    Attributes:
        username: The true name: as given, or a UUID where e-mail or phone is the name.
        sub: A UUID; equal to `username` in the latter case.
        attributes: Without ``sub``; every value is a string.
        status: ``CONFIRMED``, ``UNCONFIRMED``, ``FORCE_CHANGE_PASSWORD`` or
            ``RESET_REQUIRED``.
        mfa: The factors switched on, from ``SMS_MFA``, ``SOFTWARE_TOKEN_MFA`` and
            ``EMAIL_OTP``.
        software_token: The verified authenticator, or None.
        pending_token: One that waits for VerifySoftwareToken, or None.
        identities: Users of other providers who are linked to this one.
        created_at: On the wall clock, as `modified_at`, what administrators last did.
        latest_code: Per medium, the code that was sent last; older ones are void.
        pending_attributes: New values that wait for their verification.
        devices: The confirmed ones, by their keys.
        passkeys: By the credential's id, base64url without padding.
        pending_passkey: The registration that was started last, or None.
        passkey_mfa: Whether a passkey stands for two factors with this user.
    """

    username: str
    sub: str
    attributes: dict[str, str] = field(factory=dict, repr=False)
    status: str = "CONFIRMED"
    enabled: bool = True
    groups: list[str] = field(factory=list)
    mfa: list[str] = field(factory=list)
    preferred_mfa: str | None = None
    password: StoredPassword | None = field(default=None, repr=False)
    old_passwords: list[StoredPassword] = field(factory=list, repr=False)
    software_token: SoftwareToken | None = field(default=None, repr=False)
    pending_token: SoftwareToken | None = field(default=None, repr=False)
    identities: list[dict[str, str]] = field(factory=list, repr=False)
    created_at: float = 0.0
    modified_at: float = 0.0
    latest_code: dict[str, str] = field(factory=dict, repr=False)
    pending_attributes: dict[str, str] = field(factory=dict, repr=False)
    devices: dict[str, LocalDevice] = field(factory=dict, repr=False)
    passkeys: dict[str, LocalPasskey] = field(factory=dict, repr=False)
    pending_passkey: PendingPasskey | None = field(default=None, repr=False)
    passkey_mfa: bool = False

    @property
    def totp_secret(self) -> str | None:
        """The base32 secret of the verified authenticator, or None."""
        return self.software_token.secret if self.software_token is not None else None

    def has_contact(self, method: str) -> bool:
        """Say whether a code can reach the user for this factor."""
        if method == "SOFTWARE_TOKEN_MFA":
            return self.software_token is not None
        return self.has_verified(CONTACTS[method])

    def listed_attributes(self, may_read: Callable[[str], bool]) -> list[dict[str, str]]:
        """Return ``UserAttributes`` as GetUser shows them: all strings."""
        return [
            {"Name": name, "Value": value} for name, value in self._all().items() if may_read(name)
        ]

    def claims(self) -> dict[str, Any]:
        """Return the attributes as an ID token shows them: the verified flags as booleans."""
        flags = set(VERIFIED.values())
        return {
            name: value == "true" if name in flags else value for name, value in self._all().items()
        }

    def _all(self) -> dict[str, str]:
        return {"sub": self.sub, **self.attributes}

    def has_verified(self, attribute: str) -> bool:
        """Say whether the user has a verified ``email`` or ``phone_number``."""
        return bool(
            self.attributes.get(attribute) and self.attributes.get(VERIFIED[attribute]) == "true"
        )


@define
class UserDirectory:
    """All users of a pool, found by true name, by alias, or by sub."""

    settings: PoolSettings
    _by_name: dict[str, LocalUser] = field(factory=dict, init=False, repr=False)
    _by_alias: dict[tuple[str, str], LocalUser] = field(factory=dict, init=False, repr=False)
    _by_sub: dict[str, LocalUser] = field(factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[LocalUser]:
        return iter(self._by_name.values())

    def find(self, name: str) -> LocalUser | None:
        """Find a user by what they typed: the true name, or an alias that counts."""
        folded = self.settings.fold(name)
        found = self._by_name.get(folded)
        if found is not None:
            return found
        for attribute in (*self.settings.username_attributes, *self.settings.alias_attributes):
            found = self._by_alias.get((attribute, folded))
            if found is not None:
                return found
        return None

    def of_sub(self, sub: str) -> LocalUser | None:
        """Find a user by ``sub``."""
        return self._by_sub.get(sub)

    def add(self, user: LocalUser) -> None:
        """Take in a new user.

        Raises:
            PoolError: ``UsernameExistsException`` or ``AliasExistsException``;
                nothing has changed then.
        """
        if self.settings.fold(user.username) in self._by_name:
            raise PoolError("UsernameExistsException", "User already exists")
        by_alias = bool(self.settings.alias_attributes)
        self._refuse_taken(user, "AliasExistsException" if by_alias else "UsernameExistsException")
        self._by_name[self.settings.fold(user.username)] = user
        self._by_sub[user.sub] = user
        self._index(user)

    def remove(self, user: LocalUser) -> None:
        """Forget a user of this directory."""
        del self._by_name[self.settings.fold(user.username)]
        del self._by_sub[user.sub]
        self._unindex(user)

    def update(self, user: LocalUser, changes: Mapping[str, str]) -> None:
        """Change attributes; an empty value deletes one.

        Raises:
            PoolError: ``AliasExistsException``; nothing has changed then.
        """
        before = dict(user.attributes)
        self._unindex(user)
        user.attributes.update(changes)
        for name in [name for name, value in user.attributes.items() if not value]:
            del user.attributes[name]
        try:
            self._refuse_taken(user, "AliasExistsException")
        except PoolError:
            user.attributes.clear()
            user.attributes.update(before)
            raise
        finally:
            self._index(user)

    def _aliases(self, user: LocalUser) -> Iterator[tuple[str, str]]:
        for attribute in self.settings.username_attributes:
            if value := user.attributes.get(attribute):
                yield attribute, self.settings.fold(value)
        for attribute in self.settings.alias_attributes:
            value = user.attributes.get(attribute)
            verified = user.attributes.get(VERIFIED.get(attribute, ""), "true") == "true"
            if value and verified:
                yield attribute, self.settings.fold(value)

    def _refuse_taken(self, user: LocalUser, code: str) -> None:
        for attribute, value in self._aliases(user):
            if self._by_alias.get((attribute, value), user) is not user:
                word = attribute.partition("_number")[0]
                raise PoolError(code, f"An account with the given {word} already exists.")

    def _index(self, user: LocalUser) -> None:
        for alias in self._aliases(user):
            self._by_alias[alias] = user

    def _unindex(self, user: LocalUser) -> None:
        for alias in self._aliases(user):
            self._by_alias.pop(alias, None)
