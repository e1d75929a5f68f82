"""The public types say what they should, to every checker that is installed.

mypy comes with the tests; `nox -s api-types` brings the others.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ACCEPTS, REJECTS = HERE / "accepts.py", HERE / "rejects.py"

CHECKERS = {
    "mypy": ["mypy", "--no-error-summary", "--hide-error-context", "--no-pretty"],
    "pyright": ["pyright"],
    "pyrefly": ["pyrefly", "check", "--output-format=min-text"],
    "ty": ["ty", "check", "--output-format=concise"],
}

# Another process starts from nothing and reads all of typeshed.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def find(name: str) -> str | None:
    beside_python = shutil.which(name, path=str(Path(sys.executable).parent))
    return beside_python or shutil.which(name)


INSTALLED = [name for name, command in CHECKERS.items() if find(command[0]) is not None]


@pytest.fixture(params=INSTALLED)
def checker(request: pytest.FixtureRequest) -> list[str]:
    program, *options = CHECKERS[request.param]
    found = find(program)
    assert found is not None
    return [found, *options]


def refused_lines(checker: list[str], path: Path) -> set[int]:
    """Run a checker on one file; return the numbers of the lines it refuses."""
    done = subprocess.run(
        [*checker, str(path)],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found = re.findall(rf"{path.name}:(\d+)(?::\d+)*[^\n]*?\berror\b", done.stdout, re.IGNORECASE)
    found += re.findall(rf"ERROR [^\n]*{path.name}:(\d+)", done.stdout)
    assert bool(found) == (done.returncode == 1), done.stdout + done.stderr
    return {int(number) for number in found}


def test_what_people_write_is_accepted(checker: list[str]) -> None:
    assert refused_lines(checker, ACCEPTS) == set()


def test_what_cannot_be_meant_is_refused(checker: list[str]) -> None:
    lines = REJECTS.read_text(encoding="utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith("# refused")}
    assert refused_lines(checker, REJECTS) == marked
