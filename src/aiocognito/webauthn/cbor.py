"""CBOR, as much of it as WebAuthn needs: one way to write it, strict to read.

Written is the deterministic form (RFC 8949 section 4.2.1), which for everything here is
CTAP2's canonical form too. Read are whole numbers, byte strings, texts, lists, maps with
numbers or texts as keys, true, false and null: of definite length, in the shortest form,
no key twice, nested no deeper than CTAP2 allows. The order of a map's keys is not held
against it, because browsers pass on what authenticators wrote. Floats, tags and endless
items have no place in an attestation object and are refused.
"""

from __future__ import annotations

from typing import Any

__all__ = ["MAX_BYTES", "decode", "decode_first", "encode"]

MAX_BYTES = 65_536
"""What is read at most. An attestation object with certificates has some thousand bytes."""

_MAX_DEPTH = 4  # CTAP2, "Message Encoding"
_NUMBER, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _SIMPLE = 0, 1, 2, 3, 4, 5, 7
_SIMPLE_VALUES = {20: False, 21: True, 22: None}
_SIMPLE_CODES = {False: b"\xf4", True: b"\xf5", None: b"\xf6"}
# The width of the number behind a first byte, by its lower five bits, and the smallest
# number that needs it.
_WIDTHS = {24: (1, 24), 25: (2, 1 << 8), 26: (4, 1 << 16), 27: (8, 1 << 32)}


def encode(value: Any) -> bytes:
    """Write a value in its one deterministic form.

    Args:
        value: `int` of at most 64 bits, `bytes`, `str`, `bool`, None, `list`, or a
            `dict` whose keys are `int` or `str`.

    Raises:
        TypeError: Something else.
        ValueError: A number of more than 64 bits.
    """
    match value:
        case bool() | None:
            return _SIMPLE_CODES[value]
        case int():
            return _head(_NUMBER, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
        case bytes():
            return _head(_BYTES, len(value)) + value
        case str():
            text = value.encode()
            return _head(_TEXT, len(text)) + text
        case list():
            return _head(_LIST, len(value)) + b"".join(map(encode, value))
        case dict():
            pairs = sorted((encode(key), encode(inner)) for key, inner in value.items())
            return _head(_MAP, len(pairs)) + b"".join(key + inner for key, inner in pairs)
        case _:
            raise TypeError(f"{type(value).__name__} is not written as CBOR here")


def decode(data: bytes) -> Any:
    """Read one value that is all there is.

    Raises:
        ValueError: Not such a text, in a few words that quote none of it.
    """
    value, end = decode_first(data)
    if end != len(data):
        raise ValueError("something follows the CBOR")
    return value


def decode_first(data: bytes, start: int = 0) -> tuple[Any, int]:
    """Read the value that begins at `start`; return it and where it ends.

    Raises:
        ValueError: As `decode`.
    """
    if len(data) > MAX_BYTES:
        raise ValueError("the CBOR is too long")
    return _value(data, start, _MAX_DEPTH)


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for code, (width, _) in _WIDTHS.items():
        if number < 1 << 8 * width:
            return bytes([major << 5 | code]) + number.to_bytes(width, "big")
    raise ValueError("a number of more than 64 bits")


def _value(data: bytes, start: int, depth: int) -> tuple[Any, int]:
    major, number, at = _read_head(data, start)
    match major:
        case 0:
            return number, at
        case 1:
            return -1 - number, at
        case 2 | 3:
            raw = data[at : at + number]
            if len(raw) != number:
                raise ValueError("the CBOR ends too early")
            # Not UTF-8 is a ValueError too.
            return raw if major == _BYTES else _text(raw), at + number
        case 4 | 5:
            if not depth:
                raise ValueError("the CBOR is nested too deeply")
            # Every item takes a byte at least: what cannot be there is not waited for.
            if number > len(data) - at:
                raise ValueError("the CBOR ends too early")
            read = _list if major == _LIST else _map
            return read(data, at, number, depth - 1)
        case 7 if number in _SIMPLE_VALUES:
            return _SIMPLE_VALUES[number], at
        case _:
            raise ValueError("a kind of CBOR that has no place here")


def _read_head(data: bytes, start: int) -> tuple[int, int, int]:
    if start >= len(data):
        raise ValueError("the CBOR ends too early")
    major, number = data[start] >> 5, data[start] & 0x1F
    if number < 24:
        return major, number, start + 1
    if number not in _WIDTHS or major == _SIMPLE:
        raise ValueError("a kind of CBOR that has no place here")
    width, least = _WIDTHS[number]
    raw = data[start + 1 : start + 1 + width]
    value = int.from_bytes(raw, "big")
    if len(raw) != width:
        raise ValueError("the CBOR ends too early")
    if value < least:
        raise ValueError("the CBOR is not in its shortest form")
    return major, value, start + 1 + width


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        # The decoder's own error would carry the bytes along.
        raise ValueError("a text in the CBOR is not UTF-8") from None


def _list(data: bytes, at: int, count: int, depth: int) -> tuple[list[Any], int]:
    values = []
    for _ in range(count):
        value, at = _value(data, at, depth)
        values.append(value)
    return values, at


def _map(data: bytes, at: int, count: int, depth: int) -> tuple[dict[int | str, Any], int]:
    values: dict[int | str, Any] = {}
    for _ in range(count):
        key, at = _value(data, at, depth)
        if isinstance(key, bool) or not isinstance(key, int | str):
            raise ValueError("a kind of key that has no place here")
        if key in values:
            raise ValueError("a key stands twice in the CBOR")
        values[key], at = _value(data, at, depth)
    return values, at
