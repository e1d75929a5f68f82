"""Open the store that the command line names."""

from __future__ import annotations

import base64
import binascii

from aiocognito import stores
from aiocognito._redact import Secret
from aiocognito.credential_process.options import Options, UsageError
from aiocognito.stores.base import SharedTokenStore

__all__ = ["key_bytes", "open_store"]

_KEY_BYTES = 32


def open_store(options: Options) -> SharedTokenStore:
    """Return the store; nothing is read yet.

    Raises:
        UsageError: The key is none.
        StoreError: There can be no such store on this system.
    """
    if options.store is None:
        return stores.KeyringTokenStore()
    store: SharedTokenStore = stores.FileTokenStore(options.store)
    if options.store_key is not None:
        store = stores.encrypted(store, key_bytes(options.store_key))
    return store


def key_bytes(secret: Secret) -> bytes:
    """Read a key of 32 bytes, written in hex or base64."""
    text = secret.reveal()
    try:
        key = bytes.fromhex(text) if len(text) == 2 * _KEY_BYTES else _base64(text)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != _KEY_BYTES:
        raise UsageError("The store's key must be 32 bytes in base64 or hex.")
    return key


def _base64(text: str) -> bytes:
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
