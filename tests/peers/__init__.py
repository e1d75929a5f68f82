"""Where the software lives that we test against and must not install beside us.

pycognito, boto3 and ministack pin another botocore than aiobotocore does, so they
have an environment of their own, and the AWS CLI, which pins a third one, has another; the
npm clients have a folder. `python tests/peers` makes them all.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv-peers"
CLI_VENV = ROOT / ".venv-awscli"
JS_FOLDER = Path(__file__).resolve().parent / "js"


def peers_interpreter() -> Path:
    """Return where the peers' Python is, or should be."""
    named = os.environ.get("AIOCOGNITO_PEERS_PYTHON")
    if named:
        return Path(named)
    return python_of(VENV)


def cli_interpreter() -> Path:
    """Return where the Python of the AWS CLI is, or should be."""
    named = os.environ.get("AIOCOGNITO_AWSCLI_PYTHON")
    return Path(named) if named else python_of(CLI_VENV)


def python_of(venv: Path) -> Path:
    """Return an environment's interpreter."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def js_is_installed() -> bool:
    """Tell whether the npm clients are installed."""
    return (JS_FOLDER / "node_modules" / "amazon-cognito-identity-js").is_dir()
