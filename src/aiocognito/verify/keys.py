"""The keys of one pool, fetched when they are needed.

All waiting of a verifier happens here. A key that is at hand costs a look into a dict;
for one that is not, everybody waits for the same reading of the key set. What is
remembered for how long, and how often the set may be read, is decided in `cache`.
"""

from __future__ import annotations

from copy import copy
from functools import partial

import anyio
from anyio.lowlevel import current_token
from attrs import define, field
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from aiocognito._clock import Clock
from aiocognito._protected import Protected
from aiocognito.errors import KeysUnavailable, TokenKeyUnknown
from aiocognito.transport.base import HttpClient
from aiocognito.transport.http import BoundedHttp
from aiocognito.verify.cache import KeyCache
from aiocognito.verify.compact import excerpt
from aiocognito.verify.jwk import KeySet, parse_key_set

__all__ = ["PoolKeys"]

_DEADLINE = 10.0  # seconds for one reading of the keys, whatever the HTTP client allows
_PATIENCE = 2.0  # the same where a caller carries the refresh whose result it does not need


@define
class _Flight:
    """One reading of the key set, shared by everybody who waits for it."""

    landed: anyio.Event = field(factory=anyio.Event)
    loop: object = field(factory=current_token)
    error: KeysUnavailable | None = None
    succeeded: bool = False


class PoolKeys:
    """The public keys of one pool.

    Args:
        url: Where the key set is.
        http: Fetches it; stays open. None makes one at first use and closes it.
        allow_http: For a client made here.
        clock: Only its boot clock is read: keys do not age when the wall clock jumps.
    """

    def __init__(
        self, url: str, *, http: HttpClient | None, allow_http: bool, clock: Clock
    ) -> None:
        self._url = url
        self._clock = clock
        self._http = http
        self._allow_http = allow_http
        self._cache = KeyCache()
        self._flight: _Flight | None = None
        self._last_error: KeysUnavailable | None = None
        self._protected = Protected()

    def at_hand(self, kid: str) -> RSAPublicKey | None:
        """Return a key that is known and fresh: the way of nearly every token."""
        now = self._clock.boot()
        return None if self._cache.is_stale(now) else self._cache.find(kid, now)

    async def get(self, kid: str, *, direct: bool) -> RSAPublicKey:
        """Return a key, which may mean to fetch it. A known one is never waited for.

        Args:
            kid: The key's id.
            direct: Whether the token comes from the service itself. An unknown id that
                may not be looked up at the moment then proves nothing.

        Raises:
            TokenKeyUnknown: The pool has no such key.
            KeysUnavailable: That cannot be found out now.
        """
        now = self._clock.boot()
        key = self._cache.find(kid, now)
        if key is None:
            return await self._look_for(kid, now, direct=direct)
        await self._refresh_behind(now)
        return key

    async def hydrate(self) -> None:
        """Fetch the keys if there are none. Raises `KeysUnavailable`."""
        now = self._clock.boot()
        if not self._cache.is_usable(now):
            await self._read_keys_if_allowed(now)
        else:
            await self._refresh_behind(now)

    async def aclose(self) -> None:
        """Wait for a reading under way. Idempotent."""
        await self._protected.drain(_DEADLINE + 1)

    async def _look_for(self, kid: str, now: float, *, direct: bool) -> RSAPublicKey:
        """Return a key that is not at hand, if the pool has it."""
        usable = self._cache.is_usable(now)
        if usable and self._cache.is_missing(kid, now):
            raise _unknown(kid)
        if usable and not direct and self._last_error is None and self._is_held_off(now):
            raise _unknown(kid)
        await self._read_keys_if_allowed(now)
        now = self._clock.boot()
        key = self._cache.find(kid, now)
        if key is None:
            self._cache.note_missing(kid, now)
            raise _unknown(kid)
        return key

    async def _refresh_behind(self, now: float) -> None:
        """Read stale keys again without making anybody wait for the outcome."""
        if not self._cache.is_stale(now) or self._under_way() or self._is_held_off(now):
            return
        flight = self._begin(now)
        if not self._protected.start(partial(self._fly, flight, _DEADLINE)):
            await self._fly(flight, _PATIENCE)

    async def _read_keys_if_allowed(self, now: float) -> None:
        if self._is_held_off(now):
            raise _own_copy(self._last_error or KeysUnavailable())
        await self._read_keys()

    def _is_held_off(self, now: float) -> bool:
        return self._under_way() is None and not self._cache.may_read(now)

    def _under_way(self) -> _Flight | None:
        """Return the reading to wait for, unless it died with its event loop.

        `asyncio.run` ends tasks that have not even begun, and a verifier may outlive it.
        """
        if self._flight is not None and self._flight.loop != current_token():
            self._flight = None
        return self._flight

    async def _read_keys(self) -> None:
        """Read the key set, or wait for whoever is reading it.

        A cancelled caller fails nobody. On asyncio the reading goes on without it; on
        Trio it ends unfinished, and one of those who waited begins it again.
        """
        while True:
            flight = self._under_way()
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
        self._cache.begin(now)
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
            self._cache.fail()
        else:
            flight.succeeded = True
            self._last_error = None
            self._cache.accept(keys, self._clock.boot())
        finally:
            if flight.error is None and not flight.succeeded:
                self._cache.abandon(self._clock.boot())
            self._flight = None
            flight.landed.set()

    async def _fetch(self) -> KeySet:
        if self._http is not None:
            return await self._read(self._http)
        # Keys are read once an hour: no connection is worth keeping for that, and a
        # verifier that nobody closes leaves none open.
        client = BoundedHttp(allow_http=self._allow_http)
        try:
            return await self._read(client)
        finally:
            with anyio.CancelScope(shield=True):
                await client.aclose()

    async def _read(self, client: HttpClient) -> KeySet:
        reply = await client.get(self._url)
        if reply.status != 200:
            refused = 400 <= reply.status < 500 and reply.status not in (408, 429)
            raise KeysUnavailable(retry_safe=not refused)
        return parse_key_set(reply.body)


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
