"""What Cognito says on success, and nothing else.

Judged before botocore reads an answer: its parser takes a captive portal's page for an
empty success, and a list for a crash.
"""

from __future__ import annotations

import json
from typing import NoReturn

from aiocognito.flow.calls import Call
from aiocognito.transport._exchange import Unreadable
from aiocognito.transport.base import HttpReply, texts_to_hide
from aiocognito.transport.error_codes import read_error

__all__ = ["require_success"]


def require_success(reply: HttpReply, call: Call) -> None:
    """Let a successful answer pass.

    Raises:
        ServiceError: The service answered with an error.
        RemoteProtocolError: Somebody else did.
        Unreadable: It is not a JSON object.
    """
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
