"""A session's entry in a store: the driver of `_turn`.

Order of things, within one process: a new refresh token is in memory before anything
else can happen, then it is written durably, then those who wait get their tokens. If it
cannot be written the session goes on from memory, says so (`PersistFailed`), and tries
again: in the background where the event loop allows it, otherwise with the next refresh,
and in any case when the pool is closed.

Nothing between the call that rotates a token and the end of its commit can be cancelled
from outside; each step has a deadline of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

import anyio
from attrs import evolve

from aiocognito._effects import (
    Adopt,
    Again,
    Answer,
    Down,
    Effect,
    Failed,
    Found,
    Load,
    Lost,
    Memory,
    Minted,
    NotSaved,
    Outcome,
    Present,
    Refused,
    Rules,
    Saved,
    SignIn,
    Wait,
)
from aiocognito._issued import Issued, LiveTokens
from aiocognito._place import Place, Storing
from aiocognito._protected import Protected
from aiocognito._redact import Secret
from aiocognito._refresh import Fresh, Timing
from aiocognito._retry import is_ambiguous, session_end
from aiocognito._stored import as_issued, stored_tokens
from aiocognito._turn import Steps, save, spent_here, turn
from aiocognito.errors import (
    CognitoError,
    RefreshFailed,
    RemoteProtocolError,
    StoreError,
    StoreUnavailable,
    TokenExpired,
    TokenVerificationError,
)
from aiocognito.events import Event, PersistFailed
from aiocognito.stores.base import Entry, SharedTokenStore, StoreKey
from aiocognito.tokens.freshness import Freshness, backoff_delay, freshness
from aiocognito.tokens.saved import SavedState
from aiocognito.tokens.stored import StoredTokens

__all__ = ["Holder", "Persistence"]

_FOLLOW_SECONDS = 20.0  # how long somebody without a token waits for another worker
_AGAIN = 5  # turns in a row without getting anywhere
_CLOCK_WENT_BACK = 5.0  # seconds; tokens from the future are looked at again at once


class Holder(Protocol):
    """The keeper of a session's tokens, as its entry sees it."""

    username: str
    refresh_token: Secret | None

    async def present(self, token: Secret, *, alone: bool) -> Issued:
        """Refresh with this token and put what comes in place."""
        ...

    async def sign_in(self, ask: SignIn) -> Issued:
        """Give the refresh token up unless it lives, sign in, put what comes in place."""
        ...

    @property
    def ends_soon(self) -> bool:
        """Whether the refresh token reaches its own end soon, and a password mends that."""
        ...

    async def admit(self, issued: Issued) -> Fresh[LiveTokens]:
        """Verify what came, and publish it."""
        ...

    def take_over(self, state: SavedState) -> None:
        """Take the lasting part of a stored session."""
        ...

    def is_of_this_user(self, state: SavedState) -> bool:
        """Whether stored state may be this session's."""
        ...

    def state_of(self, issued: Issued) -> SavedState:
        """Return the lasting part as it is with these tokens."""
        ...

    @property
    def live(self) -> Fresh[LiveTokens] | None:
        """What is handed out now, expired or not."""
        ...


