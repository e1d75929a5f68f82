"""Rules about the files themselves: commands that work, no addresses of somebody's machine."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import needs
from tests.readme_commands import commands

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# Written in pieces, so that this file does not find itself.
REGISTRIES = [
    "pypi" + ".org",
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "registry.yarn" + "pkg.com",
    "deb.debian" + ".org",
    "proxy.golang" + ".org",
]
HOMES = re.compile(
    r"(?<![\w.~$}/-])/(?:home|Users|root|work|tmp)/[A-Za-z_.][\w.-]*" + r"|[A-Z]:\\Users\\"
)


def tracked() -> list[Path]:
    # CI may run as another user than the one who cloned.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    needs("git", listing.returncode == 0, "run the tests from a clone")
    names = listing.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def lines() -> Iterator[tuple[str, str]]:
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            yield f"{path.relative_to(ROOT)}:{number}", line


def test_no_file_names_a_package_registry() -> None:
    found = [where for where, line in lines() if any(host in line for host in REGISTRIES)]
    assert found == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert [where for where, line in lines() if HOMES.search(line)] == []


def test_no_lock_file_is_tracked() -> None:
    names = {path.name for path in tracked()}
    assert names.isdisjoint(
        {"package-lock.json", "yarn.lock", "uv.lock", "poetry.lock", "pdm.lock", "pylock.toml"}
    )


def test_run_time_dependencies_are_exactly_four() -> None:
    named = [re.split(r"[<>=\[;]", each)[0] for each in PROJECT["project"]["dependencies"]]
    assert named == ["aiobotocore", "anyio", "attrs", "cryptography"]


def test_the_floor_that_ci_installs_is_the_floor_we_promise() -> None:
    pins = (ROOT / "constraints" / "floor.txt").read_text(encoding="utf-8").splitlines()
    floors = {line.split("==")[0]: line.split("==")[1] for line in pins if "==" in line}
    for requirement in PROJECT["project"]["dependencies"]:
        name, floor = requirement.split(">=")
        assert floors[name].startswith(floor)


def test_the_readmes_first_two_commands_are_single_lines() -> None:
    first, second = commands()[:2]
    assert "\n" not in first
    assert first.endswith("examples/quickstart.py")
    assert "\n" not in second
    assert second.endswith("-m pytest -n logical")


@pytest.mark.parametrize("name", ["LICENSE", "SECURITY.md", "CHANGELOG.md", "noxfile.py"])
def test_what_a_visitor_looks_for_is_there(name: str) -> None:
    assert (ROOT / name).stat().st_size > 0
