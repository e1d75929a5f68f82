"""One refresh against a store, as a conversation of values. Nothing here waits.

`turn` is a generator: it yields what is to be done (`Load`, `Present`, `Commit`, …), is
sent what came of it, and returns an `Outcome`. `Persistence` does those things over a
real store and the service; a test does them step by step, in every order there is, with
crashes in between. Both run this one text of the protocol.

The protocol, where several workers share one identity and refresh tokens rotate

1. Read the store. What it holds is newer than what we hold: adopt it, and be done.
2. Take the lease, or wait for what its holder brings. The lease saves calls and nothing
   else. Read again under it.
3. Write down that an attempt begins, then present the refresh token, once.
4. Commit what came on the one condition that the entry it grew out of is still there;
   not on the lease, for a rotated token must find its way into the store even if the
   lease has run out.
5. Somebody committed a sibling (the same parent): the one minted last stays in front and
   the other is kept as ``alt``. Somebody committed anything else: adopt it.
6. The token is refused: read again, adopt what is newer; else try ``alt`` once; else wait
   while another's answer may still be under way; else the token is dead.

A session that has its store for itself does the same without lease and waiting.
See docs/decisions/one-identity-for-several-workers.md.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, TypeGuard

from attrs import frozen

from aiocognito._effects import (
    Acquire,
    Adopt,
    Again,
    Answer,
    Commit,
    Delete,
    Doubt,
    Down,
    Effect,
    Failed,
    Found,
    Load,
    Lost,
    Mark,
    Memory,
    Minted,
    NotSaved,
    Outcome,
    Present,
    Refused,
    Release,
    Rules,
    Saved,
    SignIn,
    Wait,
)
from aiocognito._redact import Secret
from aiocognito.errors import CognitoError, SignInRequired, StoreError
from aiocognito.stores.base import Conflict, Entry, Lease

__all__ = ["Steps", "save", "spent_here", "turn"]

_COMMITS = 10  # in a row; each conflict means that somebody else got on

Steps = Generator[Effect, Any, Outcome]
IsSpent = Callable[[Secret], bool]


# --- the protocol -------------------------------------------------------------------


def turn(memory: Memory, rules: Rules) -> Steps:
    """Get newer tokens than those in memory: from the store, or by one refresh."""
    if memory.unsaved is not None:
        unsaved, is_spent = memory.unsaved, spent_here(memory, rules)
        outcome = yield from save(unsaved.minted, unsaved.base, unsaved.parent, is_spent)
        if rules.shared or not isinstance(outcome, NotSaved):
            return outcome
    if rules.shared:
        return (yield from _shared_turn(memory, rules))
    down: StoreError | None = None
    try:
        found: Found | None = yield Load()
    except StoreError as error:
        found, down = None, error
        base = memory.known  # the token in memory is the newest there is
    else:
        if memory.unsaved is None and _is_news(found, memory):
            return Adopt(found.entry)
        base = None if found is None else found.entry
    outcome = yield from _refresh(_at_hand(found, base, memory), memory, rules, None)
    if down is not None and _knows_nobody(outcome):
        return Down(down)  # what to go on with may be in the store
    return outcome


def _knows_nobody(outcome: Outcome) -> bool:
    if not isinstance(outcome, Failed) or not isinstance(outcome.error, SignInRequired):
        return False
    return outcome.error.reason == "not-signed-in"


def _shared_turn(memory: Memory, rules: Rules) -> Steps:
    try:
        found: Found | None = yield Load()
        if _is_news(found, memory):
            return Adopt(found.entry)
        lease: Lease | None = yield Acquire(rules.lease)
    except StoreError as error:
        return Down(error)
    if lease is None:
        return Wait()
    outcome: Outcome
    try:
        found = yield Load()
        if _is_news(found, memory):
            outcome = Adopt(found.entry)
        else:
            base = None if found is None else found.entry
            hand = _at_hand(found, base, memory)
            outcome = yield from _refresh(hand, memory, rules, lease)
    except StoreError as error:
        outcome = Down(error)
    yield Release(lease)
    return outcome


def _is_news(found: Found | None, memory: Memory) -> TypeGuard[Found]:
    if found is None or found.token is None:
        return False
    return memory.known is None or found.entry.generation != memory.known.generation


@frozen
class _Hand:
    """What a refresh can begin with."""

    base: Entry | None
    token: Secret | None
    alt: Secret | None


def _at_hand(found: Found | None, base: Entry | None, memory: Memory) -> _Hand:
    if found is not None and found.token is not None and memory.unsaved is None:
        return _Hand(base, found.token, found.alt)
    return _Hand(base, memory.token, None)


def _refresh(hand: _Hand, memory: Memory, rules: Rules, lease: Lease | None) -> Steps:
    base, token = hand.base, hand.token
    if token is None or (rules.shared and base is None and memory.known is not None):
        # Nothing there, or somebody has ended it for all.
        return (yield from _sign_in(SignIn(), base, rules))
    if base is not None and memory.doubt is not None and _is_about(memory.doubt, base):
        return (yield from _settle_doubt(memory.doubt, base, memory, rules))
    memory.doubt = None
    if memory.ends_soon:
        memory.ends_soon = False
        again = yield from _sign_in(SignIn(planned=True), base, rules)
        if not isinstance(again, Failed):
            return again
        # It still lives; the next turn asks once more.
    if not rules.lasts(lease):
        return Again()
    if base is not None and not (yield from _marked(base, rules)):
        return Again()
    answer: Answer = yield Present(token)
    match answer:
        case Minted():
            memory.lost = None
            parent = rules.fingerprint(token)
            if not rules.shared:
                memory.spent = (*memory.spent[-7:], parent)
            return (yield from save(answer, base, parent, spent_here(memory, rules)))
        case Lost(error=error):
            memory.lost = token
            return Failed(error)
        case Failed():
            return answer
        case Refused(error=error):
            return (yield from _refused(error, hand, memory, rules, lease))


def _is_about(doubt: Doubt, base: Entry) -> bool:
    return doubt.generation == base.generation


def _marked(base: Entry, rules: Rules) -> Generator[Effect, Any, bool]:
    if not rules.marks:
        return True
    try:
        marked: bool = yield Mark(base.generation)
    except StoreError:
        if rules.shared:
            raise
        return True  # nobody else reads it
    return marked or not rules.shared


def _refused(
    error: CognitoError, hand: _Hand, memory: Memory, rules: Rules, lease: Lease | None
) -> Steps:
    """The service calls the refresh token dead. Find out whether there is a newer one."""
    base = hand.base
    try:
        found: Found | None = yield Load()
    except StoreError:
        if rules.shared:
            raise
        found = None
    if found is not None and base is not None and found.entry.generation != base.generation:
        return Adopt(found.entry)
    if hand.alt is not None and rules.lasts(lease):
        answer: Answer = yield Present(hand.alt)
        if isinstance(answer, Minted):
            return (yield from save(answer, base, rules.fingerprint(hand.alt)))
        if not isinstance(answer, Refused):
            return Failed(answer.error)
    attempted = None if base is None else base.attempt_at  # as it was before our own
    ours, memory.lost = memory.lost == hand.token, None
    if rules.shared and base is not None and attempted is not None and not ours:
        ago, longest = rules.clock.wall() - attempted, rules.lease + rules.call
        if 0.0 <= ago < longest:
            # Another's answer may be about to be saved.
            until = rules.clock.boot() + longest - ago  # a wall clock may be set meanwhile
            memory.doubt = Doubt(base.generation, until, error)
            return Wait()
    ask = SignIn(error, ambiguous=ours or attempted is not None)
    return (yield from _sign_in(ask, base, rules))


def _settle_doubt(doubt: Doubt, base: Entry, memory: Memory, rules: Rules) -> Steps:
    if rules.clock.boot() < doubt.until:
        return Wait()
    memory.doubt = None
    return (yield from _sign_in(SignIn(doubt.error, ambiguous=True), base, rules))


def _sign_in(ask: SignIn, base: Entry | None, rules: Rules) -> Steps:
    if rules.shared:
        yield Acquire(rules.sign_in_lease)  # the same owner's lease only moves its end
    answer: Answer = yield ask
    if isinstance(answer, Minted):
        return (yield from save(answer, base, None))
    if ask.refused is not None and base is not None:
        with suppress(StoreError):  # a dead token may stay: whoever presents it is told so
            yield Delete(base.generation)
    return Failed(answer.error)


# --- committing ---------------------------------------------------------------------


def spent_here(memory: Memory, rules: Rules) -> IsSpent | None:
    """Return what tells an ancestor of the token in memory from somebody else's.

    A session that has its store for itself refreshes while it cannot read the store, so
    it may not know which entry it grew out of. Where others use it that cannot be.
    """
    if rules.shared:
        return None
    return lambda token: rules.fingerprint(token) in memory.spent


def save(
    minted: Minted, base: Entry | None, parent: str | None, is_spent: IsSpent | None = None
) -> Steps:
    """Commit what came, on the condition that what it grew out of is still there.

    Args:
        minted: What came.
        base: The entry it grew out of, None for no entry.
        parent: The fingerprint of the refresh token that brought it, None for a sign-in.
        is_spent: See `spent_here`.
    """
    front = Entry.first(minted.value, minted_at=minted.minted_at, parent=parent)
    try:
        for _ in range(_COMMITS):
            done: Entry | Conflict = yield _commit(front, base)
            if isinstance(done, Entry):
                return Saved(done) if done.value == minted.value else Adopt(done)
            there = done.current
            if there is not None and there.value == minted.value:
                return Saved(there)  # our own commit, whose answer was lost
            if there is not None and parent is not None and there.parent != parent:
                # Somebody else's, or what this grew out of.
                if is_spent is None or not (yield from _holds_spent(there, is_spent)):
                    return Adopt(there)
            elif there is not None:
                if there.alt == minted.value:
                    return Adopt(there)
                front = _merged(minted, there, parent)
            base = there  # None: somebody gave up on the parent, and this is alive
    except StoreError as error:
        return NotSaved(minted, base, parent, error)
    return NotSaved(minted, base, parent, StoreError("Others commit faster than this worker."))


def _holds_spent(there: Entry, is_spent: IsSpent) -> Generator[Effect, Any, bool]:
    found: Found | None = yield Load()
    if found is None:
        return True  # gone; the next commit finds that out
    if found.token is None or found.entry.generation != there.generation:
        return False
    return is_spent(found.token)


def _commit(front: Entry, base: Entry | None) -> Commit:
    if base is None:
        return Commit(front, None)
    entry = base.followed_by(
        front.value, minted_at=front.minted_at, parent=front.parent, alt=front.alt
    )
    return Commit(entry, base.generation)


def _merged(minted: Minted, other: Entry, parent: str | None) -> Entry:
    """Put the one minted last in front; where the clock cannot tell, our own."""
    if other.minted_at > minted.minted_at:
        return Entry.first(
            other.value, minted_at=other.minted_at, parent=other.parent, alt=minted.value
        )
    return Entry.first(minted.value, minted_at=minted.minted_at, parent=parent, alt=other.value)
