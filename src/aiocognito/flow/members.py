"""Take members out of an answer; trust nothing about their shape.

What is not as the service model has it becomes `RemoteProtocolError`, which names the
member and quotes nothing of it. Bounds are the model's where it has any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from aiocognito.errors import RemoteProtocolError

__all__ = [
    "attributes",
    "flag",
    "items",
    "moment",
    "needed",
    "number",
    "structure",
    "text",
    "texts",
]

T = TypeVar("T")

_MAX_TEXT = 131_072  # service model: StringType
_MAX_ITEMS = 1000  # no page is longer than 60; a pool has some 70 attributes


def text(body: Mapping[str, Any], member: str) -> str | None:
    """Return a text, or None where it is missing."""
    value = body.get(member)
    if value is not None and (not isinstance(value, str) or len(value) > _MAX_TEXT):
        raise _malformed(member)
    return value


def needed(body: Mapping[str, Any], member: str) -> str:
    """Return a text that must be there."""
    value = text(body, member)
    if not value:
        raise _malformed(member)
    return value


def flag(body: Mapping[str, Any], member: str, default: bool) -> bool:
    """Return a boolean."""
    value = body.get(member)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise _malformed(member)
    return value


def number(body: Mapping[str, Any], member: str) -> int | None:
    """Return a whole number, or None where it is missing."""
    value = body.get(member)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise _malformed(member)
    return value


def moment(body: Mapping[str, Any], member: str) -> datetime | None:
    """Return an instant in UTC: aware where a library parsed it, seconds on the wire."""
    value = body.get(member)
    if value is None:
        return None
    try:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise _malformed(member)


def structure(body: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    """Return a structure; an empty one where it is missing."""
    value = body.get(member, {})
    if not isinstance(value, Mapping):
        raise _malformed(member)
    return value


def items(
    body: Mapping[str, Any], member: str, read: Callable[[Mapping[str, Any]], T]
) -> tuple[T, ...]:
    """Return a list of structures, each read; empty where it is missing."""
    return tuple(read(_checked(entry, member)) for entry in _listed(body, member))


def texts(body: Mapping[str, Any], member: str) -> tuple[str, ...]:
    """Return a list of texts; empty where it is missing."""
    values = _listed(body, member)
    if not all(isinstance(value, str) and len(value) <= _MAX_TEXT for value in values):
        raise _malformed(member)
    return tuple(values)


def attributes(body: Mapping[str, Any], member: str) -> Mapping[str, str]:
    """Return ``[{"Name": …, "Value": …}]`` as a mapping."""
    return {
        needed(entry, "Name"): text(entry, "Value") or ""
        for entry in items(body, member, lambda entry: entry)
    }


def _listed(body: Mapping[str, Any], member: str) -> list[Any]:
    values = body.get(member)
    if values is None:
        return []
    if not isinstance(values, list) or len(values) > _MAX_ITEMS:
        raise _malformed(member)
    return values


def _checked(entry: object, member: str) -> Mapping[str, Any]:
    if not isinstance(entry, Mapping):
        raise _malformed(member)
    return entry


def _malformed(member: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"{member} is missing or malformed.")
