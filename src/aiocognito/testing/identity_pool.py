"""A local identity pool: who somebody is, and AWS credentials for them.

A pure core like `LocalUserPool`: values in, values out, time and randomness given.
It checks login tokens as the service does (signature, issuer, app client, expiry), keeps
the service's rules about identities (`identity_directory`) and roles (`identity_roles`),
and gives credentials out by both flows, the classic one together with a local STS.

The credentials open nothing by themselves. `LocalIdentityPool.lookup` tells a test, or a
fake of another service, whose they are, and `signer_of` whose signature a request bears.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from aiocognito._clock import Clock
from aiocognito._partitions import parse_identity_pool_id, parse_user_pool_id
from aiocognito.errors import TokenExpired, TokenVerificationError
from aiocognito.testing.developer_operations import SIGNED_OPERATIONS, DeveloperOperations
from aiocognito.testing.identity_directory import Identity, IdentityDirectory, VerifiedLogin
from aiocognito.testing.identity_requests import (
    id_member,
    login_claims,
    login_refused,
    logins_member,
    removed_member,
)
from aiocognito.testing.identity_roles import RoleMapping, chosen_role, no_role
from aiocognito.testing.issued_credentials import CredentialDesk, LocalCredentials
from aiocognito.testing.openid_tokens import OpenIdDesk
from aiocognito.testing.outside_providers import LocalProvider
from aiocognito.testing.service_errors import (
    PoolError,
    invalid_parameter,
    not_authorized,
    unknown_operation,
)
from aiocognito.testing.signatures import SignedRequest
from aiocognito.testing.sts import LocalRole, LocalSts
from aiocognito.testing.user_pool import LocalUserPool

__all__ = ["LocalCredentials", "LocalIdentityPool"]

_ACCOUNT = "000000000000"


class LocalIdentityPool:
    """The core of one identity pool.

    Args:
        identity_pool_id: Such as ``eu-west-1:2f0c3a2e-…``.
        clock: Where the time comes from.
        entropy: Where ids and credentials come from.
        guests: Whether identities without a login are allowed.
        classic_flow: Whether GetOpenIdToken is allowed; off on the service, too, until
            somebody switches it on.
        developer_provider: The name of the developer provider, or None for none.
        credential_lifetime: Seconds; the service gives 3600. Role sessions of the local
            STS end after as many at the latest, if it is less.
        authenticated_role: ARN of the role of users, or None if it is not configured.
        unauthenticated_role: The same for guests.

    Attributes:
        sts: The STS that takes this pool's tokens. Its `roles` are the two above; add
            `LocalRole` values for others.
    """

    def __init__(
        self,
        identity_pool_id: str,
        *,
        clock: Clock,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
        guests: bool = True,
        classic_flow: bool = False,
        developer_provider: str | None = None,
        credential_lifetime: float = 3600.0,
        authenticated_role: str | None = f"arn:aws:iam::{_ACCOUNT}:role/authenticated",
        unauthenticated_role: str | None = f"arn:aws:iam::{_ACCOUNT}:role/unauthenticated",
    ) -> None:
        self.identity_pool_id = identity_pool_id
        self.guests = guests
        self.classic_flow = classic_flow
        self.credential_lifetime = credential_lifetime
        self.authenticated_role = authenticated_role
        self.unauthenticated_role = unauthenticated_role
        region = parse_identity_pool_id(identity_pool_id).region
        self._clock = clock
        self._pools: dict[str, LocalUserPool] = {}
        self._clients: dict[tuple[str, str], bool] = {}  # (provider, client) -> check
        self._outside: dict[str, LocalProvider] = {}
        self._mappings: dict[str, RoleMapping] = {}  # "provider:client", or a provider
        self._directory = IdentityDirectory(region, entropy)
        self._credentials = CredentialDesk(clock, entropy)
        self._openid = OpenIdDesk(identity_pool_id, clock)
        self._developer = DeveloperOperations(self._directory, self._openid, developer_provider)
        self.sts: LocalSts = LocalSts(self._openid, self._credentials)
        if credential_lifetime < 3600:
            self.sts.longest = credential_lifetime
        if authenticated_role is not None:
            self.add_role(LocalRole(arn=authenticated_role, trusts="authenticated"))
        if unauthenticated_role is not None:
            self.add_role(LocalRole(arn=unauthenticated_role, trusts="unauthenticated"))

    # --- what it is set up with ---

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

    def add_provider(self, name: str, *, audience: str = "local-client") -> LocalProvider:
        """Accept ID tokens of a provider outside Cognito, and return it to make some.

        Args:
            name: As in ``Logins``, such as ``accounts.google.com``.
            audience: The client id their ``aud`` must be.
        """
        provider = self._outside[name] = LocalProvider(name, audience, self._clock)
        return provider

    def add_role(self, role: LocalRole) -> None:
        """Let identities take on a role at the local STS."""
        self.sts.roles[role.arn] = role

    def map_roles(self, provider: str, mapping: RoleMapping | None) -> None:
        """Choose roles by token or by rules for one provider; None takes the mapping away.

        Args:
            provider: ``<login key>:<app client>`` for a user pool, the name in
                ``Logins`` for others.
            mapping: `RoleByToken` or `RoleByRules`.
        """
        self._mappings.pop(provider, None)
        if mapping is not None:
            self._mappings[provider] = mapping

    # --- what came of it ---

    def lookup(self, access_key_id: str) -> LocalCredentials | None:
        """Return the credentials issued under this key, expired or not, or None."""
        return self._credentials.lookup(access_key_id)

    def signer_of(self, request: SignedRequest) -> LocalCredentials:
        """Return whose signature a request bears, checked as AWS checks it.

        Raises:
            PoolError: The signature is not good, or the credentials have ended.
        """
        return self._credentials.signer_of(request)

    def needs_signature(self, operation: str) -> bool:
        """Whether an operation is for the pool's owner alone."""
        return operation in SIGNED_OPERATIONS

    def handle(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one call of the ``cognito-identity`` API.

        Whether a call is signed is for the shell to look at (`needs_signature`).

        Raises:
            PoolError: The service answers with an error.
        """
        match operation:
            case "GetId":
                return self._get_id(parameters)
            case "GetCredentialsForIdentity":
                return self._get_credentials(parameters)
            case "GetOpenIdToken":
                return self._get_openid_token(parameters)
            case "UnlinkIdentity":
                return self._unlink(parameters)
            case _ if self.needs_signature(operation):
                return self._developer.handle(operation, parameters)
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
            return {"IdentityId": self._directory.new().identity_id}
        keys = [login.key for login in logins]
        identity = self._directory.known(keys) or self._directory.new()
        self._directory.link(identity, keys)
        return {"IdentityId": identity.identity_id}

    def _get_credentials(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        identity, logins = self._identified(parameters)
        role = self._role(logins, parameters.get("CustomRoleArn"))
        issued = self._credentials.issue(
            lifetime=self.credential_lifetime,
            identity_id=identity.identity_id,
            is_guest=not logins,
            role_arn=role,
            tags=self._tags(logins),
        )
        return {
            "IdentityId": identity.identity_id,
            "Credentials": {
                "AccessKeyId": issued.access_key_id,
                "SecretKey": issued.secret_key,
                "SessionToken": issued.session_token,
                "Expiration": issued.expires_at,
            },
        }

    def _get_openid_token(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if not self.classic_flow:
            raise invalid_parameter(
                "Basic (classic) flow is not enabled, please use enhanced flow."
            )
        if self._mappings:
            raise invalid_parameter(
                "Basic (classic) flow is not supported with RoleMappings, please use enhanced flow."
            )
        identity, logins = self._identified(parameters)
        names = [login.provider for login in logins]
        token = self._openid.issue(identity.identity_id, names, tags=self._tags(logins))
        return {"IdentityId": identity.identity_id, "Token": token}

    def _unlink(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        identity, logins = self._identified(parameters)
        removed = removed_member(parameters)
        if not logins:
            raise invalid_parameter("Please provide at least one login.")  # our words
        gone = [key for key in identity.logins if key[0] in removed]
        self._directory.unlink(identity, gone)
        return {}

    def _identified(
        self, parameters: Mapping[str, Any]
    ) -> tuple[Identity, tuple[VerifiedLogin, ...]]:
        identity = self._directory.get(id_member(parameters, "IdentityId"))
        logins = self._verified(logins_member(parameters))
        identity = self._directory.resolve(identity, logins)
        if not logins:
            self._check_guests_allowed()
        return identity, logins

    # --- logins ---

    def _verified(self, logins: Mapping[str, str]) -> tuple[VerifiedLogin, ...]:
        return tuple(self._verify(provider, token) for provider, token in logins.items())

    def _verify(self, provider: str, token: str) -> VerifiedLogin:
        if provider == self._openid.provider:
            return VerifiedLogin(provider, self._own_claims(token))
        if provider in self._outside:
            return VerifiedLogin(provider, self._outside[provider].claims(token))
        pool = self._pools.get(provider)
        if pool is None:
            raise _not_a_supported_provider()
        claims = login_claims(token, pool)
        check = self._clients.get((provider, claims.get("aud", "")))
        if check is None:
            raise _not_a_supported_provider()
        if check and not pool.is_active(claims):
            raise not_authorized("Token is inactive")
        return VerifiedLogin(provider, claims)

    def _own_claims(self, token: str) -> Mapping[str, Any]:
        try:
            claims = self._openid.read(token)
        except TokenExpired as error:
            raise login_refused(f"Token expired: {error.expected} >= {error.actual}") from None
        except TokenVerificationError:
            raise login_refused("Couldn't verify signed token.") from None
        if claims["amr"][0] != "authenticated":
            # Nobody vouched for a guest. What the service says then is not recorded; ours.
            raise login_refused("Not a valid OpenId Connect identity token.")
        return claims

    def _check_guests_allowed(self) -> None:
        if not self.guests:
            raise not_authorized("Unauthenticated access is not supported for this identity pool.")

    # --- what the credentials are for ---

    def _role(self, logins: tuple[VerifiedLogin, ...], wanted: object) -> str:
        if not logins:
            if wanted is not None:
                raise not_authorized("CustomRoleArn is not among the roles of this token.")
            if self.unauthenticated_role is None:
                raise no_role()
            return self.unauthenticated_role
        # A user pool's token says more about roles than another's.
        login = next((login for login in logins if login.provider in self._pools), logins[0])
        return chosen_role(
            claims=login.claims,
            mapping=self._mapping_of(login),
            wanted=wanted,
            default=self.authenticated_role,
        )

    def _mapping_of(self, login: VerifiedLogin) -> RoleMapping | None:
        by_client = self._mappings.get(f"{login.provider}:{login.claims.get('aud')}")
        return by_client or self._mappings.get(login.provider)

    def _tags(self, logins: tuple[VerifiedLogin, ...]) -> dict[str, str]:
        tags: dict[str, str] = {}
        for login in logins:
            tags |= self._developer.tags_for(login.provider, login.claims)
        return tags


def _not_a_supported_provider() -> PoolError:
    return not_authorized("Token is not from a supported provider of this identity pool.")
