"""Sessions that outlive their process in a store. # F083, F100"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from aiocognito import Fleet, Session, _place
from aiocognito._protected import on_asyncio
from aiocognito.errors import (
    IncorrectUsernameOrPassword,
    InvalidArgument,
    InvalidType,
    RefreshFailed,
    RemoteProtocolError,
    SignInRequired,
    StoreDamaged,
    StoreKeyRejected,
    StoreUnavailable,
    TokenVerificationError,
)
from aiocognito.events import PersistFailed, SecurityAlert, SessionEnded, TokensChanged
from aiocognito.stores import Entry, StoreKey
from aiocognito.testing import Alter, Drop, Refuse
from aiocognito.tokens.stored import StoredTokens

from .flaky_store import FlakyStore
from .world import PASSWORD, World

REFRESH = "GetTokensFromRefreshToken"


class Stored(World):
    """A world whose pools share a store, as processes of one machine would."""

    def __init__(self, **options: Any) -> None:
        self.store: Any = None
        super().__init__(**options)
        self.store = FlakyStore(self.clock)
        self.pool = self.another_pool()
        self.add_user()

    def another_pool(self, **changes: Any) -> Any:
        return super().another_pool(**{"store": self.store, **changes})

    def worker(self, **changes: Any) -> Session:
        """A service identity in a process of its own."""
        session: Session = self.another_pool(**changes).session("ana", password=PASSWORD)
        return session

    @property
    def key(self) -> StoreKey:
        return StoreKey.for_session(self.local.user_pool_id, self.local.client_id, "ana")

    def entry(self) -> Entry | None:
        return self.store._entries.get(self.key)

    def kept(self) -> StoredTokens:
        entry = self.entry()
        assert entry is not None
        stored = StoredTokens.from_bytes(entry.value)
        assert stored is not None
        return stored

    def put(self, entry: Entry | None) -> None:
        if entry is None:
            self.store._entries.pop(self.key, None)
        else:
            self.store._entries[self.key] = entry


# --- loading ------------------------------------------------------------------------


async def test_the_next_process_serves_what_it_finds_without_asking_anybody() -> None:
    world = Stored()
    token = await world.worker().access_token()
    before = Counter(world.wire.counts)
    session = world.worker()
    assert await session.access_token() == token
    assert session.username == "ana"
    assert session.claims.username == "ana"
    assert world.wire.counts == before
    assert [event.reason for event in world.heard(TokensChanged)] == ["sign-in", "store"]


async def test_what_it_finds_keeps_its_age() -> None:
    # There is no boot clock in common: the wall clock and what was measured have to do.
    world = Stored()
    await world.worker().access_token()
    world.clock.advance(41 * 60)
    later = world.worker()
    await later.access_token()
    assert REFRESH not in world.wire.counts
    world.clock.advance(10 * 60)
    await later.access_token()
    await later._renewal.settle()
    assert world.wire.counts[REFRESH] == 1


async def test_a_clock_that_went_back_makes_tokens_due_at_once() -> None:
    world = Stored()
    await world.worker().access_token()
    world.clock.jump(-3600)
    later = world.worker()
    assert await later.access_token()
    await later.access_token()
    await later._renewal.settle()
    assert world.wire.counts[REFRESH] == 1


async def test_expired_tokens_are_refreshed_and_kept() -> None:
    world = Stored(rotation=True)
    await world.worker().access_token()
    first = world.kept()
    world.clock.advance(7200)
    assert await world.worker().access_token()
    assert world.wire.counts[REFRESH] == 1
    assert world.kept().state.refresh_token != first.state.refresh_token


async def test_an_explicit_sign_in_is_kept_over_what_was_there() -> None:
    world = Stored()
    await world.pool.sign_in("ana", PASSWORD)
    first = world.kept()
    session = await world.pool.sign_in("ana", PASSWORD)
    assert world.kept().state.refresh_token != first.state.refresh_token
    entry = world.entry()
    assert entry is not None
    assert entry.alt is None
    found = world.another_pool().session("ana")
    assert await found.access_token() == await session.access_token()


async def test_a_session_without_a_password_lives_on_what_it_finds() -> None:
    world = Stored()
    session = world.another_pool().session("ana")
    with pytest.raises(SignInRequired) as caught:
        await session.access_token()
    assert caught.value.reason == "not-signed-in"


async def test_restored_state_is_older_than_what_the_store_holds() -> None:
    world = Stored(rotation=True)
    session = await world.pool.sign_in("ana", PASSWORD)
    old = session.export_state()
    world.clock.advance(120)
    await session.refresh()
    await session.refresh()
    before = world.wire.counts[REFRESH]
    restored = world.another_pool().restore(old)
    assert await restored.access_token() == await session.access_token()
    assert world.wire.counts[REFRESH] == before


@pytest.mark.parametrize(
    "value", [b"", b"no json", b"[]", b'{"version":2}', b'{"version":1,"state":"{}"}']
)
async def test_a_damaged_entry_is_as_good_as_none(value: bytes) -> None:
    world = Stored()
    world.put(Entry(generation=7, value=value))
    assert await world.worker().access_token()
    entry = world.entry()
    assert entry is not None
    assert entry.generation == 8
    assert world.kept().state.username == "ana"


async def test_state_of_another_client_is_as_good_as_none() -> None:
    world = Stored()
    await world.worker().access_token()
    entry = world.entry()
    assert entry is not None
    members = json.loads(entry.value)
    members["state"] = members["state"].replace(world.local.client_id, "another")
    world.put(Entry(generation=9, value=json.dumps(members).encode()))
    await world.worker().access_token()
    assert world.wire.counts["InitiateAuth"] == 2


async def test_tokens_in_the_store_are_verified_before_they_are_handed_out() -> None:
    world = Stored()
    await world.worker().access_token()
    entry, kept = world.entry(), world.kept()
    assert entry is not None
    assert kept.state.access_token is not None
    forged = kept.state.access_token.reveal()
    members = json.loads(entry.value)
    members["state"] = members["state"].replace(forged, forged[:-8] + "AAAAAAAA")
    world.put(Entry(generation=3, value=json.dumps(members).encode()))
    session = world.worker()
    assert await session.access_token() not in {forged, forged[:-8] + "AAAAAAAA"}
    assert [event.kind for event in world.heard(SecurityAlert)] == ["token-rejected"]
    assert world.wire.counts[REFRESH] == 1


# --- two processes, one after the other -----------------------------------------------


async def test_a_newer_generation_is_adopted_in_place_of_a_refresh() -> None:
    world = Stored(rotation=True)
    one, two = world.worker(), world.worker()
    assert await one.access_token() == await two.access_token()
    world.clock.advance(3601)
    token = await one.access_token()
    assert await two.access_token() == token
    assert world.wire.counts[REFRESH] == 1


async def test_what_another_process_ended_is_not_presented_again() -> None:
    world = Stored(rotation=True)
    one, two = world.worker(), world.worker()
    await one.access_token()
    await two.access_token()
    await one.sign_out()
    assert world.entry() is None
    world.clock.advance(3601)
    assert await two.access_token()  # it has the password


# --- writing --------------------------------------------------------------------------


async def test_memory_comes_before_the_store_and_the_store_before_those_who_wait() -> None:
    # threat 28
    world = Stored(rotation=True)
    session = world.worker()
    await session.access_token()
    old = world.kept().state.refresh_token
    world.clock.advance(3601)
    order: list[str] = []

    async def look() -> None:
        assert session._keeper.refresh_token != old
        assert world.kept().state.refresh_token == old
        order.append("memory")
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        assert order == ["memory"]

    async def wait() -> None:
        await session.access_token()
        order.append("served")

    world.store.before["commit"] = look
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(wait)
    assert order == ["memory", "served", "served", "served"]
    assert world.kept().state.refresh_token == session._keeper.refresh_token


async def test_a_store_that_does_not_take_it_disturbs_nobody() -> None:
    world = Stored(rotation=True)
    session = world.worker()
    await session.access_token()
    world.clock.advance(3601)
    world.store.down = {"commit"}
    assert await session.access_token()
    (failed,) = world.heard(PersistFailed)[:1]
    assert isinstance(failed.error, StoreUnavailable)
    assert (failed.retry_after is None) is not on_asyncio()
    old = world.kept().state.refresh_token
    world.store.down = set()
    if on_asyncio():
        for _ in range(50):
            await anyio.lowlevel.checkpoint()
    else:
        world.clock.advance(3601)
        await session.access_token()
    assert world.kept().state.refresh_token == session._keeper.refresh_token != old
    await world.pool.aclose()


async def test_a_store_that_takes_nothing_is_told_of_to_everybody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who has no observer has a log, and a metrics exporter."""
    world = Stored()
    session = await world.pool.sign_in("ana", PASSWORD)
    assert world.pool.health().unsaved == 0
    world.store.down = {"commit"}
    for _ in range(2):
        await session.refresh()
    assert world.pool.health().unsaved == 1
    assert [record.getMessage() for record in caplog.records] == [
        "The token store does not take new tokens: Down."
    ]
    world.store.down = set()
    await session.refresh()
    assert world.pool.health().unsaved == 0
    world.store.down = {"commit"}
    await session.refresh()
    assert len(caplog.records) == 2


