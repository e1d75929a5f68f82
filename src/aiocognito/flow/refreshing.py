"""The calls that renew, revoke and end: pure builders.

GetTokensFromRefreshToken works with and without rotation and is the default.
REFRESH_TOKEN_AUTH remains for pools and servers that lack it, and for the refresh tokens
of administrators' sign-ins, which GetTokensFromRefreshToken is reported to refuse.
"""

from __future__ import annotations

from typing import Any, Literal

from attrs import evolve

from aiocognito._redact import Secret
from aiocognito.flow.app_client import AppClient
from aiocognito.flow.calls import Call
from aiocognito.flow.context import RequestContext, client_metadata_members

__all__ = ["RefreshWith", "global_sign_out_call", "refresh_call", "revoke_call"]

RefreshWith = Literal["auto", "GetTokensFromRefreshToken", "REFRESH_TOKEN_AUTH"]


def refresh_call(
    client: AppClient,
    *,
    refresh_token: Secret,
    username: str | None,
    device_key: str | None,
    refresh_with: RefreshWith,
    repeatable: bool,
    context: RequestContext = RequestContext(),  # noqa: B008  frozen
) -> Call:
    """Build the call that exchanges a refresh token.

    Args:
        client: The app client the token was issued to.
        refresh_token: The newest one.
        username: The user's true name (``cognito:username``), which REFRESH_TOKEN_AUTH
            needs for the secret hash.
        device_key: The device the tokens were issued with, confirmed or not. Without
            it a pool that tracks devices answers "Invalid Refresh Token".
        refresh_with: Which of the two operations; ``auto`` is the first.
        repeatable: Whether a lost answer may be asked for again (no rotation).
        context: GetTokensFromRefreshToken has members for the metadata alone.
    """
    if refresh_with == "REFRESH_TOKEN_AUTH":
        call = _initiate(client, refresh_token, username, device_key, repeatable)
        return evolve(call, parameters={**call.parameters, **context.members()})
    parameters: dict[str, Any] = {
        "ClientId": client.client_id,
        "RefreshToken": refresh_token,
        **client_metadata_members(context.client_metadata),
    }
    if client.client_secret is not None:
        parameters["ClientSecret"] = client.client_secret  # plain here, no hash
    if device_key is not None:
        parameters["DeviceKey"] = device_key
    return Call(operation="GetTokensFromRefreshToken", parameters=parameters, repeatable=repeatable)


def _initiate(
    client: AppClient,
    refresh_token: Secret,
    username: str | None,
    device_key: str | None,
    repeatable: bool,
) -> Call:
    auth: dict[str, Any] = {"REFRESH_TOKEN": refresh_token}
    if username is not None:
        auth |= client.secret_hash(username)
    if device_key is not None:
        auth["DEVICE_KEY"] = device_key
    parameters = {
        "ClientId": client.client_id,
        "AuthFlow": "REFRESH_TOKEN_AUTH",
        "AuthParameters": auth,
    }
    return Call(operation="InitiateAuth", parameters=parameters, repeatable=repeatable)


def revoke_call(client: AppClient, refresh_token: Secret) -> Call:
    """Build the call that revokes a refresh token and all that came from it."""
    parameters: dict[str, Any] = {"ClientId": client.client_id, "Token": refresh_token}
    if client.client_secret is not None:
        parameters["ClientSecret"] = client.client_secret
    return Call(operation="RevokeToken", parameters=parameters, repeatable=True)


def global_sign_out_call(access_token: Secret) -> Call:
    """Build the call that revokes every token of the user, on every device."""
    return Call(
        operation="GlobalSignOut", parameters={"AccessToken": access_token}, repeatable=True
    )
