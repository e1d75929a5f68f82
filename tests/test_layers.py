"""Imports point down only, and what may wait, tell the time or do I/O is known by name.

The rule is docs/explanation/architecture.md, and this is the machine that keeps it true.
A new module must be given its layer here, which is the moment to think about where it
belongs.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from attrs import frozen

SOURCE = Path(__file__).resolve().parents[1] / "src" / "aiocognito"

# The longest matching name decides; `verify` is not listed, so each of its modules must be.
LAYERS: dict[str, int] = {
    "errors": 0,
    "_clock": 0,
    "_lazy": 0,
    "_partitions": 0,
    "_redact": 0,
    "srp": 1,
    "tokens": 1,
    "webauthn": 1,
    "verify.cache": 1,
    "verify.compact": 1,
    "verify.jwk": 1,
    "verify.policy": 1,
    "verify.signature": 1,
    "oauth.endpoints": 1,
    "oauth.pkce": 1,
    "flow": 2,
    "events": 3,
    "fleet": 3,
    "_effects": 3,
    "_turn": 3,
    "stores.base": 3,
    "transport.base": 3,
    "transport.error_codes": 3,
    "_agenda": 4,
    "_asking": 4,
    "_client_secrets": 4,
    "_devices": 4,
    "_end_in_view": 4,
    "_exchange": 4,
    "_guest_store": 4,
    "_identities": 4,
    "_issued": 4,
    "_keeper": 4,
    "_kept": 4,
    "_lanes": 4,
    "_limiter": 4,
    "_logins": 4,
    "_metered": 4,
    "_persist": 4,
    "_place": 4,
    "_pool_accounts": 4,
    "_pool_checks": 4,
    "_presenting": 4,
    "_protected": 4,
    "_refresh": 4,
    "_relogin": 4,
    "_retry": 4,
    "_roster": 4,
    "_services": 4,
    "_stored": 4,
    "_session_devices": 4,
    "_used_steps": 4,
    "_workers": 4,
    "account": 4,
    "admin": 4,
    "admin_groups": 4,
    "admin_sign_in": 4,
    "admin_users": 4,
    "aws_identity": 4,
    "health": 4,
    "identity_admin": 4,
    "identity_pool": 4,
    "login": 4,
    "logins": 4,
    "oauth.client": 4,
    "pool": 4,
    "scheduler": 4,
    "session": 4,
    "software_passkey": 4,
    "verify.keys": 4,
    "verify.verifier": 4,
    "aws": 5,
    "integrations": 5,
    "signing": 5,
    "stores": 5,
    "transport": 5,
    "__main__": 6,
    "credential_process": 6,
    "diagnose": 6,
    "responders": 6,
    "testing": 6,
    "": 7,  # the public names
}
PURE_LAYERS = range(3)
FIRST_WAITING_LAYER = 4

# Who names a default that lives in L5. These modules load nothing heavy until they are
# used, and then in a worker thread. They are imported at the top: importing one later would
# open its file on the event loop's thread.
DEFAULTS: set[tuple[str, str]] = {
    ("pool", "transport.botocore"),
    ("identity_pool", "transport.botocore"),
    ("verify.keys", "transport.http"),
    ("health", "transport._exchange"),
}

# What is loaded when first needed: aiobotocore takes a third of a second.
LAZY: set[tuple[str, str]] = {
    ("aws_identity", "aws"),
    # A program that every start of an SDK waits for: what only prints must not load these.
    ("credential_process.__main__", "credential_process.renewing"),
    ("credential_process.__main__", "credential_process.signing_in"),
}

# Who may import what at all. A module that is not listed is free for everybody.
CONFINED: dict[str, set[str]] = {
    "aiobotocore": {"aws", "stores.dynamodb"},
    "asyncio": {"_protected", "aws", "transport.botocore"},
    "boto3": set(),
    # The local pool checks signatures, with the signer everybody uses.
    "botocore": {"transport.botocore", "aws", "signing", "stores.dynamodb", "testing.signatures"},
    # Spreads refreshes, retries and workers that wait for a code over time; no secret.
    "random": {"_refresh", "_retry", "responders"},
    "time": {"_clock"},
}

# What a pure module has no business with.
IMPURE = {"aiohttp", "anyio", "http", "httpx2", "logging", "os", "secrets", "socket", "ssl"}

# Where a third-party module is imported inside a function, and why there.
LAZY_THIRD_PARTY: dict[str, set[str]] = {
    "transport.botocore": {"botocore"},
    "aws": {"aiobotocore", "botocore"},
    "testing.signatures": {"botocore"},
    # Extras: the class says what to install, and can be named and documented without.
    "stores.keyring": {"keyring"},
    "stores.redis": {"redis"},
}


@frozen
class Import:
    importer: str
    target: str  # a full dotted name
    inside_function: bool
    for_types_only: bool
    line: int

    @property
    def is_ours(self) -> bool:
        return self.target == "aiocognito" or self.target.startswith("aiocognito.")

    @property
    def ours(self) -> str:
        return self.target.removeprefix("aiocognito").removeprefix(".")

    @property
    def top(self) -> str:
        return self.target.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.importer or '__init__'}:{self.line} imports {self.target}"


def modules() -> dict[str, Path]:
    """Every module by its name below `aiocognito`; packages by the folder's name."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = modules()


