"""Keep secrets out of reprs, logs, tracebacks and pickles.

A secret is wrapped where it enters and opened where it leaves: in the body of a
request, or in the hand of the caller it belongs to. In between nothing that
prints, formats, compares or pickles values can show it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar, final

from aiocognito.errors import InvalidType

MASK = "***"

__all__ = ["MASK", "Secret", "scrub", "secret_or_none", "without_frames"]

E = TypeVar("E", bound=BaseException)


@final
class Secret:
    """A string that shows itself only through `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise InvalidType("text", "a str", text)
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self._text.encode("utf-8", "surrogatepass"),
            other._text.encode("utf-8", "surrogatepass"),
        )

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled; keep saved state with export_state()")


def secret_or_none(text: str | None) -> Secret | None:
    """Wrap a string that may be missing (an attrs converter)."""
    return None if text is None else Secret(text)


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Blank every given value out of a text that somebody else wrote.

    The service quotes what it was sent in some messages. Values shorter than four
    characters stay, because blanking them would garble the sentence.
    """
    for secret in sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def without_frames(error: E) -> E:
    """Cut an error off the frames it came through, and return it.

    For where tokens are taken apart: a report that prints local variables would show
    them. The message says what was wrong, and the cause stays.
    """
    error.__context__ = None
    return error.with_traceback(None)