async def test_closing_the_pool_waits_for_a_rotation_nobody_wrote() -> None:
    # threat 28
    world = Stored(rotation=True)
    pool = world.another_pool()
    session = pool.session("ana", password=PASSWORD)
    await session.access_token()
    world.clock.advance(3601)
    world.store.down = {"commit"}
    await session.access_token()
    newest = session._keeper.refresh_token
    world.store.down = set()
    await pool.aclose()
    assert world.kept().state.refresh_token == newest
    assert await world.worker().access_token()


async def test_closing_does_not_wait_for_ever() -> None:
    world = Stored(rotation=True)
    pool = world.another_pool()
    session = pool.session("ana", password=PASSWORD)
    await session.access_token()
    world.clock.advance(3601)
    world.store.down = FlakyStore.EVERYTHING
    assert await session.access_token()
    with anyio.fail_after(10):
        await pool.aclose()


async def test_a_closed_pool_leaves_no_task_that_goes_on_writing() -> None:
    # threat 35
    world = Stored(rotation=True)
    pool = world.another_pool()
    session = pool.session("ana", password=PASSWORD)
    await session.access_token()
    world.store.down = {"commit"}
    await session.refresh()
    await pool.aclose()
    asked = world.store.calls["commit"]
    for _ in range(50):
        await anyio.lowlevel.checkpoint()
    assert world.store.calls["commit"] == asked
    assert not pool._services.protected.is_busy
    assert world.heard(PersistFailed)[-1].retry_after is None


