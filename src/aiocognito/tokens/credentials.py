"""Temporary AWS credentials as a value."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from aiocognito._redact import Secret

__all__ = ["AwsCredentials", "issue_moment"]


@frozen(kw_only=True)
class AwsCredentials:
    """What signs requests to AWS for about an hour.

    All three values are plain `str` where they are read; ``repr`` shows the key id,
    which is no secret, and the credentials are not pickled.

    Attributes:
        access_key_id: Names the credentials, such as ``ASIA…``.
        expires_at: In UTC, on the service's clock.
        identity_id: Whose they are, such as ``eu-west-1:<uuid>``.
    """

    access_key_id: str
    _secret_access_key: Secret = field(converter=Secret, repr=False)
    _session_token: Secret = field(converter=Secret, repr=False)
    expires_at: datetime
    identity_id: str

    @property
    def secret_access_key(self) -> str:
        """The key that signs. It never travels."""
        return self._secret_access_key.reveal()

    @property
    def session_token(self) -> str:
        """Travels with each request, as ``x-amz-security-token``."""
        return self._session_token.reveal()


def issue_moment(*, date: float | None, received: float) -> float:
    """Say when credentials were issued, on the service's clock, rather late than early.

    The answer itself only says when they end.

    Args:
        date: The service's ``Date`` header, cut down to whole seconds, or None.
        received: Local wall clock when the answer was read.
    """
    if date is None:
        return received
    # Somewhere in the second that begins at `date`; where the local clock agrees, not
    # after the answer was here. A life counted from too early ends too late.
    return min(date + 1.0, received) if received >= date else date + 1.0
