"""Powers modulo N by the libcrypto that CPython's own ``_ssl`` has loaded, through ctypes.

Nothing is searched for and nothing new is loaded: the symbols are looked up in the
extension module's own libraries, and the version found there must be the one that
``_ssl`` reports. Where OpenSSL is linked in with hidden symbols, loading fails and the
next route is taken. These functions of OpenSSL are public, not deprecated, and there
since 1.1.0; ctypes lets go of the GIL while they run.

Every function is declared before use, every object is freed on every path, and what
held secrets is cleared. One Montgomery form of N is made per process; OpenSSL only reads
it afterwards, so threads share it.
"""

from __future__ import annotations

import _ssl
import ctypes
import sys
from collections.abc import Callable, Iterator
from ctypes import c_char, c_char_p, c_int, c_void_p
from types import SimpleNamespace
from typing import Any, Final

from aiocognito.srp.group import N

_SIZE: Final = 384
_Bytes = c_char * _SIZE

_FUNCTIONS: Final[dict[str, tuple[Any, list[Any]]]] = {
    "BN_CTX_free": (None, [c_void_p]),
    "BN_CTX_new": (c_void_p, []),
    "BN_MONT_CTX_free": (None, [c_void_p]),
    "BN_MONT_CTX_new": (c_void_p, []),
    "BN_MONT_CTX_set": (c_int, [c_void_p, c_void_p, c_void_p]),
    "BN_bin2bn": (c_void_p, [c_char_p, c_int, c_void_p]),
    "BN_bn2binpad": (c_int, [c_void_p, c_char_p, c_int]),
    "BN_clear_free": (None, [c_void_p]),
    "BN_mod_exp_mont_consttime": (c_int, [c_void_p] * 6),
    "BN_new": (c_void_p, []),
    "ERR_clear_error": (None, []),
    "OpenSSL_version": (c_char_p, [c_int]),
}


def load() -> Callable[[int, int], int]:
    """Return the power function.

    Raises:
        OSError: libcrypto is not to be found in this Python.
        MemoryError: It has no memory.
    """
    for library in _candidates():
        functions = _declare(library)
        if functions is not None:
            return _Power(functions)
    raise OSError("this Python does not show the symbols of its libcrypto")


def _candidates() -> Iterator[ctypes.CDLL]:
    """Yield what may lead to the libcrypto of ``_ssl``."""
    if sys.platform == "win32":  # pragma: no cover - no Windows among our machines
        # A DLL's handle does not reach into the DLLs it depends on. These names are found
        # among the loaded ones first.
        names: list[str | None] = ["libcrypto-3.dll", "libcrypto-3-x64.dll"]
    else:
        # Without a file, `_ssl` is part of the interpreter's own executable or library.
        names = [getattr(_ssl, "__file__", None)]
    for name in names:
        try:
            yield ctypes.CDLL(name)
        except OSError:
            continue


def _declare(library: ctypes.CDLL) -> dict[str, Callable[..., Any]] | None:
    """Return the typed functions, or None if this is not the library we look for."""
    functions = {}
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name, None)
        if function is None:
            return None
        function.restype = result
        function.argtypes = arguments
        functions[name] = function
    version = functions["OpenSSL_version"](0)
    return functions if version == _ssl.OPENSSL_VERSION.encode() else None


class _Power:
    """The power function and what it keeps: N and its Montgomery form, never freed."""

    def __init__(self, functions: dict[str, Callable[..., Any]]) -> None:
        self._lib = lib = SimpleNamespace(**functions)
        self._modulus = self._number(N)
        self._montgomery = lib.BN_MONT_CTX_new()
        context = lib.BN_CTX_new()
        try:
            self._check(
                self._modulus
                and self._montgomery
                and context
                and lib.BN_MONT_CTX_set(self._montgomery, self._modulus, context)
            )
        except MemoryError:
            lib.BN_MONT_CTX_free(self._montgomery)
            lib.BN_clear_free(self._modulus)
            raise
        finally:
            lib.BN_CTX_free(context)

    def __call__(self, base: int, exponent: int) -> int:
        lib = self._lib
        power = base_ = exponent_ = context = None
        result = _Bytes()
        try:
            power = lib.BN_new()
            base_ = self._number(base)
            exponent_ = self._number(exponent)
            context = lib.BN_CTX_new()
            self._check(
                power
                and base_
                and exponent_
                and context
                and lib.BN_mod_exp_mont_consttime(
                    power, base_, exponent_, self._modulus, context, self._montgomery
                )
                and lib.BN_bn2binpad(power, result, _SIZE) == _SIZE
            )
        finally:
            # All of them take NULL.
            for number in (power, base_, exponent_):
                lib.BN_clear_free(number)
            lib.BN_CTX_free(context)
        return int.from_bytes(result.raw, "big")

    def _number(self, n: int) -> int | None:
        number: int | None = self._lib.BN_bin2bn(n.to_bytes(_SIZE, "big"), _SIZE, None)
        return number

    def _check(self, success: object) -> None:
        if not success:
            # OpenSSL queues errors per thread, and `ssl` would report ours as its own.
            self._lib.ERR_clear_error()
            raise MemoryError("OpenSSL did not compute a power")
