"""A local identity pool: who somebody is, and AWS credentials for them.

A pure core like `LocalUserPool`: values in, values out, time and randomness given.
It checks ID tokens as the service does (signature, issuer, app client, expiry) and
keeps the service's rules about identities:

- without a login every GetId makes a new guest;
- with a login the identity is stable for (user pool, user), whatever the token;
- a guest that signs in becomes the identity of that login, or is merged into the
  one the login has already: the id in an answer may differ from the id asked for.

The credentials are random strings that open nothing. `LocalIdentityPool.lookup`
tells a test, or a fake of another service, whose they are.
"""

from __future__ import annotations

import base64
import secrets
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, field, frozen

from aiocognito._clock import Clock
from aiocognito._partitions import parse_identity_pool_id, parse_user_pool_id
from aiocognito.testing.identity_requests import (
    id_member,
    login_claims,
    logins_member,
    roles_of,
)
from aiocognito.testing.service_errors import PoolError, not_authorized, unknown_operation
from aiocognito.testing.user_pool import LocalUserPool

__all__ = ["LocalCredentials", "LocalIdentityPool"]

_ACCOUNT = "000000000000"
_CREDENTIALS_REMEMBERED = 10_000


@frozen(kw_only=True)
class LocalCredentials:
    """What GetCredentialsForIdentity gave out.

    Attributes:
        expires_at: Seconds since the epoch, by the pool's clock.
        is_guest: Whether nobody had signed in.
        role_arn: The role they stand for; no policy is evaluated.
    """

    access_key_id: str
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: float
    identity_id: str
    is_guest: bool
    role_arn: str


@define
class _Identity:
    """One identity; without logins it is a guest."""

    identity_id: str
    logins: dict[str, str] = field(factory=dict)  # provider -> sub
    merged: bool = False


@frozen
class _Login:
    """A login whose token was checked."""

    provider: str
    claims: Mapping[str, Any] = field(repr=False)

    @property
    def key(self) -> tuple[str, str]:
        return self.provider, str(self.claims["sub"])


