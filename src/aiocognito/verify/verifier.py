"""Check tokens of one user pool, with keys fetched when they are needed.

Waiting happens in one place, `TokenVerifier._read_keys`. A token signed with a known
key is checked without waiting: the arithmetic takes some microseconds, less than a
thread would cost. What is checked is in `signature` and `policy`, what is remembered and
how often keys may be fetched in `cache`; this file brings them together.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from copy import copy
from enum import Enum
from functools import partial
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import anyio
from attrs import define, field, frozen
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from aiocognito._clock import SYSTEM_CLOCK, Clock
from aiocognito._partitions import UserPoolId, parse_user_pool_id
from aiocognito._protected import Protected
from aiocognito.errors import InvalidArgument, InvalidType, KeysUnavailable, TokenKeyUnknown
from aiocognito.tokens.claims import Claims
from aiocognito.tokens.model import TokenSet
from aiocognito.transport.base import HttpClient
from aiocognito.transport.http import BoundedHttp
from aiocognito.verify.cache import KeyCache, TokenCache
from aiocognito.verify.compact import excerpt, split_token
from aiocognito.verify.jwk import KeySet, parse_key_set
from aiocognito.verify.policy import TokenUse, check_claims, check_same_sign_in
from aiocognito.verify.signature import key_id, verified_payload

__all__ = ["ANY_CLIENT", "AnyClient", "TokenVerifier", "VerifiedTokens"]

_DEADLINE = 10.0  # seconds for one reading of the keys, whatever the HTTP client allows
_MAX_LEEWAY = 600.0
_PATIENCE = 2.0  # the same where a caller carries the refresh whose result it does not need


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


@define
class _Flight:
    """One reading of the key set, shared by everybody who waits for it."""

    landed: anyio.Event = field(factory=anyio.Event)
    error: KeysUnavailable | None = None
    succeeded: bool = False


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
        self._keys_url = _keys_url(pool, endpoint_url, allow_http=allow_http)
        self._leeway = _seconds(leeway)
        self._clock = clock
        self._http = http
        self._own_http: HttpClient | None = None
        self._allow_http = allow_http
        self._keys = KeyCache()
        self._tokens = TokenCache(cache_size) if _is_wanted(cache_size) else None
        self._flight: _Flight | None = None
        self._last_error: KeysUnavailable | None = None
        self._protected = Protected()

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
        await self._protected.drain(_DEADLINE + 1)
        client, self._own_http = self._own_http, None
        if client is not None:
            await client.aclose()

    async def hydrate(self) -> None:
        """Fetch the keys now, so that the first token need not wait.

        Raises:
            KeysUnavailable: They cannot be read. Checking a token tries again.
        """
        now = self._clock.boot()
        if not self._keys.is_usable(now):
            await self._read_keys_if_allowed(now)
        elif self._keys.is_stale(now):
            await self._refresh_behind(now)

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
        now_boot = self._clock.boot()
        key = self._keys.find(kid, now_boot)
        if key is None:
            key = await self._look_for(kid, now_boot, direct=direct)
        elif self._keys.is_stale(now_boot):
            await self._refresh_behind(now_boot)
        remembered = None if self._tokens is None else self._tokens.get(token)
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
            self._tokens.put(token, claims)
        return claims

    # --- keys -----------------------------------------------------------------

    async def _look_for(self, kid: str, now: float, *, direct: bool) -> RSAPublicKey:
        """Return a key that is not at hand, if the pool has it."""
        usable = self._keys.is_usable(now)
        if usable and self._keys.is_missing(kid, now):
            raise _unknown(kid)
        if usable and not direct and self._last_error is None and self._is_held_off(now):
            raise _unknown(kid)
        await self._read_keys_if_allowed(now)
        now = self._clock.boot()
        key = self._keys.find(kid, now)
        if key is None:
            self._keys.note_missing(kid, now)
            raise _unknown(kid)
        return key

    async def _refresh_behind(self, now: float) -> None:
        """Read the keys again without making anybody wait for the outcome."""
        if self._flight is not None or self._is_held_off(now):
            return
        flight = self._begin(now)
        if not self._protected.start(partial(self._fly, flight, _DEADLINE)):
            await self._fly(flight, _PATIENCE)

    async def _read_keys_if_allowed(self, now: float) -> None:
        if self._is_held_off(now):
            raise _own_copy(self._last_error or KeysUnavailable())
        await self._read_keys()

    def _is_held_off(self, now: float) -> bool:
        return self._flight is None and not self._keys.may_read(now)

    async def _read_keys(self) -> None:
        """Read the key set, or wait for whoever is reading it.

        A cancelled caller fails nobody. On asyncio the reading goes on without it; on
        Trio it ends unfinished, and one of those who waited begins it again.
        """
        while True:
            flight = self._flight
            if flight is None:
                flight = self._begin(self._clock.boot())
                await self._protected.run(partial(self._fly, flight, _DEADLINE))
            else:
                await flight.landed.wait()
            if flight.error is not None:
                raise _own_copy(flight.error)
            if flight.succeeded:
                return

    def _begin(self, now: float) -> _Flight:
        self._keys.begin(now)
        self._flight = _Flight()
        return self._flight

    async def _fly(self, flight: _Flight, deadline: float) -> None:
        """Read the key set once and put the outcome on record.

        Nothing is changed between two waits except here, after the last one.
        """
        try:
            with anyio.fail_after(deadline):
                keys = await self._fetch()
        # An HTTP client that is not ours may raise anything, and those who wait must hear.
        except Exception as error:  # noqa: BLE001
            flight.error = self._last_error = _unavailable(error)
            self._keys.fail()
        else:
            flight.succeeded = True
            self._last_error = None
            self._keys.accept(keys, self._clock.boot())
            if self._tokens is not None:
                self._tokens.clear()  # a key that was withdrawn takes its tokens along
        finally:
            if flight.error is None and not flight.succeeded:
                self._keys.abandon(self._clock.boot())
            self._flight = None
            flight.landed.set()

    async def _fetch(self) -> KeySet:
        reply = await self._http_client().get(self._keys_url)
        if reply.status != 200:
            refused = 400 <= reply.status < 500 and reply.status not in (408, 429)
            raise KeysUnavailable(retry_safe=not refused)
        return parse_key_set(reply.body)

    def _http_client(self) -> HttpClient:
        if self._http is not None:
            return self._http
        if self._own_http is None:
            self._own_http = BoundedHttp(allow_http=self._allow_http)
        return self._own_http


def _unknown(kid: str) -> TokenKeyUnknown:
    return TokenKeyUnknown(claim="kid", actual=excerpt(kid))


def _unavailable(error: Exception) -> KeysUnavailable:
    if isinstance(error, KeysUnavailable):
        return error
    unavailable = KeysUnavailable()
    unavailable.__cause__ = error
    return unavailable


def _own_copy(error: KeysUnavailable) -> KeysUnavailable:
    """Copy a shared error: one object raised in two tasks mixes up their tracebacks."""
    own = copy(error)
    own.__cause__ = error.__cause__
    return own


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
