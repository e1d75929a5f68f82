"""Running the peers' half of a benchmark in the peers' interpreter."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.benchmarks.server import Server
from tests.peers import peers_interpreter

SCRIPT = Path(__file__).with_name("with_pycognito.py")


def with_pycognito(what: str, server: Server, count: int) -> Any:
    """Return what the script printed, or None where there is no pycognito."""
    interpreter = peers_interpreter()
    if not interpreter.exists() or count == 0:
        return None
    command = [str(interpreter), str(SCRIPT), what, *server.as_arguments(), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
