"""Check tokens of one user pool.

This file brings together what is checked (`compact`, `signature`, `policy`) and where the
keys come from (`keys`). A token signed with a known key is checked without waiting: the
arithmetic takes some microseconds, less than a thread would cost.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from enum import Enum
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from attrs import frozen

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._partitions import UserPoolId, parse_user_pool_id
from aiocognito.errors import InvalidArgument, InvalidType
from aiocognito.tokens.claims import Claims
from aiocognito.tokens.model import TokenSet
from aiocognito.transport.base import HttpClient
from aiocognito.verify.cache import TokenCache
from aiocognito.verify.compact import split_token
from aiocognito.verify.keys import PoolKeys
from aiocognito.verify.policy import TokenUse, check_claims, check_same_sign_in
from aiocognito.verify.signature import key_id, verified_payload

__all__ = ["ANY_CLIENT", "AnyClient", "TokenVerifier", "VerifiedTokens"]

_MAX_LEEWAY = 600.0


class AnyClient(Enum):
    """The type of `ANY_CLIENT`."""

    ANY_CLIENT = "any client"


ANY_CLIENT: Final = AnyClient.ANY_CLIENT
"""For ``client_id``: accept tokens of every app client of the pool."""


@frozen(kw_only=True)
class VerifiedTokens:
    """The claims of the tokens of one sign-in or refresh."""

    access: Claims
    id: Claims | None


class TokenVerifier:
    """Checks access and ID tokens of one user pool, locally.

    It does not know of revocations: a token that was revoked passes until it expires.

    Keys come from the pool's own address, never from one in a token. They are read at
    first use or in `hydrate`, again every hour behind the callers' backs (on Trio by one
    of them, for at most two seconds), and at most every 30 seconds when a token names a
    key that is not there. If they cannot be read the old ones serve for up to 24 hours.

    Opens no connection before it is needed. Use it as an async context manager or call
    `aclose`; one that was given its `http` may also just be dropped. It belongs to one
    event loop.

    Args:
        user_pool_id: Such as ``eu-west-1_Ab12Cd34E``.
        client_id: The app client or clients whose tokens are accepted, or `ANY_CLIENT`.
        http: Fetches the keys; stays open. By default one is made and closed here.
        endpoint_url: Where a local server is. The issuer expected in tokens stays AWS's.
        allow_http: Accept plain http at other than loopback addresses. Whoever can touch
            that connection can make tokens.
        leeway: Seconds by which clocks may differ, for ``exp`` and ``nbf``; 0 to 600.
        clock: Where the time is read.
        cache_size: How many checked tokens to remember, as digests and claims; a
            remembered one costs no signature check. 0 remembers none.

    Raises:
        InvalidArgument: A value is impossible.
        InvalidType: A value has the wrong type; ``client_id=None`` is one.
    """

    def __init__(
        self,
        user_pool_id: str,
        client_id: str | Collection[str] | AnyClient,
        *,
        http: HttpClient | None = None,
        endpoint_url: str | None = None,
        allow_http: bool = False,
        leeway: float = 60.0,
        clock: Clock = SYSTEM_CLOCK,
        cache_size: int = 0,
    ) -> None:
        pool = parse_user_pool_id(user_pool_id)
        self._issuers = pool.issuers
        self._client_ids = _client_ids(client_id)
        self._leeway = _seconds(leeway)
        self._clock = clock
        self._keys = PoolKeys(
            _keys_url(pool, endpoint_url, allow_http=allow_http),
            http=http,
            allow_http=allow_http,
            clock=clock,
        )
        self._tokens = TokenCache(cache_size) if _is_wanted(cache_size) else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Wait for a reading under way, then close the connections made here.

        Idempotent. Keys stay; a later check opens connections again if it needs some.
        """
        await self._keys.aclose()

    async def hydrate(self) -> None:
        """Fetch the keys now, so that the first token need not wait.

        Raises:
            KeysUnavailable: They cannot be read. Checking a token tries again.
        """
        await self._keys.hydrate()

    async def verify_access_token(
        self,
        token: str,
        *,
        scope: str | Collection[str] | None = None,
        groups: str | Collection[str] | None = None,
        username: str | None = None,
        sub: str | None = None,
    ) -> Claims:
        """Check an access token and return its claims.

        Args:
            token: A compact JWT, without ``Bearer``.
            scope: Scopes that must all be granted; a text may name several.
            groups: Groups of which the user must be in at least one.
            username: The user's true name in the pool, if only one will do.
            sub: The user's permanent id, if only one will do.

        Raises:
            TokenVerificationError: The leaf that says what is wrong.
            KeysUnavailable: The pool's keys cannot be read now; nothing is proven.
        """
        return await self._verify(token, "access", username, sub, scope, groups)

    async def verify_id_token(
        self,
        token: str,
        *,
        groups: str | Collection[str] | None = None,
        username: str | None = None,
        sub: str | None = None,
    ) -> Claims:
        """Check an ID token and return its claims. As `verify_access_token`.

        An ID token tells an app who signed in; it is not meant to open an API.
        """
        return await self._verify(token, "id", username, sub, None, groups)

    async def verify_tokens(
        self,
        tokens: TokenSet,
        *,
        username: str | None = None,
        sub: str | None = None,
        now: float | None = None,
    ) -> VerifiedTokens:
        """Check what the service answered to a sign-in or a refresh.

        Both tokens must be good, of the same client, user and sign-in. A key id that is
        unknown and cannot be looked up at the moment proves nothing about tokens that
        come from the service, so here it is `KeysUnavailable`.

        Args:
            tokens: As received.
            username: The user's true name in the pool, if it is known already.
            sub: The user's permanent id, if it is known already.
            now: Seconds since the epoch by which to judge ``exp`` and ``nbf``, such as the
                answer's own ``Date``, for hosts whose clock is wrong. Default: the clock.

        Raises:
            TokenVerificationError: Proven wrong.
            KeysUnavailable: Not proven right or wrong; try again later.
        """
        access = await self._verify(
            tokens.access_token.reveal(), "access", username, sub, now=now, direct=True
        )
        if tokens.id_token is None:
            return VerifiedTokens(access=access, id=None)
        identity = await self._verify(
            tokens.id_token.reveal(), "id", username, sub, now=now, direct=True
        )
        check_same_sign_in(access, identity)
        return VerifiedTokens(access=access, id=identity)

    async def _verify(
        self,
        token: str,
        token_use: TokenUse,
        username: str | None,
        sub: str | None,
        scope: str | Collection[str] | None = None,
        groups: str | Collection[str] | None = None,
        *,
        now: float | None = None,
        direct: bool = False,
    ) -> Claims:
        parts = split_token(token)
        kid = key_id(parts.header)
        key = self._keys.at_hand(kid) or await self._keys.get(kid, direct=direct)
        remembered = None if self._tokens is None else self._tokens.get(token, key)
        claims = Claims(verified_payload(parts, key)) if remembered is None else remembered
        check_claims(
            claims,
            issuers=self._issuers,
            token_use=token_use,
            client_ids=self._client_ids,
            now=self._clock.wall() if now is None else now,
            leeway=self._leeway,
            username=username,
            sub=sub,
            scope=scope,
            groups=groups,
        )
        if self._tokens is not None and remembered is None:
            self._tokens.put(token, key, claims)
        return claims


