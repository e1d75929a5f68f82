"""An entry as bytes, for media that keep bytes.

One line that names format and checksum, then one JSON object::

    aiocognito-entry 1 <SHA-256 of the rest, hex>
    {"key": "…", "generation": 5, "minted_at": 1.7e9, "parent": "…", "value": "…", …}

The checksum is against torn and rotten bytes, not against an attacker; `key` is the
fingerprint of whose entry it is, so that a file under another's name is noticed.
See docs/decisions/store-format.md.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from typing import Any

from aiocognito._redact import MASK, without_frames
from aiocognito.errors import InvalidArgument, InvalidType, StoreDamaged
from aiocognito.stores.base import Entry

__all__ = ["MAX_ENCODED_BYTES", "Hidden", "decode", "encode"]

MAX_ENCODED_BYTES = 196_608  # two values of 64 KiB in base64, and the rest
_MAGIC = b"aiocognito-entry 1 "
_HEAD_BYTES = len(_MAGIC) + 64 + 1
_MEMBERS = {"key", "generation", "minted_at", "parent", "attempt_at", "value", "alt"}


class Hidden(bytes):
    """Bytes that a report of local variables does not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Hidden({MASK})"


def encode(entry: Entry, key: str) -> Hidden:
    """Return an entry as bytes.

    Args:
        entry: What to keep.
        key: The fingerprint under which it is kept.
    """
    members = {
        "key": key,
        "generation": entry.generation,
        "minted_at": entry.minted_at,
        "parent": entry.parent,
        "attempt_at": entry.attempt_at,
        "value": b64encode(entry.value).decode(),
        "alt": None if entry.alt is None else b64encode(entry.alt).decode(),
    }
    body = json.dumps(members, separators=(",", ":")).encode()
    return Hidden(b"%s%s\n%s" % (_MAGIC, sha256(body).hexdigest().encode(), body))


def decode(data: bytes, key: str) -> Entry:
    """Read what `encode` wrote.

    Raises:
        StoreDamaged: Anything else. No word of it is in the message.
    """
    try:
        return _entry(_members(data), key)
    except (ValueError, TypeError, RecursionError, Base64Error, InvalidArgument, InvalidType):
        damaged = StoreDamaged("The store holds no entry of ours here; delete it and sign in.")
    finally:
        del data
    raise without_frames(damaged)


def _members(data: bytes) -> dict[str, Any]:
    head, body = data[:_HEAD_BYTES], data[_HEAD_BYTES:]
    if len(data) > MAX_ENCODED_BYTES:
        raise ValueError
    if head != b"%s%s\n" % (_MAGIC, sha256(body).hexdigest().encode()):
        raise ValueError
    members = json.loads(body)
    if not isinstance(members, dict) or members.keys() != _MEMBERS:
        raise ValueError
    return members


def _entry(members: dict[str, Any], key: str) -> Entry:
    if members.pop("key") != key:
        raise ValueError
    members["value"] = b64decode(members["value"], validate=True)
    if members["alt"] is not None:
        members["alt"] = b64decode(members["alt"], validate=True)
    return Entry(**members)
