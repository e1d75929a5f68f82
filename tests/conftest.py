"""What every test gets: three event loops, no blocking, no network, no real AWS."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from blockbuster import BlockBuster

from tests.needs import needs
from tests.peers import JS_FOLDER, cli_interpreter, js_is_installed, peers_interpreter

# --- event loops ----------------------------------------------------------------


def _eager_loop() -> Any:
    import asyncio

    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
    return loop


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _backends() -> Iterator[Any]:
    yield pytest.param(("asyncio", {"use_uvloop": False}), id="asyncio")
    if _has("uvloop"):
        yield pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop")
    if sys.version_info >= (3, 12):
        yield pytest.param(("asyncio", {"loop_factory": _eager_loop}), id="asyncio-eager")
    if _has("trio"):
        yield pytest.param(("trio", {}), id="trio")


BACKENDS = list(_backends())


def pytest_report_header() -> str:
    """Say which event loops take part: what is not installed is left out, not skipped."""
    return "event loops: " + ", ".join(backend.id for backend in BACKENDS)


@pytest.fixture(scope="session", params=BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Run every async test once per event loop. Override it where one loop is meant."""
    return request.param


# --- programs that tests start ----------------------------------------------------


def pytest_configure() -> None:
    """Let a program that a test starts hear Ctrl-C.

    A shell ignores SIGINT for what it runs in the background, and that is inherited:
    a worker told to end would go on.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


# --- no blocking call on the loop's thread ---------------------------------------


@pytest.fixture(scope="session")
def _blockbuster() -> Iterator[BlockBuster]:
    blockbuster = BlockBuster(scanned_modules=["aiocognito"])
    for function in blockbuster.functions.values():
        # Not ours: the client looks its own version up for each connection it opens.
        function.can_block_in("redis/utils.py", {"get_lib_version"})
    blockbuster.activate()
    yield blockbuster
    blockbuster.deactivate()


@pytest.fixture(autouse=True)
def _never_block(request: pytest.FixtureRequest, _blockbuster: BlockBuster) -> Iterator[None]:
    """Fail on a blocking call below our code on asyncio; Trio runs the same code."""
    if request.node.get_closest_marker("may_block") is None:
        yield
        return
    _blockbuster.deactivate()
    yield
    _blockbuster.activate()


# --- no surroundings --------------------------------------------------------------

# What a developer's shell may hold and no test may depend on. Tests that are about
# one of these set it themselves.
_SURROUNDINGS = ("AWS_", "COGNITO_", "IDENTITY_POOL_ID")


@pytest.fixture(autouse=True)
def _clean_environment(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start every test without AWS settings and without the instance metadata service."""
    if request.node.get_closest_marker("live") is not None:
        return
    for name in list(os.environ):
        if name.startswith(_SURROUNDINGS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


# --- software we did not write -----------------------------------------------------


@pytest.fixture(scope="session")
def peers_python() -> Path:
    """The interpreter that has pycognito, boto3 and ministack; never ours."""
    interpreter = peers_interpreter()
    needs("the peers' environment", interpreter.exists(), "run `python tests/peers`")
    return interpreter


@pytest.fixture(scope="session")
def aws_cli() -> list[str]:
    """The command of the AWS CLI, which has an environment of its own."""
    interpreter = cli_interpreter()
    needs("the AWS CLI", interpreter.exists(), "run `python tests/peers`")
    return [str(interpreter), "-m", "awscli"]


@pytest.fixture(scope="session")
def peers_js() -> Path:
    """The folder whose `node_modules` holds the npm clients; run `node` in it."""
    needs("node", shutil.which("node") is not None, "install Node 20 or newer")
    needs("the npm clients", js_is_installed(), "run `python tests/peers`")
    return JS_FOLDER


# --- random inputs ------------------------------------------------------------------

hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=False, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")
