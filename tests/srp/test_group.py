from __future__ import annotations

import hashlib

from aiocognito.srp.group import N, Q, g, k


def arctan_of_inverse(n: int, one: int) -> int:
    """Return arctan(1/n), scaled by `one`."""
    term = total = one // n
    divisor, sign = 1, 1
    while term:
        term //= n * n
        divisor, sign = divisor + 2, -sign
        total += sign * (term // divisor)
    return total


def test_the_prime_is_the_one_that_rfc_3526_derives_from_pi() -> None:
    guard = 64
    one = 1 << 2942 + guard
    pi = 4 * (4 * arctan_of_inverse(5, one) - arctan_of_inverse(239, one)) >> guard
    assert 2**3072 - 2**3008 - 1 + 2**64 * (pi + 1690314) == N


def test_g_generates_the_subgroup_of_prime_order() -> None:
    assert 2 * Q + 1 == N
    assert pow(g, Q, N) == 1
    assert pow(3, N - 1, N) == 1
    assert pow(3, Q - 1, Q) == 1


def test_k_is_the_hash_of_the_padded_group() -> None:
    padded = b"\x00" + N.to_bytes(384, "big") + b"\x02"
    assert int.from_bytes(hashlib.sha256(padded).digest(), "big") == k
