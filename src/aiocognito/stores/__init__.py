"""Where tokens outlive a process: stores, and what to write one of your own with."""

from typing import TYPE_CHECKING

from aiocognito._lazy import lazily as _lazily

if TYPE_CHECKING:
    from aiocognito.stores.base import (
        Conflict,
        Entry,
        Lease,
        SharedTokenStore,
        StoreKey,
        TokenStore,
    )
    from aiocognito.stores.dynamodb import DynamoDBTokenStore
    from aiocognito.stores.encryption import (
        EncryptedSharedTokenStore,
        EncryptedTokenStore,
        encrypted,
    )
    from aiocognito.stores.file import FileTokenStore
    from aiocognito.stores.keyring import KeyringTokenStore
    from aiocognito.stores.memory import MemoryTokenStore
    from aiocognito.stores.redis import RedisTokenStore
    from aiocognito.stores.steps import StoredSteps

__all__ = [
    "Conflict",
    "DynamoDBTokenStore",
    "EncryptedSharedTokenStore",
    "EncryptedTokenStore",
    "Entry",
    "FileTokenStore",
    "KeyringTokenStore",
    "Lease",
    "MemoryTokenStore",
    "RedisTokenStore",
    "SharedTokenStore",
    "StoreKey",
    "StoredSteps",
    "TokenStore",
    "encrypted",
]

__getattr__, __dir__ = _lazily(
    __name__,
    {
        "base": (
            "Conflict",
            "Entry",
            "Lease",
            "SharedTokenStore",
            "StoreKey",
            "TokenStore",
        ),
        "dynamodb": ("DynamoDBTokenStore",),
        "encryption": ("EncryptedSharedTokenStore", "EncryptedTokenStore", "encrypted"),
        "file": ("FileTokenStore",),
        "keyring": ("KeyringTokenStore",),
        "memory": ("MemoryTokenStore",),
        "redis": ("RedisTokenStore",),
        "steps": ("StoredSteps",),
    },
)
