"""The keyring store: what it takes from a backend, and a real one in other processes."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import anyio
import pytest

from aiocognito.errors import StoreError, StoreLocked, StoreUnavailable, StoreUnsafe
from aiocognito.stores import keyring as module
from aiocognito.stores.base import Entry, StoreKey
from aiocognito.stores.keyring import KeyringTokenStore
from tests.needs import needs
from tests.stores.leaks import CANARY, leaks
from tests.stores.makers import PasswordsInMemory

ANA = StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "ana")


@pytest.fixture
def passwords() -> PasswordsInMemory:
    return PasswordsInMemory()


@pytest.fixture
def store(passwords: PasswordsInMemory, tmp_path: Path) -> KeyringTokenStore:
    return KeyringTokenStore(backend=passwords, lock_folder=tmp_path / "lock", lock_timeout=0.1)


async def put(store: KeyringTokenStore) -> Entry:
    done = await store.commit(ANA, Entry.first(CANARY), expected=None)
    assert isinstance(done, Entry)
    return done


def entry_name(passwords: PasswordsInMemory) -> tuple[str, str]:
    (found,) = [name for name in passwords.kept if name[1].endswith(".entry")]
    return found


async def test_no_name_in_the_keyring_is_a_users(
    store: KeyringTokenStore, passwords: PasswordsInMemory
) -> None:
    await put(store)  # threat 34
    await store.acquire(ANA, owner="a", ttl=5.0)
    assert {name.partition(".")[2] for _, name in passwords.kept} == {"", "entry", "lease"}
    assert not any("ana" in name or "Ab12" in name for name in str(list(passwords.kept)).split())


@pytest.mark.parametrize("content", ["", "rubbish", "\N{SNOWMAN}" * 40, "\ud800", "x" * 200_000])
async def test_what_is_no_entry_is_set_aside(  # threat 29
    store: KeyringTokenStore, passwords: PasswordsInMemory, content: str
) -> None:
    await put(store)
    passwords.kept[entry_name(passwords)] = content
    assert await store.load(ANA) is None
    assert content in [
        password for (_, name), password in passwords.kept.items() if "damaged" in name
    ]
    again = await put(store)
    assert await store.load(ANA) == again
    await store.delete(ANA)
    assert content not in passwords.kept.values()


async def test_something_to_set_aside_may_be_gone(
    passwords: PasswordsInMemory, tmp_path: Path
) -> None:
    medium = module._Passwords(passwords, "service", str(tmp_path / "lock"))
    medium.rename("absent", "to")
    medium.remove("absent")
    assert passwords.kept == {}


class Broken(PasswordsInMemory):
    """Refuses, as the Credential Manager does what is too large for it."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise OSError(1783, "The stub received bad data.")


async def test_what_a_backend_raises_is_translated(tmp_path: Path) -> None:
    store = KeyringTokenStore(backend=Broken(), lock_folder=tmp_path / "lock")
    with pytest.raises(StoreUnavailable, match="OSError") as caught:
        await put(store)
    assert not leaks(caught.value)


# --- the lock -----------------------------------------------------------------------


@pytest.mark.may_block
async def test_the_folder_of_the_lock_is_ours_alone(
    store: KeyringTokenStore, tmp_path: Path
) -> None:
    (tmp_path / "lock").mkdir(0o755)  # threat 30
    with pytest.raises(StoreUnsafe, match="others may use it"):
        await put(store)
    (tmp_path / "file").touch()
    elsewhere = KeyringTokenStore(
        backend=PasswordsInMemory(), lock_folder=tmp_path / "file" / "x" / "y"
    )
    with pytest.raises(StoreUnavailable, match="folder of the lock"):
        await put(elsewhere)


async def test_on_windows_the_threads_of_a_process_are_kept_apart(
    store: KeyringTokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await put(store)
    monkeypatch.setattr(sys, "platform", "win32")
    held = threading.Lock()
    monkeypatch.setattr(module, "_process_lock", held)
    with held, pytest.raises(StoreLocked):
        await store.delete(ANA)
    assert await store.load(ANA) == entry
    assert await store.delete(ANA) is None


# --- which keyring ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fail", "null"])
async def test_a_keyring_that_keeps_nothing_is_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = pytest.importorskip("keyring")
    backend = import_module(f"keyring.backends.{name}").Keyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
    with pytest.raises(StoreError, match="no keyring here"):
        await put(KeyringTokenStore(lock_folder=tmp_path / "lock"))


async def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ImportError, match=r"aiocognito\[keyring\]"):
        await KeyringTokenStore(lock_folder=tmp_path / "lock").load(ANA)


PROGRAM = """
import anyio
from aiocognito.stores import Conflict, Entry, KeyringTokenStore, StoreKey

async def main():
    store = KeyringTokenStore()
    key = StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "ana")
    current = await store.load(key)
    if current is None:
        await store.commit(key, Entry.first(b"1"), expected=None)
    else:
        after = current.followed_by(current.value + b"1")
        assert await store.commit(key, after, expected=current.generation) == after
    print((await store.load(key)).value.decode())

anyio.run(main)
"""


def run_program(home: Path, bus: str) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ) | {"HOME": str(home), "DBUS_SESSION_BUS_ADDRESS": bus}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Backends are called in threads; the contract has been through the other loops."""
    return "asyncio"


@pytest.mark.slow
@pytest.mark.may_block
async def test_the_next_process_finds_the_entry_in_the_real_keyring(
    keyring_bus: str, tmp_path: Path
) -> None:
    for turn in range(1, 3):
        done = await anyio.to_thread.run_sync(functools.partial(run_program, tmp_path, keyring_bus))
        assert done.stdout == "1" * turn + "\n", done.stderr
    assert [path.name for path in (tmp_path / ".local/state/aiocognito").iterdir()] == ["lock"]


@pytest.mark.may_block
async def test_without_a_bus_there_is_no_keyring(tmp_path: Path) -> None:
    needs("keyring", find_spec("keyring") is not None, "install the extra `keyring`")
    done = await anyio.to_thread.run_sync(
        functools.partial(run_program, tmp_path, f"unix:path={tmp_path}/absent")
    )
    assert "no keyring here that keeps tokens safe" in done.stderr
