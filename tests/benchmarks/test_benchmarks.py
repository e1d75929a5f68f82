"""The benchmarks run. What they measure is nobody's business here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.benchmarks import (
    credential_process,
    credentials,
    imports,
    many_sessions,
    session,
    sign_in,
    stall,
)
from tests.benchmarks.targets import Target, show

pytestmark = pytest.mark.may_block

SMALL: dict[str, Callable[[], Sequence[Target]]] = {
    "sign_in": lambda: sign_in.main(rounds=1, batch=1, pycognito_sign_ins=0),
    "stall": lambda: stall.main(count=2, repeats=1, pycognito_sign_ins=0),
    "session": lambda: session.main(rounds=1, awaits=10),
    "many_sessions": lambda: many_sessions.main(count=20, planned=20, awaits=10, rounds=1),
    "imports": lambda: imports.main(rounds=1),
    "credential_process": lambda: credential_process.main(rounds=1),
    "credentials": lambda: credentials.main(rounds=2, awaits=10, guests=3),
}


@pytest.mark.slow
@pytest.mark.timeout(120)  # they start processes, on a machine that may be busy
@pytest.mark.parametrize("name", SMALL)
def test_a_benchmark_prints_its_targets(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    targets = SMALL[name]()
    show(targets)
    printed = capsys.readouterr().out
    assert targets
    assert all(target.what in printed for target in targets)


@pytest.mark.parametrize(
    ("measured", "verdict"), [(0.5, "met"), (1.0, "met"), (1.5, "missed by 50%")]
)
def test_a_target_says_by_how_much_it_is_missed(measured: float, verdict: str) -> None:
    assert Target(what="it", measured=measured, limit=1.0).verdict == verdict
