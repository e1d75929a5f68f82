"""Install the peers that can be installed on this machine: `python tests/peers`.

The Python ones always; the npm ones where there is npm. Nothing is done twice: a
stamp keeps what was asked for, and a changed pin installs again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.peers import CLI_VENV, JS_FOLDER, ROOT, VENV, python_of


def wanted(group: str) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    requirements: list[str] = project["dependency-groups"][group]
    return requirements


def install_python_peers(venv: Path, group: str, variable: str) -> None:
    if variable in os.environ:
        print(f"peers: using {variable}")
        return
    stamp = venv / "wanted.txt"
    asked = "\n".join(wanted(group))
    if stamp.exists() and stamp.read_text(encoding="utf-8") == asked:
        return
    print(f"peers: making {venv.name}")
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
    pip = [str(python_of(venv)), "-m", "pip", "install", "-q"]
    subprocess.run([*pip, *wanted(group)], check=True)
    stamp.write_text(asked, encoding="utf-8")


def install_js_peers() -> None:
    npm = shutil.which("npm")
    if npm is None:
        print("peers: no npm here, the tests with the npm clients will be skipped")
        return
    manifest = (JS_FOLDER / "package.json").read_text(encoding="utf-8")
    stamp = JS_FOLDER / "node_modules" / "wanted.json"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == manifest:
        return
    print("peers: installing the npm clients")
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    done = subprocess.run(command, cwd=JS_FOLDER, check=False)
    if done.returncode == 0:
        stamp.write_text(manifest, encoding="utf-8")
        return
    print("peers: npm failed, the tests with the npm clients will be skipped")
    if os.environ.get("AIOCOGNITO_REQUIRE_ALL"):
        raise SystemExit(done.returncode)


if __name__ == "__main__":
    install_python_peers(VENV, "peers", "AIOCOGNITO_PEERS_PYTHON")
    install_python_peers(CLI_VENV, "aws-cli", "AIOCOGNITO_AWSCLI_PYTHON")
    install_js_peers()
