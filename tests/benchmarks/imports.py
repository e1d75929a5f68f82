"""What importing costs, and what it loads.

    python -m tests.benchmarks imports

CPU milliseconds beyond a bare interpreter, each time in a fresh one that has its
bytecode cached.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.server import ROOT
from tests.benchmarks.targets import Target, show
from tests.peers import peers_interpreter

PACKAGE, POOL = "import aiocognito", "from aiocognito import UserPool"
STATEMENTS = (
    PACKAGE,
    POOL,
    "from aiocognito import TokenVerifier",
    "import aiocognito.testing",
    "import asyncio",
    "import aiobotocore.session",
)
PEER = "import pycognito"
WATCHED = ("asyncio", "anyio", "attrs", "cryptography", "aiohttp", "botocore", "aiobotocore")

PROBE = """
import json, sys, time
started = time.process_time()
exec(sys.argv[1])
spent = time.process_time() - started
print(json.dumps([spent * 1e3, [name for name in sys.argv[2:] if name in sys.modules]]))
"""


def once(statement: str, interpreter: Path | str) -> tuple[float, list[str]]:
    """Return the CPU milliseconds of a statement, and what of `WATCHED` it has loaded."""
    command = [interpreter, "-c", PROBE, statement, *WATCHED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    spent, loaded = json.loads(done.stdout)
    return spent, loaded


def main(rounds: int = 9) -> list[Target]:
    statements: dict[str, Path | str] = dict.fromkeys(STATEMENTS, sys.executable)
    if peers_interpreter().exists():
        statements[PEER] = peers_interpreter()
    times: dict[str, list[float]] = {statement: [] for statement in statements}
    loads: dict[str, list[str]] = {}
    for number in range(rounds + 1):
        for statement, interpreter in statements.items():
            spent, loads[statement] = once(statement, interpreter)
            if number:  # the first one may have written bytecode
                times[statement].append(spent)
    print("CPU of an import, in milliseconds, beyond a bare interpreter")
    print(f"{'':40}{'least':>8}{'median':>8}  of these it loads")
    for statement, of in times.items():
        loaded = " ".join(loads[statement]) or "none"
        print(f"{statement:40}{min(of):8.1f}{statistics.median(of):8.1f}  {loaded}")
    return [
        Target(what=statement, measured=statistics.median(times[statement]), limit=60, unit="ms")
        for statement in (PACKAGE, POOL)
    ]


if __name__ == "__main__":
    show(main())
