"""Talking to an identity pool: calls with their repeats, and identity ids kept.

GetId has the tightest quota of all (25 a second for an account), and without a login
every call makes a new identity. So an id is asked for once for each user, by one of
all who want it, and kept: in memory, and where the caller gives a place, there too.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from attrs import frozen

from aiocognito._guest_store import StoredGuest
from aiocognito._protected import Protected
from aiocognito._redact import without_frames
from aiocognito._refresh import Fresh, Renewal, Timing
from aiocognito._retry import pause_before_repeat
from aiocognito.errors import CognitoError, InvalidConfiguration, SessionClosed
from aiocognito.flow.calls import Call, Reply
from aiocognito.flow.identity import (
    Logins,
    identity_id_call,
    read_identity_id,
)
from aiocognito.tokens.freshness import Schedule
from aiocognito.transport.base import Transport

__all__ = ["Answer", "Identities", "KnownIdentity", "Wire"]

T = TypeVar("T")

_LOGGER = logging.getLogger("aiocognito")

_REMEMBERED = 10_000
_CONFIGURATION_REPEATS = 2

_FOR_EVER = float("inf")
_NEVER_DUE = Schedule(
    refresh_at=_FOR_EVER,
    hard_at=_FOR_EVER,
    expires_at=_FOR_EVER,
    expires_wall=None,
    min_ttl=0.0,
)


@frozen(kw_only=True)
class Answer(Generic[T]):
    """What an answer said, and when. Times as `Clock` has them."""

    value: T
    date: datetime | None
    sent_boot: float
    sent_wall: float
    received_wall: float


class Wire:
    """Sends the calls of one identity pool, and repeats what may be repeated."""

    def __init__(
        self,
        identity_pool_id: str,
        transport: Transport,
        timing: Timing,
        sts: Transport | None = None,
    ) -> None:
        self.identity_pool_id = identity_pool_id
        self.transport = transport
        self.sts: Transport = sts or transport
        self.timing = timing
        self.closed = False

    async def ask(self, call: Call, read: Callable[[Reply], T]) -> Answer[T]:
        """Send a call until it is answered or it makes no sense to go on.

        Raises:
            CognitoError: Why the last attempt failed; an answer that cannot be read
                is a failed attempt too.
        """
        clock, attempt = self.timing.clock, 0
        while True:
            if self.closed:
                raise SessionClosed
            boot, wall = clock.boot(), clock.wall()
            try:
                reply = await (self.sts if call.service == "sts" else self.transport).send(call)
                return Answer(
                    value=read(reply),
                    date=reply.date,
                    sent_boot=boot,
                    sent_wall=wall,
                    received_wall=clock.wall(),
                )
            except CognitoError as error:
                attempt += 1
                pause = self._pause(error, call, attempt)
                if pause is None:
                    raise without_frames(error)  # noqa: B904  itself, less its frames
            await self.timing.sleep(pause)

    def _pause(self, error: CognitoError, call: Call, attempt: int) -> float | None:
        jitter = self.timing.jitter()
        # The service says the same about a role that is wrong and about an STS that
        # failed; the second passes.
        if isinstance(error, InvalidConfiguration) and attempt <= _CONFIGURATION_REPEATS:
            return 0.2 + 0.8 * jitter
        return pause_before_repeat(
            error, attempt=attempt, repeat_ambiguous=call.repeatable, jitter=jitter
        )


class KnownIdentity:
    """One user's identity id, asked for once."""

    __slots__ = ("_logins", "_renewal", "_stale", "_store", "_wire")

    def __init__(self, wire: Wire, protected: Protected, store: StoredGuest | None = None) -> None:
        self._wire = wire
        self._store = store
        self._stale: str | None = None
        self._logins: Logins | None = None
        self._renewal: Renewal[str] = Renewal(self._bring, timing=wire.timing, protected=protected)

    @property
    def id(self) -> str | None:
        return self._renewal.held

    async def get(self, logins: Logins, *, at_once: bool = False) -> str:
        """Return the id, asking for it where it is not known.

        Args:
            logins: The user's; any one of those who ask is sent.
            at_once: Ask although it failed a moment ago; these logins are better.
        """
        self._logins = logins
        renewal = self._renewal
        found = await (renewal.renew() if at_once and self.id is None else renewal.get())
        if self._logins is logins:
            self._logins = None  # tokens are not kept beside the id
        return found

    def put(self, identity_id: str) -> None:
        """Take an id that is known already."""
        self._renewal.put(Fresh(identity_id, _NEVER_DUE))

    async def recall(self) -> str | None:
        """Return the id if it is known, here or in the store."""
        if self.id is None and self._store is not None:
            kept = await self._store.load()
            if kept is not None and self.id is None:
                self.put(kept)
        return self.id

    async def learn(self, identity_id: str) -> None:
        """Take the id an answer named: identities are merged now and then."""
        before = self.id
        self.put(identity_id)
        if identity_id != before:
            await self._save(identity_id, before)

    async def drop(self, stale: str) -> None:
        """Forget the id if it still is this one."""
        if self.id == stale:
            self._renewal.forget()
            self._stale = stale
            if self._store is not None:
                try:
                    await self._store.remove()
                except Exception:
                    _LOGGER.exception("The identity's id could not be removed from its store.")

    async def _bring(self) -> Fresh[str]:
        assert self._logins is not None
        call = identity_id_call(self._wire.identity_pool_id, self._logins)
        found = (await self._wire.ask(call, read_identity_id)).value
        return Fresh(await self._save(found, self._stale), _NEVER_DUE)

    async def _save(self, identity_id: str, before: str | None) -> str:
        """Keep the id where there is a place; the identity is good without that."""
        if self._store is not None:
            try:
                return await self._store.save(identity_id, replaces=before)
            except Exception:
                _LOGGER.exception("The identity's id could not be kept.")
        return identity_id


class Identities:
    """Identity ids by user, never by token; the least recently used go first.

    Args:
        wire: Where ids are asked for.
        protected: Where flights run.
        limit: How many users are remembered.
        first: The id of whoever comes first, in a memory of one.
        store: Where that one is kept beside.
    """

    def __init__(
        self,
        wire: Wire,
        protected: Protected,
        *,
        limit: int = _REMEMBERED,
        first: str | None = None,
        store: StoredGuest | None = None,
    ) -> None:
        self._wire = wire
        self._protected = protected
        self._first = first
        self._store = store
        self._limit = limit
        self._known: OrderedDict[tuple[tuple[str, str], ...], KnownIdentity] = OrderedDict()

    def of(self, logins: Logins) -> KnownIdentity:
        known = self._known.get(logins.user)
        if known is None:
            known = self._known[logins.user] = self._new()
            if len(self._known) > self._limit:
                self._known.popitem(last=False)
        self._known.move_to_end(logins.user)
        return known

    def _new(self) -> KnownIdentity:
        # Both are of one user: another login must not find this one's identity.
        first, store = self._first, self._store
        self._first = self._store = None
        known = KnownIdentity(self._wire, self._protected, store)
        if first is not None:
            known.put(first)
        return known
