"""Where the software lives that we test against and must not install beside us.

pycognito, boto3 and ministack pin another botocore than aiobotocore does, so they
have an environment of their own; the npm clients have a folder. `python tests/peers`
makes both.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv-peers"
JS_FOLDER = Path(__file__).resolve().parent / "js"


def peers_interpreter() -> Path:
    """Return where the peers' Python is, or should be."""
    named = os.environ.get("AIOCOGNITO_PEERS_PYTHON")
    if named:
        return Path(named)
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def js_is_installed() -> bool:
    """Tell whether the npm clients are installed."""
    return (JS_FOLDER / "node_modules" / "amazon-cognito-identity-js").is_dir()
