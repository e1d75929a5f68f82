"""Everything that checks this project. `nox -l` lists it; `nox` runs what a commit needs."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "mypy", "tests-3.11"]

ROOT = Path(__file__).resolve().parent
PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
MAIN = "3.11"

# 100 % where a missed branch is a missed attack, 95 % elsewhere: a smoke alarm, not a goal.
COVERED_FULLY = "*/srp/*,*/flow/*,*/tokens/*,*/verify/*"

# Public names whose types a checker cannot know for sure.
VAGUE = {
    # Made by `_lazy.lazily`; a `def` would make every misspelt name an `Any`.
    *("aiocognito.__getattr__", "aiocognito.__dir__"),
    *("aiocognito.stores.__getattr__", "aiocognito.stores.__dir__"),
    *("aiocognito.testing.__getattr__", "aiocognito.testing.__dir__"),
    # They derive from classes of aiobotocore, which has no types.
    *("aiocognito.aws.CognitoIdentityCredentials", "aiocognito.aws.CognitoIdentityProvider"),
}

# What an installation without extras must do without.
NEVER_BROUGHT = ["boto3", "gmpy2", "httpx2", "keyring", "pytest", "redis", "trio"]
ABSENT = """\
import sys
from importlib.util import find_spec
sys.exit([name for name in sys.argv[1:] if find_spec(name)] or None)
"""


def group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PYPROJECT, name))


def install(session: nox.Session, what: str, *groups: str, pins: str | None = "newest") -> None:
    """Install us and some dependency groups, held to one file of `constraints/`."""
    constraint = ["-c", f"constraints/{pins}.txt"] if pins else []
    wanted = [requirement for name in groups for requirement in group(name)]
    session.install(*constraint, what, *wanted)


@nox.session(python=MAIN)
def lint(session: nox.Session) -> None:
    """Check format and style."""
    session.install(*group("lint"))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session(python=MAIN)
def mypy(session: nox.Session) -> None:
    """Check types, ours and those a user of the library sees."""
    install(session, "-e.[trio,fast]", "test")
    session.run("mypy")
    session.run("python", "-m", "pytest", "-p", "no:randomly", "tests/typing", *session.posargs)


@nox.session(name="api-types", python=MAIN)
def api_types(session: nox.Session) -> None:
    """Check the public types with the other checkers, as a user would."""
    install(session, ".[trio]", "test")  # pyright does not follow an editable install
    session.install(*group("checkers"))
    report = session.run(
        "pyright", "--verifytypes", "aiocognito", "--ignoreexternal", "--outputjson",
        silent=True, success_codes=[0, 1],
    )  # fmt: skip
    symbols = json.loads(report[report.index("{") :])["typeCompleteness"]["symbols"]
    vague = {
        symbol["name"]
        for symbol in symbols
        if symbol["isExported"] and (symbol["isTypeAmbiguous"] or not symbol["isTypeKnown"])
    }
    if vague != VAGUE:
        session.error(f"to a type checker these are vague: {sorted(vague ^ VAGUE)}")
    session.run("python", "-m", "pytest", "tests/typing", *session.posargs)


@nox.session(python=PYTHONS)
@nox.parametrize("extras", ["all", "none"])
def tests(session: nox.Session, extras: str) -> None:
    """Run the suite, with all extras and with none."""
    install(session, "-e.[trio,fast]" if extras == "all" else "-e.", "test")
    session.run("python", "-m", "pytest", "-n", "logical", *session.posargs)


@nox.session(python=MAIN)
def floor(session: nox.Session) -> None:
    """Run the suite on the lowest versions we promise (no Trio there)."""
    install(session, "-e.", "test", pins="floor")
    session.run("python", "-m", "pytest", "-n", "logical", *session.posargs)


@nox.session(name="tests-wheel", python=MAIN)
def tests_wheel(session: nox.Session) -> None:
    """Run the suite against the built wheel instead of the source tree."""
    session.install("build")
    session.run("python", "-m", "build", "--wheel", "--outdir", session.create_tmp())
    (wheel,) = Path(session.create_tmp()).glob("*.whl")
    install(session, f"{wheel}[trio,fast]", "test")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(name="tests-random", python=MAIN)
def tests_random(session: nox.Session) -> None:
    """Run the suite three times in different orders and with more examples."""
    install(session, "-e.[trio,fast]", "test")
    for _ in range(3):
        session.run("python", "-m", "pytest", "--hypothesis-seed=random", *session.posargs)


@nox.session(python=MAIN)
def coverage(session: nox.Session) -> None:
    """Run the suite and measure branches; the report follows."""
    install(session, "-e.[trio,fast]", "test")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.notify("coverage-report")


@nox.session(name="coverage-report", python=MAIN)
def coverage_report(session: nox.Session) -> None:
    """Report what was measured; fail below the floors."""
    session.install(*(need for need in group("test") if need.startswith("coverage")))
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", f"--include={COVERED_FULLY}", "--fail-under=100")
    session.run("coverage", "report", f"--omit={COVERED_FULLY}", "--fail-under=95")


@nox.session(python=MAIN)
@nox.parametrize("builder", ["html", "doctest", "linkcheck"])
def docs(session: nox.Session, builder: str) -> None:
    """Build the documentation; a warning is an error. Run its doctests.

    `-- --offline` builds without the indexes of other projects' documentation.
    """
    offline = "--offline" in session.posargs
    if offline and builder == "linkcheck":
        session.skip("there is no link to check without a network")
    install(session, "-e.", "docs")
    session.run(
        "sphinx-build", "--fresh-env", "--jobs=2",
        "--fail-on-warning", "--keep-going", "--nitpicky",
        "-b", builder, "docs", f"docs/_build/{builder}",
        env={"DOCS_OFFLINE": "1"} if offline else None,
    )  # fmt: skip


@nox.session(name="api-text", python=MAIN)
def api_text(session: nox.Session) -> None:
    """Write the public surface to docs/api.txt, so that a change shows in review."""
    install(session, "-e.")
    session.run("python", "-m", "tests.public_surface", "docs/api.txt")


@nox.session(python=MAIN)
def bench(session: nox.Session) -> None:
    """Print our costs beside the peers', measured in one run."""
    session.run("python", "tests/peers", external=False)
    install(session, "-e.[trio,fast]", "test")
    session.install("authlib", "joserfc", "pyjwt")  # rows beside ours
    session.run("python", "-m", "tests.benchmarks", *session.posargs)


