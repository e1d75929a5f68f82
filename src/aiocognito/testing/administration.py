"""Filling a local pool and looking into it: what an administrator does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping

from attrs import evolve

from aiocognito.errors import InvalidArgument
from aiocognito.testing.clients import LocalClient, default_flows
from aiocognito.testing.enrolment import new_user
from aiocognito.testing.state import PoolState
from aiocognito.testing.triggers import Trigger
from aiocognito.testing.users import Delivery, Group, LocalUser

__all__ = ["PoolAdministration"]

_DAY = 24 * 3600
_MOST_SECRETS = 2


class PoolAdministration:
    """The half of `LocalUserPool` that answers no calls."""

    def __init__(self, state: PoolState) -> None:
        self._state = state

    # --- what it is and holds ---

    @property
    def user_pool_id(self) -> str:
        """Such as ``eu-west-1_Ab12Cd34E``."""
        return self._state.settings.pool.text

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return self._state.settings.name

    @property
    def issuer(self) -> str:
        """The ``iss`` of its tokens."""
        return self._state.settings.issuer

    @property
    def clients(self) -> Mapping[str, LocalClient]:
        """The app clients by id."""
        return self._state.clients

    @property
    def outbox(self) -> list[Delivery]:
        """The codes that were sent, oldest first. Clear it when you like."""
        return self._state.outbox

    @property
    def triggers(self) -> MutableMapping[str, Trigger]:
        """The Lambda triggers by name, such as ``PreSignUp``: functions that get the event."""
        return self._state.triggers.functions

    def user(self, username: str) -> LocalUser:
        """Return a user by any name that counts at sign-in.

        Raises:
            LookupError: There is none.
        """
        found = self._state.users.find(username)
        if found is None:
            raise LookupError(f"the local pool has no user {username!r}")
        return found

    # --- filling it ---

    def add_client(
        self,
        client_id: str | None = None,
        *,
        secret: bool | str | Iterable[str] = False,
        name: str = "local",
        explicit_auth_flows: Iterable[str] | None = None,
        prevent_user_existence_errors: bool = True,
        access_token_validity: int = 3600,
        id_token_validity: int = 3600,
        refresh_token_validity: int = 30 * _DAY,
        auth_session_validity: float = 180.0,
        rotation: bool = False,
        rotation_grace: float = 0.0,
        token_revocation: bool = True,
        read_attributes: Iterable[str] | None = None,
        write_attributes: Iterable[str] | None = None,
    ) -> LocalClient:
        """Add an app client.

        Args:
            secret: True to draw one; a text, or two, to choose.
            explicit_auth_flows: The ``ALLOW_…`` names. A new client of the service
                allows SRP, custom and refresh; with `rotation`, not refresh.
            access_token_validity: Seconds, from one up; so for all lifetimes here.
            read_attributes: What its users are shown; everything if not given.
            write_attributes: What its users may write; everything if not given.

        Raises:
            InvalidArgument: For settings that no client can have.
        """
        client = LocalClient(
            client_id=client_id if client_id is not None else self._state.draws.name(26),
            name=name,
            secrets=self._secrets(secret),
            explicit_auth_flows=(
                tuple(explicit_auth_flows)
                if explicit_auth_flows is not None
                else default_flows(rotation=rotation)
            ),
            prevent_user_existence_errors=prevent_user_existence_errors,
            access_token_validity=access_token_validity,
            id_token_validity=id_token_validity,
            refresh_token_validity=refresh_token_validity,
            auth_session_validity=auth_session_validity,
            rotation=rotation,
            rotation_grace=rotation_grace,
            token_revocation=token_revocation,
            read_attributes=None if read_attributes is None else tuple(read_attributes),
            write_attributes=None if write_attributes is None else tuple(write_attributes),
        )
        if client.client_id in self._state.clients:
            raise InvalidArgument("client_id", "new in this pool")
        self._state.clients[client.client_id] = client
        return client

    def _secrets(self, wished: bool | str | Iterable[str]) -> tuple[str, ...]:
        match wished:
            case False:
                return ()
            case True:
                return (self._state.draws.name(52),)
            case str():
                return (wished,)
            case _:
                return tuple(wished)

    def add_client_secret(self, client_id: str, secret: str | None = None) -> str:
        """Give an app client a second secret, as AddUserPoolClientSecret does.

        Both count until one is removed.

        Args:
            secret: Drawn if not given.

        Raises:
            LookupError: The pool has no such client.
            InvalidArgument: The client has two already, or this one.
        """
        client = self._client(client_id)
        added = secret if secret is not None else self._state.draws.name(52)
        if len(client.secrets) >= _MOST_SECRETS or added in client.secrets:
            raise InvalidArgument("secret", f"a new one, of {_MOST_SECRETS} at most")
        self._state.clients[client_id] = evolve(client, secrets=(*client.secrets, added))
        return added

    def remove_client_secret(self, client_id: str, secret: str) -> None:
        """Take one of two secrets away; it is refused from now on.

        Raises:
            LookupError: The pool has no such client.
            InvalidArgument: The client does not have it, or has no other.
        """
        client = self._client(client_id)
        left = tuple(kept for kept in client.secrets if kept != secret)
        if not left or len(left) == len(client.secrets):
            raise InvalidArgument("secret", "one of the app client's two")
        self._state.clients[client_id] = evolve(client, secrets=left)

    def _client(self, client_id: str) -> LocalClient:
        try:
            return self._state.clients[client_id]
        except KeyError:
            raise LookupError(f"the local pool has no app client {client_id!r}") from None

    def add_group(
        self, name: str, *, role_arn: str | None = None, precedence: int | None = None
    ) -> Group:
        """Add a group, or redefine it."""
        group = Group(
            name=name,
            role_arn=role_arn,
            precedence=precedence,
            created_at=self._state.clock.wall(),
        )
        self._state.groups[name] = group
        return group

    def add_user(
        self,
        username: str,
        password: str | None = None,
        *,
        attributes: Mapping[str, str | bool] | None = None,
        totp: bool | str = False,
        mfa: Iterable[str] = (),
        preferred_mfa: str | None = None,
        groups: Iterable[str] = (),
        status: str = "CONFIRMED",
        temporary: bool = False,
        enabled: bool = True,
        salt: bytes | None = None,
    ) -> LocalUser:
        """Add a user.

        Args:
            username: What the person types: an e-mail address or phone number where
                `username_attributes` says so, and then the true name is a UUID.
            attributes: E-mail addresses and phone numbers count as verified unless
                ``email_verified`` or ``phone_number_verified`` says otherwise.
            totp: True to draw an authenticator's secret, or the secret in base32;
                switches the factor on.
            mfa: Factors to switch on besides.
            groups: Their names; those that do not exist are made.
            temporary: The password must be replaced at the first sign-in.
            salt: The SRP salt to use instead of a drawn one.

        Raises:
            InvalidArgument: For a user who cannot exist.
            PoolError: What the service says to a weak password, a taken name, or
                attributes outside the schema.
        """
        return new_user(
            self._state,
            username,
            password,
            attributes=attributes or {},
            totp=totp,
            mfa=mfa,
            preferred_mfa=preferred_mfa,
            groups=groups,
            status=status,
            temporary=temporary,
            enabled=enabled,
            salt=salt,
        )

    def set_password(
        self, username: str, password: str, *, temporary: bool = False, salt: bytes | None = None
    ) -> None:
        """Give a user another password, as an administrator does. Raises as `add_user`."""
        user = self.user(username)
        stored = self._state.make_password(user, password, temporary=temporary, salt=salt)
        self._state.set_password(user, stored)

    def enable_user(self, username: str, enabled: bool = True) -> None:
        """Enable or disable a user."""
        self.user(username).enabled = enabled

    def remove_user(self, username: str) -> None:
        """Delete a user; whatever they held is refused from now on."""
        self._state.users.remove(self.user(username))