def imports_of(name: str) -> Iterator[Import]:
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    yield from _walk(tree, Where(name, inside_function=False, for_types_only=False))


@frozen
class Where:
    module: str
    inside_function: bool
    for_types_only: bool

    def below(self, node: ast.AST) -> Where:
        deeper = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        return Where(self.module, self.inside_function or deeper, self.for_types_only or typing)


def _walk(node: ast.AST, where: Where) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        for target in _targets(child, where.module):
            yield Import(
                where.module, target, where.inside_function, where.for_types_only, child.lineno
            )
        yield from _walk(child, where.below(child))


def _targets(node: ast.AST, name: str) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), names=names, level=0):
            return [_resolve(module, alias.name) for alias in names]
        case ast.ImportFrom():
            pytest.fail(f"{name}:{node.lineno}: write imports in full")
        case _:
            return []


def _resolve(module: str, name: str) -> str:
    """Tell `from package import module` from `from module import name`."""
    whole = f"{module}.{name}"
    return whole if whole.removeprefix("aiocognito.") in MODULES else module


def awaits_in(name: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Await | ast.AsyncWith | ast.AsyncFor):
            yield node.lineno


def layer_of(name: str) -> int | None:
    while name:
        if name in LAYERS:
            return LAYERS[name]
        name = name.rpartition(".")[0]
    return None


def is_empty(name: str) -> bool:
    return not MODULES[name].read_text(encoding="utf-8").strip()


ALL_IMPORTS = [found for name in MODULES for found in imports_of(name)]


def test_every_module_has_a_layer() -> None:
    homeless = [name for name in MODULES if name and layer_of(name) is None and not is_empty(name)]
    assert homeless == [], "give these a layer in tests/test_layers.py"


def test_imports_point_down() -> None:
    wrong = []
    for found in ALL_IMPORTS:
        if not found.is_ours or not found.importer:
            continue
        here, there = layer_of(found.importer), layer_of(found.ours)
        pair = (found.importer, found.ours)
        if pair in (LAZY if found.inside_function else DEFAULTS):
            continue
        if here is not None and (there is None or there > here):
            wrong.append(f"{found} (layer {here} to {there})")
    assert wrong == []


def test_there_are_no_cycles() -> None:
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for found in ALL_IMPORTS:
        if found.is_ours and not found.inside_function and not found.for_types_only:
            graph[found.importer].add(found.ours)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_imports_inside_functions_are_the_listed_ones() -> None:
    wrong = [
        str(found)
        for found in ALL_IMPORTS
        if found.inside_function
        and (found.importer, found.ours) not in LAZY
        and found.top not in LAZY_THIRD_PARTY.get(found.importer, set())
    ]
    assert wrong == [], "a value is living in the wrong file, or LAZY needs a line"


def test_confined_modules_stay_in_their_files() -> None:
    wrong = [
        str(found)
        for found in ALL_IMPORTS
        if found.top in CONFINED
        and found.importer not in CONFINED[found.top]
        and not found.for_types_only
    ]
    assert wrong == []


def test_the_core_is_pure() -> None:
    """No waiting, no logging, no randomness and no surroundings below layer 3."""
    wrong = [
        str(found)
        for found in ALL_IMPORTS
        if layer_of(found.importer) in PURE_LAYERS
        and found.importer != "_clock"
        and found.top in IMPURE - ALLOWED_IN_CORE.get(found.importer, set())
    ]
    assert wrong == []


# The routes to a fast exponentiation look at the machine: libcrypto is found and probed.
ALLOWED_IN_CORE: dict[str, set[str]] = {"srp.modexp": {"os", "ssl"}}


def test_only_layers_that_wait_contain_waiting_code() -> None:
    """Layers 0 to 3 declare async protocols at most: bodies of `...`, nothing awaited."""
    core = [name for name in MODULES if (layer_of(name) or 0) < FIRST_WAITING_LAYER and name]
    assert [f"{name}:{line}" for name in core for line in awaits_in(name)] == []


def test_importing_the_package_does_not_load_aiobotocore() -> None:
    script = (
        "import sys, aiocognito; "
        "print(sorted({'aiobotocore', 'botocore', 'aiohttp', 'boto3'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
