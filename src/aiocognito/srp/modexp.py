"""The one hot function: powers modulo N, by the fastest route this Python offers.

A sign-in is three of them and little else. Four routes compute the same function:

============== ============================================= ============ ==========
name           what it is                                    frees the    constant
                                                             GIL          time
============== ============================================= ============ ==========
``openssl-bn`` the libcrypto that ``_ssl`` loaded, by ctypes yes          yes
``openssl-dh`` `cryptography`'s finite-field Diffie-Hellman  no           yes
``gmpy2``      GMP, the extra ``fast``                       yes          by design
``python``     `pow`, and tables for powers of g             no           no
============== ============================================= ============ ==========

They are tried in this order when the first power is asked for, or when `prepare` is
called. A route is taken after it has reproduced known answers, and given up for the next
one at its first failure, so what disappears or changes elsewhere costs time and never a
sign-in. Why this order: docs/decisions/modular-exponentiation.md.
"""

from __future__ import annotations

import hashlib
import importlib
import threading
from collections.abc import Callable
from typing import Final

from attrs import frozen

from aiocognito.srp.group import N, Q

__all__ = ["Backend", "available_backends", "load_backend", "powmod", "prepare"]

# Fastest first. Modules, because each of them imports what others may lack.
_ROUTES: Final = {
    "openssl-bn": "aiocognito.srp._openssl_bn",
    "openssl-dh": "aiocognito.srp._openssl_dh",
    "gmpy2": "aiocognito.srp._gmpy2",
    "python": "aiocognito.srp._python",
}

_TRIVIAL: Final = (0, 1, N - 1)

# Base, exponent, and the beginning of SHA-256 over the 384 bytes of the power. A power of
# g as in A, then exponents as long as that of S: to a square and to a non-square modulo N,
# because a Diffie-Hellman interface may refuse the latter, which are half of all bases.
_KNOWN_ANSWERS: Final = (
    (2, N >> 2816, "31fdc77e0cfa7fac58e840004d60e0df"),
    (N // 5, N >> 2560, "35ada268c6b781269cbb1b4c5a406ca0"),
    (N // 3, N >> 2560, "346dae1389068898e4fcd484accfe52d"),
)


@frozen
class Backend:
    """One route: `powmod` for 1 < base < N - 1 and 0 < exponent < N - 1, Q excepted."""

    name: str
    powmod: Callable[[int, int], int]


_lock = threading.Lock()
_chosen: Backend | None = None
_given_up: set[str] = set()


def powmod(base: int, exponent: int) -> int:
    """Return base ** exponent modulo N. The exponent is not negative.

    Safe from several threads at once. The first call chooses the route and may take some
    milliseconds more.
    """
    base %= N
    if base in _TRIVIAL:
        return pow(base, exponent, N)
    if exponent >= N - 1:
        exponent %= N - 1  # Fermat; no exponent of a sign-in is that long
    if exponent in (0, Q):
        # The power is 1 or -1, which Diffie-Hellman interfaces refuse to compute.
        return pow(base, exponent, N)
    while True:
        backend = _chosen or _choose()
        try:
            return backend.powmod(base, exponent)
        except Exception:
            if backend.name == "python":
                raise
            _give_up(backend)


def prepare() -> str:
    """Choose the route now and return its name.

    Loads modules and probes the route, so call it where files may be opened (a worker
    thread) before a thread that must not do that asks for the first power.
    """
    return (_chosen or _choose()).name


def available_backends() -> tuple[str, ...]:
    """Return the names of the routes that work in this process, in order of preference."""
    return tuple(name for name in _ROUTES if _load_or_none(name) is not None)


def load_backend(name: str) -> Backend:
    """Load one route and check it against the known answers.

    For tests and benchmarks; `powmod` chooses for itself.

    Raises:
        Exception: Whatever the missing module or symbol raises.
    """
    backend = Backend(name, importlib.import_module(_ROUTES[name]).load())
    for base, exponent, digest in _KNOWN_ANSWERS:
        power = backend.powmod(base, exponent)
        if hashlib.sha256(power.to_bytes(384, "big")).hexdigest()[:32] != digest:
            raise ArithmeticError(f"{name} computes wrong powers")
    return backend


def _load_or_none(name: str) -> Backend | None:
    try:
        return load_backend(name)
    except Exception:  # noqa: BLE001 - whatever a route lacks, another one is taken
        return None


def _choose() -> Backend:
    global _chosen
    with _lock:
        if _chosen is None:
            usable = (_load_or_none(name) for name in _ROUTES if name not in _given_up)
            _chosen = next(backend for backend in usable if backend is not None)
        return _chosen


def _give_up(backend: Backend) -> None:
    global _chosen
    with _lock:
        _given_up.add(backend.name)
        if _chosen is backend:
            _chosen = None