async def test_a_commit_whose_answer_is_lost_is_found_done() -> None:
    world = Stored(rotation=True)
    pool = world.another_pool()
    session = pool.session("ana", password=PASSWORD)
    await session.access_token()
    world.clock.advance(3601)
    world.store.lost = {"commit"}
    await session.access_token()
    await pool.aclose()
    assert world.kept().state.refresh_token == session._keeper.refresh_token


async def test_a_store_that_is_down_does_not_keep_a_session_of_its_own_from_refreshing() -> None:
    world = Stored(rotation=True)
    session = world.worker()
    first = await session.access_token()
    world.store.down = FlakyStore.EVERYTHING
    world.clock.advance(3601)
    assert await session.access_token() != first
    world.clock.advance(3601)
    assert await session.access_token()
    assert world.wire.counts[REFRESH] == 2
    world.store.down = set()
    world.clock.advance(3601)
    await session.access_token()
    assert world.kept().state.refresh_token == session._keeper.refresh_token


async def test_a_refresh_made_blind_replaces_the_entry_it_grew_out_of() -> None:
    # threat 28: the store cannot be read at the refresh and can be written after it.
    world = Stored(rotation=True)
    first = await world.pool.sign_in("ana", PASSWORD)
    session = world.another_pool().restore(first.export_state())
    world.store.down = {"load"}

    async def up_again() -> None:
        world.store.down = set()

    world.store.before["commit"] = up_again
    assert await session.access_token()
    assert world.kept().state.refresh_token == session._keeper.refresh_token
    await session.refresh()
    assert await world.another_pool().session("ana").access_token()
    assert not world.heard(SessionEnded)


async def test_nobody_is_told_to_sign_in_because_the_store_is_down() -> None:
    # F083
    world = Stored()
    await world.pool.sign_in("ana", PASSWORD)
    session = world.another_pool().session("ana")
    world.store.down = {"load"}
    with pytest.raises(RefreshFailed) as failure:
        await session.access_token()
    assert isinstance(failure.value.__cause__, StoreUnavailable)
    assert not world.heard(SessionEnded)
    world.store.down = set()
    world.clock.advance(failure.value.retry_after + 1)
    assert await session.access_token()


async def test_an_entry_that_no_key_opens_is_not_written_over() -> None:
    world = Stored()

    async def wrong_key() -> None:
        raise StoreKeyRejected("Wrong key.")

    world.store.before["load"] = wrong_key
    with pytest.raises(StoreKeyRejected):
        await world.worker().access_token()
    assert not world.wire.sent


