"""Which failures may be repeated, and which must not. Pure.

botocore repeats nothing for us: it cannot know that a session string, a code or a
rotating refresh token may already be used up. See docs/decisions/whose-retries.md.
"""

from __future__ import annotations

from aiocognito.errors import (
    AttemptsExceeded,
    CertificateRejected,
    ConnectFailed,
    DeadlineExceeded,
    ExternalService,
    Forbidden,
    IncorrectUsernameOrPassword,
    InternalError,
    KeysUnavailable,
    NotAuthorized,
    PasswordResetRequired,
    RefreshFailed,
    RefreshTokenReused,
    RemoteProtocolError,
    ResponseLost,
    SecretHashMismatch,
    Throttled,
    TokenExpired,
    TransportError,
    TriggerFailed,
    UserDisabled,
    UserNotConfirmed,
    UserNotFound,
)

__all__ = ["is_ambiguous", "is_transient", "pause_before_repeat", "session_end"]

_CONNECT_REPEATS = 2
_AMBIGUOUS_REPEATS = 1


def is_transient(error: BaseException) -> bool:
    """Whether time may mend it, so that what is held is kept and tried again later."""
    if isinstance(error, CertificateRejected):
        return False
    return isinstance(
        error,
        TransportError
        | Throttled
        | InternalError
        | ExternalService
        | Forbidden
        | TriggerFailed
        | RemoteProtocolError
        | KeysUnavailable
        | RefreshFailed
        | TokenExpired,  # on its way here; the next one will live
    )


def is_ambiguous(error: BaseException) -> bool:
    """Whether the service may have acted although no usable answer came."""
    return isinstance(error, ResponseLost | DeadlineExceeded | InternalError | RemoteProtocolError)


def pause_before_repeat(
    error: BaseException, *, attempt: int, repeat_ambiguous: bool, jitter: float
) -> float | None:
    """Return the seconds to wait before sending the same call again, or None.

    Args:
        error: Why the attempt failed.
        attempt: How many attempts have failed, this one included.
        repeat_ambiguous: Whether the call may be sent twice.
        jitter: A number drawn from [0, 1).
    """
    if isinstance(error, ConnectFailed):
        return 0.2 + 0.8 * jitter if attempt <= _CONNECT_REPEATS else None
    if repeat_ambiguous and is_ambiguous(error):
        return 0.2 + 0.8 * jitter if attempt <= _AMBIGUOUS_REPEATS else None
    return None


def session_end(error: BaseException) -> str | None:
    """Say why a refused refresh ends the session, or None where it does not.

    Everything else keeps the tokens: a network error must not sign anybody out. The
    words are those of `SignInRequired.reason`.
    """
    match error:
        case RefreshTokenReused():
            return "refresh-token-reused"
        case UserDisabled():
            return "user-disabled"
        case UserNotFound() | IncorrectUsernameOrPassword():
            return "user-gone"
        case PasswordResetRequired():
            return "password-reset-required"
        case UserNotConfirmed():
            return "user-not-confirmed"
        case SecretHashMismatch() | AttemptsExceeded():
            return None
        case NotAuthorized():
            return "refresh-token-rejected"
        case _:
            return None
