"""What botocore takes for its HTTP session.

A stub that hands each request to the connections of the call under way, and judges
the answer before botocore reads it: botocore takes a captive portal's page for an
empty success, and a list for a crash.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from attrs import field, frozen

from aiocognito.flow.calls import Call
from aiocognito.transport._exchange import Outgoing, Unreadable
from aiocognito.transport._sending import SENDING
from aiocognito.transport._urls import is_loopback, usable_proxy
from aiocognito.transport.base import HttpReply, texts_to_hide
from aiocognito.transport.error_codes import read_error

__all__ = ["SessionStub"]


@frozen
class _Answer:
    """As much of a botocore response as the endpoint and the parser look at."""

    url: str
    status_code: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    raw: None = None

    @property
    def content(self) -> Coroutine[Any, Any, bytes]:
        return self._content()

    async def _content(self) -> bytes:
        return self.body


class SessionStub:
    """A stub: connections, time-outs and certificates are those of the call under way."""

    def __init__(self, *, proxies: Mapping[str, str] | None = None, **_: object) -> None:
        self._proxies = proxies or {}

    async def __aenter__(self) -> SessionStub:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def close(self) -> None:
        pass

    async def send(self, request: Any) -> _Answer:
        sending = SENDING.get()
        assert sending is not None, "clients of this module are only used by send()"
        reply = await sending.exchange.request(
            Outgoing(
                method=request.method,
                url=request.url,
                headers={name: _text(value) for name, value in request.headers.items()},
                body=request.body.encode() if isinstance(request.body, str) else request.body,
                proxy=self._proxy_for(request.url),
            )
        )
        _judge(reply, sending.call)
        sending.reply = reply
        return _Answer(request.url, reply.status, reply.headers, reply.body)

    def _proxy_for(self, url: str) -> str | None:
        parts = urlsplit(url)
        if is_loopback(parts.hostname or ""):
            return None
        return usable_proxy(self._proxies.get(parts.scheme))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _judge(reply: HttpReply, call: Call) -> None:
    """Let through what Cognito says on success, and nothing else."""
    if reply.status != 200:
        raise read_error(
            status=reply.status,
            headers=reply.headers,
            body=reply.body,
            operation=call.operation,
            repeatable=call.repeatable,
            sent=texts_to_hide(call.parameters),
            refreshing=_presents_refresh_token(call),
        )
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _JSON_TYPES:
        raise Unreadable("is not JSON; something between here and Cognito wrote it")
    if not reply.body:
        return  # operations without output answer nothing or {}
    try:
        answer = json.loads(reply.body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Unreadable("is not JSON, or was cut short") from None
    if not isinstance(answer, dict):
        raise Unreadable("is not a JSON object")


_JSON_TYPES = frozenset(
    {"application/x-amz-json-1.1", "application/x-amz-json-1.0", "application/json"}
)


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _presents_refresh_token(call: Call) -> bool:
    flow = call.parameters.get("AuthFlow")
    return call.operation == "GetTokensFromRefreshToken" or flow in (
        "REFRESH_TOKEN",
        "REFRESH_TOKEN_AUTH",
    )
