"""Files that others cannot read, that are never torn, and that are not trusted."""

# ruff: noqa: ASYNC240  these tests look at the folder themselves

from __future__ import annotations

import errno
import functools
import json
import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiocognito.errors import (
    InvalidArgument,
    StoreError,
    StoreLocked,
    StoreUnavailable,
    StoreUnsafe,
)
from aiocognito.stores import _folder
from aiocognito.stores.base import Conflict, Entry, StoreKey
from aiocognito.stores.file import FileTokenStore
from aiocognito.testing import ManualClock
from tests.conftest import BACKENDS
from tests.needs import needs
from tests.soak import runs

ROOT = Path(__file__).resolve().parents[2]
ANA = StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "ana")

# The set-up of these tests reads and writes files itself.
pytestmark = pytest.mark.may_block


@pytest.fixture(
    scope="session",
    params=[backend for backend in BACKENDS if backend.id != "uvloop"],
)
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Files are read in threads, of which uvloop has the same as asyncio."""
    return request.param


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tokens"


@pytest.fixture
def store(folder: Path, clock: ManualClock) -> FileTokenStore:
    return FileTokenStore(folder, clock=clock)


async def put(store: FileTokenStore, value: bytes = b"canary-value") -> Entry:
    done = await store.commit(ANA, Entry.first(value), expected=None)
    assert isinstance(done, Entry)
    return done


def entry_file(folder: Path) -> Path:
    (found,) = folder.glob("*.entry")
    return found


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# --- what is written ------------------------------------------------------------------


async def test_all_is_ours_alone_whatever_the_umask(folder: Path, store: FileTokenStore) -> None:
    before = os.umask(0)  # threat 30
    try:
        await put(store)
        await store.acquire(ANA, owner="a", ttl=5.0)
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert {path.suffix or path.name for path in folder.iterdir()} == {
        *("salt", "lock", ".entry", ".lease")
    }
    assert {mode(path) for path in folder.iterdir()} == {0o600}


async def test_no_file_is_named_after_a_user(folder: Path, store: FileTokenStore) -> None:
    await put(store)  # threat 34
    other = FileTokenStore(folder.with_name("other"))
    await put(other)
    names = {path.name for path in folder.iterdir()}
    assert not any("ana" in name or "Ab12Cd34E" in name for name in names)
    assert entry_file(folder).name != entry_file(folder.with_name("other")).name


async def test_another_store_on_the_folder_finds_the_entry(
    folder: Path, store: FileTokenStore
) -> None:
    entry = await put(store)
    assert await FileTokenStore(str(folder)).load(ANA) == entry


async def test_folders_above_are_made(tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "a" / "b" / "c")
    assert await store.load(ANA) is None
    await put(store)


async def test_a_path_may_be_relative_or_begin_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    entry = await put(FileTokenStore("~/tokens"))
    store = FileTokenStore("tokens")
    assert await store.load(ANA) == entry
    monkeypatch.chdir("/")
    assert await store.load(ANA) == entry


async def test_deletion_leaves_nothing_of_the_value(folder: Path, store: FileTokenStore) -> None:
    await put(store)
    entry_file(folder).write_bytes(b"canary-value, damaged")
    assert await store.load(ANA) is None
    await put(store)
    (folder / "new").touch(0o600)
    (folder / "new").write_bytes(b"canary-value, begun")
    await store.delete(ANA)
    assert not any(b"canary" in path.read_bytes() for path in folder.iterdir())


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_path_is_a_path(path: str) -> None:
    with pytest.raises(InvalidArgument):
        FileTokenStore(path)


def test_windows_is_refused_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(StoreError, match="keyring"):
        FileTokenStore("tokens")


# --- what others could read or change: threat 30 ----------------------------------------


async def refused(store: FileTokenStore, reason: str) -> None:
    with pytest.raises(StoreUnsafe, match=reason):
        await store.load(ANA)
    with pytest.raises(StoreUnsafe, match=reason):
        await store.commit(ANA, Entry.first(b"x"), expected=None)


@pytest.mark.parametrize("bits", [0o755, 0o710, 0o701, 0o777, 0o1777])
async def test_a_folder_that_others_may_use_is_refused(
    folder: Path, store: FileTokenStore, bits: int
) -> None:
    await put(store)
    folder.chmod(bits)
    await refused(store, "others may use it")
    assert mode(folder) == bits & 0o777  # it may have another purpose


@pytest.mark.parametrize("name", ["entry", "salt"])
@pytest.mark.parametrize("bits", [0o644, 0o640, 0o602])
async def test_a_file_that_others_may_use_is_refused(
    folder: Path, store: FileTokenStore, name: str, bits: int
) -> None:
    await put(store)
    (path,) = folder.glob(f"*{name}")
    content = path.read_bytes()
    path.chmod(bits)
    await refused(store, "others may use it")
    assert path.read_bytes() == content


@pytest.mark.parametrize("what", ["folder", "entry", "salt"])
async def test_what_belongs_to_another_user_is_refused(
    folder: Path, store: FileTokenStore, what: str
) -> None:
    needs("the right to give files away", os.geteuid() == 0, "run as root")
    await put(store)
    (path,) = [folder] if what == "folder" else folder.glob(f"*{what}")
    os.chown(path, 12_345, -1)
    await refused(store, "another user")


async def test_a_link_in_the_folders_place_is_refused(
    folder: Path, store: FileTokenStore, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir(0o700)
    folder.symlink_to("elsewhere")
    await refused(store, "link")


@pytest.mark.parametrize("name", ["entry", "salt"])
async def test_a_link_in_a_files_place_is_refused(
    folder: Path, store: FileTokenStore, tmp_path: Path, name: str
) -> None:
    await put(store)
    (path,) = folder.glob(f"*{name}")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    await refused(store, "no plain file")


@pytest.mark.parametrize("name", ["lock", "new"])
async def test_nothing_is_written_through_a_link(
    folder: Path, store: FileTokenStore, tmp_path: Path, name: str
) -> None:
    await put(store)
    target = tmp_path / "elsewhere"
    target.touch(0o600)
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target)
    if name == "lock":
        with pytest.raises(StoreUnsafe):
            await store.delete(ANA)
    else:
        await store.delete(ANA)
        await put(store)
    assert target.read_bytes() == b""


@pytest.mark.parametrize("name", ["entry", "salt"])
async def test_a_file_with_a_second_name_is_refused(
    folder: Path, store: FileTokenStore, tmp_path: Path, name: str
) -> None:
    await put(store)
    (path,) = folder.glob(f"*{name}")
    os.link(path, tmp_path / "elsewhere")
    await refused(store, "hard link")


@pytest.mark.parametrize("kind", ["pipe", "folder"])
async def test_what_is_no_file_is_refused_at_once(
    folder: Path, store: FileTokenStore, kind: str
) -> None:
    await put(store)
    path = entry_file(folder)
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path, 0o600)
    else:
        path.mkdir(0o600)
    await refused(store, "no plain file")


async def test_a_file_in_the_folders_place_is_refused(folder: Path, store: FileTokenStore) -> None:
    folder.touch(0o600)
    await refused(store, "no folder")
    inside = FileTokenStore(folder / "below")
    await refused(inside, "no folder")


async def test_a_folder_that_anybody_could_swap_is_refused(tmp_path: Path) -> None:
    above = tmp_path / "shared"
    above.mkdir()
    above.chmod(0o777)
    await refused(FileTokenStore(above / "tokens"), "anybody may rename")
    assert not (above / "tokens").exists()


async def test_a_shared_temporary_folder_may_hold_one_of_our_own(tmp_path: Path) -> None:
    above = tmp_path / "shared"
    above.mkdir()
    above.chmod(0o1777)
    await refused(FileTokenStore(above), "others may use it")
    await put(FileTokenStore(above / "tokens"))


# --- damaged files: threat 29 -----------------------------------------------------------


async def set_aside(folder: Path, store: FileTokenStore, content: bytes) -> None:
    entry_file(folder).write_bytes(content)
    assert await store.load(ANA) is None
    assert [path.read_bytes() for path in folder.glob("*.damaged")] == [content]
    again = await put(store)
    assert await store.load(ANA) == again


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"aiocognito-entry 2 " + b"0" * 64 + b"\n{}", id="another version"),
        pytest.param(b"{}", id="json"),
        pytest.param(b"\0" * 500, id="zeros"),
    ],
)
async def test_a_damaged_file_is_set_aside(
    folder: Path, store: FileTokenStore, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await put(store)
    with caplog.at_level(logging.DEBUG, logger="aiocognito"):
        await set_aside(folder, store, content)
    (line,) = [each for each in caplog.messages if "aside" in each]
    assert ".damaged" in line
    assert "ana" not in line.replace("damaged", "")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
async def test_any_content_is_set_aside(
    folder: Path, store: FileTokenStore, content: bytes
) -> None:
    if await store.load(ANA) is None:
        await put(store)
    await set_aside(folder, store, content)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.integers(0, 10_000), length=st.integers(0, 50), end=st.booleans())
async def test_a_torn_file_is_set_aside(
    folder: Path, store: FileTokenStore, where: int, length: int, end: bool
) -> None:
    if await store.load(ANA) is None:
        await put(store)
    whole = entry_file(folder).read_bytes()
    where %= len(whole)
    torn = whole[:where] if end else whole[:where] + b"\0" * (length + 1) + whole[where + length :]
    await set_aside(folder, store, torn)


async def test_a_huge_file_is_set_aside_unread(folder: Path, store: FileTokenStore) -> None:
    await put(store)
    os.truncate(entry_file(folder), 1 << 30)
    assert await store.load(ANA) is None
    assert [path.stat().st_size for path in folder.glob("*.damaged")] == [1 << 30]


async def test_an_entry_under_another_name_is_set_aside(
    folder: Path, store: FileTokenStore, bob: StoreKey
) -> None:
    await put(store)
    of_ana = entry_file(folder)
    await store.commit(bob, Entry.first(b"of bob"), expected=None)
    (of_bob,) = set(folder.glob("*.entry")) - {of_ana}
    os.replace(of_ana, of_bob)
    assert await store.load(bob) is None
    assert await store.load(ANA) is None


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
async def test_a_damaged_salt_is_set_aside(
    folder: Path, store: FileTokenStore, content: bytes
) -> None:
    await put(store)
    (folder / "salt").write_bytes(content)
    assert await store.load(ANA) is None
    assert (folder / "salt.damaged").read_bytes() == content
    again = await put(store)
    assert await store.load(ANA) == again


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"{}", b'["b", 1, 2, 3]', b'["b", NaN, 1]', b'["b", "x", 1]', b"\xff"),
        *(b"[" * 4000, b'["b", 1e999, 1e999]', bytes(5000), b'["b", 1' + b"0" * 400 + b", 1]"),
    ],
    ids=range(11),
)
async def test_a_damaged_lease_is_nobodys(
    folder: Path, store: FileTokenStore, content: bytes
) -> None:
    assert await store.acquire(ANA, owner="b", ttl=5.0)
    (path,) = folder.glob("*.lease")
    path.write_bytes(content)
    assert await store.acquire(ANA, owner="a", ttl=5.0)


async def test_a_lease_ends_by_itself_and_with_a_restart(
    folder: Path, store: FileTokenStore, clock: ManualClock
) -> None:
    clock.advance(1_000_000.0)
    await store.acquire(ANA, owner="b", ttl=15.0)
    assert await store.acquire(ANA, owner="a", ttl=15.0) is None
    restarted = FileTokenStore(folder, clock=ManualClock(boot=10.0))
    assert await restarted.acquire(ANA, owner="a", ttl=15.0)
    await store.acquire(ANA, owner="b", ttl=15.0)
    clock.advance(15.0)
    assert await store.acquire(ANA, owner="a", ttl=15.0)


async def test_a_clock_read_before_the_lock_was_waited_for_takes_no_lease(
    folder: Path, clock: ManualClock
) -> None:
    """Somebody else's lease began meanwhile, and is no longer than it was given."""
    first = FileTokenStore(folder, clock=clock)

    class Late(FileTokenStore):
        async def _alone(self, work: Callable[..., Any]) -> Any:
            clock.advance(0.5)  # while it waits for the lock
            assert await first.acquire(ANA, owner="first", ttl=10.0) is not None
            return await super()._alone(work)

    assert await Late(folder, clock=clock).acquire(ANA, owner="late", ttl=10.0) is None


