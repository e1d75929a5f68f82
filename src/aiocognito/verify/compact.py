"""The text of a token, read strictly: compact JWS, base64url and JSON.

A lenient reader lets several texts stand for one token, and lets two readers see
different claims in one text. So everything here has exactly one reading or none:
base64url without padding and without stray bits, JSON without duplicate names, NaN,
half surrogates or endless nesting. Nothing here checks a signature.
"""

from __future__ import annotations

import binascii
import json
from typing import Any, NoReturn

from attrs import define, field

from aiocognito.errors import InvalidType, TokenMalformed

__all__ = [
    "MAX_TOKEN",
    "CompactToken",
    "decode_base64url",
    "excerpt",
    "payload_object",
    "read_header",
    "read_object",
    "split_token",
]

MAX_TOKEN = 16 * 1024
"""Characters a token may have. Cognito's own have one to three thousand."""

_EXCERPT = 80
_JSON_BLANKS = " \t\n\r"

# The two alphabets differ in two characters; what only the standard one has, and the
# padding, becomes something that neither has.
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")

# A text whose length is 2 or 3 modulo 4 ends in a character that carries 4 or 2 bits
# of nothing. They must be zero (RFC 4648 section 3.5).
_PADDING = (b"", b"", b"==", b"=")
_LAST_CHARACTER = {2: b"AQgw", 3: b"AEIMQUYcgkosw048"}


@define(kw_only=True)  # not frozen, which would double the cost of taking a token apart
class CompactToken:
    """The three parts of a compact JWS (RFC 7515 section 7.1).

    Attributes:
        header: The protected header's base64url as it was sent, not decoded, so that
            readers can recognise one they know. See `read_header`.
        payload: The payload's JSON text, not parsed and not to be trusted yet.
        signature: As the signer made it.
        signing_input: What was signed: the first two parts as they were sent.
    """

    header: bytes = field(repr=False)
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)


def split_token(token: str) -> CompactToken:
    """Take a token apart without believing it.

    Raises:
        InvalidType: Not a `str`.
        TokenMalformed: Not three non-empty parts of canonical unpadded base64url, longer
            than `MAX_TOKEN`. The header is not looked into.
    """
    if not isinstance(token, str):
        raise InvalidType("token", "a str", token)
    if len(token) > MAX_TOKEN:
        raise TokenMalformed(f"it is longer than {MAX_TOKEN} characters")
    # Asked, not tried: a UnicodeEncodeError would carry the token along.
    if not token.isascii():
        raise TokenMalformed("it is not ASCII")
    raw = token.encode("ascii")
    signing_input, _, signature = raw.rpartition(b".")
    header, _, payload = signing_input.partition(b".")
    if not (header and payload and signature) or b"." in payload:
        raise TokenMalformed("it does not have three parts")
    try:
        return CompactToken(
            header=header,
            payload=decode_base64url(payload),
            signature=decode_base64url(signature),
            signing_input=signing_input,
        )
    except ValueError as error:
        raise TokenMalformed(f"a part is {error}") from None


def read_header(header: bytes) -> dict[str, Any]:
    """Parse the header of a `CompactToken`.

    Raises:
        TokenMalformed: Not canonical base64url of one strict JSON object.
    """
    try:
        return read_object(decode_base64url(header))
    except ValueError as error:
        raise TokenMalformed(f"its header is {error}") from None


def payload_object(token: CompactToken) -> dict[str, Any]:
    """Parse the payload. Does not check the signature.

    Raises:
        TokenMalformed: The payload is not one strict JSON object.
    """
    try:
        return read_object(token.payload)
    except ValueError as error:
        raise TokenMalformed(f"its payload is {error}") from None


def decode_base64url(text: bytes) -> bytes:
    """Decode unpadded base64url (RFC 7515 section 2), canonical texts only.

    Raises:
        ValueError: Padding, whitespace, another character, or stray bits at the end.
    """
    spare = len(text) % 4
    if spare == 1 or (spare and text[-1] not in _LAST_CHARACTER[spare]):
        raise ValueError("not canonical base64url")
    padded = text.translate(_TO_STANDARD) + _PADDING[spare]
    try:
        return binascii.a2b_base64(padded, strict_mode=True)
    except binascii.Error:
        raise ValueError("not canonical base64url") from None


def read_object(data: bytes) -> dict[str, Any]:
    """Parse UTF-8 JSON that must be one object, strictly.

    Raises:
        ValueError: Says in a few words what the text is instead, and quotes none of it.
    """
    problem = "not strict JSON"
    try:
        text = data.decode("utf-8").strip(_JSON_BLANKS)
        value, end = _DECODER.raw_decode(text)
        if end != len(text):
            raise ValueError(problem)
        if b"\\" in data:  # an escape can make half a surrogate pair, which is no text
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        problem = "nested too deeply"
    except ValueError:
        pass
    else:
        if isinstance(value, dict):
            return value
        problem = "not a JSON object"
    # Raised out here, because a JSONDecodeError in the context carries the whole text.
    raise ValueError(problem)


def excerpt(value: object) -> object:
    """Return what an error may quote of a value that a stranger wrote."""
    if isinstance(value, str):
        return value if len(value) <= _EXCERPT else value[:_EXCERPT] + "…"
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int) and value.bit_length() <= 64:
        return value
    return f"({type(value).__name__})"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return number


def _refuse(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


# Made once: `json.loads` with options builds a decoder for each call. Integers of more
# than 4300 digits are refused by `int` itself.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse)
