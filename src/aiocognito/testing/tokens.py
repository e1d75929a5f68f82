"""What a sign-in yields: ID, access and refresh token, as Cognito writes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from attrs import define, field

from aiocognito._clock import Clock
from aiocognito.errors import (
    TokenClientMismatch,
    TokenExpired,
    TokenIssuerMismatch,
    TokenMalformed,
    TokenUseMismatch,
    TokenVerificationError,
)
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.draws import Draws
from aiocognito.testing.refresh_tokens import Family, RefreshTokens
from aiocognito.testing.service_errors import not_authorized
from aiocognito.testing.settings import PoolSettings
from aiocognito.testing.signing import SigningKeys, keys_of
from aiocognito.testing.users import Group, LocalUser

__all__ = ["ADMIN_SCOPE", "TokenDesk"]

ADMIN_SCOPE = "aws.cognito.signin.user.admin"  # what a sign-in by API grants


@define(kw_only=True)
class TokenDesk:
    """Writes tokens, and reads back those it wrote."""

    settings: PoolSettings
    clock: Clock
    draws: Draws
    groups: Mapping[str, Group]
    refresh_tokens: RefreshTokens = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.refresh_tokens = RefreshTokens(self.draws)

    @property
    def keys(self) -> SigningKeys:
        """The pool's signing keys."""
        # Asked for when needed: a pool that signs nothing makes no keys.
        return keys_of(self.settings.pool.text)

    def sign_in(
        self,
        user: LocalUser,
        client: LocalClient,
        *,
        device_key: str | None = None,
        device_group_key: str | None = None,
    ) -> dict[str, Any]:
        """Start a family and return its ``AuthenticationResult``, refresh token included."""
        family = Family(
            origin_jti=self.draws.uuid(),
            sub=user.sub,
            client_id=client.client_id,
            auth_time=int(self.clock.wall()),
            event_id=self.draws.uuid(),
            expires_at=self.clock.boot() + client.refresh_token_validity,
            device_key=device_key,
            device_group_key=device_group_key,
        )
        result = self.again(user, client, family)
        return {**result, "RefreshToken": self.refresh_tokens.start(family)}

    def again(self, user: LocalUser, client: LocalClient, family: Family) -> dict[str, Any]:
        """Return an ``AuthenticationResult`` with new ID and access tokens only."""
        return {
            "AccessToken": self.keys.access.sign(self.access_claims(user, client, family)),
            "IdToken": self.keys.id.sign(self.id_claims(user, client, family)),
            "ExpiresIn": client.access_token_validity,
            "TokenType": "Bearer",
        }

    def id_claims(self, user: LocalUser, client: LocalClient, family: Family) -> dict[str, Any]:
        """Return the claims of a new ID token; attributes are those of this moment."""
        return {
            **user.claims(),
            "cognito:username": user.username,
            **self._group_claims(user, with_roles=True),
            "aud": client.client_id,
            **self._common("id", client, family, client.id_token_validity),
        }

    def access_claims(self, user: LocalUser, client: LocalClient, family: Family) -> dict[str, Any]:
        """Return the claims of a new access token; there is no ``aud``."""
        device = {"device_key": family.device_key} if family.device_key is not None else {}
        return {
            "sub": user.sub,
            **device,
            **self._group_claims(user, with_roles=False),
            "client_id": client.client_id,
            "scope": ADMIN_SCOPE,
            "username": user.username,
            **self._common("access", client, family, client.access_token_validity),
        }

    def _common(
        self, use: str, client: LocalClient, family: Family, validity: int
    ) -> dict[str, Any]:
        now = int(self.clock.wall())
        revocable = {"origin_jti": family.origin_jti, "jti": self.draws.uuid()}
        return {
            "iss": self.settings.issuer,
            "event_id": family.event_id,
            "token_use": use,
            "auth_time": family.auth_time,
            "iat": now,
            "exp": now + validity,
            **(revocable if client.token_revocation else {}),
        }

    def _group_claims(self, user: LocalUser, *, with_roles: bool) -> dict[str, Any]:
        """Return the group claims that have something in them, most important group first."""
        groups = sorted((self.groups[name] for name in user.groups), key=_rank)
        roles = [group.role_arn for group in groups if group.role_arn is not None]
        claims: dict[str, Any] = {}
        if groups:
            claims["cognito:groups"] = [group.name for group in groups]
        if with_roles and roles:
            claims["cognito:roles"] = roles
            if preferred := _preferred_role(groups):
                claims["cognito:preferred_role"] = preferred
        return claims

    def verify_id_token(
        self, token: str, client_ids: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Check an ID token as an identity pool does and return its claims.

        Checks signature, issuer, kind, expiry, and the audience if `client_ids` is
        given. Does not ask whether the user has signed out; see `is_active`.

        Raises:
            TokenVerificationError: The leaf that names the check that failed.
        """
        claims = self._open(token)
        if not isinstance(claims.get("aud", ""), str):
            raise TokenMalformed("aud is not a text")
        if claims.get("iss") != self.settings.issuer:
            raise TokenIssuerMismatch(
                claim="iss", expected=self.settings.issuer, actual=claims.get("iss")
            )
        if claims.get("token_use") != "id":
            raise TokenUseMismatch(claim="token_use", expected="id", actual=claims.get("token_use"))
        now = self.clock.wall()
        if now >= claims["exp"]:
            raise TokenExpired(claim="exp", expected=now, actual=claims["exp"])
        if client_ids is not None and claims.get("aud") not in client_ids:
            raise TokenClientMismatch(claim="aud", actual=claims.get("aud"))
        return claims

    def verify_access_token(self, token: str) -> dict[str, Any]:
        """Check an access token as the token-authorised calls do and return its claims.

        Raises:
            PoolError: ``NotAuthorizedException`` with the text for what is wrong.
        """
        try:
            claims = self._open(token)
        except TokenVerificationError:
            raise not_authorized("Invalid Access Token") from None
        if claims.get("iss") != self.settings.issuer or claims.get("token_use") != "access":
            raise not_authorized("Invalid Access Token")
        if self.clock.wall() >= claims["exp"]:
            raise not_authorized("Access Token has expired")
        if self.is_revoked(claims):
            raise not_authorized("Access Token has been revoked")
        if ADMIN_SCOPE not in str(claims.get("scope", "")).split():
            raise not_authorized("Access Token does not have required scopes")
        return claims

    def _open(self, token: str) -> dict[str, Any]:
        """Return the claims of a token with a good signature: minted ones may hold anything."""
        claims = self.keys.open(token)
        if not isinstance(claims.get("sub"), str) or type(claims.get("exp")) not in (int, float):
            raise TokenMalformed("sub or exp is missing or of another type")
        return claims

    def is_revoked(self, claims: Mapping[str, Any]) -> bool:
        """Say whether the sign-in behind some claims was revoked or signed out."""
        family = self.refresh_tokens.of_event(claims.get("event_id"))
        return family is not None and family.revoked


def _rank(group: Group) -> tuple[bool, int]:
    """Sort by precedence, groups without one last."""
    return group.precedence is None, group.precedence or 0


def _preferred_role(groups: list[Group]) -> str | None:
    """Return the role of the one group with the lowest precedence; two such, and none counts."""
    ranked = [group for group in groups if group.precedence is not None]
    if not ranked:
        return None
    best = [group for group in ranked if group.precedence == ranked[0].precedence]
    return best[0].role_arn if len(best) == 1 else None
