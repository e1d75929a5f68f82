"""How Cognito writes the numbers, blocks and times of SRP.

The only place that knows the padding rule, and the door through which everything a
server says about SRP comes in: lengths are checked before anything is parsed.
"""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import UTC, datetime
from typing import Final

from aiocognito.errors import InvalidArgument, InvalidType, RemoteProtocolError

__all__ = ["base64_to_bytes", "hex_to_int", "pad", "timestamp", "utf8"]

# Hexadecimal digits of a number below 2^3072.
HEX_LIMIT: Final = 768

# The service model lets a value in ChallengeResponses have this many characters, so a
# longer block could not be sent back. Blocks seen in the wild have about 1,700.
BASE64_LIMIT: Final = 131_072

_HEX = re.compile(r"[0-9a-fA-F]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")

# strftime would ask the locale.
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


def pad(n: int) -> bytes:
    """Return the bytes that Cognito hashes for a number that is not negative.

    This is Java's ``BigInteger.toByteArray``: big-endian two's complement, as short as
    possible, with a leading zero byte where the top bit is set. Zero is one zero byte.
    It is *not* the fixed width of RFC 5054. Who gets this wrong fails one sign-in in
    two, or one in 256, depending on how.
    """
    return n.to_bytes(n.bit_length() // 8 + 1, "big")


def hex_to_int(text: object, what: str, *, limit: int = HEX_LIMIT) -> int:
    """Parse a server's hexadecimal number, of odd length and with leading zeros if need be.

    ``int(text, 16)`` alone would take signs, blanks, underscores, ``0x`` and the digits
    of other scripts, and any length.

    Args:
        text: What the server sent.
        what: Its name on the wire, for the message.
        limit: The most digits to accept.

    Raises:
        RemoteProtocolError: It is not 1 to `limit` ASCII hexadecimal digits.
    """
    if not isinstance(text, str) or len(text) > limit or _HEX.fullmatch(text) is None:
        raise RemoteProtocolError(f"{what} is not a number of 1 to {limit} hexadecimal digits.")
    return int(text, 16)


def base64_to_bytes(text: object, what: str, *, limit: int = BASE64_LIMIT) -> bytes:
    """Decode a server's standard, padded base64.

    Raises:
        RemoteProtocolError: It is empty, has more than `limit` characters, or any
            character that does not belong, line breaks included.
    """
    # Not binascii's strict mode, which takes more padding than belongs.
    if (
        not isinstance(text, str)
        or len(text) > limit
        or len(text) % 4
        or _BASE64.fullmatch(text) is None
    ):
        raise RemoteProtocolError(f"{what} is not base64 of 1 to {limit} characters.")
    return b64decode(text)


def timestamp(moment: datetime) -> str:
    """Write an instant as Cognito's ``TIMESTAMP``, such as ``Tue Sep 5 07:08:09 UTC 2023``.

    English names in any locale, always UTC, and the day without a leading zero: the
    service calls ``Sep 05`` a wrong password. Fractions of a second are dropped.

    Raises:
        InvalidType: `moment` is no datetime.
        InvalidArgument: `moment` is naive.
    """
    if not isinstance(moment, datetime):
        raise InvalidType("moment", "a datetime", moment)
    if moment.utcoffset() is None:
        raise InvalidArgument("moment", "a datetime with a time zone")
    utc = moment.astimezone(UTC)
    return (
        f"{_DAYS[utc.weekday()]} {_MONTHS[utc.month - 1]} {utc.day} "
        f"{utc.hour:02}:{utc.minute:02}:{utc.second:02} UTC {utc.year:04}"
    )


def utf8(text: str, argument: str) -> bytes:
    """Encode a text as it stands; nothing is normalised, as in every Cognito client.

    Raises:
        InvalidArgument: It holds half a surrogate pair.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Raised below, outside of this block: the codec's error carries the whole text,
        # which may be the password, and would hang on ours as its context.
        pass
    raise InvalidArgument(argument, "text without lone surrogates")
