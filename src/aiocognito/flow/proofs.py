"""The answer to a verifier challenge: an SRP claim, in the words of the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiocognito._redact import Secret
from aiocognito.errors import (
    CognitoError,
    IncorrectUsernameOrPassword,
    InvalidSession,
    RemoteProtocolError,
)
from aiocognito.srp.encoding import timestamp
from aiocognito.srp.handshake import Handshake

__all__ = ["TIMELY", "claim", "proof_came_late"]

TIMELY = 120.0
"""Seconds for which a claim's timestamp is surely good. Nobody says for how long it is;
refusals are reported from about five minutes on."""


def claim(
    handshake: Handshake,
    parameters: Mapping[str, str],
    *,
    challenge: str,
    group: str,
    identity: str,
    password: Secret,
    now: datetime,
) -> dict[str, Any]:
    """Return what a verifier challenge is answered with, besides names.

    Args:
        handshake: Whose ``SRP_A`` the server has; it is over afterwards.
        parameters: The challenge's.
        challenge: Its name, for the message.
        group: See `Handshake.claim`, as for the next two.
        identity: Whose password it is.
        password: What is proven.
        now: The service's time.

    Raises:
        RemoteProtocolError: Something is missing in the challenge, or not right.
    """
    given = {}
    for key in ("SRP_B", "SALT", "SECRET_BLOCK"):
        if key not in parameters:
            raise RemoteProtocolError(f"{challenge} comes without {key}.")
        given[key] = parameters[key]
    said_at = timestamp(now)
    signature = handshake.claim(
        group=group,
        identity=identity,
        password=password.reveal(),
        srp_b=given["SRP_B"],
        salt=given["SALT"],
        secret_block=given["SECRET_BLOCK"],
        timestamp=said_at,
    )
    return {
        "PASSWORD_CLAIM_SECRET_BLOCK": given["SECRET_BLOCK"],
        "PASSWORD_CLAIM_SIGNATURE": signature,
        "TIMESTAMP": said_at,
    }


def proof_came_late(error: CognitoError) -> CognitoError:
    """Return what the refusal of a proof means that was sent too late: nothing about it.

    The service calls a claim with an old timestamp a wrong password too.
    """
    if not isinstance(error, IncorrectUsernameOrPassword):
        return error
    return InvalidSession(
        error.message,
        code=error.code,
        operation=error.operation,
        request_id=error.request_id,
        status=error.status,
    )
