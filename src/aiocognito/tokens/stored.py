"""What a store keeps of a session: its saved state, and tokens that may still live.

JSON, one object, version 1. It contains the refresh token, as `SavedState` does. Nothing
read from a store is believed: tokens are verified again before they are handed out.
"""

from __future__ import annotations

import json
from typing import Any

from attrs import frozen

from aiocognito._redact import Secret
from aiocognito.errors import InvalidArgument
from aiocognito.tokens.saved import SavedState

__all__ = ["StoredTokens"]

_VERSION = 1
_MAX_TIME = 1e12  # seconds; later than anybody's clock


@frozen(kw_only=True)
class StoredTokens:
    """A session as another process finds it.

    There is no anchor on the boot clock: that clock began at another moment there.

    Attributes:
        state: The lasting part, and the access token.
        id_token: The newest, or None.
        issued_at: When the tokens' life began, on the service's clock.
        lifetime: Seconds from there to the end of the one that ends first; 0 where
            only the refresh token counts.
        skew: How far the service's clock was ahead of the writer's.
        auth_time: When the user signed in, on the service's clock, or None.
    """

    state: SavedState
    id_token: Secret | None = None
    issued_at: float = 0.0
    lifetime: float = 0.0
    skew: float = 0.0
    auth_time: float | None = None

    def to_bytes(self) -> bytes:
        """Return it as UTF-8 JSON, tokens included."""
        members = {
            "version": _VERSION,
            "state": self.state.to_bytes().decode(),
            "id_token": None if self.id_token is None else self.id_token.reveal(),
            "issued_at": self.issued_at,
            "lifetime": self.lifetime,
            "skew": self.skew,
            "auth_time": self.auth_time,
        }
        return json.dumps(members, separators=(",", ":"), allow_nan=False).encode()

    @classmethod
    def from_bytes(cls, value: bytes) -> StoredTokens | None:
        """Read what `to_bytes` wrote; None for anything else."""
        try:
            return cls._from_members(json.loads(value))
        except (ValueError, KeyError, TypeError, RecursionError, InvalidArgument):
            return None

    @classmethod
    def _from_members(cls, members: Any) -> StoredTokens:
        if members["version"] != _VERSION or not isinstance(members["state"], str):
            raise ValueError
        id_token, auth_time = members["id_token"], members["auth_time"]
        if id_token is not None and not (isinstance(id_token, str) and id_token.isascii()):
            raise ValueError
        return cls(
            state=SavedState.from_bytes(members["state"].encode()),
            id_token=Secret(id_token) if id_token else None,
            issued_at=_seconds(members["issued_at"]),
            lifetime=_seconds(members["lifetime"]),
            skew=_seconds(members["skew"]),
            auth_time=None if auth_time is None else _seconds(auth_time),
        )


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    if not -_MAX_TIME <= value <= _MAX_TIME:  # NaN is neither
        raise ValueError
    return float(value)
