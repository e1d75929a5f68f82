"""How long a tool waits for `credential_process`, and what that is made of.

    python -m tests.benchmarks credential_process

Wall and CPU milliseconds of the whole program, from start to exit, against a local pool:
what is kept is printed; a bare interpreter and `import asyncio` beside it, which no
program of this kind can do without; and credentials brought anew.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio

from aiocognito.credential_process.options import parse
from aiocognito.stores import FileTokenStore
from aiocognito.testing import LocalCognito
from tests.benchmarks.server import ROOT
from tests.benchmarks.targets import Target

PROGRAM = [sys.executable, "-m", "aiocognito.credential_process"]
BARE, ASYNCIO = [sys.executable, "-c", ""], [sys.executable, "-c", "import asyncio"]
LIMIT = 4.0  # times `import asyncio`


def once(command: Sequence[str]) -> tuple[float, float]:
    """Return wall and CPU milliseconds of one run."""
    before, started = _children(), time.perf_counter()
    subprocess.run(command, cwd=ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - started) * 1e3, (_children() - before) * 1e3


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(rounds: int = 15) -> list[Target]:
    with tempfile.TemporaryDirectory() as folder, LocalCognito() as local:
        local.add_user("ana", "Passw0rd!")
        arguments = [
            "--identity-pool-id", local.identity_pool_id, "--user-pool-id", local.user_pool_id,
            "--client-id", local.client_id, "--username", "ana",
            "--store", str(Path(folder) / "store"), "--endpoint-url", local.url,
        ]  # fmt: skip
        subprocess.run(
            [*PROGRAM, "sign-in", *arguments],
            cwd=ROOT, input=b"Passw0rd!\n", stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        store, key = FileTokenStore(Path(folder) / "store"), parse(arguments).credentials_key

        def forget() -> None:
            anyio.run(store.delete, key)

        rows: dict[str, tuple[list[str], Callable[[], None] | None]] = {
            "a bare interpreter": (BARE, None),
            "import asyncio": (ASYNCIO, None),
            "printing what is kept": ([*PROGRAM, *arguments], None),
            "bringing new credentials": ([*PROGRAM, *arguments], forget),
        }
        seen: dict[str, list[tuple[float, float]]] = {what: [] for what in rows}
        for number in range(rounds + 1):
            for what, (command, first) in rows.items():
                if first is not None:
                    first()
                measured = once(command)
                if number:  # the first one may have written bytecode
                    seen[what].append(measured)
    print("a program from start to exit, in milliseconds")
    print(f"{'':30}{'wall, least':>14}{'median':>9}{'CPU, least':>13}{'median':>9}")
    medians: dict[str, float] = {}
    for what, found in seen.items():
        wall, cpu = [w for w, _ in found], [c for _, c in found]
        medians[what] = statistics.median(cpu)
        print(
            f"{what:30}{min(wall):14.0f}{statistics.median(wall):9.0f}"
            f"{min(cpu):13.0f}{medians[what]:9.0f}"
        )
    ratio = medians["printing what is kept"] / medians["import asyncio"]
    return [Target(what="CPU of printing against `import asyncio`", measured=ratio, limit=LIMIT)]
