"""How requests and answers of the local service are written: AWS JSON 1.1.

Instants are numbers of epoch seconds; errors are ``__type`` and ``message`` in the
body and twice more in headers, as captured from the real service.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiocognito._redact import Secret
from aiocognito.flow.calls import Service
from aiocognito.testing.service_errors import PoolError

__all__ = [
    "CORS",
    "JSON_TYPE",
    "MAX_REQUEST",
    "PREFLIGHT",
    "SERVICES",
    "error_body",
    "error_headers",
    "plain_copy",
    "read_object",
    "write",
]

JSON_TYPE = "application/x-amz-json-1.1"

MAX_REQUEST = 256 * 1024
"""Bytes of body accepted; the longest member (a value of 131072 characters) fits."""

SERVICES: Mapping[str, Service] = {
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "AWSCognitoIdentityService": "cognito-identity",
}
"""What stands before the operation in ``X-Amz-Target``."""

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date",
}
PREFLIGHT = {
    **CORS,
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS",
    # What the official clients for browsers send.
    "Access-Control-Allow-Headers": (
        "content-type,x-amz-target,x-amz-user-agent,cache-control,authorization,x-amz-date,"
        "x-amz-security-token,x-amz-content-sha256,amz-sdk-invocation-id,amz-sdk-request"
    ),
    "Access-Control-Max-Age": "600",
}


def read_object(body: bytes) -> dict[str, Any]:
    """Read a request's body.

    Raises:
        ValueError: It is not a JSON object, or nested too deeply.
    """
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def write(body: Mapping[str, Any]) -> bytes:
    """Write an answer's body in ASCII; `datetime` becomes epoch seconds."""
    return json.dumps(body, default=_to_wire).encode("ascii")


def plain_copy(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return members as they would arrive: secrets opened, tuples lists, instants numbers.

    Raises:
        TypeError: Something in them cannot go over the wire.
    """
    return read_object(write(members))


def error_body(error: PoolError) -> dict[str, str]:
    """Return the two members of every error."""
    return {"__type": error.code, "message": error.message}


def error_headers(error: PoolError, retry_after: float | None = None) -> dict[str, str]:
    """Return the headers of an error; ``retry_after`` is in seconds."""
    headers = {
        "x-amzn-ErrorType": f"{error.code}:",
        "x-amzn-ErrorMessage": _one_line(error.message),
    }
    if retry_after is not None:
        headers["Retry-After"] = f"{retry_after:g}"
    return headers


def _to_wire(value: object) -> object:
    match value:
        case datetime():
            return value.timestamp()
        case Secret():
            return value.reveal()
        case Mapping():
            return dict(value)
        case _:
            raise TypeError(f"{type(value).__name__} does not go over the wire")


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _one_line(message: str) -> str:
    """Keep a message inside its header: it may quote what the client sent."""
    return "".join(char if " " <= char <= "~" else "?" for char in message)