class LocalIdentityPool:
    """The core of one identity pool.

    Args:
        identity_pool_id: Such as ``eu-west-1:2f0c3a2e-…``.
        clock: Where the time comes from.
        entropy: Where ids and credentials come from.
        guests: Whether identities without a login are allowed.
        credential_lifetime: Seconds; the service always gives 3600.
        authenticated_role: ARN of the role of users, or None if it is not configured.
        unauthenticated_role: The same for guests.
    """

    def __init__(
        self,
        identity_pool_id: str,
        *,
        clock: Clock,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
        guests: bool = True,
        credential_lifetime: float = 3600.0,
        authenticated_role: str | None = f"arn:aws:iam::{_ACCOUNT}:role/authenticated",
        unauthenticated_role: str | None = f"arn:aws:iam::{_ACCOUNT}:role/unauthenticated",
    ) -> None:
        self.identity_pool_id = identity_pool_id
        self.guests = guests
        self.credential_lifetime = credential_lifetime
        self.authenticated_role = authenticated_role
        self.unauthenticated_role = unauthenticated_role
        self._region = parse_identity_pool_id(identity_pool_id).region
        self._clock = clock
        self._entropy = entropy
        self._pools: dict[str, LocalUserPool] = {}
        self._clients: dict[tuple[str, str], bool] = {}  # (provider, client) -> check
        self._identities: dict[str, _Identity] = {}
        self._by_login: dict[tuple[str, str], _Identity] = {}
        self._issued: OrderedDict[str, LocalCredentials] = OrderedDict()

    def trust(
        self, pool: LocalUserPool, client_id: str, *, server_side_token_check: bool = False
    ) -> None:
        """Accept ID tokens of one app client of a user pool.

        Args:
            pool: The user pool that signs them.
            client_id: Their audience.
            server_side_token_check: Refuse users who were disabled, deleted or
                signed out everywhere although their token still verifies.
        """
        provider = parse_user_pool_id(pool.user_pool_id).login_key
        self._pools[provider] = pool
        self._clients[provider, client_id] = server_side_token_check

    def lookup(self, access_key_id: str) -> LocalCredentials | None:
        """Return the credentials issued under this key, expired or not, or None."""
        return self._issued.get(access_key_id)

    def handle(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one call of the ``cognito-identity`` API.

        Raises:
            PoolError: The service answers with an error.
        """
        match operation:
            case "GetId":
                return self._get_id(parameters)
            case "GetCredentialsForIdentity":
                return self._get_credentials(parameters)
            case _:
                raise unknown_operation(operation)

    # --- operations ---

    def _get_id(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        pool_id = id_member(parameters, "IdentityPoolId")
        if pool_id != self.identity_pool_id:
            raise PoolError("ResourceNotFoundException", f"IdentityPool '{pool_id}' not found.")
        logins = self._verified(logins_member(parameters))
        if not logins:
            self._check_guests_allowed()
            return {"IdentityId": self._new_identity().identity_id}
        identity = self._known(logins) or self._new_identity()
        self._link(identity, logins)
        return {"IdentityId": identity.identity_id}

    def _get_credentials(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        identity_id = id_member(parameters, "IdentityId")
        identity = self._identities.get(identity_id)
        if identity is None:
            raise PoolError("ResourceNotFoundException", f"Identity '{identity_id}' not found.")
        logins = self._verified(logins_member(parameters))
        identity = self._resolve(identity, logins)
        role = self._role(logins, parameters.get("CustomRoleArn"))
        issued = self._issue(identity, role, is_guest=not logins)
        return {
            "IdentityId": identity.identity_id,
            "Credentials": {
                "AccessKeyId": issued.access_key_id,
                "SecretKey": issued.secret_key,
                "SessionToken": issued.session_token,
                "Expiration": issued.expires_at,
            },
        }

    # --- logins ---

    def _verified(self, logins: Mapping[str, str]) -> tuple[_Login, ...]:
        return tuple(self._verify(provider, token) for provider, token in logins.items())

    def _verify(self, provider: str, token: str) -> _Login:
        pool = self._pools.get(provider)
        if pool is None:
            raise _not_a_supported_provider()
        claims = login_claims(token, pool)
        check = self._clients.get((provider, claims.get("aud", "")))
        if check is None:
            raise _not_a_supported_provider()
        if check and not pool.is_active(claims):
            raise not_authorized("Token is inactive")
        return _Login(provider, claims)

    # --- identities ---

    def _new_identity(self) -> _Identity:
        unique = uuid.UUID(bytes=self._entropy(16), version=4)
        identity = _Identity(f"{self._region}:{unique}")
        self._identities[identity.identity_id] = identity
        return identity

    def _known(self, logins: tuple[_Login, ...]) -> _Identity | None:
        """Return the one identity these logins have, if any."""
        found = {
            identity.identity_id: identity
            for login in logins
            if (identity := self._by_login.get(login.key)) is not None
        }
        if len(found) > 1:
            # The code is documented; the sentence is ours.
            raise PoolError("ResourceConflictException", "Logins belong to different identities.")
        return next(iter(found.values()), None)

    def _link(self, identity: _Identity, logins: tuple[_Login, ...]) -> None:
        for login in logins:
            provider, subject = login.key
            identity.logins[provider] = subject
            self._by_login[login.key] = identity

    def _resolve(self, asked: _Identity, logins: tuple[_Login, ...]) -> _Identity:
        """Decide which identity an id and a set of logins stand for."""
        if not logins:
            if asked.logins or asked.merged:
                raise not_authorized(f"Access to Identity '{asked.identity_id}' is forbidden.")
            self._check_guests_allowed()
            return asked
        known = self._known(logins)
        if asked.logins and known is not asked:
            raise not_authorized(
                "Logins don't match. Please include at least one valid login "
                "for this identity or identity pool."
            )
        if known is not None and known is not asked:
            asked.merged = True
        identity = known or asked
        self._link(identity, logins)
        return identity

    def _check_guests_allowed(self) -> None:
        if not self.guests:
            raise not_authorized("Unauthenticated access is not supported for this identity pool.")

    # --- credentials ---

    def _role(self, logins: tuple[_Login, ...], wanted: object) -> str:
        if wanted is not None:
            if not any(wanted in roles_of(login.claims) for login in logins):
                # Documented is that it is denied; the sentence is ours.
                raise not_authorized("CustomRoleArn is not among the roles of this token.")
            return str(wanted)
        role = self.authenticated_role if logins else self.unauthenticated_role
        if role is None:
            raise PoolError(
                "InvalidIdentityPoolConfigurationException",
                "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
            )
        return role

    def _issue(self, identity: _Identity, role: str, *, is_guest: bool) -> LocalCredentials:
        issued = LocalCredentials(
            access_key_id="ASIA" + base64.b32encode(self._entropy(10)).decode(),
            secret_key=base64.b64encode(self._entropy(30)).decode(),
            # As long as real ones, so that assumptions about storage break early.
            session_token=base64.b64encode(self._entropy(900)).decode(),
            expires_at=round(self._clock.wall() + self.credential_lifetime, 3),
            identity_id=identity.identity_id,
            is_guest=is_guest,
            role_arn=role,
        )
        self._issued[issued.access_key_id] = issued
        if len(self._issued) > _CREDENTIALS_REMEMBERED:
            self._issued.popitem(last=False)
        return issued


def _not_a_supported_provider() -> PoolError:
    return not_authorized("Token is not from a supported provider of this identity pool.")
