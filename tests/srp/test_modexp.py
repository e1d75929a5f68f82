"""One set of tests for every route to a power, and the choice among them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiocognito.srp import modexp
from aiocognito.srp.group import N, Q, g
from aiocognito.srp.modexp import Backend, powmod, prepare

BASES = [0, 1, 2, N - 2, N - 1, N, N // 3, -5]
EXPONENTS = [0, 1, 2, Q - 1, Q, N - 2, N - 1, N, 2**255, 2**256 - 1, 2**256, 2**3080 + 1]


@cache
def expected(base: int, exponent: int) -> int:
    return pow(base, exponent, N)


# --- the function, on every backend ------------------------------------------------------


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("base", BASES, ids=range(len(BASES)))
def test_every_backend_computes_what_pow_computes_at_the_edges(base: int) -> None:
    for exponent in EXPONENTS:
        assert powmod(base, exponent) == expected(base, exponent)


@pytest.mark.usefixtures("backend")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, N), st.integers(0, 2**512))
def test_every_backend_computes_what_pow_computes(base: int, exponent: int) -> None:
    assert powmod(base, exponent) == pow(base, exponent, N)
    assert powmod(g, exponent >> 256) == pow(g, exponent >> 256, N)


@pytest.mark.usefixtures("backend")
def test_squares_and_non_squares_are_both_good_bases() -> None:
    assert {expected(base, Q) == 1 for base in range(2, 12)} == {True, False}
    for base in range(2, 12):
        assert powmod(base, 2**100 - 1) == pow(base, 2**100 - 1, N)


@pytest.mark.usefixtures("backend")
def test_threads_do_not_disturb_one_another() -> None:
    numbers = [(g, 2**255 + n) if n % 2 else (N // (n + 3), 2**300 + n) for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        powers = list(pool.map(lambda pair: powmod(*pair), numbers))
    assert powers == [pow(*pair, N) for pair in numbers]


# --- the choice --------------------------------------------------------------------------


def routes(monkeypatch: pytest.MonkeyPatch, **powmods: Callable[[int, int], int]) -> None:
    """Replace the routes; a backend's module is its name here."""
    modules = {
        name: SimpleNamespace(load=lambda function=function: function)
        for name, function in powmods.items()
    }
    monkeypatch.setattr(modexp, "_ROUTES", {name: name for name in powmods})
    monkeypatch.setattr(modexp, "importlib", SimpleNamespace(import_module=modules.__getitem__))


def plain(base: int, exponent: int) -> int:
    return pow(base, exponent, N)


def wrong(base: int, exponent: int) -> int:
    return pow(base, exponent, N) ^ 1


def broken(base: int, exponent: int) -> int:
    raise ValueError("no such key")


@pytest.mark.usefixtures("fresh_choice")
def test_the_first_route_that_works_is_taken() -> None:
    assert prepare() == modexp.available_backends()[0]
    assert prepare() == prepare()


@pytest.mark.usefixtures("fresh_choice")
def test_the_last_route_always_works() -> None:
    assert modexp.available_backends()[-1] == "python"


@pytest.mark.usefixtures("fresh_choice")
@pytest.mark.parametrize("failing", [wrong, broken], ids=["wrong", "broken"])
def test_a_route_that_misses_the_known_answers_is_passed_over(
    failing: Callable[[int, int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    routes(monkeypatch, first=failing, second=plain)
    assert modexp.available_backends() == ("second",)
    assert powmod(5, 2**255) == pow(5, 2**255, N)
    assert prepare() == "second"


@pytest.mark.usefixtures("fresh_choice")
def test_a_route_that_fails_later_is_given_up_and_the_power_still_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    def fails_later(base: int, exponent: int) -> int:
        calls.append(base)
        return plain(base, exponent) if len(calls) <= 4 else broken(base, exponent)

    routes(monkeypatch, first=fails_later, second=plain)
    assert prepare() == "first"  # three known answers
    assert powmod(5, 2**255) == pow(5, 2**255, N)
    assert powmod(6, 2**255) == pow(6, 2**255, N)
    assert prepare() == "second"
    assert powmod(7, 2**255) == pow(7, 2**255, N)
    assert calls[3:] == [5, 6]


@pytest.mark.usefixtures("fresh_choice")
def test_a_route_is_given_up_once_although_many_threads_see_it_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    routes(monkeypatch, first=plain, second=plain)
    assert prepare() == "first"
    stale = Backend("first", broken)
    modexp._give_up(stale)
    modexp._chosen = second = modexp._choose()
    modexp._give_up(stale)
    assert prepare() == second.name


@pytest.mark.usefixtures("fresh_choice")
def test_what_plain_python_raises_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modexp, "_chosen", Backend("python", broken))
    with pytest.raises(ValueError, match="no such key"):
        powmod(5, 7)


# --- the process around it -----------------------------------------------------------------


def run(script: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, *options, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_importing_chooses_nothing() -> None:
    printed = run(
        "import sys, aiocognito.srp.handshake;"
        "print([name for name in sys.modules if name.startswith('aiocognito.srp._')], "
        "'gmpy2' in sys.modules)"
    )
    assert printed == "[] False"


@pytest.mark.parametrize("name", ["openssl-bn", "openssl-dh", "gmpy2", "python"])
def test_no_warning_and_no_changed_filter_reaches_a_user(
    name: str, loaded_backends: dict[str, Backend]
) -> None:
    if name not in loaded_backends:
        pytest.skip(f"{name} is not available in this Python")
    script = f"""
import warnings
before = list(warnings.filters)
from aiocognito.srp import modexp
modexp._chosen = modexp.load_backend({name!r})
assert modexp.powmod(5, 2**255 + 1) == pow(5, 2**255 + 1, {N})
assert modexp._chosen.name == {name!r}
print(warnings.filters == before)
"""
    assert run(script, "-W", "error") == "True"
    assert run(script, "-W", "always") == "True"