class Persistence(Place):
    """Keeps one session's tokens in step with a store."""

    def __init__(
        self,
        storing: Storing,
        holder: Holder,
        *,
        key: StoreKey,
        timing: Timing,
        protected: Protected,
        observe: Callable[[Event], None],
    ) -> None:
        rules = Rules(
            key=key,
            clock=timing.clock,
            shared=storing.shared,
            marks=isinstance(storing.store, SharedTokenStore),
            lease=storing.lease,
        )
        super().__init__(storing, rules)
        self._holder = holder
        self._timing = timing
        self._protected = protected
        self._observe = observe
        self._memory = Memory()
        self._issued: Issued | None = None
        self._before: Entry | None = None
        self._saving = self._retries = self._looked = self._forgotten = False
        self._failures = 0

    # --- what a session asks for ---

    async def bring(self) -> Fresh[LiveTokens]:
        """Return newer tokens than those at hand, from the store or from the service.

        Raises:
            StoreUnavailable: The store is needed and does not answer.
            CognitoError: As a refresh or a sign-in does.
        """
        patience = self._timing.clock.boot() + _FOLLOW_SECONDS
        again = 0
        await self._check_store()
        while True:
            outcome = await self._take_turn()
            match outcome:
                case Saved() | NotSaved() if self._issued is not None:
                    return await self._admit_own(self._issued)
                case NotSaved(error=error):
                    raise error  # others wait for what we have; nothing newer before that
                case Adopt(entry=entry):
                    fresh = await self._adopt(entry)
                    if fresh is not None and self._is_fresh(fresh):
                        return fresh
                case Wait():
                    await self._wait_for_others(patience)
                    if (live := self._served()) is not None:
                        return live
                    continue
                case Saved() | Again():
                    pass
                case Down(error=error) | Failed(error=error):
                    raise error
            again += 1
            if again > _AGAIN:
                raise RefreshFailed(self._storing.poll)

    async def keep(self, issued: Issued) -> None:
        """Write what an explicit sign-in brought over what is there; never raises.

        Cancelling leaves the tokens in memory, to be written later.
        """
        unwritten = StoreUnavailable("Not written yet.")
        self._memory.unsaved = NotSaved(self._minted(issued), None, None, unwritten)
        self._storing.unsaved.add(self)
        await self.flush()

    async def look(self) -> None:
        """Take what the store holds without using it: for signing out."""
        try:
            found = await self._load()
        except StoreError:
            return
        known = self._memory.known
        if found is None or found.token is None or self._memory.unsaved is not None:
            return
        if known is None or known.generation != found.entry.generation:
            self._take(found.entry)

    async def forget(self) -> None:
        """Delete the entry, whatever it holds; never raises, and is not cancelled."""
        self._forgotten = True
        self._note_saved(None)
        self._memory = Memory()
        with anyio.CancelScope(shield=True), suppress(StoreError):
            await self._delete()

    async def flush(self) -> None:
        """Write what is not written yet, once; never raises."""
        if self._memory.unsaved is None or self._saving:
            return
        self._saving = True
        try:
            await self._run(_save_over(self._memory, self._rules))
        finally:
            self._saving = False

    def begin_anew(self) -> None:
        """After a fork: what is in memory is another process's as well. Ask the store."""
        self._become_another()
        self._saving = self._retries = False
        self._note_saved(None)
        self._memory = Memory()

    # --- a turn ---

    async def _take_turn(self) -> Outcome:
        self._memory.token = self._holder.refresh_token
        self._memory.ends_soon = self._holder.ends_soon
        return await self._run(turn(self._memory, self._rules))

    async def _run(self, steps: Steps) -> Outcome:
        """Do what the protocol asks for, until it says how it ended."""
        outcome: Outcome | None = None
        try:
            effect = next(steps)
            while True:
                try:
                    result = await self._do(effect)
                except StoreError as error:
                    effect = steps.throw(error)
                else:
                    effect = steps.send(result)
        except StopIteration as done:
            outcome = done.value
        finally:
            await self._let_go()
        assert outcome is not None
        self._note(outcome)
        if self._forgotten:
            await self.forget()  # what was on its way may have come after the first time
        return outcome

    async def _do(self, effect: Effect) -> Any:
        match effect:
            case Present(token=token):
                answer = await self._answer(
                    lambda: self._holder.present(token, alone=self._rules.shared)
                )
                if isinstance(answer, Minted) and self._holder.refresh_token != token:
                    self._storing.note_rotation()
                return answer
            case SignIn():
                return await self._answer(lambda: self._holder.sign_in(effect))
            case Load():
                with anyio.CancelScope(shield=True):
                    return await self._load()
            case _:
                with anyio.CancelScope(shield=True):
                    return await self._do_with_store(effect)

    async def _answer(self, ask: Callable[[], Awaitable[Issued]]) -> Answer:
        try:
            issued = await ask()
        except CognitoError as error:
            if session_end(error) is not None:
                return Refused(error)
            return Lost(error) if is_ambiguous(error) else Failed(error)
        except Exception as error:  # noqa: BLE001  a password source's or responder's own
            failed = RefreshFailed(0.0)
            failed.__cause__ = error
            return Failed(failed)
        if self._holder.refresh_token is None:
            return Failed(RemoteProtocolError("The server issued no refresh token."))
        self._issued = issued
        return self._minted(issued)

    async def _load(self) -> Found | None:
        entry = await self._load_entry()
        if entry is None:
            return None
        alt = None if entry.alt is None else self._token_in(entry.alt)
        return Found(entry, self._token_in(entry.value), alt)

    # --- values ---

    def _minted(self, issued: Issued) -> Minted:
        stored = stored_tokens(self._holder.state_of(issued), issued)
        at = stored.issued_at if stored.lifetime else max(0.0, issued.sent_wall)
        return Minted(value=stored.to_bytes(), minted_at=at)

    def _token_in(self, value: bytes) -> Secret | None:
        stored = self._read(value)
        return None if stored is None else stored.state.refresh_token

    def _read(self, value: bytes) -> StoredTokens | None:
        stored = StoredTokens.from_bytes(value)
        if stored is None or not self._holder.is_of_this_user(stored.state):
            return None
        return stored

    # --- adopting ---

    def _take(self, entry: Entry) -> StoredTokens | None:
        self._memory.known = entry
        self._memory.lost = self._memory.doubt = None
        stored = self._read(entry.value)
        if stored is not None:
            self._holder.take_over(stored.state)
        return stored

    async def _adopt(self, entry: Entry) -> Fresh[LiveTokens] | None:
        """Take an entry; return its tokens if they still live and are what they must be."""
        before = self._memory.known
        stored = self._take(entry)
        if stored is None:
            return None
        issued = self._as_issued(stored)
        if issued is None:
            return None
        try:
            fresh = await self._holder.admit(issued)
        except (TokenExpired, TokenVerificationError, RemoteProtocolError):
            return None  # the alert is out; the refresh token speaks for itself
        except BaseException:
            # Cancelled, or without the keys. The next look begins here again.
            self._memory.known = before
            raise
        if self._timing.clock.wall() < issued.sent_wall - _CLOCK_WENT_BACK:
            # Nobody knows how old they are. They serve, and are replaced at once.
            now = self._timing.clock.boot()
            fresh = Fresh(fresh.value, evolve(fresh.schedule, refresh_at=now))
        return fresh

    def _as_issued(self, stored: StoredTokens) -> Issued | None:
        access, clock = stored.state.access_token, self._timing.clock
        if access is None or stored.lifetime <= 0 or self._is_refused(access):
            return None
        # Of another machine's clock we know nothing; of our own what was once measured.
        skew = 0.0 if self._rules.shared else stored.skew
        began = stored.issued_at - skew
        age = clock.wall() - began
        if age >= stored.lifetime:
            return None
        boot = clock.boot() - max(0.0, age)
        return as_issued(stored, access, boot=boot, wall=began)

    def _is_refused(self, access: Secret) -> bool:
        """Whether somebody said that this very token is no good (`Session.invalidate`)."""
        live = self._holder.live
        if live is None or live.value.access_token != access.reveal():
            return False
        return live.schedule.expires_at == float("-inf")

    def _is_fresh(self, fresh: Fresh[LiveTokens]) -> bool:
        clock = self._timing.clock
        state = freshness(fresh.schedule, boot=clock.boot(), wall=clock.wall())
        return state is Freshness.FRESH

    # --- following ---

    async def _wait_for_others(self, patience: float) -> None:
        if self._served() is not None:
            return
        if self._timing.clock.boot() >= patience:
            raise RefreshFailed(self._storing.poll)
        await self._timing.sleep(0.2 + 0.8 * self._timing.jitter())

    def _served(self) -> Fresh[LiveTokens] | None:
        """Return what may still be handed out, to be looked at again soon."""
        live, clock = self._holder.live, self._timing.clock
        if live is None:
            return None
        boot = clock.boot()
        if freshness(live.schedule, boot=boot, wall=clock.wall()) in (
            Freshness.EXPIRED,
            Freshness.CRITICAL,
        ):
            return None
        later = boot + self._storing.poll * self._timing.jitter()
        return Fresh(live.value, evolve(live.schedule, refresh_at=later))

    # --- after it ---

    async def _admit_own(self, issued: Issued) -> Fresh[LiveTokens]:
        self._issued = None  # from here on the keeper knows whether it is verified
        try:
            return await self._holder.admit(issued)
        except TokenExpired:
            raise
        except (TokenVerificationError, RemoteProtocolError):
            await self.undo()
            raise

    async def undo(self) -> None:
        """What was written last was proven wrong: put back what was there; never raises."""
        wrong, before = self._memory.known, self._before
        self._note_saved(before)
        self._before = None
        if wrong is None or wrong is before:
            return
        with anyio.CancelScope(shield=True), suppress(StoreError):
            if before is None:
                await self._delete(expected=wrong.generation)
                return
            old = wrong.followed_by(
                before.value, minted_at=before.minted_at, parent=before.parent, alt=before.alt
            )
            done = await self._commit(old, expected=wrong.generation)
            self._note_saved(done if isinstance(done, Entry) else done.current)

    def _note(self, outcome: Outcome) -> None:
        match outcome:
            case Saved(entry=entry):
                self._before = self._memory.known
                self._note_saved(entry)
            case NotSaved():
                self._note_unsaved(outcome)
            case Adopt():
                self._note_saved(self._memory.known)  # the next look finds what is newer
            case _:
                return

    def _note_saved(self, entry: Entry | None) -> None:
        self._memory.known, self._memory.unsaved, self._memory.spent = entry, None, ()
        self._failures = 0
        self._storing.unsaved.discard(self)
        if entry is not None:
            self._storing.complained = False

    def _note_unsaved(self, outcome: NotSaved) -> None:
        self._memory.unsaved = outcome
        self._storing.unsaved.add(self)
        self._storing.note_failure(outcome.error)
        self._failures += 1
        goes_on = not self._storing.closing and (
            self._retries or self._protected.start(self._save_later)
        )
        pause = self._pause() if goes_on else None
        self._observe(
            PersistFailed(username=self._holder.username, error=outcome.error, retry_after=pause)
        )

    async def _save_later(self) -> None:
        self._retries = True
        try:
            with self._protected.breakable():
                while self._memory.unsaved is not None:
                    await self._timing.sleep(self._pause())
                    await self.flush()
        finally:
            self._retries = False

    def _pause(self) -> float:
        return backoff_delay(failures=self._failures, remaining=240.0, jitter=0.5)

    async def _check_store(self) -> None:
        """Raise once and early what no patience will mend, such as the wrong key."""
        if self._looked:
            return
        try:
            await self._load()
        except StoreUnavailable:
            return  # the turn knows what to do
        self._looked = True


def _save_over(memory: Memory, rules: Rules) -> Steps:
    """Save what is not saved yet; a sign-in takes the place of whatever is there."""
    unsaved = memory.unsaved
    assert unsaved is not None
    base = unsaved.base
    if unsaved.parent is None and base is None:
        try:
            found: Found | None = yield Load()
        except StoreError as error:
            return evolve(unsaved, error=error)
        base = None if found is None else found.entry
    is_spent = spent_here(memory, rules)
    return (yield from save(unsaved.minted, base, unsaved.parent, is_spent))
