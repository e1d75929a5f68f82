"""What is printed, and what is kept between two prints. Pure.

Printed is the JSON that AWS defines for ``credential_process``: one object, version 1.
Kept is a JSON object of our own, version 1 too.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from aiocognito.tokens.credentials import AwsCredentials

__all__ = ["KeptCredentials", "printed"]

_VERSION = 1
_MAX_BYTES = 16_384
_LEAD = 1200.0  # SDKs ask for new ones 15 minutes before the end
_LEAD_SHARE = 0.4
_LAST_USE = 60.0


def printed(credentials: AwsCredentials, account_id: str | None = None) -> str:
    """Return the document for standard output: one line, secrets included."""
    members = {
        "Version": _VERSION,
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": _text(credentials.expires_at),
    }
    if account_id is not None:
        members["AccountId"] = account_id
    return json.dumps(members)


@frozen(kw_only=True)
class KeptCredentials:
    """Credentials, and when they came.

    Attributes:
        issued_at: Wall clock, seconds since the epoch.
    """

    credentials: AwsCredentials
    issued_at: float

    def is_fresh(self, now: float) -> bool:
        """Say whether they are good for whoever asks now, SDKs' own lead included."""
        life = self.credentials.expires_at.timestamp() - self.issued_at
        lead = min(_LEAD, _LEAD_SHARE * life)
        # Before they came nobody can ask: the clock was set back, and tells nothing.
        return self.issued_at - _LAST_USE <= now < self.credentials.expires_at.timestamp() - lead

    def is_usable(self, now: float) -> bool:
        """Say whether they are worth handing out where new ones cannot be had."""
        return now < self.credentials.expires_at.timestamp() - _LAST_USE

    def to_bytes(self) -> bytes:
        """Return them as UTF-8 JSON, secrets included."""
        members = {
            "version": _VERSION,
            "access_key_id": self.credentials.access_key_id,
            "secret_access_key": self.credentials.secret_access_key,
            "session_token": self.credentials.session_token,
            "expires_at": _text(self.credentials.expires_at),
            "identity_id": self.credentials.identity_id,
            "issued_at": self.issued_at,
        }
        return json.dumps(members, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, kept: bytes) -> KeptCredentials | None:
        """Read what `to_bytes` wrote; None for anything else."""
        if len(kept) > _MAX_BYTES:
            return None
        try:
            return cls._from_members(json.loads(kept))
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            return None

    @classmethod
    def _from_members(cls, members: Any) -> KeptCredentials:
        issued_at = members["issued_at"]
        texts = {
            name: members[name]
            for name in ("access_key_id", "secret_access_key", "session_token", "identity_id")
        }
        if members["version"] != _VERSION or not isinstance(issued_at, float):
            raise ValueError
        if not all(isinstance(text, str) and text for text in texts.values()):
            raise ValueError
        expires_at = datetime.fromisoformat(members["expires_at"]).astimezone(UTC)
        return cls(credentials=AwsCredentials(**texts, expires_at=expires_at), issued_at=issued_at)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
