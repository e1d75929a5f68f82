"""The call under way, and what must not be said about it in a log.

A context variable marks the task that is sending one of our calls. botocore's HTTP
session finds the call's connections there, and the log filter knows by it which of
botocore's debug records hold our passwords and tokens.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from attrs import define, field

from aiocognito._redact import MASK
from aiocognito.flow.calls import Call
from aiocognito.transport._exchange import Exchange
from aiocognito.transport.base import HttpReply

__all__ = ["SENDING", "Sending", "hide_bodies", "under_way"]


@define(eq=False)
class Sending:
    """One call under way, as the session stub and the log filter see it."""

    call: Call
    exchange: Exchange = field(repr=False)
    reply: HttpReply | None = field(default=None, repr=False)
    keys: Any = field(default=None, repr=False)  # what a signed call is signed with


SENDING: ContextVar[Sending | None] = ContextVar("aiocognito_sending", default=None)


@contextmanager
def under_way(sending: Sending) -> Iterator[None]:
    token = SENDING.set(sending)
    try:
        yield
    finally:
        SENDING.reset(token)


# --- logs ---------------------------------------------------------------------------


class _HideBodies(logging.Filter):
    """Blanks the bodies and signatures of our calls out of botocore's debug records.

    Records of other clients in the process pass unchanged: ours are known by the
    context variable that is set while one of our calls is under way.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if SENDING.get() is None or not record.args:
            return True
        if record.name in _ABOUT_SIGNATURES:  # a canonical request holds the session token
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
        if SENDING.get() is not None:
            event, returned, _ = record.getMessage().partition("return_value=")
            record.msg, record.args = (f"{event}{returned}{MASK}" if returned else event), ()
        return True


def _hidden(arg: object) -> object:
    # A prepared request shows its headers, and among them what it was signed with.
    is_secret = isinstance(arg, (bytes, bytearray, Mapping)) or hasattr(arg, "headers")
    return MASK if is_secret else arg


_BODIES, _HEADERS = _HideBodies(), _HideHeaders()
_ABOUT_SIGNATURES = ("botocore.auth",)
_TALKATIVE: dict[str, logging.Filter] = {
    "botocore.endpoint": _BODIES,
    "botocore.parsers": _BODIES,
    **dict.fromkeys(_ABOUT_SIGNATURES, _BODIES),
    "httpcore2.http11": _HEADERS,
}


def hide_bodies() -> None:
    for name, hide in _TALKATIVE.items():
        logging.getLogger(name).addFilter(hide)  # adding it twice does nothing