async def test_a_wrong_answer_is_undone_in_the_store() -> None:
    world = Stored(rotation=True)
    session = world.worker()
    await session.access_token()
    before = world.kept()

    def forge(answer: dict[str, Any]) -> dict[str, Any]:
        answer["AuthenticationResult"]["AccessToken"] += "A"
        return answer

    world.local.faults.add(Alter(forge), operation=REFRESH)
    with pytest.raises(TokenVerificationError):
        await session.refresh()
    assert world.kept() == before
    world.clock.advance(61)
    assert await session.access_token()


# --- the end --------------------------------------------------------------------------


async def test_signing_out_deletes_the_entry_and_revokes_the_newest_token() -> None:
    # F100
    world = Stored(rotation=True)
    old, new = world.worker(), world.worker()
    await old.access_token()
    await new.access_token()
    await new.refresh()
    newest = new.export_state()
    await old.sign_out()
    assert world.entry() is None
    assert world.wire.counts["RevokeToken"] == 1
    with pytest.raises(SignInRequired):
        await world.another_pool(store=None).restore(newest).access_token()


async def test_a_session_that_was_never_used_can_sign_out_what_is_stored() -> None:
    world = Stored()
    await world.worker().access_token()
    await world.another_pool().session("ana").sign_out()
    assert world.entry() is None
    assert world.wire.counts["RevokeToken"] == 1


async def test_signing_out_succeeds_although_the_store_is_down() -> None:
    world = Stored()
    session = world.worker()
    await session.access_token()
    world.store.down = FlakyStore.EVERYTHING
    await session.sign_out()
    assert world.wire.counts["RevokeToken"] == 1


async def test_a_token_refused_as_reused_is_an_alert_and_leaves_no_entry() -> None:
    # threat 33
    world = Stored(rotation=True)
    session = await world.pool.sign_in("ana", PASSWORD)
    world.local.faults.add(Refuse("RefreshTokenReuseException"), operation=REFRESH)
    with pytest.raises(SignInRequired) as caught:
        await session.refresh()
    assert caught.value.reason == "refresh-token-reused"
    assert [event.kind for event in world.heard(SecurityAlert)] == ["refresh-token-reused"]
    assert [event.reason for event in world.heard(SessionEnded)] == ["refresh-token-reused"]
    assert world.entry() is None


async def test_a_reuse_after_an_attempt_that_was_written_down_is_no_alert() -> None:
    # threat 25, 33: a process that was killed between the two is told from theft
    world = Stored(rotation=True)
    session = world.worker()
    await session.access_token()
    stale = world.entry()
    assert stale is not None
    world.clock.advance(3601)
    await session.access_token()
    world.put(stale.attempted(world.clock.wall()))  # as if it had died before its commit
    world.clock.advance(3601)
    assert await world.worker().access_token()
    assert not world.heard(SecurityAlert)
    assert world.wire.counts["InitiateAuth"] == 2


async def test_a_lost_answer_is_made_good_within_the_grace_period() -> None:
    # threat 25
    world = Stored(rotation=True, rotation_grace=60, pool_options={"rotation_grace": 60})
    session = world.worker()
    await session.access_token()
    world.clock.advance(3601)
    world.local.faults.add(Drop(), operation=REFRESH)
    assert await session.access_token()
    assert world.kept().state.refresh_token == session._keeper.refresh_token
    assert world.wire.counts["InitiateAuth"] == 1


async def test_a_sign_in_that_fails_leaves_nothing_behind() -> None:
    world = Stored()
    session = world.another_pool().session("ana", password="Wrong-Horse-9!")
    with pytest.raises(IncorrectUsernameOrPassword):
        await session.access_token()
    assert world.entry() is None


@pytest.mark.parametrize("store", [object(), "path"])
def test_what_is_no_store_is_refused(store: Any) -> None:
    with pytest.raises(InvalidType, match="store"):
        World().another_pool(store=store)


# --- stores that misbehave --------------------------------------------------------------


class BrokenStore(FlakyStore):
    """Fails as programs fail, not as stores say they do."""

    error: Exception = OSError("disk")

    async def commit(self, key: Any, entry: Any, *, expected: Any) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [OSError("disk"), KeyError("x"), InvalidArgument("x", "y")])