# --- a disk that is full, or fails ------------------------------------------------------


class FailingOs:
    """The module `os`, whose k-th call of those that change or sync something fails."""

    WATCHED = ("mkdir", "open", "write", "fsync", "rename", "unlink", "fchmod", "fstat")

    def __init__(self, k: int, number: int) -> None:
        self._left, self._number = k, number

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in self.WATCHED:
            return real

        @functools.wraps(real)
        def counted(*args: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                raise OSError(self._number, os.strerror(self._number))
            return real(*args, **options)

        return counted

    @property
    def failed(self) -> bool:
        return self._left <= 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT], ids=errno.errorcode.get)
async def test_whatever_call_fails_the_old_entry_or_the_new_one_is_there(
    folder: Path, store: FileTokenStore, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await put(store)
    steps = 0
    while True:
        steps += 1
        after = entry.followed_by(b"%d" % steps)
        failing = FailingOs(steps, number)
        monkeypatch.setattr(_folder, "os", failing)
        try:
            await store.commit(ANA, after, expected=entry.generation)
        except StoreUnavailable as error:
            assert os.strerror(number) in str(error)  # noqa: PT017  any step may pass
        monkeypatch.undo()
        found = await FileTokenStore(folder).load(ANA)
        assert found in (entry, after)
        assert not (folder / "new").exists() or failing.failed
        if not failing.failed:
            break
        entry = found
    assert steps > 10


def _small_files_only() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))


