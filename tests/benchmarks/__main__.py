"""All benchmarks in one run: `python -m tests.benchmarks [name ...]`, or `nox -s bench`.

Each runs in a process of its own and prints its own table; at the end stands every
target with what was measured. The figures are for comparing rows of one run: another
machine, or this one an hour later, has others.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.benchmarks import (
    core,
    credential_process,
    credentials,
    imports,
    many_sessions,
    session,
    sign_in,
    stall,
)
from tests.benchmarks.targets import Target, show

BENCHMARKS: dict[str, Callable[[], Sequence[Target]]] = {
    "srp_arithmetic": core.srp_arithmetic,
    "token_verification": core.token_verification,
    "sign_in": sign_in.main,
    "stall": stall.main,
    "session": session.main,
    "many_sessions": many_sessions.main,
    "imports": imports.main,
    "credential_process": credential_process.main,
    "credentials": credentials.main,
}


def main(names: Sequence[str]) -> None:
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        raise SystemExit(f"unknown: {' '.join(sorted(unknown))}; known: {' '.join(BENCHMARKS)}")
    load = " ".join(f"{average:.1f}" for average in os.getloadavg())
    print(f"CPython {platform.python_version()}, {os.cpu_count()} cores, load {load}")
    targets: list[Target] = []
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as processes:
        for name in names or BENCHMARKS:
            print(f"\n=== {name}", flush=True)
            targets += processes.submit(BENCHMARKS[name]).result()
    print("\n=== what we aim for")
    show(targets)


if __name__ == "__main__":
    main(sys.argv[1:])
