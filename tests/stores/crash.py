"""Commit and die at a step chosen by chance, again and again: `python -m tests.stores.crash`.

Each round forks a child that replaces the entry and is killed (SIGKILL) before, in the
middle of, or after its k-th call to the operating system. Then the folder is read as a
new process would: it must hold the old entry or the new one, whole, and take the next
commit. What this does not show is a machine that loses power; for that there are the
fsync calls, which are steps here like the others.
"""

from __future__ import annotations

import functools
import json
import os
import random
import signal
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from aiocognito.stores import _folder, _local
from aiocognito.stores._folder import Folder
from aiocognito.stores.base import Entry, StoreKey

ANA = StoreKey.for_session("eu-west-1_Ab12Cd34E", "client", "ana")
STEPS = ("mkdir", "open", "write", "fsync", "rename", "unlink", "fchmod", "close")
LAST_STEP = 16


class DeadlyOs:
    """The module `os`, in which the k-th step is the process's last."""

    def __init__(self, k: int, moment: str) -> None:
        self._left, self._moment = k, moment

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in STEPS:
            return real

        @functools.wraps(real)
        def counted(*args: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left:
                return real(*args, **options)
            if self._moment == "after":
                real(*args, **options)
            elif self._moment == "half" and name == "write":
                real(args[0], args[1][: len(args[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("still alive")

        return counted


def commit(path: str, entry: Entry, expected: int | None) -> None:
    folder = Folder(path)
    with folder.locked():
        done = _local.commit(folder, key=ANA, entry=entry, expected=expected)
    folder.close()
    assert done == entry


def load(path: str) -> Entry:
    folder = Folder(path)
    found = _local.load(folder, ANA)
    folder.close()
    assert found is not None
    return found


def died(work: partial[None], k: int, moment: str) -> bool:
    """Run work in a child that dies at its k-th step, if there are so many."""
    child = os.fork()
    if child == 0:
        vars(_folder)["os"] = DeadlyOs(k, moment)
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def main(path: str, rounds: int) -> None:
    seed = int(os.environ.get("AIOCOGNITO_SEED", random.SystemRandom().getrandbits(32)))
    print(f"AIOCOGNITO_SEED={seed}", flush=True)
    draw = random.Random(seed)
    entry = Entry.first(b"first")
    # The very first one too: folder, salt and entry at once.
    for k in range(1, 60):
        fresh = f"{path}-{k}"
        if not died(partial(commit, fresh, entry, None), k, "before"):
            break
        folder = Folder(fresh)
        assert _local.load(folder, ANA) in (None, entry)
        folder.close()
        if not list(Path(fresh).glob("*.entry")):
            commit(fresh, entry, None)
        assert load(fresh) == entry
    commit(path, entry, None)
    seen: Counter[str] = Counter(old=0, new=0, killed=0)
    for turn in range(rounds):
        after = entry.followed_by(b"%d" % turn * draw.randrange(1, 9_000))
        k, moment = draw.randint(1, LAST_STEP), draw.choice(("before", "half", "after"))
        killed = died(partial(commit, path, after, entry.generation), k, moment)
        found = load(path)
        assert found in (entry, after), (turn, k, moment)
        assert killed or found == after, (turn, k, moment)
        if killed:
            seen["killed"] += 1
            seen["new" if found == after else "old"] += 1
        entry = found
    commit(path, entry.followed_by(b"last"), entry.generation)
    left = {name.suffix or name.name for name in Path(path).iterdir()}
    assert left == {"salt", "lock", ".entry"}, left
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