async def test_a_file_the_system_will_not_let_grow_leaves_the_old_entry(
    folder: Path, store: FileTokenStore
) -> None:
    """The kernel takes a part of the write and refuses the rest, as a full disk does."""
    entry = await put(store)
    program = (
        "import anyio, sys\n"
        "from aiocognito.errors import StoreUnavailable\n"
        "from aiocognito.stores import FileTokenStore, Entry, StoreKey\n"
        "key = StoreKey.for_session('eu-west-1_Ab12Cd34E', 'client', 'ana')\n"
        "async def main():\n"
        "    store = FileTokenStore(sys.argv[1])\n"
        "    entry = await store.load(key)\n"
        "    try:\n"
        "        after = entry.followed_by(bytes(9000))\n"
        "        await store.commit(key, after, expected=entry.generation)\n"
        "    except StoreUnavailable as error:\n"
        "        print(error)\n"
        "anyio.run(main)\n"
    )
    done = await anyio.to_thread.run_sync(
        functools.partial(
            subprocess.run,
            [sys.executable, "-c", program, str(folder)],
            capture_output=True,
            text=True,
            preexec_fn=_small_files_only,
            check=True,
        )
    )
    assert "File too large" in done.stdout
    assert await store.load(ANA) == entry
    assert not (folder / "new").exists()