def _client_ids(client_id: str | Collection[str] | AnyClient) -> frozenset[str] | None:
    if client_id is ANY_CLIENT:
        return None
    ids = (client_id,) if isinstance(client_id, str) else client_id
    # None is refused: it is what a missing environment variable looks like.
    expected = "a str, a collection of str or ANY_CLIENT"
    if not isinstance(ids, Collection):
        raise InvalidType("client_id", expected, client_id)
    for one in ids:  # bytes end here too: a collection of numbers
        if not isinstance(one, str):
            raise InvalidType("client_id", expected, one)
    if not ids or "" in ids:
        raise InvalidArgument("client_id", "one app client id or several, none of them empty")
    return frozenset(ids)


def _seconds(leeway: float) -> float:
    if isinstance(leeway, bool) or not isinstance(leeway, (int, float)):
        raise InvalidType("leeway", "a number of seconds", leeway)
    if not 0 <= leeway <= _MAX_LEEWAY:  # NaN is not
        raise InvalidArgument("leeway", f"from 0 to {_MAX_LEEWAY:.0f} seconds")
    return leeway


def _is_wanted(cache_size: int) -> bool:
    if isinstance(cache_size, bool) or not isinstance(cache_size, int):
        raise InvalidType("cache_size", "an int", cache_size)
    if cache_size < 0:
        raise InvalidArgument("cache_size", "0 or more")
    return cache_size > 0


def _keys_url(pool: UserPoolId, endpoint_url: str | None, *, allow_http: bool) -> str:
    """Return where the key set is (below the issuer, or a local server's address)."""
    base = f"https://{pool.host}" if endpoint_url is None else endpoint_url
    if not isinstance(base, str):
        raise InvalidType("endpoint_url", "a str", base)
    try:
        url = urlsplit(base)
        host = url.hostname or ""
        fits = url.scheme in ("https", "http") and bool(host) and url.port != 0
    except ValueError:
        raise InvalidArgument("endpoint_url", "an https URL") from None
    if not fits or url.query or url.fragment or url.username is not None:
        raise InvalidArgument("endpoint_url", "an https URL without query and user name")
    if url.scheme == "http" and not allow_http and not _is_loopback(host):
        raise InvalidArgument("endpoint_url", "https, unless it is loopback or allow_http is set")
    return f"{base.rstrip('/')}/{pool.text}/.well-known/jwks.json"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
