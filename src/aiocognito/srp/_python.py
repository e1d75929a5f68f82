"""Powers modulo N in plain Python: `pow`, and a comb for the powers of g.

Not constant time, and it holds the GIL: the last resort.

Two of a sign-in's three powers have the base g and an exponent of 256 bits. Cut the
exponent into 8 rows of 32 bits; the 8 bits of one column select a precomputed product of
g^(2^0), g^(2^32), ..., g^(2^224). Going through the columns from the top, squaring in
between, takes 32 squarings and 32 multiplications instead of 256 squarings (Lim and Lee,
CRYPTO '94). A second table for the upper half of each row halves the squarings.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from aiocognito.srp.group import N, g

_BITS: Final = 256
_TEETH: Final = 8
_ROW: Final = _BITS // _TEETH
_HALF: Final = _ROW // 2


def load() -> Callable[[int, int], int]:
    return _powmod


def _powmod(base: int, exponent: int) -> int:
    if base == g and exponent.bit_length() <= _BITS:
        return _power_of_g(exponent)
    return pow(base, exponent, N)


def _power_of_g(exponent: int) -> int:
    low, high = _combs()
    bits = f"{exponent:0{_BITS}b}"
    power = 1
    for column in range(_HALF):
        power = power * power % N
        # Every 32nd digit, most significant first, is one column.
        power = power * high[int(bits[column::_ROW], 2)] % N
        power = power * low[int(bits[column + _HALF :: _ROW], 2)] % N
    return power


@cache
def _combs() -> tuple[list[int], list[int]]:
    """Return the tables for the lower and the upper half of each row; 512 numbers."""
    squares = [g]
    for _ in range(_BITS - 1):
        squares.append(squares[-1] * squares[-1] % N)
    return _products(squares[0::_ROW]), _products(squares[_HALF::_ROW])


def _products(factors: list[int]) -> list[int]:
    """Return the product of every subset of the factors, at the subset's bits as index."""
    products = [1]
    for factor in factors:
        products += [product * factor % N for product in products]
    return products
