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

from aiocognito.srp import modexp
from tests.benchmarks import imports, session, sign_in, srp_arithmetic, stall, token_verification
from tests.benchmarks.targets import Target, show


def srp_targets() -> list[Target]:
    """Run the SRP benchmark; compare least times, as its own tables do."""
    measured = srp_arithmetic.main()["as used"]
    least = {name: min(times) for name, times in measured.items()}
    ours, python = least[modexp.prepare()], least["python"]
    targets = []
    if "OpenSSL itself, straight" in least:
        targets.append(
            Target(
                what="SRP arithmetic, as installed, against OpenSSL called straight",
                measured=ours / least["OpenSSL itself, straight"],
                limit=1.25,
            )
        )
    if srp_arithmetic.PYCOGNITO in least:
        pycognito = least[srp_arithmetic.PYCOGNITO]
        targets += [
            Target(
                what="SRP arithmetic, as installed, against pycognito",
                measured=ours / pycognito,
                limit=1 / 20,
            ),
            Target(
                what="SRP arithmetic in plain Python against pycognito",
                measured=python / pycognito,
                limit=1 / 3,
            ),
        ]
    return targets


def token_targets() -> list[Target]:
    """Run the token benchmark; compare least times, as its own table does."""
    least = {name: min(times) for name, times in token_verification.main().items()}
    return [
        Target(
            what=f"checking an {kind} token against the bare signature check",
            measured=least[f"ours, {kind} token"] / least[f"bare, {kind} token"],
            limit=1.6,
        )
        for kind in ("access", "ID")
    ]


BENCHMARKS: dict[str, Callable[[], Sequence[Target]]] = {
    "srp_arithmetic": srp_targets,
    "token_verification": token_targets,
    "sign_in": sign_in.main,
    "stall": stall.main,
    "session": session.main,
    "imports": imports.main,
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
