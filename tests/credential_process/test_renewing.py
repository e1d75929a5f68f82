"""From a kept session to credentials, against a local pool over HTTP."""

from __future__ import annotations

import importlib.util
from typing import Any

import anyio
import pytest

from aiocognito import UserPool
from aiocognito.credential_process import serving
from aiocognito.credential_process.renewing import renew
from aiocognito.credential_process.signing_in import sign_out
from aiocognito.errors import (
    IncorrectUsernameOrPassword,
    NotAuthorized,
    RefreshFailed,
    SignInRequired,
    StoreDamaged,
    StoreUnavailable,
)
from aiocognito.stores import Entry, MemoryTokenStore, StoreKey
from aiocognito.tokens.stored import StoredTokens
from tests.credential_process.machine import Machine, age

pytestmark = pytest.mark.may_block  # the local pool reads its own files

BACKENDS = ["asyncio", *(["trio"] if importlib.util.find_spec("trio") else [])]


@pytest.fixture(scope="module", params=BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """uvloop adds nothing to what goes over HTTP, and time is real here."""
    return str(request.param)


async def test_a_sign_in_serves_every_later_process() -> None:
    # F046, F099
    async with Machine() as machine:
        identity_id = await machine.sign_in()
        first = await machine.credentials()
        assert first.identity_id == identity_id
        machine.clock.advance(3000)
        second = await machine.credentials()
        assert second.identity_id == identity_id
        assert second.access_key_id != first.access_key_id


async def test_without_a_sign_in_there_is_nothing() -> None:
    async with Machine() as machine:
        with pytest.raises(SignInRequired) as caught:
            await machine.credentials()
        assert (caught.value.username, caught.value.reason) == ("ana", "not-signed-in")


async def test_a_wrong_password_keeps_nothing() -> None:
    async with Machine() as machine:
        with pytest.raises(IncorrectUsernameOrPassword):
            await machine.sign_in("not-this-one")
        assert await machine.store.load(machine.options().session_key) is None


async def test_a_confidential_app_client_s_secret_goes_along() -> None:
    async with Machine(client_secret=True) as machine:
        await machine.sign_in()
        machine.clock.advance(3000)
        await machine.credentials()


async def test_rotation_keeps_each_new_token_before_it_is_used() -> None:
    # threats 25 and 28
    async with Machine(rotation=True) as machine:
        await machine.sign_in()
        seen: set[str] = set()
        for _ in range(4):
            machine.clock.advance(3000)
            await machine.credentials()
            entry = await machine.store.load(machine.options().session_key)
            assert entry is not None
            stored = StoredTokens.from_bytes(entry.value)
            assert stored is not None
            seen.add(stored.state.refresh_token.reveal())
        assert len(seen) == 4


async def test_a_rotated_token_is_kept_though_the_exchange_fails() -> None:
    # threat 25
    async with Machine(rotation=True) as machine:
        await machine.sign_in()
        machine.clock.advance(3000)
        broken = machine.options(identity_endpoint_url="http://127.0.0.1:9")
        with pytest.raises(RefreshFailed):
            await renew(broken, machine.store, machine.clock)
        await renew(machine.options(), machine.store, machine.clock)


@pytest.mark.parametrize("step", range(1, 8))
async def test_cancelled_at_any_moment_the_session_stays_good(step: int) -> None:
    # threats 26 and 27: Ctrl-C while an SDK waits
    async with Machine(rotation=True) as machine:
        await machine.sign_in()
        machine.clock.advance(3000)
        with anyio.move_on_after(step * 0.004):
            await renew(machine.options(), machine.store, machine.clock)
        await renew(machine.options(), machine.store, machine.clock)


async def test_a_program_that_uses_the_store_itself_shares_the_session() -> None:
    # threat 32: signed in here, refreshed there, used by tools all the while
    async with Machine(rotation=True) as machine:
        await machine.sign_in()
        options = machine.options()
        for _ in range(2):
            machine.clock.advance(3000)
            async with UserPool(
                machine.local.user_pool_id,
                machine.local.client_id,
                endpoint_url=machine.local.url,
                store=machine.store,
                clock=machine.clock,
            ) as pool:
                await pool.session("ana").access_token()
            await renew(options, machine.store, machine.clock)


async def test_tokens_that_still_live_are_not_refreshed() -> None:
    async with Machine() as machine:
        await machine.sign_in()
        machine.local.requests.clear()
        await renew(machine.options(), machine.store, machine.clock)
        assert machine.local.requests.count("GetTokensFromRefreshToken") == 0


async def test_a_dead_session_says_that_somebody_has_to_sign_in() -> None:
    async with Machine(refresh_token_validity=7200) as machine:
        await machine.sign_in()
        machine.clock.advance(7300)
        with pytest.raises(SignInRequired):
            await machine.credentials()
        await machine.sign_in()
        await machine.credentials()


async def test_damaged_state_says_that_somebody_has_to_sign_in() -> None:
    # threat 29
    async with Machine() as machine:
        key = machine.options().session_key
        await machine.store.commit(key, Entry.first(b"damaged"), expected=None)
        with pytest.raises(SignInRequired):
            await machine.credentials()
        await machine.sign_in()
        await machine.credentials()


async def test_a_guest_stays_the_same_guest() -> None:
    # F008
    async with Machine() as machine:
        first = await machine.credentials(machine.guest())
        machine.clock.advance(3000)
        second = await machine.credentials(machine.guest())
        assert first.identity_id == second.identity_id
        assert first.access_key_id != second.access_key_id


@pytest.mark.parametrize("kept", [b"nonsense", b"\xff"])
async def test_a_damaged_guest_becomes_a_new_one(kept: bytes) -> None:
    # threat 29
    async with Machine() as machine:
        options = machine.guest()
        await machine.store.commit(options.session_key, Entry.first(kept), expected=None)
        found = await machine.credentials(options)
        entry = await machine.store.load(options.session_key)
        assert entry is not None
        assert entry.value.decode() == found.identity_id


async def test_where_guests_are_not_wanted_the_refusal_is_told() -> None:
    async with Machine(guests=False) as machine:
        with pytest.raises(NotAuthorized):
            await machine.credentials(machine.guest())


async def test_signing_out_revokes_and_forgets() -> None:
    async with Machine() as machine:
        await machine.sign_in()
        key = machine.options().session_key
        entry = await machine.store.load(key)
        assert entry is not None
        options = machine.options(command="sign-out")
        assert await sign_out(options, machine.store, machine.clock)
        assert await machine.store.load(key) is None
        assert await machine.store.load(machine.options().credentials_key) is None
        with pytest.raises(SignInRequired):
            await machine.credentials()
        assert not await sign_out(options, machine.store, machine.clock)
        # The token itself is worth nothing any more.
        await machine.store.commit(key, Entry.first(entry.value), expected=None)
        await age(machine.store, options)
        with pytest.raises(SignInRequired):
            await machine.credentials()


async def test_signing_out_waits_for_a_renewal_of_another_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # threat 47: it would put the session back
    monkeypatch.setattr(serving, "_STEP", 0.0)
    async with Machine() as machine:
        options = machine.guest()  # nothing is sent, so nothing else takes time
        await machine.credentials(options)
        lease = await machine.store.acquire(options.session_key, owner="another", ttl=60.0)
        assert lease is not None
        async with anyio.create_task_group() as group:
            group.start_soon(sign_out, options, machine.store, machine.clock)
            for _ in range(100):
                await anyio.lowlevel.checkpoint()
            assert await machine.store.load(options.session_key) is not None
            await machine.store.release(lease)
        assert await machine.store.load(options.session_key) is None


async def test_signing_out_forgets_credentials_last() -> None:
    # threat 47: those of a renewal under way elsewhere, which looks for the session then
    forgotten: list[str] = []

    class Told(MemoryTokenStore):
        async def delete(self, key: StoreKey) -> None:
            forgotten.append(key.kind)
            await super().delete(key)

    async with Machine(Told()) as machine:
        await machine.sign_in()
        await sign_out(machine.options(command="sign-out"), machine.store, machine.clock)
    assert forgotten[-1] == "credentials"
    assert "session" in forgotten[:-1]


async def test_signing_out_forgets_without_a_network_too() -> None:
    async with Machine() as machine:
        await machine.sign_in()
        options = machine.options(command="sign-out", endpoint_url="http://127.0.0.1:9")
        assert await sign_out(options, machine.store, machine.clock)
        with pytest.raises(SignInRequired):
            await machine.credentials()


async def test_a_new_sign_in_forgets_credentials_of_the_old() -> None:
    async with Machine() as machine:
        await machine.sign_in()
        before = await machine.credentials()
        await machine.sign_in()
        assert (await machine.credentials()).access_key_id != before.access_key_id


async def test_a_store_that_keeps_nothing_is_told_at_the_sign_in() -> None:
    class Full(MemoryTokenStore):
        async def commit(self, *args: Any, **options: Any) -> Any:
            raise StoreUnavailable("The disk is full.")

    async with Machine(Full()) as machine:
        with pytest.raises(StoreUnavailable, match="full"):
            await machine.sign_in()


async def test_a_damaged_entry_is_thrown_away_at_the_sign_in() -> None:
    # threat 29
    class Damaged(MemoryTokenStore):
        damaged = True

        async def load(self, key: StoreKey) -> Entry | None:
            if self.damaged:
                raise StoreDamaged("No entry.")
            return await super().load(key)

        async def delete(self, key: StoreKey, *, expected: int | None = None) -> Any:
            self.damaged = False
            return await super().delete(key, expected=expected)

    async with Machine(Damaged()) as machine:
        await machine.sign_in()
        assert (await machine.credentials()).access_key_id.startswith("ASIA")
