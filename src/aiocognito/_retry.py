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
    SignInBlocked,
    StoreUnavailable,
    Throttled,
    TokenExpired,
    TransportError,
    TriggerFailed,
    UserDisabled,
    UserNotConfirmed,
    UserNotFound,
)

__all__ = [
    "is_ambiguous",
    "is_transient",
    "pause_before_repeat",
    "pause_when_throttled",
    "session_end",
    "shortest_rest",
]

_CONNECT_REPEATS = 2
_AMBIGUOUS_REPEATS = 1
_THROTTLED_REPEATS = 5
_TRIGGER_REPEATS = 2
_FIREWALL_SECONDS = 60.0
_TRIGGER_REFUSES = "UserLambdaValidationException"  # the others say that it failed
_LONGEST_BACK_OFF = 8.0  # seconds, where the service names no time of its own
_LONGEST_WAIT = 30.0  # a longer wish of the service's is the caller's business


def is_transient(error: BaseException) -> bool:
    """Whether time may mend it, so that what is held is kept and tried again later."""
    if isinstance(error, CertificateRejected):
        return False
    if isinstance(error, TriggerFailed):
        return error.code != _TRIGGER_REFUSES
    return isinstance(
        error,
        TransportError
        | Throttled
        | InternalError
        | ExternalService
        | Forbidden
        | RemoteProtocolError
        | KeysUnavailable
        | RefreshFailed
        | StoreUnavailable
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
    if repeat_ambiguous and isinstance(error, TriggerFailed) and is_transient(error):
        return 0.2 + 0.8 * jitter if attempt <= _TRIGGER_REPEATS else None
    return None


def shortest_rest(error: BaseException) -> float:
    """Return the seconds that a refused refresh has to rest at least, whatever the back-off.

    A firewall counts; who comes back soon stays outside for longer.
    """
    return _FIREWALL_SECONDS if isinstance(error, Forbidden) else 0.0


def pause_when_throttled(error: BaseException, *, attempt: int, jitter: float) -> float | None:
    """Return the seconds to wait because the quota is used up, or None.

    Somebody waits for a sign-in, so those are not put off; this is for administrators'
    calls, which come in bulk. `LimitExceeded` is a lock and no quota: never repeated.

    Args:
        error: Why the attempt failed.
        attempt: How many attempts were throttled, this one included.
        jitter: A number drawn from [0, 1).
    """
    if not isinstance(error, Throttled) or attempt > _THROTTLED_REPEATS:
        return None
    if error.retry_after is not None:
        # Somewhat later for everybody, or all who were sent away come back together.
        return error.retry_after + jitter if error.retry_after <= _LONGEST_WAIT else None
    back_off = min(_LONGEST_BACK_OFF, 0.5 * 2.0 ** (attempt - 1))
    return back_off * (0.5 + 0.5 * jitter)


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
        case SecretHashMismatch() | AttemptsExceeded() | SignInBlocked():
            return None
        case NotAuthorized():
            return "refresh-token-rejected"
        case _:
            return None
