"""The protocol of a refresh against a store, one answer at a time. # threat 32"""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from aiocognito._effects import (
    Acquire,
    Adopt,
    Again,
    Commit,
    Delete,
    Down,
    Failed,
    Found,
    Load,
    Mark,
    Memory,
    Minted,
    NotSaved,
    Present,
    Refused,
    Release,
    Rules,
    Saved,
    SignIn,
    Wait,
)
from aiocognito._redact import Secret
from aiocognito._turn import save, turn
from aiocognito.errors import RefreshTokenReused, SignInRequired, StoreUnavailable
from aiocognito.stores.base import Conflict, Entry, Lease, StoreKey
from aiocognito.testing import ManualClock

KEY = StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "svc")
CLOCK = ManualClock()
SHARED = Rules(key=KEY, clock=CLOCK, shared=True, marks=True)
ALONE = Rules(key=KEY, clock=CLOCK, shared=False, marks=False)
T, U = Secret("t"), Secret("u")
ENTRY = Entry(generation=5, value=b"t", minted_at=1.0)
NEW = Minted(value=b"new", minted_at=2.0)
REUSED = RefreshTokenReused(code="RefreshTokenReuseException", operation="X")
DOWN = StoreUnavailable("Down.")
NO_WAY = Failed(SignInRequired("svc", "refresh-token-reused"))


def lease(seconds: float = 15.0) -> Lease:
    return Lease(key=KEY, owner="me", until=CLOCK.boot() + seconds)


def play(steps: Any, *talk: tuple[type[Any], Any]) -> Any:
    """Expect each effect and give its answer; return the outcome. Errors are thrown."""
    effect = next(steps)
    try:
        for kind, answer in talk:
            assert isinstance(effect, kind), effect
            raising = isinstance(answer, Exception)
            effect = steps.throw(answer) if raising else steps.send(answer)
    except StopIteration as done:
        return done.value
    raise AssertionError(f"it goes on with {effect}")


def test_what_was_not_saved_is_saved_before_others_are_asked() -> None:
    unsaved = NotSaved(NEW, ENTRY, "p", DOWN)
    memory = Memory(known=ENTRY, token=U, unsaved=unsaved)
    saved = ENTRY.followed_by(b"new", minted_at=2.0, parent="p")
    assert play(turn(memory, SHARED), (Commit, saved)) == Saved(saved)
    assert isinstance(play(turn(memory, SHARED), (Commit, DOWN)), NotSaved)


def test_alone_a_refresh_goes_on_from_memory_although_nothing_can_be_saved() -> None:
    memory = Memory(known=ENTRY, token=U, unsaved=NotSaved(NEW, ENTRY, "p", DOWN))
    outcome = play(
        turn(memory, ALONE),
        *((Commit, DOWN), (Load, Found(ENTRY, T))),
        *((Present, evolve(NEW, value=b"newer")), (Commit, DOWN)),
    )
    assert outcome.minted.value == b"newer"
    assert outcome.base == ENTRY


def test_an_entry_that_moves_under_the_lease_is_looked_at_again() -> None:
    outcome = play(
        turn(Memory(known=ENTRY, token=T), SHARED),
        *((Load, Found(ENTRY, T)), (Acquire, lease()), (Load, Found(ENTRY, T))),
        *((Mark, False), (Release, None)),
    )
    assert outcome == Again()


def test_a_failure_that_changed_nothing_ends_the_turn() -> None:
    outcome = play(turn(Memory(known=ENTRY, token=T), ALONE), (Load, None), (Present, NO_WAY))
    assert outcome == NO_WAY


@pytest.mark.parametrize("rules", [SHARED, ALONE])
def test_without_the_store_a_refusal_counts_only_where_nobody_else_refreshes(rules: Rules) -> None:
    memory = Memory(known=ENTRY, token=T)
    if rules.shared:
        begin: list[tuple[type[Any], Any]] = [
            *((Load, Found(ENTRY, T)), (Acquire, lease()), (Load, Found(ENTRY, T)), (Mark, True)),
            *((Present, Refused(REUSED)), (Load, DOWN), (Release, None)),
        ]
        assert play(turn(memory, rules), *begin) == Down(DOWN)
    else:
        outcome = play(
            turn(memory, rules),
            *((Load, Found(ENTRY, T)), (Present, Refused(REUSED)), (Load, DOWN)),
            *((SignIn, NO_WAY), (Delete, DOWN)),
        )
        assert outcome == NO_WAY


@pytest.mark.parametrize("answer", [NEW, NO_WAY, Refused(REUSED)])
def test_the_other_child_is_tried_once(answer: Any) -> None:
    entry = evolve(ENTRY, alt=b"u")
    saved = entry.followed_by(b"new", minted_at=2.0, parent=KEY.fingerprint_of("u"))
    after = {
        NEW: [(Commit, saved)],
        NO_WAY: [],
        Refused(REUSED): [(SignIn, NO_WAY), (Delete, None)],
    }[answer]
    outcome = play(
        turn(Memory(known=entry, token=T), ALONE),
        *((Load, Found(entry, T, U)), (Present, Refused(REUSED)), (Load, Found(entry, T, U))),
        *((Present, answer), *after),
    )
    assert outcome == (Saved(saved) if answer is NEW else NO_WAY)


