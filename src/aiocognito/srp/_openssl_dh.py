"""Powers modulo N by `cryptography`'s finite-field Diffie-Hellman.

The exponent is our private key, the base is the peer's public key, and the shared secret
is the power. It needs no symbol of libcrypto to be visible, which makes it the fast route
where Python is linked statically. It is on its way out: `cryptography` 50 warns at every
public name and at every key that is loaded, and announces the removal.

No such warning may reach our users, and warning filters are the process's, not ours. So
the route takes the binding that the public names are aliases of, which stays silent, and
takes it only from versions that somebody has looked at. Any other version is treated as
if the interface were gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cryptography
from cryptography.hazmat.bindings._rust import openssl

from aiocognito.srp.group import N, g

# Older ones refuse half of all bases or check every key at ten times the price. Before
# raising the upper end, run tests/srp with warnings as errors: it must stay silent.
_OLDEST: Final = 44
_NEWEST: Final = 50


def load() -> Callable[[int, int], int]:
    """Return the power function.

    Raises:
        ImportError: This version of `cryptography` is not a known one.
        AttributeError: The interface is gone.
    """
    if not _OLDEST <= int(cryptography.__version__.partition(".")[0]) <= _NEWEST:
        raise ImportError(f"cryptography {cryptography.__version__} may warn about DH")
    dh = openssl.dh
    group = dh.DHParameterNumbers(N, g)
    # A private key carries its public key, and nobody looks at ours.
    unused = dh.DHPublicNumbers(g, group)

    def powmod(base: int, exponent: int) -> int:
        private_key = dh.DHPrivateNumbers(exponent, unused).private_key()
        peer = dh.DHPublicNumbers(base, group).public_key()
        return int.from_bytes(private_key.exchange(peer), "big")

    return powmod
