"""What WebAuthn writes as text: base64url and JSON, read strictly, and origins.

Web Authentication Level 3: section 5.1 for the JSON forms, section 5.1.3 for origins and
relying parties.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from aiocognito.verify.compact import decode_base64url, read_object

__all__ = [
    "MAX_TEXT",
    "base64url",
    "is_domain",
    "is_origin_of",
    "json_object",
    "octets",
    "to_json",
]

MAX_TEXT = 131_072
"""Characters a JSON text may have: what the service takes as one value."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]{1,253})(?::[1-9][0-9]{0,4})?", re.ASCII)
_MAX_DOMAIN = 253


def base64url(data: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def octets(value: object, *, least: int = 1, most: int) -> bytes:
    """Read canonical unpadded base64url of so many bytes.

    Raises:
        ValueError: Not a text, not that, or of another length.
    """
    if not isinstance(value, str) or not value.isascii() or len(value) > 4 * most // 3 + 3:
        raise ValueError("not base64url")
    data = decode_base64url(value.encode("ascii"))
    if not least <= len(data) <= most:
        raise ValueError("of the wrong length")
    return data


def json_object(text: str) -> dict[str, Any]:
    """Read a text that must be one JSON object.

    Raises:
        ValueError: It is something else, too long, or has two readings.
    """
    if len(text) > MAX_TEXT:
        raise ValueError("too long")
    try:
        raw = text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("not text that UTF-8 can carry") from None
    return read_object(raw)


def to_json(members: Mapping[str, Any]) -> str:
    """Write a mapping as JSON in ASCII, which everybody reads alike.

    Raises:
        ValueError: It cannot be, or not within `MAX_TEXT`.
    """
    try:
        text = json.dumps(members, allow_nan=False, separators=(",", ":"), default=_mapping)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if len(text) > MAX_TEXT:
        raise ValueError("too long")
    return text


def _mapping(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def is_domain(text: object) -> bool:
    """Say whether this is a domain's name as relying parties are called: lower case, ASCII."""
    return (
        isinstance(text, str)
        and len(text) <= _MAX_DOMAIN
        and _DOMAIN.fullmatch(text) is not None
        and not text.rpartition(".")[2].isdigit()  # an address is no domain
    )


def is_origin_of(origin: object, rp_id: str) -> bool:
    """Say whether a page of this origin may use passkeys of this relying party.

    The host is the relying party or below it. https, but for ``localhost``.
    """
    found = _ORIGIN.fullmatch(origin) if isinstance(origin, str) else None
    if found is None:
        return False
    scheme, host = found.groups()
    if host != rp_id and not host.endswith(f".{rp_id}"):
        return False
    return is_domain(host) and (scheme == "https" or host.rpartition(".")[2] == "localhost")
