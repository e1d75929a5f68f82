"""The same call, proven with another of the app client's secrets.

A call proves the secret by a hash over a user name (``SecretHash``, or ``SECRET_HASH`` in
``AuthParameters`` and ``ChallengeResponses``) or by the plain ``ClientSecret``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from aiocognito._redact import Secret
from aiocognito.flow.calls import Call
from aiocognito.flow.secret_hash import SecretHash

__all__ = ["is_proven", "proven"]

_PLAIN = "ClientSecret"


def is_proven(call: Call) -> bool:
    """Whether the call proves a secret at all."""
    return _PLAIN in call.parameters or _holds_hash(call.parameters)


def proven(call: Call, client_id: str, secret: Secret) -> Call:
    """Return the call with every proof made anew.

    Args:
        call: As built for this app client.
        client_id: The app client's id.
        secret: The secret to prove.
    """
    parameters = _hashed(call.parameters, client_id, secret)
    # On the top alone: deeper it would be a name that the caller chose, for a trigger to see.
    if _PLAIN in parameters:
        parameters[_PLAIN] = secret
    return evolve(call, parameters=parameters)


def _holds_hash(members: Mapping[str, Any]) -> bool:
    return any(
        isinstance(value, SecretHash) or (isinstance(value, Mapping) and _holds_hash(value))
        for value in members.values()
    )


def _hashed(members: Mapping[str, Any], client_id: str, secret: Secret) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in members.items():
        if isinstance(value, SecretHash):
            made[name] = SecretHash.of(value.username, client_id, secret.reveal())
        elif isinstance(value, Mapping):
            made[name] = _hashed(value, client_id, secret)
        else:
            made[name] = value
    return made
