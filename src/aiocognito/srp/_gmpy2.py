"""Powers modulo N by GMP through gmpy2, the extra ``fast``."""

# gmpy2 has no type information, and may not be installed.
# mypy: disable-error-code="import-untyped,import-not-found"

from __future__ import annotations

from collections.abc import Callable

import gmpy2

from aiocognito.srp.group import N

_N = gmpy2.mpz(N)


def load() -> Callable[[int, int], int]:
    return _powmod


def _powmod(base: int, exponent: int) -> int:
    # The context is this thread's own and ends with the block.
    with gmpy2.context(gmpy2.get_context(), allow_release_gil=True):
        # `powmod` is a quarter faster; `powmod_sec` is made not to tell the exponent.
        return int(gmpy2.powmod_sec(base, exponent, _N))
