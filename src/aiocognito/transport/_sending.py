"""What must not be said in a log about the call under way.

A context variable marks the task that is sending one of our calls. The log filters
know by it which of the libraries' debug records hold our passwords and tokens; records
of other clients in the process pass unchanged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from aiocognito._redact import MASK

__all__ = ["hide_bodies", "under_way"]

_UNDER_WAY: ContextVar[bool] = ContextVar("aiocognito_sending", default=False)


@contextmanager
def under_way() -> Iterator[None]:
    """Mark this task as sending one of our calls."""
    token = _UNDER_WAY.set(True)
    try:
        yield
    finally:
        _UNDER_WAY.reset(token)


class _HideBodies(logging.Filter):
    """Blanks answers and signatures of our calls out of botocore's debug records."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not _UNDER_WAY.get() or not record.args:
            return True
        if record.name == _ABOUT_SIGNATURES:  # a canonical request holds the session token
            record.args = tuple(MASK for _ in record.args)
        elif isinstance(record.args, tuple):
            record.args = tuple(_hidden(arg) for arg in record.args)
        else:  # logging unpacks a single mapping
            record.args = (MASK,)
        return True


class _HideHeaders(logging.Filter):
    """Blanks the answers' headers out of the debug records of Trio's HTTP library.

    The service repeats an error's message in one, and a message may quote what was sent.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if _UNDER_WAY.get():
            event, returned, _ = record.getMessage().partition("return_value=")
            record.msg, record.args = (f"{event}{returned}{MASK}" if returned else event), ()
        return True


def _hidden(arg: object) -> object:
    return MASK if isinstance(arg, (bytes, bytearray, Mapping)) else arg


_ABOUT_SIGNATURES = "botocore.auth"
_BODIES = _HideBodies()
_TALKATIVE: dict[str, logging.Filter] = {
    _ABOUT_SIGNATURES: _BODIES,
    "botocore.parsers": _BODIES,
    "httpcore2.http11": _HideHeaders(),
}


def hide_bodies() -> None:
    for name, hide in _TALKATIVE.items():
        logging.getLogger(name).addFilter(hide)  # adding it twice does nothing