# --- SIGKILL: threat 28 -----------------------------------------------------------------


@pytest.mark.slow
def test_a_process_killed_at_any_step_leaves_the_old_entry_or_the_new_one(folder: Path) -> None:
    rounds = runs(short=50, long=1_000)
    done = subprocess.run(
        [sys.executable, "-m", "tests.stores.crash", str(folder), str(rounds)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)  # the seed
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["old"] + said["new"] == said["killed"] > rounds / 2
    assert said["old"] > 0
    assert said["new"] > 0


# --- other processes: threat 31 -----------------------------------------------------------

HOLDER = """
import fcntl, os, sys
descriptor = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


async def test_a_lock_that_is_held_ends_the_wait_and_not_the_reading(folder: Path) -> None:
    store = FileTokenStore(folder, lock_timeout=0.1)
    entry = await put(store)
    with holder(folder) as process:
        after = entry.followed_by(b"after")
        with pytest.raises(StoreLocked) as caught:
            await store.commit(ANA, after, expected=entry.generation)
        assert caught.value.seconds == 0.1
        assert await store.load(ANA) == entry
        process.kill()
    # The kernel gives back what a dead process held.
    assert await store.commit(ANA, after, expected=entry.generation) == after


async def test_waiting_for_the_lock_can_be_cancelled(folder: Path) -> None:
    store = FileTokenStore(folder, lock_timeout=60.0)
    entry = await put(store)
    with holder(folder) as process:
        with anyio.move_on_after(0.05) as scope:
            await store.delete(ANA)
        assert scope.cancelled_caught
        process.kill()
    assert await store.load(ANA) == entry
    assert await store.delete(ANA) is None


async def test_a_lock_file_that_was_removed_locks_nobody_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileTokenStore(folder, lock_timeout=0.1)
    await put(store)
    take = _folder._lock

    def taken_and_removed(descriptor: int) -> None:
        take(descriptor)
        (folder / "lock").unlink()

    monkeypatch.setattr(_folder, "_lock", taken_and_removed)
    with pytest.raises(StoreLocked):
        await store.delete(ANA)
    monkeypatch.undo()
    await store.delete(ANA)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
async def test_a_file_system_without_locks_is_named(
    store: FileTokenStore, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = await put(store)

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_folder.fcntl, "flock", refuse)
    with pytest.raises(StoreUnavailable, match="no locks"):
        await store.delete(ANA)
    assert await store.load(ANA) == entry


async def test_a_reader_at_work_while_all_is_replaced_sees_whole_entries(
    store: FileTokenStore,
) -> None:
    entry = await put(store)
    seen: list[int] = []

    async def read() -> None:
        while True:
            found = await store.load(ANA)
            assert found is not None
            seen.append(found.generation)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        for _ in range(20):
            after = entry.followed_by(bytes(20_000))
            assert await store.commit(ANA, after, expected=entry.generation) == after
            entry = after
        await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    assert seen == sorted(seen)


# --- cancellation: threat 26 --------------------------------------------------------------


async def test_a_cancelled_commit_happened_whole_or_not_at_all(store: FileTokenStore) -> None:
    entry = await put(store)
    for delay in (0.0, 0.0, 0.001, 0.002, 0.004):
        after = entry.followed_by(b"after")
        with anyio.move_on_after(delay):
            await store.commit(ANA, after, expected=entry.generation)
        found = await store.load(ANA)
        assert found in (entry, after)
        entry = found
    after = entry.followed_by(b"at last")
    assert await store.commit(ANA, after, expected=entry.generation) == after


# --- fork: threat 49 ----------------------------------------------------------------------


async def test_a_forked_child_uses_the_store_and_the_parent_goes_on(
    folder: Path, store: FileTokenStore
) -> None:
    program = (
        "import anyio, os, sys\n"
        "from aiocognito.stores import Conflict, FileTokenStore, Entry, StoreKey\n"
        "key = StoreKey.for_session('eu-west-1_Ab12Cd34E', 'client', 'ana')\n"
        "store = FileTokenStore(sys.argv[1])\n"
        "entry = anyio.run(store.load, key)\n"
        "after = entry.followed_by(str(os.fork()).encode())\n"
        "async def commit():\n"
        "    return await store.commit(key, after, expected=entry.generation)\n"
        "done = anyio.run(commit)\n"
        "if after.value == b'0':\n"
        "    os._exit(isinstance(done, Conflict))\n"
        "_, status = os.wait()\n"
        "print(isinstance(done, Conflict) + os.waitstatus_to_exitcode(status))\n"
    )
    entry = await put(store)
    done = await anyio.to_thread.run_sync(
        functools.partial(
            subprocess.run,
            [sys.executable, "-c", program, str(folder)],
            capture_output=True,
            text=True,
            check=True,
        )
    )
    assert done.stdout == "1\n"  # one of them lost, and was told
    found = await store.load(ANA)
    assert found is not None
    assert found.generation == entry.generation + 1


# --- who is told what ---------------------------------------------------------------------


async def test_no_error_tells_a_secret(folder: Path, store: FileTokenStore) -> None:
    await put(store)
    folder.chmod(0o755)
    with pytest.raises(StoreUnsafe) as caught:
        await store.load(ANA)
    assert "canary" not in repr(vars(caught.value)) + str(caught.value)
    assert caught.value.path == str(folder)


async def test_what_is_set_aside_is_seen_by_those_who_would_write(
    folder: Path, store: FileTokenStore
) -> None:
    entry = await put(store)
    calls: list[Callable[[], Any]] = [
        lambda: store.commit(ANA, entry.followed_by(b"x"), expected=entry.generation),
        lambda: store.delete(ANA, expected=entry.generation),
        lambda: store.mark_attempt(ANA, generation=entry.generation, at=5.0),
    ]
    for call, expected in zip(calls, [Conflict(None), None, False], strict=True):
        for path in folder.glob("*.entry"):
            path.write_bytes(b"damaged")
        assert await call() == expected
        assert not list(folder.glob("*.entry"))
        await put(store)