@nox.session(python=MAIN)
def soak(session: nox.Session) -> None:
    """Run the long tests in their long form: real time, many sessions, many operations."""
    install(session, "-e.[trio,fast]", "test")
    session.run(
        "python", "-m", "pytest", "-m", "slow", "--timeout=3600", *session.posargs,
        env={"AIOCOGNITO_SOAK": "1"},
    )  # fmt: skip


@nox.session(python=MAIN)
def live(session: nox.Session) -> None:
    """Run tests/live against the pool that the environment names. Never in CI."""
    if "COGNITO_USER_POOL_ID" not in os.environ:
        session.skip("set COGNITO_USER_POOL_ID, COGNITO_CLIENT_ID, COGNITO_USERNAME, …")
    install(session, "-e.[trio,fast]", "test")
    session.run(
        "python", "-m", "pytest", "tests/live", "-m", "live", "--force-enable-socket",
        "--timeout=120", *session.posargs,
    )  # fmt: skip


@nox.session(python=MAIN)
def build(session: nox.Session) -> None:
    """Build sdist and wheel, check what an index would refuse, and use the wheel alone."""
    session.install("build", "twine")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist")
    session.run("twine", "check", "--strict", *map(str, Path("dist").iterdir()))
    (wheel,) = Path("dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    if "aiocognito/py.typed" not in names:
        session.error("the wheel has no py.typed")
    if strangers := [name for name in names if not name.startswith("aiocognito")]:
        session.error(f"the wheel brings {strangers}")
    session.notify("wheel-alone")


@nox.session(name="wheel-alone", python=MAIN)
def wheel_alone(session: nox.Session) -> None:
    """Use the built wheel with nothing but its four dependencies."""
    (wheel,) = Path("dist").glob("*.whl")
    session.install(str(wheel))
    session.cd(session.create_tmp())  # away from the source tree
    session.run("python", "-c", "from aiocognito import UserPool")
    session.run("python", "-c", ABSENT, *NEVER_BROUGHT)
    session.run("python", str(ROOT / "examples" / "quickstart.py"))
