"""Tokens to order, also such as the pool would never issue: for tests of verifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from aiocognito.testing.clients import LocalClient
from aiocognito.testing.refresh_tokens import Family
from aiocognito.testing.signing import SigningKey, SigningKeys, keys_of
from aiocognito.testing.tokens import TokenDesk
from aiocognito.testing.users import LocalUser

__all__ = ["Signature", "TokenUse", "mint"]

TokenUse = Literal["id", "access"]
Signature = Literal["valid", "broken", "other-key"]

# An outsider's keys, made once: a token with the right kid and the wrong key.
_OUTSIDER = "outsider"


def mint(
    desk: TokenDesk,
    user: LocalUser,
    client: LocalClient,
    *,
    token_use: TokenUse,
    expires_in: float | None,
    signature: Signature,
    claims: Mapping[str, Any],
    header: Mapping[str, Any],
) -> str:
    """Write a token as `LocalUserPool.mint` describes."""
    family = Family(
        origin_jti=desk.draws.uuid(),
        sub=user.sub,
        client_id=client.client_id,
        auth_time=int(desk.clock.wall()),
        event_id=desk.draws.uuid(),
        expires_at=desk.clock.boot(),
    )
    make = desk.id_claims if token_use == "id" else desk.access_claims  # noqa: S105
    payload = make(user, client, family)
    if expires_in is not None:
        payload["exp"] = int(desk.clock.wall() + expires_in)
    named = _key(desk.keys, token_use)
    signer = named if signature != "other-key" else _key(keys_of(_OUTSIDER), token_use)
    token = signer.sign(
        _merged(payload, claims), header=_merged({"kid": named.kid, "alg": "RS256"}, header)
    )
    return _broken(token) if signature == "broken" else token


def _key(keys: SigningKeys, use: TokenUse) -> SigningKey:
    return keys.id if use == "id" else keys.access


def _merged(usual: Mapping[str, Any], wished: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another; None takes a member away."""
    return {name: value for name, value in {**usual, **wished}.items() if value is not None}


def _broken(token: str) -> str:
    """Change one character in the middle of the signature; the text stays well formed."""
    head, _, signature = token.rpartition(".")
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    return f"{head}.{signature[:middle]}{other}{signature[middle + 1 :]}"