def test_a_doubt_ends_in_a_sign_in_and_no_alert() -> None:
    entry = ENTRY.attempted(CLOCK.wall())
    memory = Memory(known=entry, token=T)
    begin = ((Load, Found(entry, T)), (Acquire, lease()), (Load, Found(entry, T)))
    refused = ((Mark, True), (Present, Refused(REUSED)), (Load, Found(entry, T)), (Release, None))
    assert play(turn(memory, SHARED), *begin, *refused) == Wait()
    assert play(turn(memory, SHARED), *begin, (Release, None)) == Wait()
    CLOCK.advance(20)
    steps = turn(memory, SHARED)
    begin = (begin[0], (Acquire, lease()), begin[2])
    with pytest.raises(AssertionError, match="ambiguous=True"):
        play(steps, *begin, (Acquire, lease()))


def test_a_wall_clock_that_is_set_back_does_not_make_a_doubt_longer() -> None:
    # threat 23
    clock = ManualClock()
    rules = evolve(SHARED, clock=clock)
    held = Lease(key=KEY, owner="me", until=clock.boot() + 1e6)
    entry = ENTRY.attempted(clock.wall())
    memory = Memory(known=entry, token=T)
    begin = ((Load, Found(entry, T)), (Acquire, held), (Load, Found(entry, T)))
    refused = ((Mark, True), (Present, Refused(REUSED)), (Load, Found(entry, T)), (Release, None))
    assert play(turn(memory, rules), *begin, *refused) == Wait()
    clock.advance(21)
    clock.jump(-86_400)
    end = ((Acquire, held), (SignIn, NO_WAY), (Delete, None), (Release, None))
    assert play(turn(memory, rules), *begin, *end) == NO_WAY


def test_the_child_minted_last_stays_in_front() -> None:
    mine, theirs = "p", ENTRY.followed_by(b"theirs", minted_at=9.0, parent="p")
    merged = theirs.followed_by(b"theirs", minted_at=9.0, parent="p", alt=b"new")
    steps = save(NEW, ENTRY, mine)
    assert play(steps, (Commit, Conflict(theirs)), (Commit, merged)) == Adopt(merged)
    older = evolve(theirs, minted_at=1.5)
    merged = older.followed_by(b"new", minted_at=2.0, parent="p", alt=b"theirs")
    steps = save(NEW, ENTRY, mine)
    assert play(steps, (Commit, Conflict(older)), (Commit, merged)) == Saved(merged)


def test_what_grew_out_of_something_else_is_adopted() -> None:
    theirs = ENTRY.followed_by(b"theirs", parent="another")
    assert play(save(NEW, ENTRY, "p"), (Commit, Conflict(theirs))) == Adopt(theirs)


def blind(memory: Memory, *talk: tuple[type[Any], Any]) -> Any:
    """Play a refresh that could not read the store, up to what its commit is told."""
    begin = (Load, DOWN), (Present, NEW)
    return play(turn(memory, ALONE), *begin, *talk)


def test_what_it_grew_out_of_is_replaced_although_it_could_not_be_read_before() -> None:
    # threat 28
    taken = ENTRY.followed_by(b"new", minted_at=2.0, parent=ALONE.fingerprint(T))
    talk = (Commit, Conflict(ENTRY)), (Load, Found(ENTRY, T)), (Commit, taken)
    assert blind(Memory(token=T), *talk) == Saved(taken)
    # A grandparent, too: what came between the two was never stored.
    assert blind(Memory(token=U, spent=(ALONE.fingerprint(T),)), *talk[:2], (Commit, taken))
    gone = (Commit, Conflict(ENTRY)), (Load, None), (Commit, Conflict(None)), (Commit, taken)
    assert blind(Memory(token=T), *gone) == Saved(taken)


@pytest.mark.parametrize(
    "found",
    [
        Found(ENTRY, U),
        Found(ENTRY, None),
        Found(ENTRY.followed_by(b"u"), T),
    ],
    ids=["another", "unreadable", "newer"],
)
def test_what_it_did_not_grow_out_of_is_adopted_after_all(found: Found) -> None:
    assert blind(Memory(token=T), (Commit, Conflict(ENTRY)), (Load, found)) == Adopt(ENTRY)


def test_a_store_that_goes_down_again_is_not_written_over_unseen() -> None:
    outcome = blind(Memory(token=T), (Commit, Conflict(ENTRY)), (Load, DOWN))
    assert isinstance(outcome, NotSaved)
    assert outcome.base is None


def test_what_stands_beside_another_already_is_left_there() -> None:
    theirs = ENTRY.followed_by(b"theirs", minted_at=9.0, parent="p", alt=b"new")
    assert play(save(NEW, ENTRY, "p"), (Commit, Conflict(theirs))) == Adopt(theirs)


def test_a_living_token_finds_its_way_into_an_empty_store() -> None:
    first = Entry.first(b"new", minted_at=2.0, parent="p")
    steps = save(NEW, ENTRY, "p")
    assert play(steps, (Commit, Conflict(None)), (Commit, first)) == Saved(first)


def test_others_who_are_faster_for_ever_are_not_waited_for() -> None:
    conflicts = [
        (Commit, Conflict(Entry(generation=n, value=b"%d" % n, parent="p"))) for n in range(6, 16)
    ]
    outcome = play(save(NEW, ENTRY, "p"), *conflicts)
    assert isinstance(outcome, NotSaved)
    assert outcome.base is not None
    assert outcome.base.generation == 15
