"""What may be repeated, what mends itself, and what ends a session."""

from __future__ import annotations

from typing import Any

import pytest

from aiocognito import errors
from aiocognito._retry import is_ambiguous, is_transient, pause_before_repeat, session_end


def service(kind: type[errors.ServiceError], **facts: Any) -> errors.ServiceError:
    return kind("text", code="Code", operation="Operation", **facts)


CONNECT = errors.ConnectFailed("Operation", retry_safe=True)
LOST = errors.ResponseLost("Operation", retry_safe=False)
LATE = errors.DeadlineExceeded("Operation", retry_safe=False)
UNTRUSTED = errors.CertificateRejected("Operation", retry_safe=True)
UNREADABLE = errors.RemoteProtocolError("what?")


@pytest.mark.parametrize(
    "error",
    [
        CONNECT,
        LOST,
        LATE,
        UNREADABLE,
        service(errors.Throttled),
        service(errors.InternalError),
        service(errors.ExternalService),
        service(errors.Forbidden),
        service(errors.TriggerFailed),
        errors.KeysUnavailable(),
        errors.RefreshFailed(1.0),
    ],
    ids=lambda error: type(error).__name__,
)
def test_time_may_mend(error: errors.CognitoError) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        UNTRUSTED,  # threat 7: a spoofed server is not asked again and again
        service(errors.NotAuthorized),
        service(errors.IncorrectUsernameOrPassword),
        service(errors.ResourceNotFound),
        service(errors.LimitExceeded),
        service(errors.InvalidConfiguration),
        errors.SignInRequired("ana", "signed-out"),
        errors.SessionClosed(),
        errors.InvalidArgument("x", "y"),
        LookupError("not ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_time_does_not_mend(error: BaseException) -> None:
    assert not is_transient(error)


@pytest.mark.parametrize("error", [LOST, LATE, UNREADABLE, service(errors.InternalError)])
def test_the_service_may_have_acted(error: BaseException) -> None:
    assert is_ambiguous(error)


@pytest.mark.parametrize(
    "error", [CONNECT, UNTRUSTED, service(errors.Throttled), service(errors.NotAuthorized)]
)
def test_the_service_has_not_acted(error: BaseException) -> None:
    assert not is_ambiguous(error)


@pytest.mark.parametrize("repeat_ambiguous", [False, True])
def test_nothing_was_sent_so_two_repeats_are_free(repeat_ambiguous: bool) -> None:
    def pause(attempt: int) -> float | None:
        return pause_before_repeat(
            CONNECT, attempt=attempt, repeat_ambiguous=repeat_ambiguous, jitter=0.0
        )

    assert [pause(1), pause(2), pause(3)] == [0.2, 0.2, None]


@pytest.mark.parametrize("error", [LOST, LATE, UNREADABLE, service(errors.InternalError)])
def test_a_lost_answer_is_asked_for_once_more_where_that_does_no_harm(
    error: BaseException,
) -> None:
    def pause(attempt: int, harmless: bool) -> float | None:
        return pause_before_repeat(error, attempt=attempt, repeat_ambiguous=harmless, jitter=0.0)

    assert [pause(1, True), pause(2, True), pause(1, False)] == [0.2, None, None]


@pytest.mark.parametrize(
    "error", [service(errors.Throttled), service(errors.NotAuthorized), UNTRUSTED]
)
def test_a_clear_answer_is_not_asked_for_again(error: BaseException) -> None:
    assert pause_before_repeat(error, attempt=1, repeat_ambiguous=True, jitter=0.0) is None


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_pauses_stay_between_a_fifth_of_a_second_and_one(jitter: float) -> None:
    pause = pause_before_repeat(CONNECT, attempt=1, repeat_ambiguous=False, jitter=jitter)
    assert pause is not None
    assert 0.2 <= pause < 1.0


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (errors.RefreshTokenRejected, "refresh-token-rejected"),
        (errors.NotAuthorized, "refresh-token-rejected"),
        (errors.RefreshTokenReused, "refresh-token-reused"),
        (errors.UserDisabled, "user-disabled"),
        (errors.UserNotFound, "user-gone"),
        (errors.IncorrectUsernameOrPassword, "user-gone"),
        (errors.PasswordResetRequired, "password-reset-required"),
        (errors.UserNotConfirmed, "user-not-confirmed"),
        (errors.SecretHashMismatch, None),
        (errors.SignInBlocked, None),
        (errors.AttemptsExceeded, None),
        (errors.Throttled, None),
        (errors.InternalError, None),
        (errors.TriggerFailed, None),
        (errors.Forbidden, None),
        (errors.ResourceNotFound, None),
    ],
)
def test_what_ends_a_session(kind: type[errors.ServiceError], reason: str | None) -> None:
    assert session_end(service(kind)) == reason


@pytest.mark.parametrize("error", [CONNECT, LOST, LATE, UNTRUSTED, UNREADABLE])
def test_a_network_error_signs_nobody_out(error: errors.CognitoError) -> None:
    # threat 24
    assert session_end(error) is None
