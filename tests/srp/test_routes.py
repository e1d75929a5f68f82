"""What each route does when the software under it is missing, changes or fails."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import cryptography
import pytest

from aiocognito.srp import _openssl_bn, _openssl_dh, modexp
from aiocognito.srp.group import N
from aiocognito.srp.modexp import powmod

# --- openssl-dh ----------------------------------------------------------------------------


def test_the_installed_cryptography_has_been_looked_at() -> None:
    """A reminder: try the new version with warnings as errors, then raise `_NEWEST`."""
    assert int(cryptography.__version__.partition(".")[0]) <= _openssl_dh._NEWEST


@pytest.mark.parametrize("version", ["43.0.3", "51.0.0", "53.0.0.dev1", "100.0.0"])
def test_an_unknown_cryptography_is_not_asked(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cryptography, "__version__", version)
    monkeypatch.setattr(_openssl_dh, "openssl", None)
    with pytest.raises(ImportError, match="may warn"):
        _openssl_dh.load()
    assert "openssl-dh" not in modexp.available_backends()


class Keys:
    """A Diffie-Hellman interface that somebody has changed."""

    def __init__(self, *numbers: Any) -> None:
        pass

    def private_key(self) -> Keys:
        return self

    def public_key(self) -> Keys:
        return self

    def exchange(self, peer: Keys) -> bytes:
        return bytes(384)


def refuse(*arguments: Any) -> Any:
    raise ValueError("FFDH is not supported")


CHANGED = {
    "gone": SimpleNamespace(),
    "without numbers": SimpleNamespace(dh=SimpleNamespace()),
    "refusing": SimpleNamespace(
        dh=SimpleNamespace(
            DHParameterNumbers=refuse, DHPublicNumbers=refuse, DHPrivateNumbers=refuse
        )
    ),
    "answering otherwise": SimpleNamespace(
        dh=SimpleNamespace(DHParameterNumbers=Keys, DHPublicNumbers=Keys, DHPrivateNumbers=Keys)
    ),
}


@pytest.mark.usefixtures("fresh_choice")
@pytest.mark.parametrize("interface", CHANGED.values(), ids=CHANGED.keys())
def test_the_day_diffie_hellman_goes_the_library_is_slower_and_works(
    interface: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_openssl_dh, "openssl", interface)
    monkeypatch.setattr(_openssl_bn, "_candidates", lambda: iter(()))
    assert modexp.available_backends() in {("gmpy2", "python"), ("python",)}
    assert powmod(5, 2**255) == pow(5, 2**255, N)


# --- openssl-bn ----------------------------------------------------------------------------

bn_only = pytest.mark.skipif(
    "openssl-bn" not in modexp.available_backends(), reason="this Python hides its libcrypto"
)


def test_a_python_without_visible_libcrypto_is_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(name: object) -> Any:
        raise OSError("no such file")

    monkeypatch.setattr(ctypes, "CDLL", fail)
    with pytest.raises(OSError, match="does not show"):
        _openssl_bn.load()


@bn_only
@pytest.mark.parametrize("missing", list(_openssl_bn._FUNCTIONS))
def test_a_library_that_lacks_a_function_is_not_used(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (library,) = _openssl_bn._candidates()
    functions = {name: getattr(library, name) for name in _openssl_bn._FUNCTIONS}
    del functions[missing]
    assert _openssl_bn._declare(SimpleNamespace(**functions)) is None  # type: ignore[arg-type]


@bn_only
def test_another_libcrypto_than_that_of_ssl_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_openssl_bn._ssl, "OPENSSL_VERSION", "OpenSSL 9.9.9 1 Jan 2099")
    with pytest.raises(OSError, match="does not show"):
        _openssl_bn.load()


class Ledger:
    """Counts what is taken and given back, and lets one call in the sequence fail."""

    MAKERS = ("BN_new", "BN_bin2bn", "BN_CTX_new", "BN_MONT_CTX_new")
    FREERS = ("BN_clear_free", "BN_CTX_free", "BN_MONT_CTX_free")

    def __init__(self) -> None:
        (library,) = _openssl_bn._candidates()
        functions = _openssl_bn._declare(library)
        assert functions is not None
        self.held: Counter[int] = Counter()
        self.failing: int | None = None
        self.calls = 0
        self.errors_cleared = 0
        self.functions = {name: self.watch(name, function) for name, function in functions.items()}

    def watch(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any) -> Any:
            if name == "ERR_clear_error":
                self.errors_cleared += 1
            elif name in self.FREERS:
                self.held[arguments[0]] -= arguments[0] is not None
            else:
                self.calls += 1
                if self.calls == self.failing:
                    return None if name in self.MAKERS else 0
            result = function(*arguments)
            if name in self.MAKERS:
                self.held[result] += 1
            return result

        return watched

    @property
    def balance(self) -> int:
        return sum(self.held.values())


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger()
    yield ledger
    assert min(ledger.held.values()) >= 0, "freed twice"


@bn_only
def test_everything_is_given_back_but_the_modulus_and_its_form(ledger: Ledger) -> None:
    power = _openssl_bn._Power(ledger.functions)
    assert ledger.balance == 2
    for exponent in range(3, 50):
        assert power(5, exponent) == pow(5, exponent, N)
    assert ledger.balance == 2
    assert ledger.errors_cleared == 0


@bn_only
def test_everything_is_given_back_whatever_fails(ledger: Ledger) -> None:
    power = _openssl_bn._Power(ledger.functions)
    before = ledger.calls
    power(5, 7)
    for step in range(1, ledger.calls - before + 1):
        ledger.failing = ledger.calls + step
        with pytest.raises(MemoryError, match="did not compute"):
            power(5, 7)
        assert ledger.balance == 2
        assert ledger.errors_cleared == step
    ledger.failing = None
    assert power(5, 7) == 5**7


@bn_only
def test_nothing_is_held_when_the_preparation_fails() -> None:
    counting = Ledger()
    _openssl_bn._Power(counting.functions)
    for step in range(1, counting.calls + 1):
        failing = Ledger()
        failing.failing = step
        with pytest.raises(MemoryError):
            _openssl_bn._Power(failing.functions)
        assert failing.balance == 0


@bn_only
@pytest.mark.usefixtures("fresh_choice")
def test_a_failing_openssl_costs_time_and_no_sign_in(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = modexp.Backend("openssl-bn", _openssl_bn._Power(ledger.functions))
    monkeypatch.setattr(modexp, "_chosen", backend)
    ledger.failing = ledger.calls + 1
    assert powmod(5, 2**255) == pow(5, 2**255, N)
    assert modexp.prepare() != "openssl-bn"