async def test_whatever_a_store_raises_no_token_is_lost(error: Exception) -> None:
    world = Stored(rotation=True)
    world.store = BrokenStore(world.clock)
    world.store.error = error
    pool = world.another_pool()
    session = await pool.sign_in("ana", PASSWORD)
    assert await session.access_token()
    world.clock.advance(3601)
    assert await session.access_token()
    failed = world.heard(PersistFailed)[0].error
    assert isinstance(failed, StoreUnavailable)
    assert failed.__cause__ is error


class NonsenseStore(FlakyStore):
    """Somebody's first store: it does the work and answers anything."""

    answer: Any = None
    about = ""

    async def _around(self, name: str, call: Any) -> Any:
        result = await super()._around(name, call)
        return self.answer if name == self.about else result


@pytest.mark.parametrize("fleet", [None, Fleet()], ids=["alone", "shared"])
@pytest.mark.parametrize(
    ("about", "answer"),
    [("load", "text"), ("load", {"generation": 1}), ("commit", None), ("commit", True)],
)
async def test_whatever_a_store_answers_no_token_is_lost(
    about: str, answer: Any, fleet: Fleet | None
) -> None:
    world = Stored(rotation=True, rotation_grace=60)
    world.store = NonsenseStore(world.clock)
    world.store.about, world.store.answer = about, answer
    pool = world.another_pool(fleet=fleet, rotation_grace=60.0)
    session = await pool.sign_in("ana", PASSWORD)
    assert await session.access_token()
    assert isinstance(world.heard(PersistFailed)[0].error, StoreUnavailable)
    await pool.aclose()
    # What is in memory is the newest: it goes on where the store makes sense again.
    world.store.about = ""
    world.clock.advance(3601)
    again = world.another_pool().restore(session.export_state())
    assert await again.access_token()


async def test_a_lease_that_is_none_is_refused() -> None:
    world = Stored(rotation=True, rotation_grace=60)
    world.store = NonsenseStore(world.clock)
    world.store.about, world.store.answer = "acquire", True
    pool = world.another_pool(fleet=Fleet(), rotation_grace=60.0)
    with pytest.raises(RefreshFailed) as failure:
        await pool.session("ana", password=PASSWORD).access_token()
    assert isinstance(failure.value.__cause__, StoreUnavailable)


async def test_a_store_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_place, "_STORE_SECONDS", 0.02)
    world = Stored()
    world.store.before["load"] = anyio.sleep_forever
    assert await world.worker().access_token()


async def test_an_entry_the_store_cannot_read_makes_room() -> None:
    world = Stored()
    await world.worker().access_token()

    async def damaged() -> None:
        raise StoreDamaged("Not ours.")

    world.store.before["load"] = damaged
    assert await world.worker().access_token()
    assert world.store.calls["delete"] == 1
    assert world.wire.counts["InitiateAuth"] == 2


async def test_a_password_source_of_ones_own_may_fail() -> None:
    world = Stored()

    async def vault() -> str:
        raise OSError("the vault is closed")

    session = world.another_pool().session("ana", password=vault)
    with pytest.raises(RefreshFailed) as caught:
        await session.access_token()
    assert isinstance(caught.value.__cause__, OSError)
    assert not world.store._leases


async def test_tokens_nobody_can_read_are_kept_as_a_refresh_token_alone() -> None:
    world = Stored(rotation=True, pool_options={"verify_tokens": False})
    session = world.worker()
    await session.access_token()

    def garble(answer: dict[str, Any]) -> dict[str, Any]:
        answer["AuthenticationResult"]["AccessToken"] = "not.a.token"
        return answer

    before = world.kept()
    world.local.faults.add(Alter(garble), operation=REFRESH)
    with pytest.raises(RemoteProtocolError):
        await session.refresh()
    assert world.kept() == before  # undone


async def test_a_first_sign_in_that_does_not_verify_leaves_no_entry() -> None:
    world = Stored()

    def forge(answer: dict[str, Any]) -> dict[str, Any]:
        answer["AuthenticationResult"]["AccessToken"] += "A"
        return answer

    world.local.faults.add(Alter(forge), operation="RespondToAuthChallenge")
    with pytest.raises(TokenVerificationError):
        await world.worker().access_token()
    assert world.entry() is None


async def test_a_token_an_api_refused_is_not_adopted_again() -> None:
    world = Stored()
    one, two = world.worker(), world.worker()
    token = await one.access_token()
    await two.access_token()
    two.invalidate(token)
    two._keeper.persistence.begin_anew()  # type: ignore[union-attr]
    assert await two.access_token() != token
