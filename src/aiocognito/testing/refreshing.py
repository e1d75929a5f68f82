"""Fresh tokens for a refresh token, and the end of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from aiocognito.errors import TokenVerificationError
from aiocognito.testing.clients import LocalClient
from aiocognito.testing.refresh_tokens import Family
from aiocognito.testing.service_errors import (
    PoolError,
    invalid_parameter,
    not_authorized,
    secret_mismatch_on_refresh,
    user_disabled,
    user_not_found,
)
from aiocognito.testing.state import Answer, PoolState, needed, signed_in
from aiocognito.testing.users import LocalUser

__all__ = ["Refreshing"]


@frozen
class Refreshing:
    """Answers REFRESH_TOKEN_AUTH, GetTokensFromRefreshToken and RevokeToken."""

    state: PoolState

    def by_flow(self, client: LocalClient, parameters: Mapping[str, str]) -> Answer:
        """Answer REFRESH_TOKEN_AUTH: never a refresh token back.

        The secret hash is made with the true user name, which only the token tells;
        an alias fails. So the token is looked at first.
        """
        if not client.allows("REFRESH_TOKEN_AUTH"):
            raise invalid_parameter("REFRESH_TOKEN_AUTH flow not enabled for this client")
        (token,) = needed(parameters, "REFRESH_TOKEN")
        family = self._redeem(token, client, parameters.get("DEVICE_KEY"))
        user = self._user_of(family, client)
        client.check_hash(
            user.username,
            parameters.get("SECRET_HASH"),
            mismatch=secret_mismatch_on_refresh(client.client_id),
        )
        return signed_in(self.state.tokens.again(user, client, family))

    def by_operation(self, request: Mapping[str, Any]) -> Answer:
        """Answer GetTokensFromRefreshToken; a rotating client gets a new refresh token."""
        client = self.state.client(request["ClientId"])
        client.check_secret(request.get("ClientSecret"))
        token = request["RefreshToken"]
        family = self._redeem(token, client, request.get("DeviceKey"))
        user = self._user_of(family, client)
        result = self.state.tokens.again(user, client, family)
        if client.rotation:
            result["RefreshToken"] = self.state.tokens.refresh_tokens.rotate(
                token, now=self.state.clock.boot()
            )
        return {"AuthenticationResult": result}

    def revoke(self, request: Mapping[str, Any]) -> Answer:
        """Answer RevokeToken: end one family. An unknown token is no error (RFC 7009 §2.2)."""
        client = self._revoking_client(request)
        if not client.token_revocation:
            raise PoolError(
                "UnsupportedOperationException",
                "Token revocation is not enabled.",  # ours
            )
        token = request["Token"]
        if self._is_one_of_ours(token):
            raise PoolError(
                "UnsupportedTokenTypeException",
                "Only refresh tokens can be revoked.",  # ours
            )
        family = self.state.tokens.refresh_tokens.family_of(token)
        if family is None:
            return {}
        if family.client_id != client.client_id:
            raise _unauthorized("Invalid token for the client.")  # ours
        family.revoked = True
        return {}

    def _redeem(self, token: str, client: LocalClient, device_key: str | None) -> Family:
        return self.state.tokens.refresh_tokens.redeem(
            token, client, device_key=device_key, now=self.state.clock.boot()
        )

    def _user_of(self, family: Family, client: LocalClient) -> LocalUser:
        user = self.state.users.of_sub(family.sub)
        if user is None:
            if client.prevent_user_existence_errors:
                raise not_authorized("Invalid Refresh Token")
            raise user_not_found()
        if not user.enabled:
            raise user_disabled()
        return user

    def _revoking_client(self, request: Mapping[str, Any]) -> LocalClient:
        """Find and authenticate the client; the model knows only Unauthorized here."""
        try:
            client = self.state.client(request["ClientId"])
            client.check_secret(request.get("ClientSecret"))
        except PoolError as error:
            raise _unauthorized(error.message) from None
        return client

    def _is_one_of_ours(self, token: str) -> bool:
        try:
            self.state.tokens.keys.open(token)
        except TokenVerificationError:
            return False
        return True


def _unauthorized(message: str) -> PoolError:
    return PoolError("UnauthorizedException", message)
