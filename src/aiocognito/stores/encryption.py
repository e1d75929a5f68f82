"""Values encrypted on their way into a store, any store.

AES-256-GCM with a random nonce for each value. Whose entry it is, its generation, its
parent and when it was minted are authenticated with it: a value that was moved to
another user, or put back after a newer one, does not open. What cannot be noticed is a
whole store that was set back to an earlier state, and `Entry.attempt_at`, which is
written by those who have no new value.

A sealed value is one byte for the format, four that name the key, twelve of nonce,
then the ciphertext and its tag of sixteen.
"""

from __future__ import annotations

import json
import secrets
from typing import NoReturn, overload

from attrs import evolve
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aiocognito._redact import without_frames
from aiocognito.errors import InvalidArgument, InvalidType, StoreKeyRejected
from aiocognito.stores.base import (
    MAX_VALUE_BYTES,
    Conflict,
    Entry,
    Lease,
    SharedTokenStore,
    StoreKey,
    TokenStore,
    fingerprint,
)

__all__ = ["EncryptedSharedTokenStore", "EncryptedTokenStore", "encrypted"]

_FORMAT = b"\x01"
_NONCE_BYTES = 12
_HEAD_BYTES = 1 + 4 + _NONCE_BYTES
_ROOM = 64  # what sealing may add; 33 bytes today


@overload
def encrypted(
    store: SharedTokenStore, key: bytes, *older_keys: bytes
) -> EncryptedSharedTokenStore: ...
@overload
def encrypted(store: TokenStore, key: bytes, *older_keys: bytes) -> EncryptedTokenStore: ...
def encrypted(store: TokenStore, key: bytes, *older_keys: bytes) -> EncryptedTokenStore:
    """Return a store that encrypts values before the given one sees them.

    It closes the given store with itself. Values may be 64 bytes shorter than without.
    Entries that were written without encryption do not open.

    Args:
        store: Where the entries are kept.
        key: 32 random bytes (``secrets.token_bytes(32)``), kept elsewhere than the
            store. New entries are sealed with it.
        older_keys: Keys that may still open entries. To rotate, put the new key first
            and drop the old one when every entry has been written again.

    Raises:
        InvalidArgument: A key is not 32 bytes long.
    """
    sealer = _Sealer((key, *older_keys))
    if isinstance(store, SharedTokenStore):
        return EncryptedSharedTokenStore(store, sealer)
    return EncryptedTokenStore(store, sealer)


class _Sealer:
    """Seals with the first key and opens with the one that sealed."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._ciphers: dict[bytes, AESGCM] = {}
        for key in keys:
            if not isinstance(key, bytes):
                raise InvalidType("key", "32 bytes", key)
            if len(key) != 32:
                raise InvalidArgument("key", "32 bytes long")
            self._ciphers.setdefault(_key_id(key), AESGCM(key))
        self._newest = _key_id(keys[0])

    def seal(self, key: StoreKey, entry: Entry) -> Entry:
        alt = None if entry.alt is None else self._sealed(entry.alt, _bound(key, entry, "alt"))
        return evolve(entry, value=self._sealed(entry.value, _bound(key, entry, "value")), alt=alt)

    def open(self, key: StoreKey, entry: Entry) -> Entry:
        alt = None if entry.alt is None else self._opened(entry.alt, _bound(key, entry, "alt"))
        return evolve(entry, value=self._opened(entry.value, _bound(key, entry, "value")), alt=alt)

    def _sealed(self, value: bytes, bound: bytes) -> bytes:
        if len(value) > MAX_VALUE_BYTES - _ROOM:
            raise InvalidArgument("value", f"at most {MAX_VALUE_BYTES - _ROOM} bytes long")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        text = self._ciphers[self._newest].encrypt(nonce, value, bound)
        return _FORMAT + self._newest + nonce + text

    def _opened(self, sealed: bytes, bound: bytes) -> bytes:
        cipher = self._ciphers.get(sealed[1:5])
        if cipher is not None and sealed[:1] == _FORMAT and len(sealed) >= _HEAD_BYTES + 16:
            try:
                return cipher.decrypt(sealed[5:_HEAD_BYTES], sealed[_HEAD_BYTES:], bound)
            except InvalidTag:
                pass
        raise without_frames(
            StoreKeyRejected("No given key opens the entry; give the key it was sealed with.")
        )


def _key_id(key: bytes) -> bytes:
    return bytes.fromhex(fingerprint(b"aiocognito key id", key=key))[:4]


def _bound(key: StoreKey, entry: Entry, role: str) -> bytes:
    """Return what a value is bound to, as bytes that nothing else has."""
    where = [role, key.kind, key.pool_id, key.client_id, key.name]
    return json.dumps([*where, entry.generation, entry.minted_at, entry.parent]).encode()


class EncryptedTokenStore:
    """Made by `encrypted`: entries of another store, their values sealed.

    Raises `StoreKeyRejected` where no key opens what is there, or somebody has changed
    it; the entry stays. `delete` needs no key unless a conflict is to be shown.
    """

    def __init__(self, store: TokenStore, sealer: _Sealer) -> None:
        self._store = store
        self._sealer = sealer

    async def load(self, key: StoreKey) -> Entry | None:
        """Return the newest entry, opened, or None."""
        entry = await self._store.load(key)
        return None if entry is None else self._sealer.open(key, entry)

    async def commit(
        self, key: StoreKey, entry: Entry, *, expected: int | None
    ) -> Entry | Conflict:
        """Seal an entry and replace the expected one with it, if nobody else has."""
        sealed = self._sealer.seal(key, entry)
        done = await self._store.commit(key, sealed, expected=expected)
        return self._shown(key, done) if isinstance(done, Conflict) else entry

    async def delete(self, key: StoreKey, *, expected: int | None = None) -> Conflict | None:
        """Forget an entry."""
        done = await self._store.delete(key, expected=expected)
        return None if done is None else self._shown(key, done)

    async def aclose(self) -> None:
        """Close the store below."""
        await self._store.aclose()

    def _shown(self, key: StoreKey, conflict: Conflict) -> Conflict:
        if conflict.current is None:
            return conflict
        return Conflict(self._sealer.open(key, conflict.current))

    def __repr__(self) -> str:
        return f"encrypted({self._store!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a store with its key is not pickled; make one where it is needed")


class EncryptedSharedTokenStore(EncryptedTokenStore):
    """The same over a store that several processes share."""

    def __init__(self, store: SharedTokenStore, sealer: _Sealer) -> None:
        super().__init__(store, sealer)
        self._shared = store

    async def acquire(self, key: StoreKey, *, owner: str, ttl: float) -> Lease | None:
        """Ask to be the one who refreshes."""
        return await self._shared.acquire(key, owner=owner, ttl=ttl)

    async def release(self, lease: Lease) -> None:
        """Give a lease back."""
        await self._shared.release(lease)

    async def mark_attempt(self, key: StoreKey, *, generation: int, at: float) -> bool:
        """Write down that a refresh from this generation begins; it needs no key."""
        return await self._shared.mark_attempt(key, generation=generation, at=at)
